"""A message that came in, as a value: bytes become an Inbound once, here, and nobody reads them again."""

import base64
import email
import email.utils
import hashlib
import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.parser import BytesHeaderParser

from inboxagent.mail import html as html_body
from inboxagent.mail.headers import Address, addresses, decode, message_ids
from inboxagent.mail.parts import UNREADABLE, Part, parts_of, payload_of, returned_text
from inboxagent.mail.report import Report, read_report

LONGEST_HEADER = 65_536
LONGEST_BODY = 262_144
# Beyond these a message is a bomb: the parser recurses by container and pays for each part.
MOST_CONTAINERS = 50
MOST_BOUNDARIES = 300

_FOLD = re.compile(r"\r?\n(?=[ \t])|[\r\n]+")
_CONTAINER = re.compile(rb"^content-type:\s{0,20}(?:multipart|message)/", re.IGNORECASE | re.MULTILINE)
_BOUNDARY = re.compile(rb"^--\S", re.MULTILINE)
_USED = re.compile(r'^--([^\s"]{1,200})[ \t]{0,9}\r?\nContent-', re.IGNORECASE | re.MULTILINE)
_EMPTY_LINES = (b"\n\n", b"\n\r\n", b"\r\r")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """A parsed message, or (`complete` False) only its header section.

    `fields` maps lower-case names to raw unfolded values in the order they came. `message_id` is never empty: without
    a Message-ID field it is a hash of From, Date, Subject and the body. `text` is the plain text of the body, made from
    `html` unless `has_plain`; attached messages are not in it, their readable text is `returned` (a bounce has such).
    `date` is UTC.
    """

    fields: Mapping[str, tuple[str, ...]]
    message_id: str
    has_message_id: bool
    from_: tuple[Address, ...]
    sender: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    subject: str
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    date: datetime | None
    text: str = ""
    html: str = ""
    returned: str = ""
    has_plain: bool = True
    report: Report | None = None
    complete: bool = True

    @property
    def thread_ids(self) -> tuple[str, ...]:
        """In-Reply-To and References, each id once."""
        return tuple(dict.fromkeys(self.in_reply_to + self.references))

    def field(self, name: str) -> str:
        """The first value of a field, by its lower-case name; empty where it is absent."""
        return self.fields.get(name, ("",))[0]


def parse(raw: bytes) -> Inbound:
    """The message in these bytes. Total: whatever they are, there is an Inbound; at most 64 KB of header section and
    256 KB of body are looked at."""
    message = _message(bounded(raw))
    parts = parts_of(message)
    plain, html = _body(parts)
    has_plain = bool(plain.strip())
    text = plain if has_plain else html_body.to_text(html)
    return _inbound(
        message,
        text=text[:LONGEST_BODY],
        html=html[:LONGEST_BODY],
        returned=returned_text(parts)[:LONGEST_BODY],
        has_plain=has_plain,
        report=read_report(parts),
        complete=True,
    )


def parse_headers(raw: bytes) -> Inbound:
    """A fetched header section (all fields or some), for sifting: no body, `complete` False. Total."""
    return _inbound(BytesHeaderParser().parsebytes(_unwrapped(raw)[:LONGEST_HEADER]), complete=False)


def bounded(raw: bytes) -> bytes:
    """The part of a message that is safe to parse: capped in size, in containers and in parts."""
    raw = _unwrapped(raw)
    end = _header_end(raw[:LONGEST_HEADER])
    at = end or min(len(raw), LONGEST_HEADER)
    body = raw[at : at + LONGEST_BODY]
    if body.count(b"\n--") < MOST_BOUNDARIES and body.count(b"/") < MOST_CONTAINERS:
        return raw[:at] + (b"" if end else b"\n\n") + body  # counting is quicker than looking
    for pattern, most in ((_CONTAINER, MOST_CONTAINERS), (_BOUNDARY, MOST_BOUNDARIES)):
        beyond = next(itertools.islice(pattern.finditer(body), most, None), None)
        body = body[: beyond.start()] if beyond else body
    return raw[:at] + (b"" if end else b"\n\n") + body


def _header_end(raw: bytes) -> int:
    """Where the body begins; 0 where there is nothing but a header section."""
    return min((at + len(line) for line in _EMPTY_LINES if (at := raw.find(line)) >= 0), default=0)


def _unwrapped(raw: bytes) -> bytes:
    """Without the empty lines and the "From " line of an mbox file that may stand before the first field."""
    raw = raw[: LONGEST_HEADER + LONGEST_BODY + 1_024].lstrip(b"\r\n")
    if b"\n" not in raw[:2_000]:
        raw = raw.replace(b"\r", b"\n")
    if raw.startswith((b"From ", b">From ")):
        raw = raw.partition(b"\n")[2]
    return raw


