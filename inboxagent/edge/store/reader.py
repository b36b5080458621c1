"""A journal as its readers know it: which documents it holds and where. They take no lock.

They read on from where they were, up to the first line that is not whole or not in its place (see scan.py). Only a
writer, under the lock, cuts off a torn end (R3).
"""

import gc
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from inboxagent.edge.store import disk, lines, scan
from inboxagent.edge.store.index import Row, Table
from inboxagent.edge.store.lines import Header
from inboxagent.edge.store.scan import Entry
from inboxagent.errors import InboxagentError, StateDamaged

Shapes = Mapping[str, tuple[str, ...]]
"""By table: which columns are kept in memory."""


class Reader:
    """One journal file. Any number of threads may use this object, and any number of processes the file."""

    def __init__(self, path: Path, shapes: Shapes | None = None) -> None:
        self.path = path
        self.guard = threading.RLock()
        self._shapes = dict(shapes or {})
        self._file: disk.Descriptor | None = None
        self._seen: tuple[int, ...] = ()
        self._loads = 0
        self._surprises = 0  # how often something was found in the file that this object did not write
        self.end = 0  # of the last transaction that counts
        self.newest = 0  # its number
        self.durable = 0  # the newest number that is known to be on the medium
        self.tables: dict[str, Table] = {}

    def generation(self) -> tuple[int, ...]:
        """Differs from an earlier one if anybody wrote in between; costs one stat."""
        try:
            status = os.stat(self.path)
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise _unreadable(self.path, error) from error
        return status.st_dev, status.st_ino, status.st_size

    def catch_up(self) -> None:
        """Take note of what anybody wrote. Raises StateDamaged."""
        with self.guard:
            if self.generation() != self._seen:
                self._surprises += 1
                self._take_note()

    def _take_note(self) -> None:
        now = self.generation()
        if now[:2] != self._seen[:2] or now[2:] < (self.end,) or not self._continue():
            self._reload()
        self._seen = now

    def others(self) -> int:
        """Differs from an earlier one if anybody wrote in between but this object itself. Raises StateDamaged."""
        with self.guard:
            self.catch_up()
            return self._surprises

    def numbers(self, table: str) -> list[int]:
        """The ids of the documents of a table, in the order in which they came."""
        with self.guard:
            return list(self.tables[table].rows) if table in self.tables else []

    def count(self, table: str) -> int:
        """How many documents a table has."""
        with self.guard:
            return len(self.tables[table].rows) if table in self.tables else 0

    def changed(self, table: str, since: object) -> tuple[list[int], object]:
        """The ids of documents that were written since an earlier mark, all of them without one; and the mark of now.

        The mark counts how often everything was read anew, for then nobody knows what is the same.
        """
        with self.guard:
            loads, end = since if isinstance(since, tuple) else (-1, 0)
            rows = self.tables[table].rows if table in self.tables else {}
            begin = end if loads == self._loads else 0
            return [number for number, row in rows.items() if row.offset >= begin], (self._loads, self.end)

    def row(self, table: str, number: int) -> Row | None:
        """Where a document is, and its columns."""
        with self.guard:
            return self.tables[table].rows.get(number) if table in self.tables else None

    def document(self, table: str, number: int) -> Any:
        """A document, freshly parsed; None where there is none. Raises StateDamaged."""
        with self.guard:
            row = self.row(table, number)
            if row is None:
                return None
            if row.links == 1 and lines.is_whole(line := self._line(row.offset, row.length)):
                return lines.content(line)
            (_, first), *others = self._chain(row)
            document = lines.content(first)
            for _, line in others:
                lines.add(document, lines.content(line))
            return document

    def find(self, table: str, name: str, word: str) -> list[int]:
        """The ids of documents that may have this word."""
        with self.guard:
            known = self.tables.get(table)
            words = known.words.get(name) if known else None
            return words.find(word, known.rows) if known and words else []

    def whole(self, table: str, number: int) -> tuple[dict[str, Any], bytes]:
        """The index values of a document that exists, as its lines have them, and its text."""
        chain = self._chain(self.tables[table].rows[number])
        values = lines.merge([header for header, _ in chain])
        return values, lines.text(chain[0][1]) if len(chain) == 1 else lines.encode(self.document(table, number))

    def _chain(self, row: Row) -> list[tuple[Header, bytes]]:
        """The lines that make a document, oldest first."""
        chain: list[tuple[Header, bytes]] = []
        offset, length = row.offset, row.length
        while length:
            line = self._line(offset, length)
            header = lines.header(line)
            if header is None:
                raise StateDamaged(f"{self.path} was damaged while it was in use, at byte {offset}.")
            chain.append((header, line))
            offset, length = header.get("p", (0, 0))
        return chain[::-1]

    def _line(self, offset: int, length: int) -> bytes:
        try:
            return os.pread(self._file.number if self._file else -1, length, offset)
        except OSError as error:
            raise _unreadable(self.path, error) from error

    def _begin(self) -> None:
        """Know nothing, and keep no file open."""
        self._loads += 1
        self._file, self._seen, self.tables = None, (), {}
        self.end = self.newest = self.durable = 0

    def _continue(self) -> bool:
        """Read on; False where what was read before may have been taken back by a writer whose disk failed."""
        try:
            self._read_on()
        except StateDamaged:
            return False
        return True

    def _reload(self) -> None:
        self._begin()
        try:
            self._file = disk.Descriptor(self.path)
        except FileNotFoundError:
            return
        except OSError as error:
            raise _unreadable(self.path, error) from error
        self._read_on()
        if self.end == 0:
            raise StateDamaged(f"{self.path} is damaged: it is empty. Put back a good copy.")

    def _read_on(self) -> None:
        assert self._file is not None
        try:
            with open(self._file.number, "rb", buffering=scan.BLOCK, closefd=False) as file, _rubbish_left_alone():
                for entries in scan.entries(self.path, file, self.end, self.newest):
                    self._apply(entries)
        except OSError as error:
            self._begin()
            raise _unreadable(self.path, error) from error
        except InboxagentError:
            self._begin()
            raise

    def _apply(self, entries: list[Entry]) -> None:
        """Take note of whole transactions."""
        tables = self.tables
        for header, offset, length, removes in entries:
            if "t" in header:
                name = header["t"]
                (tables.get(name) or self._table(name)).apply(header, offset, length, removes)
            elif "ids" in header:
                for name, highest in header["ids"].items():
                    self._table(name).highest = highest
        header, offset, length, _ = entries[-1]
        self.end, self.newest, self.durable = offset + length, header["n"], max(self.durable, header["d"])

    def _table(self, name: str) -> Table:
        return self.tables.setdefault(name, Table(self._shapes.get(name, ())))


@contextmanager
def _rubbish_left_alone() -> Iterator[None]:
    """Nothing that is made meanwhile is rubbish: looking through it again and again takes a third of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _unreadable(path: Path, error: OSError) -> StateDamaged:
    return StateDamaged(f"{path} cannot be read: {error.strerror}.")
