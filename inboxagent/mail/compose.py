"""Our own letter as bytes for DATA and APPEND (RFC 5322), every Message-ID byte for byte."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from inboxagent.mail.body import LONGEST_LINE, Attachment, Quotation, body
from inboxagent.mail.domains import ascii_domain
from inboxagent.mail.fields import mailboxes, unstructured
from inboxagent.mail.headers import Address

LONGEST_REFERENCES = 8_192

MARK_FIELD = "X-Inboxagent"
COPY_FIELD = "X-Inboxagent-Copy"

_ID = re.compile("<[^\x00-\x1f\x7f\x85\u2028\u2029]{1,990}>")
_FORBIDDEN = re.compile("[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]")
_TOKEN = re.compile(r"[\x21-\x7e]{1,200}")
_PAGE = re.compile(r"https://[!-;=?-~]{1,900}")
_SPECIAL = re.compile(r"[\s<>,;:()\[\]\\\"@]")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~@+!$'*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A letter to be written: ids with angle brackets, oldest reference first, `date` aware, any line ends."""

    from_: Address
    to: tuple[Address, ...]
    cc: tuple[Address, ...] = ()
    subject: str
    text: str
    message_id: str
    date: datetime
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    token: str = ""
    list_unsubscribe: str = ""  # the subject that asks for it; empty for no List-Unsubscribe field
    unsubscribe_page: str = ""  # an https address that takes a POST for it (RFC 8058), where she has one
    quotation: Quotation | None = None
    attachments: tuple[Attachment, ...] = ()


def compose(outgoing: Outgoing) -> bytes:
    """The complete message with CRLF line ends. Raises ValueError where a field could smuggle in another one.

    There is no Bcc field, and no Auto-Submitted: this is her personal letter, and what a vacation responder answers to
    it (RFC 3834 forbids them to answer automatic mail) is evidence that she wants.
    """
    _refuse_injection(outgoing)
    fields = [
        _thread_fields(outgoing),
        f"Date: {format_datetime(outgoing.date)}\r\n",
        mailboxes("From", [_mailbox(outgoing.from_)]),
        mailboxes("To", map(_mailbox, outgoing.to)),
        mailboxes("Cc", map(_mailbox, outgoing.cc)) if outgoing.cc else "",
        unstructured("Subject", outgoing.subject),
    ]
    head = "".join(fields).encode("utf-8", "surrogateescape")
    return head + body(outgoing.text, outgoing.quotation, outgoing.attachments, outgoing.message_id)


def mark_copy(message: bytes) -> bytes:
    """The message as the copy that we file ourselves: unlike one that a server filed, it proves nothing."""
    return b"%s: filed by inboxagent\r\n" % COPY_FIELD.encode() + message


def _refuse_injection(outgoing: Outgoing) -> None:
    if not outgoing.to:
        raise ValueError("a letter needs a recipient")
    if outgoing.date.tzinfo is None:
        raise ValueError("the date of a letter needs a time zone")
    for person in (outgoing.from_, *outgoing.to, *outgoing.cc):
        _refuse_control(person.name, "a name")
        _refuse_control(person.address, "an address")
        if not person.address.rpartition("@")[0].isascii() or ascii_domain(person.address.rpartition("@")[2]) is None:
            raise ValueError(f"{person.address!r} needs SMTPUTF8 (RFC 6531), which is not spoken here")
    _refuse_control(outgoing.subject, "the subject")
    ids = (outgoing.message_id, *([outgoing.in_reply_to] if outgoing.in_reply_to else []), *outgoing.references)
    for each in ids:
        if not _ID.fullmatch(each):
            raise ValueError(f"{each!r} is not a Message-ID")
    if outgoing.unsubscribe_page and not _PAGE.fullmatch(outgoing.unsubscribe_page):
        raise ValueError(f"{outgoing.unsubscribe_page!r} is not an https address")
    if outgoing.token and not _TOKEN.fullmatch(outgoing.token):
        raise ValueError("a token is one word of printable ASCII")


def _refuse_control(value: str, what: str) -> None:
    if found := _FORBIDDEN.search(value):
        raise ValueError(f"{what} may not contain the control character U+{ord(found.group()):04X}")


def _mailbox(person: Address) -> tuple[str, str]:
    """Display name and addr-spec, the domain in ASCII. Addresses like a..b@, which some carriers gave out, are all
    right."""
    local, _, domain = person.address.rpartition("@")
    quoted = len(local) > 2 and local[0] == local[-1] == '"'
    if not local or not domain or _SPECIAL.search(domain) or (not quoted and _SPECIAL.search(local)):
        raise ValueError(f"{person.address!r} is not an address")
    return person.name, f"{local}@{ascii_domain(domain) or domain}"


def _thread_fields(outgoing: Outgoing) -> str:
    """The fields with ids, written by hand: one id a line, so that no serialiser can touch them."""
    lines = [f"Message-ID: {outgoing.message_id}"]
    if outgoing.in_reply_to:
        long = len(outgoing.in_reply_to) > LONGEST_LINE - len("In-Reply-To: ")
        lines.append(f"In-Reply-To:\r\n {outgoing.in_reply_to}" if long else f"In-Reply-To: {outgoing.in_reply_to}")
    if chain := trim_references(outgoing.references):
        lines.append(
            "References:\r\n " + "\r\n ".join(chain) if len(chain[0]) > 980 else "References: " + "\r\n ".join(chain)
        )
    if outgoing.token:
        lines.append(f"{MARK_FIELD}: {outgoing.token}")
    if outgoing.list_unsubscribe:
        lines += _unsubscribe_fields(outgoing)
    return "".join(line + "\r\n" for line in lines)


def _unsubscribe_fields(outgoing: Outgoing) -> list[str]:
    """By mail (RFC 2369, 3.2), and with one click where she has a page for it (RFC 8058)."""
    address, subject = _percent(_mailbox(outgoing.from_)[1]), _percent(outgoing.list_unsubscribe)
    by_mail = f"<mailto:{address}?subject={subject}>"
    if not outgoing.unsubscribe_page:
        return [f"List-Unsubscribe: {by_mail}"]
    return [
        f"List-Unsubscribe: <{outgoing.unsubscribe_page}>,\r\n {by_mail}",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
    ]


def _percent(text: str) -> str:
    """As it stands in a mailto URI (RFC 6068, 2)."""
    return "".join(chr(each) if chr(each) in _UNRESERVED else f"%{each:02X}" for each in text.encode())


def trim_references(references: Sequence[str]) -> tuple[str, ...]:
    """The chain, each id once; over 8 KB the middle is left out: the first ids name the thread, the last its state."""
    chain = list(dict.fromkeys(references))
    while len(chain) > 2 and sum(len(each) + 3 for each in chain) > LONGEST_REFERENCES:
        del chain[len(chain) // 2 if len(chain) < 9 else 4]
    return tuple(chain)


def dot_stuff(data: bytes) -> bytes:
    """The data as it goes on the wire (RFC 5321 4.5.2): CRLF line ends, leading dots doubled, no final dot."""
    lines = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").removesuffix(b"\n").split(b"\n")
    return b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in lines)
