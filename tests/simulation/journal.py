"""The real journal under the simulated processes: a write may be torn, the disk full, the power gone before the fsync.

The file is a real one. What is simulated is what becomes of it: of what was written and not synced, any part may be
missing after a power cut; what was read from the file is held against all that could be in it.
"""

import errno
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from inboxagent.edge.store import JournalStore, compaction, disk
from inboxagent.edge.store.records import CONVERSATIONS
from inboxagent.errors import InboxagentError
from inboxagent.outreach.state import Conversation
from inboxagent.ports import Ledger
from tests.fakes.store import Contents
from tests.simulation import state_folder
from tests.simulation.disk import Committed, Disk, kind_of
from tests.simulation.folder import Folder
from tests.simulation.process import Process

WORTH_BYTES = 30_000  # of a journal that is made short


class _Everybody:
    """The conversations in a journal; what was not written to since the last time is not read again."""

    def __init__(self, store: JournalStore) -> None:
        self._store = store
        self._mark: Any = None
        self._known: dict[str, Conversation] = {}

    def read(self) -> Mapping[str, Conversation]:
        """All of them, oldest enrolment first."""
        changed, mark = self._store.changed(self._mark)
        before = self._known if self._mark is not None and self._mark[0] == mark[0] else {}
        self._known = {**before, **{each.id: each for each in changed}}
        if len(self._known) != self._store._journal.count(CONVERSATIONS):  # somebody was erased
            self._known = {each.id: each for each in self._store.conversations()}
        self._mark = mark
        return self._known


class JournalDisk(Disk):
    """The journal's file; `contents` and `durable` are what an onlooker reads in it, and read when it was synced."""

    def __init__(self, changed: Any) -> None:
        super().__init__(changed=changed)
        self.folder = state_folder.made("journal")
        self.path = self.folder / f"{state_folder.STEM}.journal"
        self.never = self.path.with_suffix(".never")
        self.names = Folder(self.folder)
        self.acknowledged_never = b""
        self.writer: JournalProcessStore | None = None
        self.complain = lambda text: None
        self._look_afresh()
        self._chance = Random(0)

    def store(self, process: Process, acknowledged: Committed) -> "JournalProcessStore":
        """One process's view."""
        return JournalProcessStore(process, self, acknowledged)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """The journal writes through here, and is made short long before it is long; afterwards nothing is left."""
        before = disk.write_all, disk.sync, disk.sync_folder, compaction.WORTH_BYTES
        self._write_all = disk.write_all
        disk.write_all, disk.sync, disk.sync_folder = self.write, self.synced, lambda folder: self.names.sync_names()
        compaction.WORTH_BYTES = WORTH_BYTES
        try:
            yield
        finally:
            disk.write_all, disk.sync, disk.sync_folder, compaction.WORTH_BYTES = before
            shutil.rmtree(self.folder)
            self.names.remove()

    def write(self, descriptor: int, content: bytes, offset: int) -> None:
        """Write, if the process lives and the disk has room; a process may die in the middle."""
        writer = self.writer
        if writer is None or not self._is_journal(descriptor):
            self._write_all(descriptor, content, offset)
            return
        writer.effect("before writing")
        half = self._chance.randrange(len(content))
        if writer.is_refused():
            self._write_all(descriptor, content[:half], offset)
            raise OSError(errno.ENOSPC, "no space is left")
        self._write_all(descriptor, content[:half], offset)
        writer.effect("half written")
        self._write_all(descriptor, content[half:], offset + half)
        self._look()
        self.unsynced.append(self.contents)
        self.changes += 1
        self.changed()
        writer.effect("written")

    def synced(self, descriptor: int) -> None:
        """fsync: the medium has it."""
        self.names.sync(descriptor)
        if self.writer is None or not self._is_journal(descriptor):
            return
        self.sync()
        self.writer.effect("synced")

    def lose_power(self, random: Random) -> None:
        """Any part of what was not synced may be missing afterwards, and its last block be rubbish."""
        could_be = [self.durable, *self.unsynced]
        for path in (self.path, self.never):
            self.names.lose_power(path)
            self._tear(path, random)
        never = self.never.read_bytes() if self.never.exists() else b""
        if not never.startswith(self.acknowledged_never):
            self.complain("of those who are never to be written to some are forgotten")
        self._look_afresh()
        if not any(_same(self.contents, each) for each in could_be):
            self.complain("what the journal holds after a power cut is none of the states that it could be in")
        self.durable = self.contents
        self.unsynced.clear()
        self.changes += 1

    def octets(self) -> bytes:
        """The whole file."""
        return self.path.read_bytes()

    def _tear(self, path: Path, random: Random) -> None:
        if not path.exists():
            return
        size = path.stat().st_size
        kept = random.randint(min(self.names.synced(path), size), size)
        os.truncate(path, kept)
        if kept < size and random.random() < 0.3:
            with path.open("ab") as file:
                file.write(bytes(random.randint(1, size - kept)))

    def acknowledge(self) -> None:
        """A transaction has returned: whom it suppressed is never to be written to again."""
        if self.never.exists() and self.never.stat().st_size != len(self.acknowledged_never):
            self.acknowledged_never = self.never.read_bytes()

    def backup(self) -> object:
        """`inboxagent backup`; the whole of the journal still says what was read of it bit by bit."""
        before = self.contents
        saved = state_folder.back_up(self.folder, datetime(2026, 1, 1, tzinfo=UTC))
        self._look_afresh()
        if not _same(before, self.contents):
            self.complain("the journal read as a whole is another than the one that was read on and on")
        return saved

    def put_back(self, copy: object) -> None:
        """An old copy takes the place of the file, which the store notices by itself."""
        assert isinstance(copy, bytes)
        beside = self.path.with_suffix(".old")
        beside.write_bytes(state_folder.journal_in(copy))
        os.replace(beside, self.path)
        self._changed_by_others()

    def restore(self, copy: object, now: datetime, *, lost: bool) -> None:
        """`inboxagent restore` in the folder itself."""
        assert isinstance(copy, bytes)
        if lost:
            shutil.rmtree(self.folder)
        state_folder.restore(self.folder, copy, now)
        self._changed_by_others()

    def suppresses(self, address: str) -> bool:
        """Whether this address is never to be written to, as the journal says, or the file beside it."""
        return self._onlooker.suppression(address) is not None

    def change_version(self, *, later: bool) -> str | None:
        """Another version of the program opens the file itself."""
        wrong = (state_folder.refuse_later_version if later else state_folder.upgrade)(self.folder)
        self._changed_by_others()
        return wrong

    def _changed_by_others(self) -> None:
        for path in filter(Path.exists, (self.path, self.never)):
            self.names.sync_all(path)
        self.acknowledged_never = self.never.read_bytes() if self.never.exists() else b""
        self._look_afresh()
        self.compacted()

    def compacted(self) -> None:
        """A shorter file has taken its place."""
        self._look()
        self._replace(self.contents)

    def _is_journal(self, descriptor: int) -> bool:
        found = os.fstat(descriptor)
        return self.path.exists() and os.path.samestat(found, self.path.stat())

    def _look_afresh(self) -> None:
        """What lies in the file now, all of it read anew."""
        self._onlooker = JournalStore(self.path)
        self._everybody = _Everybody(self._onlooker)
        self._look()

    def _look(self) -> None:
        """What lies in the file now."""
        try:
            self.contents = state_folder.contents_of(self._onlooker, self._everybody.read())
        except InboxagentError as error:
            self.complain(f"the journal cannot be read: {error}")


