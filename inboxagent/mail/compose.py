"""Our own letter as bytes for DATA and APPEND (RFC 5322), every Message-ID byte for byte."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address as Mailbox
from email.message import EmailMessage
from email.policy import SMTP

from inboxagent.mail.headers import Address

# RFC 5322 2.1.1. The name of the field, its colon and space stand on the same line.
LONGEST_LINE = 998
LONGEST_REFERENCES = 8_192

# The standard serialiser folds at 78 columns and turns ids of that length into encoded words, which loses the thread.
_POLICY = SMTP.clone(max_line_length=LONGEST_LINE)
_ID = re.compile("<[^\x00-\x1f\x7f\x85\u2028\u2029]{1,990}>")
_FORBIDDEN = re.compile("[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]")
_TOKEN = re.compile(r"[\x21-\x7e]{1,200}")
_SPECIAL = re.compile(r"[\s<>,;:()\[\]\\\"@]")
_LINE_END = re.compile(r"\r\n|\r|\n")


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


def compose(outgoing: Outgoing) -> bytes:
    """The complete message with CRLF line ends. Raises ValueError where a field could smuggle in another one.

    There is no Bcc field, and no Auto-Submitted: this is her personal letter, and what a vacation responder answers to
    it (RFC 3834 forbids them to answer automatic mail) is evidence that she wants.
    """
    _refuse_injection(outgoing)
    message = EmailMessage(policy=_POLICY)
    message["Date"] = outgoing.date
    message["From"] = _mailbox(outgoing.from_)
    message["To"] = [_mailbox(each) for each in outgoing.to]
    if outgoing.cc:
        message["Cc"] = [_mailbox(each) for each in outgoing.cc]
    message["Subject"] = outgoing.subject
    _set_text(message, outgoing.text)
    return _thread_fields(outgoing) + message.as_bytes()


def _refuse_injection(outgoing: Outgoing) -> None:
    if not outgoing.to:
        raise ValueError("a letter needs a recipient")
    if outgoing.date.tzinfo is None:
        raise ValueError("the date of a letter needs a time zone")
    for person in (outgoing.from_, *outgoing.to, *outgoing.cc):
        _refuse_control(person.name, "a name")
        _refuse_control(person.address, "an address")
        if not person.address.isascii():
            raise ValueError(f"{person.address!r} needs SMTPUTF8 (RFC 6531), which is not spoken here")
    _refuse_control(outgoing.subject, "the subject")
    ids = (outgoing.message_id, *([outgoing.in_reply_to] if outgoing.in_reply_to else []), *outgoing.references)
    for each in ids:
        if not _ID.fullmatch(each):
            raise ValueError(f"{each!r} is not a Message-ID")
    if outgoing.token and not _TOKEN.fullmatch(outgoing.token):
        raise ValueError("a token is one word of printable ASCII")


def _refuse_control(value: str, what: str) -> None:
    if found := _FORBIDDEN.search(value):
        raise ValueError(f"{what} may not contain the control character U+{ord(found.group()):04X}")


def _mailbox(person: Address) -> Mailbox:
    """By local part and domain, because the class refuses addresses like a..b@ that some carriers gave out."""
    local, _, domain = person.address.rpartition("@")
    quoted = len(local) > 2 and local[0] == local[-1] == '"'
    if not local or not domain or _SPECIAL.search(domain) or (not quoted and _SPECIAL.search(local)):
        raise ValueError(f"{person.address!r} is not an address")
    return Mailbox(display_name=person.name, username=local.removeprefix('"').removesuffix('"'), domain=domain)


def _set_text(message: EmailMessage, text: str) -> None:
    """7bit where the text allows it, else quoted-printable: 8bit may be recoded on the way, which breaks signatures."""
    text = _LINE_END.sub("\n", text)
    if not text.endswith("\n"):
        text += "\n"
    plain = text.isascii() and all(len(line) <= LONGEST_LINE for line in text.split("\n"))
    message.set_content(text, charset="utf-8", cte="7bit" if plain else "quoted-printable")


def _thread_fields(outgoing: Outgoing) -> bytes:
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
        lines.append(f"X-Inboxagent: {outgoing.token}")
    return "".join(line + "\r\n" for line in lines).encode("utf-8", "surrogateescape")


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
