"""The journal: a text file to which every change is added as checksummed lines, and what its readers know of it.

Readers take no lock: they read on from where they were, up to the first line that is not whole or not in its place.
Such an end was never acknowledged (R1) unless a later line says that it was on disk (R2): then nothing is written
any more and nothing guessed. Only a writer, under the lock, cuts off a torn end (R3).
"""

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from inboxagent.edge.store import disk, lines
from inboxagent.edge.store.index import Row, Table
from inboxagent.edge.store.lines import Header
from inboxagent.edge.store.lock import PATIENCE, Lock
from inboxagent.errors import InboxagentError, StateDamaged, StateUnwritable, TryLater

Shapes = Mapping[str, tuple[tuple[str, ...], str | None]]
"""By table: which columns are kept in memory, and by which of them it is queued."""

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A document that is added (`old` None), replaced, or removed (`new` None); `values` are its new index values."""

    table: str
    number: int
    old: Any
    new: Any
    values: Mapping[str, Any]
    words_before: Mapping[str, Any]


class Journal:
    """One journal file. Any number of threads and processes may use it, each process through one of these or more."""

    def __init__(self, path: Path, shapes: Shapes | None = None, patience: float = PATIENCE) -> None:
        self.path = path
        self.lock = Lock(path.with_name(path.name + ".lock"), patience)
        self.guard = threading.RLock()
        self._shapes = dict(shapes or {})
        self._file: disk.Descriptor | None = None
        self._wrote = False
        self._failed: str | None = None
        self._seen: tuple[int, ...] = ()
        self.loads = 0  # how often everything was read anew
        self._begin()

    # -- reading ---------------------------------------------------------------------------------------------------

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
            now = self.generation()
            if now == self._seen:
                return
            if now[:2] != self._seen[:2] or now[2:] < (self.end,) or not self._continue():
                self._reload()
            self._seen = now

    def _continue(self) -> bool:
        """Read on; False where what was read before may have been taken back by a writer whose disk failed."""
        try:
            self._read_on()
        except StateDamaged:
            return False
        return True

    def numbers(self, table: str) -> list[int]:
        """The ids of the documents of a table, in the order in which they came."""
        with self.guard:
            return list(self.tables[table].rows) if table in self.tables else []

    def count(self, table: str) -> int:
        """How many documents a table has."""
        with self.guard:
            return len(self.tables[table].rows) if table in self.tables else 0

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
            (_, first), *others = self._chain(row)
            document = lines.content(first)
            for _, line in others:
                lines.add(document, lines.content(line))
            return document

    def find(self, table: str, name: str, word: str) -> list[int]:
        """The ids of documents that may have this word."""
        with self.guard:
            words = self.tables[table].words.get(name) if table in self.tables else None
            return words.find(word) if words else []

    def first(self, table: str, until: float, limit: int) -> list[int]:
        """The ids of the documents that are first in the table's queue, up to a value."""
        with self.guard:
            return list(self.tables[table].first(until, limit)) if table in self.tables else []

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
                raise StateDamaged(f"{self.path} was damaged while it was in use, {self.place(offset)}.")
            chain.append((header, line))
            offset, length = header.get("p", (0, 0))
        return chain[::-1]

    def _line(self, offset: int, length: int) -> bytes:
        try:
            return os.pread(self._number, length, offset)
        except OSError as error:
            raise _unreadable(self.path, error) from error

    @property
    def _number(self) -> int:
        return self._file.number if self._file else -1

    def _forget(self) -> None:
        self._file = None
        self._begin()

    def _begin(self) -> None:
        self._seen = ()
        self.loads += 1
        self.end = 0  # of the last transaction that counts
        self.newest = 0  # its number
        self.durable = 0  # the newest number that is known to be on the medium
        self.tables: dict[str, Table] = {}

    def _reload(self) -> None:
        self._forget()
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
        try:
            with open(self._number, "rb", buffering=_BLOCK, closefd=False) as file:
                file.seek(self.end)
                self._read(file)
        except OSError as error:
            self._forget()
            raise _unreadable(self.path, error) from error
        except InboxagentError:
            self._forget()
            raise

    def _read(self, file: BinaryIO) -> None:
        waiting: list[tuple[Header, int, int, bool]] = []
        offset = self.end
        for line in file:
            found = lines.header(line)
            if found is None or not self._continues(found, len(waiting)):
                self._judge([line, *file], offset)
                return
            waiting.append((found, offset, len(line), line.endswith(b"\tnull\n")))
            offset += len(line)
            if len(waiting) == found.get("of", (1, 1))[1]:
                self._apply(waiting)
                waiting.clear()
                self.end, self.newest, self.durable = offset, found["n"], max(self.durable, found["d"])

    def _continues(self, found: Header, part: int) -> bool:
        if "head" in found:
            if found["head"] > lines.SCHEMA:
                raise StateDamaged(
                    f"{self.path} was written by a newer inboxagent (schema {found['head']}, known: {lines.SCHEMA})."
                )
            return self.end == 0 and part == 0
        if self.end == 0:
            return False
        part_of: int = found.get("of", (1, 1))[0]
        return bool(found["d"] == self.newest < found["n"] and part_of == part + 1)

    def _apply(self, transaction: list[tuple[Header, int, int, bool]]) -> None:
        for found, offset, length, removes in transaction:
            if "t" in found:
                self._table(found["t"]).apply(found, offset, length, removes)
            for name, highest in found.get("ids", {}).items():
                self._table(name).highest = highest

    def _table(self, name: str) -> Table:
        table = self.tables.get(name)
        if table is None:
            table = self.tables[name] = Table(*self._shapes.get(name, ((), None)))
        return table

    def _judge(self, rest: list[bytes], offset: int) -> None:
        """Whether a bad line, the first of the rest, is a torn end, or damage to what was once on disk (R2)."""
        if self.end == 0:
            raise StateDamaged(f"{self.path} is damaged: it does not begin as a journal does.")
        whole = [found for line in rest for found in (lines.header(line), *lines.swallowed(line)) if found]
        if any(found["d"] > self.newest for found in whole):
            raise StateDamaged(
                f"{self.path} is damaged, {self.place(offset)}. Nothing is sent and nothing written until it is put "
                "right: put a copy of this file back; the agent looks into your Sent mailbox before it sends again."
            )

    def place(self, offset: int) -> str:
        """An offset as people find it."""
        before, number = 0, 1
        while before < offset:
            block = os.pread(self._number, min(_BLOCK, offset - before), before)
            if not block:
                break
            before, number = before + len(block), number + block.count(b"\n")
        return f"line {number} (byte {offset})"

    # -- writing ---------------------------------------------------------------------------------------------------

    @contextmanager
    def writing(self, why: str) -> Iterator[None]:
        """Alone among all writers and up to date; `commit` belongs inside. Raises as the Store port says."""
        if self._failed:
            raise StateDamaged(self._failed)
        with self.lock.hold(why):
            if problem := disk.owner_problem(self.path):
                raise StateUnwritable(problem)
            disk.remove(disk.beside(self.path))
            self.catch_up()
            self.lock.notice(self.newest)
            if self.end == 0:
                self.replace([lines.compose({"n": 0, "d": 0, "head": lines.SCHEMA})])
            yield

    @property
    def rewound(self) -> bool:
        """Whether this is an older copy than the one that was written last. For the holder of the lock."""
        return self.lock.witness > self.newest

    def commit(self, changes: list[Change], spare: Callable[[], bool] | None = None) -> None:
        """Write these changes as one transaction: on disk when it returns, nothing happened when it raises.

        Where the disk is full and `spare` makes room, it is tried once more.
        """
        with self.guard:
            content, last = self._compose(changes)
            try:
                self._append(content, last)
            except disk.NoSpace:
                if spare is None or not spare():
                    raise
                self._append(content, last)
        self._wrote = True

    def _append(self, content: bytes, last: int) -> None:
        descriptor = self._open_to_write()
        try:
            self._tidy(descriptor)
            self._write(descriptor, content)
        finally:
            os.close(descriptor)
        self.lock.testify(last)
        self._take_in()

    def _take_in(self) -> None:
        """Take note of what was just written. It is on disk: if it cannot be read now, it will be the next time."""
        try:
            self._read_on()
            self.durable = self.newest
            self._seen = self.generation()
        except StateDamaged:
            self._forget()

    def _open_to_write(self) -> int:
        try:
            return os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            raise disk.explain(self.path, error) from error

    def _tidy(self, descriptor: int) -> None:
        """Cut off a torn end, and see to it that what the next line calls durable is."""
        try:
            if os.fstat(descriptor).st_size > self.end:
                os.ftruncate(descriptor, self.end)
                self.durable = -1  # what was cut off must not come back after a power cut
        except OSError as error:
            raise disk.explain(self.path, error) from error
        if self.durable < self.newest:
            self._sync(descriptor)

    def _write(self, descriptor: int, content: bytes) -> None:
        try:
            disk.write_all(descriptor, content, self.end)
        except OSError as error:
            self._undo(descriptor)
            raise disk.explain(self.path, error) from error
        self._sync(descriptor)

    def _sync(self, descriptor: int) -> None:
        """After a failed fsync nobody knows what is on the disk: no second try (R8)."""
        try:
            disk.sync(descriptor)
        except OSError as error:
            self._undo(descriptor)
            self._failed = f"{self.path} could not be made durable: {error.strerror}. Check the disk, then start again."
            raise StateDamaged(self._failed) from error

    def _undo(self, descriptor: int) -> None:
        self.durable = -1
        with suppress(OSError):
            os.ftruncate(descriptor, self.end)

    def _compose(self, changes: list[Change]) -> tuple[bytes, int]:
        first = max(self.newest, self.lock.witness) + 1
        parts = []
        for index, change in enumerate(changes):
            header: Header = {"n": first + index, "d": self.newest, "t": change.table, "k": change.number}
            if len(changes) > 1:
                header["of"] = [index + 1, len(changes)]
            parts.append(self._compose_one(header, change))
        return b"".join(parts), first + len(changes) - 1

    def _compose_one(self, header: Header, change: Change) -> bytes:
        if change.new is None:
            return lines.compose(header)
        row = self.row(change.table, change.number)
        added = lines.difference(change.old, change.new) if row else None
        if row is None or added is None or row.links >= lines.LONGEST_CHAIN:
            return lines.compose({**header, "x": change.values}, lines.encode(change.new))
        values = {name: _new_words(value, change.words_before.get(name)) for name, value in change.values.items()}
        kept = {name: value for name, value in values.items() if value != []}
        place = {"p": [row.offset, row.length], "l": row.links + 1}
        return lines.compose({**header, **place, "x": kept}, lines.encode(added))

    def replace(self, content: Iterable[bytes]) -> None:
        """Put a new file in the place of this one; for the holder of the lock. Where it raises, nothing changed."""
        new = disk.beside(self.path)
        try:
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            try:
                self._fill(descriptor, content)
            finally:
                os.close(descriptor)
            os.replace(new, self.path)
            disk.sync_folder(self.path.parent)
        except OSError as error:
            disk.remove(new)
            raise disk.explain(self.path, error) from error
        self.catch_up()
        self.durable = self.newest

    def _fill(self, descriptor: int, content: Iterable[bytes]) -> None:
        at, block = 0, bytearray()
        for line in content:
            block += line
            if len(block) > _BLOCK:
                disk.write_all(descriptor, bytes(block), at)
                at, block = at + len(block), bytearray()
        disk.write_all(descriptor, bytes(block), at)
        disk.sync(descriptor)

    def close(self) -> None:
        """Let go of everything; a clean end is marked, if nobody else is writing (R4)."""
        if self._wrote and not self._failed:
            with suppress(InboxagentError):
                self._mark()
        with self.guard:
            self._forget()

    def _mark(self) -> None:
        self._wrote = False
        patience, self.lock.patience = self.lock.patience, 0.0
        try:
            with self.writing("a clean end"), self.guard:
                number = max(self.newest, self.lock.witness) + 1
                self._append(lines.compose({"n": number, "d": self.newest, "mark": True}), number)
        except TryLater:
            return
        finally:
            self.lock.patience = patience


def _new_words(value: Any, before: Any) -> Any:
    if not isinstance(value, list):
        return value
    known = set(before or ())
    return [word for word in value if word not in known]


def _unreadable(path: Path, error: OSError) -> StateDamaged:
    return StateDamaged(f"{path} cannot be read: {error.strerror}.")
