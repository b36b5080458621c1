"""The account's memory on a disk that tells what was durable: a commit is written, then synced, then acknowledged."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from inboxagent.edge.store.records import NOTHING_ELSE_KEPT
from inboxagent.ports import REWOUND, Ledger
from tests.fakes.store import Contents, Memory, MemoryLedger, MemoryStore
from tests.simulation import state_folder
from tests.simulation.process import Process


@dataclass
class Disk(Memory):
    """What processes share: `contents` is what they read, `durable` what survives a power cut."""

    durable: Contents = field(default_factory=Contents)
    unsynced: list[Contents] = field(default_factory=list)
    changed: Callable[[], None] = lambda: None
    complain: Callable[[str], None] = lambda text: None
    never: set[str] = field(default_factory=set)  # whom never to write to, in a file of its own

    def put(self, contents: Contents) -> None:
        """Written, and so far in the memory of the machine only."""
        self.contents = contents
        self.changes += 1
        self.unsynced.append(contents)
        self.changed()

    def sync(self) -> None:
        """fsync."""
        self.durable = self.contents
        self.unsynced.clear()

    def store(self, process: Process, acknowledged: "Committed") -> "SimulatedStore":
        """One process's view."""
        return SimulatedStore(process, self, acknowledged)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """For a month."""
        yield

    def backup(self) -> object:
        """A copy of what is on the medium."""
        return self.durable

    def octets(self) -> bytes:
        """What lies in the file, where there is one."""
        return b""

    def lose_power(self, random: Random) -> None:
        """Any part of what was not synced, in its order, may be there afterwards."""
        self.contents = self.durable = random.choice([self.durable, *self.unsynced])
        self.unsynced.clear()
        self.changes += 1

    def put_back(self, copy: object) -> None:
        """An old copy of the file takes its place, which the store notices as soon as it is opened."""
        assert isinstance(copy, Contents)
        found = copy.copy()
        found.suppressions |= self.contents.suppressions  # they lie beside the journal, and stay
        found.facts[REWOUND] = {"found": 1, "written": 2}
        self.never |= self.contents.suppressions.keys()
        found.suppressions = dict.fromkeys(self.never, NOTHING_ELSE_KEPT) | found.suppressions
        self._replace(found)

    def restore(self, copy: object, now: datetime, *, lost: bool) -> None:
        """`inboxagent restore`, where what is there is still there, or `lost`."""
        assert isinstance(copy, Contents)
        with state_folder.folder() as there, state_folder.folder() as here:
            state_folder.write_state(there, copy)
            if not lost:
                state_folder.write_state(here, self.contents)
            state_folder.restore(here, state_folder.back_up(there, now), now)
            if lost:
                self.never.clear()
            self._replace(state_folder.read_state(here, (self.contents, copy)))

    def suppresses(self, address: str) -> bool:
        """Whether this address is never to be written to, as the store says."""
        return address in self.contents.suppressions

    def change_version(self, *, later: bool) -> str | None:
        """Another version of the program opens the file: of the first version, or of a `later` one; what goes wrong."""
        with state_folder.folder() as here:
            state_folder.write_state(here, self.contents)
            if later:
                return state_folder.refuse_later_version(here)
            wrong = state_folder.upgrade(here)
            self._replace(state_folder.read_state(here, (self.contents,)))
            return wrong

    def _replace(self, contents: Contents) -> None:
        self.contents = self.durable = contents
        self.unsynced.clear()
        self.changes += 1


Committed = Callable[[Process, Contents, Contents, str], None]


RESULTS = ("sent", "uncertain", "deferred", "refused", "withdrawn")
"""What may become of a letter, as the transaction that records it is called."""


def kind_of(why: str) -> str:
    """What a transaction is for, in one word: `intent`, `mail`, `enrol`, `command`, or what became of a letter."""
    first, _, rest = why.partition(" ")
    if first == "she":
        return "enrol" if rest == "enrols" else "command"
    return first if first in ("intent", "mail") else rest if " " not in rest else "other"


class SimulatedStore(MemoryStore):
    """One process's view. `acknowledged` is told of each transaction that returned."""

    def __init__(self, process: Process, disk: Disk, acknowledged: Committed) -> None:
        super().__init__(disk)
        self._process = process
        self._disk = disk
        self._acknowledged = acknowledged

    def _commit(self, ledger: MemoryLedger) -> Iterator[Ledger]:
        why = str(self._disk.holder)
        kind = kind_of(why)
        self._process.effect(f"lock for {kind}")
        self._process.check_lock()
        try:
            yield ledger
        finally:
            ledger.over = True
        if not ledger.changed:
            return
        before = self._disk.contents
        self._process.effect(f"before writing {kind}")
        self._process.check_disk()
        self._changes += 1
        self._disk.put(ledger._own)
        self._process.effect(f"written {kind}")
        self._sync()
        self._process.effect(f"synced {kind}")
        self._acknowledged(self._process, before, ledger._own, why)

    def _sync(self) -> None:
        self._disk.sync()
