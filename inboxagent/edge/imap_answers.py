"""What an IMAP server answers, as values: LIST, STATUS and FETCH responses (RFC 3501, 7.2 and 7.4).

imaplib gives each response as any number of (text, literal) pairs and one text that ends it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from imapclient import imap_utf7

Piece = bytes | tuple[bytes, bytes]

_STRING = rb'"((?:[^"\\]|\\.)*)"'
_ESCAPE = re.compile(rb"\\(.)")
_LITERAL_MARK = re.compile(rb"\{\d+\}$")
_LIST = re.compile(rb"\(([^)]*)\) (NIL|" + _STRING + rb") (?:" + _STRING + rb"|(.+))$", re.DOTALL)
_STATUS = re.compile(rb"(?:" + _STRING + rb"|(.+?)) \(([^()]*)\) ?$", re.DOTALL)
_SECTION = rb"BODY\[([A-Z.]+)[^\]]*\](?:<\d+>)? "
_SECTION_LITERAL = re.compile(_SECTION + rb"\{\d+\}$", re.IGNORECASE)
_SECTION_STRING = re.compile(_SECTION + rb"(?:NIL|" + _STRING + rb")", re.IGNORECASE | re.DOTALL)
_UID = re.compile(rb"\bUID (\d+)", re.IGNORECASE)
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)", re.IGNORECASE)
_DATE = rb'INTERNALDATE " ?(\d{1,2}-[A-Z]{3}-\d{4}) (\d\d):(\d\d):(\d\d) ([+-]\d{4})"'
_INTERNALDATE = re.compile(_DATE, re.IGNORECASE)
# As nearly every server writes it: in the order that was asked for, with one literal.
_PLAIN = re.compile(rb"\(UID (\d+) " + _DATE + rb" RFC822\.SIZE (\d+) " + _SECTION + rb"\{\d+\}", re.IGNORECASE)
_MONTHS = {
    name: number for number, name in enumerate(b"jan feb mar apr may jun jul aug sep oct nov dec".split(), start=1)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One mailbox of a LIST response. `wire` is its name as the server spells it, `attributes` are lower-case."""

    name: str
    wire: bytes
    delimiter: str | None
    attributes: frozenset[str]

    @property
    def selectable(self) -> bool:
        """Whether it can hold messages (RFC 3501, 7.2.2; RFC 5258, 3)."""
        return not self.attributes & {"\\noselect", "\\nonexistent"}

    @property
    def path(self) -> tuple[str, ...]:
        """The name's elements, outermost first."""
        return tuple(self.name.split(self.delimiter)) if self.delimiter else (self.name,)


class Message(NamedTuple):
    """One FETCH response. `sections` are by their upper-case name ("HEADER.FIELDS"); what was not told is None."""

    uid: int
    received_at: datetime | None
    size: int
    sections: Mapping[str, bytes]


def quote(wire: bytes) -> bytes:
    """A quoted string (RFC 3501, 4.3). Raises ValueError for control characters, which would end the command."""
    if any(byte < 32 or byte == 127 for byte in wire):
        raise ValueError("a control character where none may be")
    return b'"' + wire.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


@lru_cache(maxsize=8)  # looks come in numbers, and seldom is a mailbox made between two of them
def read_mailboxes(pieces: tuple[Piece, ...]) -> tuple[Listed, ...]:
    """The mailboxes of LIST responses. Raises ValueError for a response that is none."""
    found: dict[bytes, Listed] = {}
    names: dict[str, bytes] = {}
    for line in _lines(pieces):
        match = _LIST.match(line)
        if match is None:
            raise ValueError(f"not a LIST response: {line[:200]!r}")
        wire = _canonical(_unescape(match[4]) if match[4] is not None else match[5])
        name = decode_name(wire)
        if names.setdefault(name, wire) != wire:  # two spellings of one name: keep them apart
            name = wire.decode("ascii", "backslashreplace")
        found[wire] = Listed(
            name=name,
            wire=wire,
            delimiter=None if match[2].upper() == b"NIL" else _unescape(match[3]).decode("latin-1"),
            attributes=frozenset(match[1].decode("latin-1").lower().split()),
        )
    return tuple(found.values())


@lru_cache(maxsize=8)  # while nothing is new, a look brings the same lines as the look before it
def read_statuses(pieces: tuple[Piece, ...]) -> Mapping[bytes, Mapping[str, int]]:
    """The items of STATUS responses by the mailbox's wire name. Raises ValueError for a response that is none."""
    found: dict[bytes, dict[str, int]] = {}
    for line in _lines(pieces):
        match = _STATUS.match(line)
        if match is None:
            raise ValueError(f"not a STATUS response: {line[:200]!r}")
        words = match[3].decode("latin-1").upper().split()
        items = {name: int(value) for name, value in zip(words[::2], words[1::2], strict=True) if value.isdecimal()}
        found.setdefault(_canonical(_unescape(match[1]) if match[1] is not None else match[2]), {}).update(items)
    return found


