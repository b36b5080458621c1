"""One line of the journal: `j1 <crc32> {header}<TAB>content`. Pure.

The header says which document of which table the line is about and which index values it has, so that opening the
journal reads no contents. The content is the whole document, `null` where it is removed, or, in a line whose header has
`p`, what came to it since the line at that place: `{"=": {field: value}, "+": {list: further items}}`.

| header | meaning |
|---|---|
| `n` | number of the line; grows, never comes twice |
| `d` | the number before this transaction: the newest change known to be on disk when this line was written |
| `of` | [i, m]: the i-th of the m lines of a transaction, which counts only when it is complete |
| `t`, `k` | table and document id |
| `x` | index values: a text or number is a column, a list adds words to find the document by |
| `p`, `l` | place of the line that this one adds to, and how many lines it takes to read the document |
| `head` | the first line: schema of the file; `ids`: the highest id that each table ever gave |
| `mark` | a clean end: the line before it is covered by R2 |
"""

import json
import re
import zlib
from collections.abc import Mapping, Sequence
from operator import is_
from typing import Any

SCHEMA = 2
"""Of the journal. 1 was a file that was replaced whole."""

Header = dict[str, Any]
_AT = 12  # where the header begins, after the checksum
LONGEST_CHAIN = 32
REMOVED = b"null"
"""The content of a line that removes its document."""


def encode(value: object) -> bytes:
    """JSON as people read it; lone surrogates (bytes nobody could decode) are escaped. Raises TypeError, ValueError."""
    try:
        return _PLAIN.encode(value).encode()
    except UnicodeEncodeError:
        return _ESCAPED.encode(value).encode()


_PLAIN = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_ESCAPED = json.JSONEncoder(allow_nan=False, separators=(",", ":"))
_decode = json.JSONDecoder().decode


def compose(header: Header, content: bytes = REMOVED) -> bytes:
    """The line, with its end."""
    rest = b"%b\t%b" % (encode(header), content)
    return b"j1 %08x %b\n" % (zlib.crc32(rest), rest)


def is_whole(line: bytes) -> bool:
    """Whether every bit of it is as it was written."""
    return line[:_AT] == b"j1 %08x " % zlib.crc32(memoryview(line)[_AT:-1]) and line[-1:] == b"\n"


def header(line: bytes) -> Header | None:
    """The header of a line that is whole; None where a bit of it is wrong or its end is missing."""
    if not is_whole(line):
        return None
    found = _decode(line[_AT : line.index(b"\t", _AT)].decode())
    return found if isinstance(found, dict) else None


def headers(batch: Sequence[bytes]) -> list[Header]:
    """The headers of the lines that are whole, up to the first one that is not. Decoded together, in half the time."""
    found: list[bytes] = []
    for line in batch:
        if not is_whole(line):
            break
        found.append(line[_AT : line.index(b"\t", _AT)])
    decoded: list[Header] = _decode(f"[{b','.join(found).decode()}]")
    return decoded


def swallowed(line: bytes) -> list[Header]:
    """Headers of whole lines behind a damaged line end."""
    found = (header(line[match.start() :]) for match in _BEGINNING.finditer(line, 1))
    return [each for each in found if each is not None]


_BEGINNING = re.compile(rb"j1 [0-9a-f]{8} \{")


def text(line: bytes) -> bytes:
    """The content of a whole line as it stands there."""
    return line[line.index(b"\t", _AT) + 1 : -1]


def content(line: bytes) -> Any:
    """What a whole line says, freshly parsed."""
    return _decode(text(line).decode())


def difference(old: Any, new: Any) -> dict[str, Any] | None:
    """What to add to `old` to get `new`; None where writing `new` whole is simpler."""
    if not isinstance(old, dict) or not isinstance(new, dict) or not old.keys() <= new.keys():
        return None
    added: dict[str, Any] = {}
    replaced: dict[str, Any] = {}
    for key, value in new.items():
        before = old.get(key)
        if isinstance(value, list) and isinstance(before, list) and before and same(value[: len(before)], before):
            if len(value) > len(before):
                added[key] = value[len(before) :]
        elif key not in old or not same(before, value):
            replaced[key] = value
    return {sign: part for sign, part in (("=", replaced), ("+", added)) if part}


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same on disk: 1, 1.0 and true are not."""
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other) and all(map(is_, one, other)):
        return True
    return one == other and encode(one) == encode(other)


def add(document: dict[str, Any], difference: Mapping[str, Any]) -> None:
    """Add to a document what `difference` found."""
    document.update(difference.get("=", {}))
    for key, items in difference.get("+", {}).items():
        document[key] = [*document[key], *items]


def copy(value: Any) -> Any:
    """A JSON value that shares nothing with this one. Raises TypeError, ValueError where it is not one."""
    return _decode(encode(value).decode())


def merge(headers: Sequence[Header]) -> dict[str, Any]:
    """The index values of a document from the headers of its lines, oldest first."""
    merged: dict[str, Any] = {}
    for header in headers:
        for name, value in header.get("x", {}).items():
            before = merged.get(name)
            merged[name] = [*before, *value] if isinstance(before, list) and isinstance(value, list) else value
    return merged
