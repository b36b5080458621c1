"""The parts of a message (RFC 2046): which there are, which the writer shows, what text they hold."""

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from email.message import Message

from inboxagent.mail.headers import to_text

LONGEST_SOURCE = 65_536

# Without these, ASCII reads alike in every charset: they are of ISO 2022, UTF-7, UTF-16 and HZ.
_SHIFTS = (b"\x1b", b"+", b"\0", b"~{")

# What the standard library raises on bytes that were made to hurt it.
UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError)


@dataclass(frozen=True, eq=False)
class Part:
    """One part with its type ("text/plain"), which is costly to ask for; `is_whole` means that it is the message."""

    message: Message
    kind: str
    is_whole: bool

    @property
    def is_returned(self) -> bool:
        """Whether it is a returned message whose header section was taken for that of the part."""
        return not self.is_whole and ("message-id" in self.message or "received" in self.message)

    @property
    def children(self) -> list[Message]:
        """What it contains: the parts of a multipart, the message of a message/rfc822."""
        payload = payload_of(self.message)
        return [child for child in payload if isinstance(child, Message)] if isinstance(payload, list) else []

    @functools.cached_property
    def is_shown(self) -> bool:
        """Whether the writer shows it as his text: neither attached nor returned."""
        if self.message.is_multipart() or self.is_returned:
            return False
        if self.kind.startswith("multipart/"):
            return True  # declared so, but nothing in it could be told apart
        return self.kind in ("text/plain", "text/html") and self.message.get_content_disposition() != "attachment"

    @functools.cached_property
    def text(self) -> str:
        """Its content as text, in the charset it declares where that fits. Total."""
        octets = self.octets
        if octets.isascii() and not any(shift in octets for shift in _SHIFTS):
            return octets.decode("ascii")
        charset = str(self.message.get_content_charset("utf-8") or "utf-8")
        return to_text(octets, charset).encode("utf-8", "replace").decode("utf-8")

    @property
    def octets(self) -> bytes:
        """Its content without transfer encoding. Total."""
        try:
            payload = self.message.get_payload(decode=True)
        except UNREADABLE:  # transfer encodings and charsets raise out of the standard library
            payload = None
        if isinstance(payload, bytes):
            return payload
        return str(payload_of(self.message) or "").encode("utf-8", "surrogateescape")

    @functools.cached_property
    def source(self) -> str:
        """Its content as it was written, at most 64 KB; message/* parts were parsed into messages and are written out
        again."""
        if self.message.is_multipart():
            return "\n\n".join(_fields_of(child) for child in self.children)[:LONGEST_SOURCE]
        return self.octets.decode("utf-8", "surrogateescape")[:LONGEST_SOURCE].lstrip("\r\n")


def payload_of(message: Message) -> object:
    """`get_payload`, which raises where the charset holds a NUL: text as it is written, or the parts. Total."""
    try:
        return message.get_payload()
    except UNREADABLE:
        return bytes(message.get_payload(decode=True)).decode("ascii", "replace")


def _fields_of(message: Message) -> str:
    """A block of fields, and what the parser took for its body when a line was no field."""
    fields = "\n".join(f"{name}: {value}" for name, value in message.raw_items())
    body = payload_of(message)
    return f"{fields}\n\n{body}" if isinstance(body, str) else fields


def parts_of(message: Message) -> tuple[Part, ...]:
    """Every part of a message, outermost first, but not those of messages attached to it."""
    parts: list[Part] = []
    stack = [message]
    while stack:
        part = Part(stack[-1], stack.pop().get_content_type(), not parts)
        parts.append(part)
        if part.kind.startswith("multipart/"):
            stack.extend(reversed(part.children))
    return tuple(parts)


def returned_text(parts: Iterable[Part]) -> str:
    """The text of attached messages and header sections, capped at 32 KB each."""
    found = []
    for part in parts:
        if part.kind.startswith("message/") and part.message.is_multipart() and part.kind != "message/delivery-status":
            found += [_written_out(child) for child in part.children]
        elif "rfc822" in part.kind or (part.kind.startswith("message/") and not part.message.is_multipart()):
            found.append(to_text(part.octets, "utf-8")[:32_768])
        elif part.is_returned:
            found.append(_written_out(part.message))
    return "\n\n".join(found)


def _written_out(message: Message) -> str:
    """The header section, the own text and the report fields of an attached message."""
    fields = "".join(f"{name}: {value}\n" for name, value in message.raw_items())
    parts = parts_of(message)
    texts = [part.text for part in parts if part.is_shown]
    reports = [part.source for part in parts if part.kind == "message/delivery-status"]
    return "\n".join([fields, *texts, *reports])[:32_768]
