"""The body of our own letter: its text, what it quotes, and what is attached (RFC 2045, 2046, 2183, 3676)."""

import email.quoprimime
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import MIMEPart
from email.policy import SMTP

from inboxagent.mail.flowed import flow, quote

LONGEST_LINE = 998  # RFC 5322, 2.1.1
_PRINTED_WIDTH = 78
_VERSION = b"MIME-Version: 1.0\r\n"
_TEXT_TYPE = b'Content-Type: text/plain; charset="utf-8"; format="flowed"\r\n'
_LINE_END = re.compile(r"\r\n|\r|\n")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_MEDIA_TYPE = re.compile(r"[a-z]{1,127}/[a-z0-9][a-z0-9.+-]{0,126}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that goes with a letter: the name that he sees, a media type such as `application/pdf`, the octets."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotation:
    """Words of the message that is answered, below a line that says whose they are."""

    heading: str
    text: str


def body(text: str, quotation: Quotation | None, attachments: Sequence[Attachment], key: str) -> bytes:
    """The MIME fields and the body with CRLF line ends; the boundary between parts depends on nothing but `key`.

    Raises ValueError for an attachment whose name or type cannot stand in a header field.
    """
    encoding, content = _text(text, quotation)
    if not attachments:
        return encoding + _VERSION + _TEXT_TYPE + b"\r\n" + content
    boundary = b"=_" + hashlib.sha256(key.encode()).hexdigest()[:32].encode()
    parts = [encoding + _TEXT_TYPE + b"\r\n" + content, *map(_attached, attachments)]
    head = _VERSION + b'Content-Type: multipart/mixed; boundary="%s"\r\n\r\n' % boundary
    return head + b"".join(b"--%s\r\n%s\r\n" % (boundary, part) for part in parts) + b"--%s--\r\n" % boundary


def _text(text: str, quotation: Quotation | None) -> tuple[bytes, bytes]:
    """The field that names the encoding, and the content: 7bit where that does, else quoted-printable, for 8bit may be
    recoded on the way."""
    text = flow(_LINE_END.sub("\n", text)) + (_quoted(quotation) if quotation else "")
    if not text.endswith("\n"):
        text += "\n"
    plain = text.isascii() and all(len(line) <= LONGEST_LINE for line in text.split("\n"))
    encoded = text if plain else email.quoprimime.body_encode(text.encode().decode("latin-1"), _PRINTED_WIDTH)
    field = f"Content-Transfer-Encoding: {'7bit' if plain else 'quoted-printable'}\r\n"
    return field.encode("ascii"), encoded.replace("\n", "\r\n").encode("ascii")


def _quoted(quotation: Quotation) -> str:
    words = _LINE_END.sub("\n", quotation.text).strip("\n")
    return f"\n\n{flow(quotation.heading)}\n{quote(words)}"


def _attached(attachment: Attachment) -> bytes:
    """A part in base64; a name beyond ASCII as RFC 2231 has it."""
    if not attachment.name or _CONTROL.search(attachment.name):
        raise ValueError(f"{attachment.name!r} cannot be the name of an attachment")
    if not _MEDIA_TYPE.fullmatch(attachment.media_type):
        raise ValueError(f"{attachment.media_type!r} is not a media type")
    maintype, _, subtype = attachment.media_type.partition("/")
    if maintype in ("message", "multipart"):  # which may not be in base64 (RFC 2045, 6.4)
        maintype, subtype = "application", "octet-stream"
    part = MIMEPart(policy=SMTP)
    part.set_content(attachment.content, maintype, subtype, filename=attachment.name, disposition="attachment")
    return part.as_bytes().rstrip(b"\r\n")