def _message(raw: bytes) -> Message:
    try:
        return _repaired(_text_message(raw) or email.message_from_bytes(raw))
    except UNREADABLE:  # the standard parser is not total; what it cannot read is text
        message = BytesHeaderParser().parsebytes(raw)
        for name in ("content-type", "content-transfer-encoding"):
            del message[name]
        return message


def _text_message(raw: bytes) -> Message | None:
    """A message whose body is one text, which the full parser would go through line by line; None for any other."""
    end = _header_end(raw)
    if _CONTAINER.search(raw, 0, end):
        return None
    message = BytesHeaderParser().parsebytes(raw[:end])
    if payload_of(message):
        return None  # some line was no field, and ended the header section earlier
    message.set_payload(raw[end:].decode("ascii", "surrogateescape"))
    return message


def _repaired(message: Message) -> Message:
    """A multipart whose declared boundary occurs nowhere, split at the one that does."""
    if message.get_content_maintype() != "multipart":
        return message
    body = payload_of(message)
    if isinstance(body, str) and (found := _USED.search(body)):
        inner = email.message_from_string(f'Content-Type: multipart/mixed; boundary="{found[1]}"\n\n{body}')
        message.set_payload(inner.get_payload())
    return message


def _inbound(
    message: Message,
    *,
    text: str = "",
    html: str = "",
    returned: str = "",
    has_plain: bool = True,
    report: Report | None = None,
    complete: bool,
) -> Inbound:
    fields = _fields(message)
    ids = message_ids(_first(fields, "message-id"))
    return Inbound(
        fields=fields,
        message_id=ids[0] if ids else _synthetic_id(fields, text + html),
        has_message_id=bool(ids),
        from_=_people(fields, "from"),
        sender=_people(fields, "sender"),
        reply_to=_people(fields, "reply-to"),
        to=_people(fields, "to"),
        cc=_people(fields, "cc"),
        subject=decode(_first(fields, "subject")).strip(),
        in_reply_to=_ids(fields, "in-reply-to"),
        references=_ids(fields, "references"),
        date=_date(_first(fields, "date")),
        text=text,
        html=html,
        returned=returned,
        has_plain=has_plain,
        report=report,
        complete=complete,
    )


def _fields(message: Message) -> dict[str, tuple[str, ...]]:
    fields: dict[str, tuple[str, ...]] = {}
    for name, value in message.raw_items():
        key = name.lower()
        value = str(value)
        unfolded = _FOLD.sub("", value) if "\n" in value or "\r" in value else value
        fields[key] = (*fields.get(key, ())[:100], unfolded.strip())
    return fields


def _first(fields: Mapping[str, tuple[str, ...]], name: str) -> str:
    return fields.get(name, ("",))[0]


def _people(fields: Mapping[str, tuple[str, ...]], name: str) -> tuple[Address, ...]:
    return tuple(person for value in fields.get(name, ()) for person in addresses(value))


def _ids(fields: Mapping[str, tuple[str, ...]], name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for value in fields.get(name, ()) for each in message_ids(value)))


def _synthetic_id(fields: Mapping[str, tuple[str, ...]], body: str) -> str:
    parts = [_first(fields, name) for name in ("from", "date", "subject")] + [body]
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()
    return f"<{digest[:32]}@no-message-id.invalid>"


def _date(value: str) -> datetime | None:
    try:
        date = email.utils.parsedate_to_datetime(value[:200])
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _body(parts: Iterable[Part]) -> tuple[str, str]:
    """The plain text and the HTML that the writer shows; where there are several texts, mail-parser joins them."""
    shown = [part for part in parts if part.is_shown]
    if len(shown) > 1:
        return _joined(shown)
    text = "".join(part.text for part in shown)
    return ("", text) if any(part.kind == "text/html" for part in shown) else (text, "")


def _joined(shown: Iterable[Part]) -> tuple[str, str]:
    # Importing it costs a tenth of a second, and most commands never parse a body.
    import mailparser

    reduced = Message()
    reduced["Content-Type"] = "multipart/mixed"
    reduced.set_payload([_encoded(part) for part in shown])
    mail = mailparser.MailParser(reduced)
    return "\n".join(mail.text_plain), "\n".join(mail.text_html)


def _encoded(part: Part) -> Message:
    """The part with a charset that fits its bytes: mail-parser does not decode ISO-2022 in 7bit, and a wrong charset
    costs it every letter that is not ASCII."""
    encoded = Message()
    kind = "text/html" if part.kind == "text/html" else "text/plain"
    encoded["Content-Type"] = f'{kind}; charset="utf-8"'
    encoded["Content-Transfer-Encoding"] = "base64"
    encoded.set_payload(base64.b64encode(part.text.encode()).decode("ascii"))
    return encoded