def read_message(record: Sequence[Piece]) -> Message | None:
    """The message of a FETCH response; None for one without a UID, which nobody asked for (RFC 3501, 7.4.2)."""
    if len(record) == 2 and record[1] == b")" and isinstance(record[0], tuple):
        text, literal = record[0]
        plain = _PLAIN.fullmatch(text)
        if plain is not None:
            uid, day, hour, minute, second, zone, size, name = plain.groups()
            received_at = _instant(day, hour, minute, second, zone)
            return Message(int(uid), received_at, int(size), {name.decode("ascii").upper(): literal})
    text, sections = _sections(record)
    found, bytes_long = _UID.search(text), _SIZE.search(text)
    if found is None:
        return None
    return Message(int(found[1]), read_internaldate(text), int(bytes_long[1]) if bytes_long else 0, sections)


def read_internaldate(text: bytes) -> datetime | None:
    """The instant of an INTERNALDATE item, aware UTC; None where there is none or it is not a date."""
    match = _INTERNALDATE.search(text)
    return None if match is None else _instant(*match.groups())


def _instant(day: bytes, hour: bytes, minute: bytes, second: bytes, zone: bytes) -> datetime | None:
    midnight = _midnight(day, zone)
    hours, minutes, seconds = int(hour), int(minute), min(int(second), 59)  # a leap second is the one before
    if midnight is None or hours > 23 or minutes > 59:
        return None
    try:
        return midnight + timedelta(seconds=hours * 3_600 + minutes * 60 + seconds)
    except OverflowError:
        return None


@lru_cache(maxsize=4_096)  # many messages, few days
def _midnight(day: bytes, zone: bytes) -> datetime | None:
    """The beginning of a day like 17-Jul-1996 in a zone like -0700, as UTC."""
    number, month, year = day.split(b"-")
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:]))
    try:
        local = datetime(int(year), _MONTHS[month.lower()], int(number), tzinfo=UTC)
        return local + offset if zone.startswith(b"-") else local - offset
    except (KeyError, ValueError, OverflowError):
        return None


def decode_name(wire: bytes) -> str:
    """A mailbox name out of modified UTF-7 (RFC 3501, 5.1.3); one that is not, byte by byte."""
    if b"&" not in wire:
        return wire.decode("latin-1")
    try:
        return str(imap_utf7.decode(wire))
    except ValueError:
        return wire.decode("latin-1")


def _canonical(wire: bytes) -> bytes:
    return b"INBOX" if wire.upper() == b"INBOX" else wire  # RFC 3501, 5.1: in any case the same mailbox


def _records(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    record: list[Piece] = []
    for piece in pieces:
        record.append(piece)
        if isinstance(piece, bytes):
            yield record
            record = []


def _lines(pieces: Iterable[Piece]) -> Iterator[bytes]:
    """Each response as one text, its literals written as quoted strings."""
    for record in _records(pieces):
        line = b""
        for piece in record:
            if isinstance(piece, bytes):
                line += piece
            else:
                line += _LITERAL_MARK.sub(b"", piece[0]) + quote(piece[1])
        if line:
            yield line


def _sections(record: Iterable[Piece]) -> tuple[bytes, dict[str, bytes]]:
    """The text of a FETCH response without its body sections, and these."""
    text = b""
    sections: dict[str, bytes] = {}
    for piece in record:
        rest, literal = piece if isinstance(piece, tuple) else (piece, b"")
        mark = _SECTION_LITERAL.search(rest) if isinstance(piece, tuple) else None
        if mark is not None:
            sections[_name(mark)] = literal
            rest = rest[: mark.start()]
        text += b" " + _cut_strings(rest, sections)
    return text, sections


def _cut_strings(text: bytes, sections: dict[str, bytes]) -> bytes:
    if b"BODY[" not in text.upper():
        return text
    for match in _SECTION_STRING.finditer(text):
        sections[_name(match)] = _unescape(match[2] or b"")
    return _SECTION_STRING.sub(b"", text)


def _name(match: re.Match[bytes]) -> str:
    return match[1].decode("ascii").upper()


def _unescape(text: bytes) -> bytes:
    return _ESCAPE.sub(rb"\1", text) if b"\\" in text else text


def uid_set(uids: Iterable[int]) -> str:
    """A sequence set (RFC 3501, 9) of these UIDs, runs written as ranges: "3:7,9"."""
    runs: list[list[int]] = []
    for uid in sorted(uids):
        if runs and runs[-1][1] == uid - 1:
            runs[-1][1] = uid
        else:
            runs.append([uid, uid])
    return ",".join(f"{first}:{last}" if first != last else str(first) for first, last in runs)
