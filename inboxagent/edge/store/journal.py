"""The journal: a text file to which every change is added as checksummed lines, durable before anybody relies on it."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inboxagent.edge.store import disk, lines
from inboxagent.edge.store.lines import Header
from inboxagent.edge.store.lock import PATIENCE, Lock
from inboxagent.edge.store.reader import Reader, Shapes
from inboxagent.edge.store.scan import BLOCK, Entry
from inboxagent.errors import InboxagentError, StateDamaged, StateUnwritable, TryLater

_OVERHEAD = 200  # bytes that it costs to say where the rest is, here and when it is read


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A document that is added (`old` None), replaced, or removed (`new` None); `values` are its new index values."""

    table: str
    number: int
    old: Any
    new: Any
    values: Mapping[str, Any]
    words_before: Mapping[str, Any]


class Journal(Reader):
    """One journal file, to read and to write. Each process has one of these or more."""

    def __init__(self, path: Path, shapes: Shapes | None = None, patience: float = PATIENCE) -> None:
        super().__init__(path, shapes)
        self.lock = Lock(path.with_name(path.name + ".lock"), patience)
        self._writer: disk.Descriptor | None = None
        self._tidied = False
        self._wrote = False
        self._failed: str | None = None

    @contextmanager
    def writing(self, why: str) -> Iterator[None]:
        """Alone among all writers and up to date; `commit` belongs inside. Raises as the Store port says."""
        if self._failed:
            raise StateDamaged(self._failed)
        with self.lock.hold(why):
            if problem := disk.owner_problem(self.path):
                raise StateUnwritable(problem)
            if not self._tidied:  # what a writer that died has left
                disk.remove(disk.beside(self.path))
                self._tidied = True
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
            composed = self._compose(changes)
            try:
                self._append(composed)
            except disk.NoSpace:
                if spare is None or not spare():
                    raise
                self._append(composed)
        self._wrote = True

    def _append(self, composed: list[tuple[Header, bytes]]) -> None:
        descriptor = self._open_to_write()
        self._cut(descriptor)
        self._write(descriptor, b"".join(line for _, line in composed))
        offset, entries = self.end, list[Entry]()
        for header, line in composed:
            entries.append((header, offset, len(line), "x" not in header))
            offset += len(line)
        self._apply(entries)
        self._seen = (*self._seen[:2], self.end)
        self.durable = self.newest
        self.lock.testify(self.newest)

    def _open_to_write(self) -> int:
        if self._writer is None:
            try:
                self._writer = disk.Descriptor(self.path, os.O_RDWR)
            except OSError as error:
                raise disk.explain(self.path, error) from error
        return self._writer.number

    def _begin(self) -> None:
        super()._begin()
        self._writer = None

    def _cut(self, descriptor: int) -> None:
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

    def _compose(self, changes: list[Change]) -> list[tuple[Header, bytes]]:
        number, parts, composed = max(self.newest, self.lock.witness), len(changes), []
        for part, change in enumerate(changes, 1):
            header: Header = {"n": number + part, "d": self.newest, "t": change.table, "k": change.number}
            if parts > 1:
                header["of"] = [part, parts]
            content = self._fill_in(header, change)
            composed.append((header, lines.compose(header, content)))
        return composed

    def _fill_in(self, header: Header, change: Change) -> bytes:
        """Complete the header; the content that goes with it."""
        if change.new is None:
            return lines.REMOVED
        row = self.row(change.table, change.number)
        added = lines.difference(change.old, change.new) if row and row.links < lines.LONGEST_CHAIN else None
        if row is None or added is None or ("+" not in added and _is_most_of(added, change.new)):
            header["x"] = change.values
            return lines.encode(change.new)
        values = {name: _new_words(value, change.words_before.get(name)) for name, value in change.values.items()}
        header["p"], header["l"] = [row.offset, row.length], row.links + 1
        header["x"] = {name: value for name, value in values.items() if value != []}
        return lines.encode(added)

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
        with self.guard:
            self._take_note()
            self.durable = self.newest

    def _fill(self, descriptor: int, content: Iterable[bytes]) -> None:
        at, block = 0, bytearray()
        for line in content:
            block += line
            if len(block) > BLOCK:
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
            self._begin()

    def _mark(self) -> None:
        self._wrote = False
        patience, self.lock.patience = self.lock.patience, 0.0
        try:
            with self.writing("a clean end"), self.guard:
                number = max(self.newest, self.lock.witness) + 1
                header: Header = {"n": number, "d": self.newest, "mark": True}
                self._append([(header, lines.compose(header))])
        except TryLater:
            return
        finally:
            self.lock.patience = patience


def _is_most_of(replaced: Any, document: Any) -> bool:
    """Whether a line that replaces this much is no shorter to speak of than one with the whole document."""
    return 2 * len(lines.encode(replaced)) + _OVERHEAD > len(lines.encode(document))


def _new_words(value: Any, before: Any) -> Any:
    if not isinstance(value, list):
        return value
    known = set(before or ())
    return [word for word in value if word not in known]
