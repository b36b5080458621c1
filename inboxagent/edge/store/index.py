"""What is kept in memory of a journal: where each document is, its columns, and words to find it by."""

from array import array
from bisect import bisect_left
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from sys import intern
from typing import Any, NamedTuple

from inboxagent.edge.store.lines import Header

_MERGE_AT = 2_000
_BITS = 32
_MASK = (1 << _BITS) - 1


class Row(NamedTuple):
    """Where a document is: its newest line, how many bytes and lines it takes in all, and its columns."""

    offset: int
    length: int
    size: int
    links: int
    columns: tuple[Any, ...]


class Words:
    """Words and the documents that may have them, packed into sorted numbers: a few bytes for each.

    Finds every document that was ever given the word, and now and then one that was not: whoever asks has to look.
    """

    def __init__(self) -> None:
        self._sorted = array("Q")
        self._fresh: dict[int, list[int]] = {}
        self._unsorted = array("Q")

    def add(self, words: list[str], number: int) -> None:
        """Remember that document `number` has these words."""
        if number > _MASK:
            raise OverflowError(f"document id {number} is too large to be found by words")
        for word in words:
            self._unsorted.append((hash(word) & _MASK) << _BITS | number)

    def find(self, word: str, living: Container[int]) -> list[int]:
        """Numbers of `living` documents that may have the word, lowest first; the others, which never come back, are
        forgotten where that is cheap."""
        if self._unsorted:
            self._take_in()
        wanted = hash(word) & _MASK
        if (fresh := self._fresh.get(wanted)) is not None:
            fresh[:] = [number for number in fresh if number in living]
        found = set(fresh or ())
        at = bisect_left(self._sorted, wanted << _BITS)
        while at < len(self._sorted) and self._sorted[at] >> _BITS == wanted:
            found.add(self._sorted[at] & _MASK)
            at += 1
        return sorted(number for number in found if number in living)

    def _take_in(self) -> None:
        if len(self._unsorted) > _MERGE_AT or len(self._fresh) > _MERGE_AT:
            kept = (key << _BITS | number for key, numbers in self._fresh.items() for number in numbers)
            self._unsorted.extend(kept)
            self._unsorted.extend(self._sorted)
            self._sorted = array("Q", sorted(self._unsorted))
            self._fresh.clear()
        else:
            for packed in self._unsorted:
                self._fresh.setdefault(packed >> _BITS, []).append(packed & _MASK)
        self._unsorted = array("Q")


@dataclass(slots=True)
class Table:
    """One table. `columns` names the single values that are kept of each document."""

    columns: tuple[str, ...] = ()
    rows: dict[int, Row] = field(default_factory=dict)
    highest: int = 0
    words: dict[str, Words] = field(default_factory=dict)
    dead: int = 0  # bytes of lines that nobody needs any more

    def apply(self, header: Header, offset: int, length: int, removes: bool) -> None:
        """Take note of a line about this table."""
        number: int = header["k"]
        if number > self.highest:
            self.highest = number
        before = self.rows.get(number)
        if removes:
            self.rows.pop(number, None)
            self.dead += length + (before.size if before else 0)
            return
        size, links = length, 1
        if "p" in header:
            size, links = length + (before.size if before else 0), header["l"]
        elif before is not None:
            self.dead += before.size
        values = header.get("x", {})
        columns = [intern(value) if type(value := values.get(name)) is str else value for name in self.columns]
        self.rows[number] = Row(offset, length, size, links, tuple(columns))
        self._note(number, values)

    def _note(self, number: int, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            if type(value) is list:
                words = self.words.get(name)
                if words is None:
                    words = self.words[name] = Words()
                words.add(value, number)
