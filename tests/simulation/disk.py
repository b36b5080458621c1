"""The account's memory on a disk that tells what was durable: a commit is written, then synced, then acknowledged."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

from inboxagent.ports import REWOUND, Ledger
from tests.fakes.store import Contents, Memory, MemoryLedger, MemoryStore
from tests.simulation.process import Process


@dataclass
class Disk(Memory):
    """What processes share: `contents` is what they read, `durable` what survives a power cut."""

    durable: Contents = field(default_factory=Contents)
    unsynced: list[Contents] = field(default_factory=list)
    changed: Callable[[], None] = lambda: None
    complain: Callable[[str], None] = lambda text: None

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

    def lose_power(self, random: Random) -> None:
        """Any part of what was not synced, in its order, may be there afterwards."""
        self.contents = self.durable = random.choice([self.durable, *self.unsynced])
        self.unsynced.clear()
        self.changes += 1

    def put_back(self, copy: object) -> None:
        """An old copy of the file takes its place, which the store notices as soon as it is opened."""
        assert isinstance(copy, Contents)
        found = copy.copy()
        found.facts[REWOUND] = {"found": 1, "written": 2}
        self.contents = self.durable = found
        self.unsynced.clear()
        self.changes += 1


Committed = Callable[[Process, Contents, Contents, str], None]


class SimulatedStore(MemoryStore):
    """One process's view. `acknowledged` is told of each transaction that returned."""

    def __init__(self, process: Process, disk: Disk, acknowledged: Committed) -> None:
        super().__init__(disk)
        self._process = process
        self._disk = disk
        self._acknowledged = acknowledged

    def _commit(self, ledger: MemoryLedger) -> Iterator[Ledger]:
        why = str(self._disk.holder)
        self._process.effect(f"lock for {why.partition(' ')[0]}")
        self._process.check_lock()
        try:
            yield ledger
        finally:
            ledger.over = True
        if not ledger.changed:
            return
        kind = why.partition(" ")[0]
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
