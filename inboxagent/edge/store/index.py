"""What is kept in memory of a journal: where each document is, its columns, and words to find it by."""

import heapq
from array import array
from bisect import bisect_left
from collections.abc import Container, Iterator, Mapping
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
    """One table. `columns` names the single values that are kept of each document; `ordered` is the one to queue by."""

    columns: tuple[str, ...] = ()
    ordered: str | None = None
    rows: dict[int, Row] = field(default_factory=dict)
    highest: int = 0
    words: dict[str, Words] = field(default_factory=dict)
    dead: int = 0  # bytes of lines that nobody needs any more
    _queue: list[int] | None = None  # made when somebody asks who is first

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

    def first(self, until: float, limit: int) -> Iterator[int]:
        """Numbers of documents whose ordered column is at most `until`, lowest first, up to `limit`; cost O(found)."""
        if self._queue is None:
            self._queue = self._whole_queue()
        back: list[int] = []
        seen: set[int] = set()
        try:
            while self._queue and len(seen) < limit:
                packed = heapq.heappop(self._queue)
                at, number = packed >> _BITS, packed & _MASK
                if at > until:
                    back.append(packed)
                    return
                value = self._ordered_value(number)
                if value is None or _packed(value, number) != packed or number in seen:
                    continue  # it was moved since
                back.append(packed)
                if value <= until:
                    seen.add(number)
                    yield number
        finally:
            for packed in back:
                heapq.heappush(self._queue, packed)

    def _ordered_value(self, number: int) -> float | None:
        """The ordered column of a document, None where it has none."""
        row = self.rows.get(number)
        return None if row is None or self.ordered is None else row.columns[self.columns.index(self.ordered)]

    def _note(self, number: int, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            if type(value) is list:
                words = self.words.get(name)
                if words is None:
                    words = self.words[name] = Words()
                words.add(value, number)
        if self._queue is not None and (at := values.get(self.ordered or "")) is not None:
            heapq.heappush(self._queue, _packed(at, number))
            if len(self._queue) > 2 * len(self.rows) + 1000:
                self._queue = self._whole_queue()

    def _whole_queue(self) -> list[int]:
        """The queue without what was moved since."""
        values = ((self._ordered_value(number), number) for number in self.rows)
        queue = [_packed(value, number) for value, number in values if value is not None]
        heapq.heapify(queue)
        return queue


def _packed(at: float, number: int) -> int:
    return max(int(at), 0) << _BITS | number