class JournalProcessStore:
    """The Store port of one process, over a journal of its own on the common file."""

    def __init__(self, process: Process, shared: JournalDisk, acknowledged: Committed) -> None:
        self._process, self._disk, self._acknowledged = process, shared, acknowledged
        self._journal = JournalStore(shared.path)
        self._kind = ""
        self._everybody = _Everybody(self._journal)
        self._read: tuple[object, Mapping[str, Conversation]] = None, {}

    def conversations(self) -> Sequence[Conversation]:
        """The journal's, read once as long as nobody writes."""
        return list(self._all().values())

    def conversation(self, conversation_id: str) -> Conversation | None:
        """One of them."""
        return self._all().get(conversation_id)

    def _all(self) -> Mapping[str, Conversation]:
        generation = self._journal.generation()
        if self._read[0] != generation or self._disk.writer is self:
            self._read = generation, self._everybody.read()
        return self._read[1]

    def compact(self) -> bool:
        """The journal's own; the new file is on the medium before it takes the place of the old one."""
        self._process.effect("compacting")
        done = self._journal.compact()
        if done:
            self._disk.compacted()
        return done

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    @contextmanager
    def transaction(self, why: str, *, urgent: bool = False) -> Iterator[Ledger]:
        """The journal's own, with its effects."""
        kind = kind_of(why)
        self._process.effect(f"lock for {kind}")
        self._process.check_lock()
        before, self._kind, self._disk.writer = self._disk.contents, kind, self
        try:
            with self._journal.transaction(why, urgent=urgent) as ledger:
                yield ledger
        finally:
            self._disk.writer = None
        if ledger.has_erased:
            self._disk.compacted()
        self._disk.acknowledge()
        if self._disk.contents is not before:
            self._acknowledged(self._process, before, self._disk.contents, why)

    def effect(self, name: str) -> None:
        """One of the process's effects, for this kind of change."""
        self._process.effect(f"{name} {self._kind}")

    def is_refused(self) -> bool:
        """Whether the disk takes nothing."""
        try:
            self._process.check_disk()
        except InboxagentError:
            return True
        return False


def _same(one: Contents, other: Contents) -> bool:
    """Whether two readings say the same."""
    return (one.conversations, one.cursors, one.suppressions) == (
        other.conversations,
        other.cursors,
        other.suppressions,
    )
