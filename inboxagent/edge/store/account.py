"""The account's memory: the Store port over a journal in the state folder."""

import hashlib
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from inboxagent.edge.store import compaction, disk
from inboxagent.edge.store.ballast import Ballast
from inboxagent.edge.store.journal import Journal
from inboxagent.edge.store.lock import PATIENCE
from inboxagent.edge.store.never import Never
from inboxagent.edge.store.records import SHAPES, Folds, JournalRecords
from inboxagent.edge.store.storage import JournalStorage
from inboxagent.edge.system_state import message_id_key

# What only reads has no use for what writes and repairs.
if TYPE_CHECKING:
    from inboxagent.edge.store.ledger import JournalLedger
    from inboxagent.edge.store.repair import Damage


def file_stem(address: str) -> str:
    """A file name without suffix that is safe everywhere and different for every address."""
    stem = urllib.parse.quote(address.lower(), safe="@+", errors="surrogateescape")
    return stem if len(stem) <= 200 else stem[:180] + hashlib.sha256(stem.encode()).hexdigest()[:20]


class JournalStore(JournalRecords):
    """The Store port. Any number of processes and threads may use the same journal at once."""

    def __init__(self, path: Path, patience: float = PATIENCE) -> None:
        self._journal = Journal(path, SHAPES, patience)
        self._ballast = Ballast(path.with_name(path.name + ".ballast"))
        folds, never = Folds(), Never(path.with_suffix(".never"), lambda: message_id_key(path.parent))
        super().__init__(JournalStorage(self._journal, folds.describe), folds, never)

    def generation(self) -> object:
        """Differs from an earlier answer if anybody wrote in between; costs one stat."""
        return self._journal.generation()

    def others(self) -> object:
        """Differs from an earlier answer if anybody wrote in between but this object itself. Raises StateDamaged."""
        return self._journal.others()

    @contextmanager
    def transaction(self, why: str, *, urgent: bool = False) -> "Iterator[JournalLedger]":
        """Exclusive, everything or nothing, durable when it returns; for one thread, and not inside itself.

        An urgent one (she pauses or stops) gives up the ballast where the disk is full. Where somebody was erased, the
        journal is written anew behind it, so that nothing of him is left in the file.
        """
        from inboxagent.edge.store.ledger import JournalLedger

        storage = JournalStorage(self._journal, self._folds.describe, spare=self._ballast.drop if urgent else None)
        try:
            with storage.exclusive(why):
                ledger = JournalLedger(storage, self._folds, self._never)
                if self._journal.rewound:
                    from inboxagent.ports import REWOUND  # late: commands that only read have no use for the ports

                    ledger.remember(REWOUND, {"found": self._journal.newest, "written": self._journal.lock.witness})
                yield ledger
                known = ledger.suppressions() if self._never.is_empty else ()  # of a version that kept no such file
                self._never.add({*ledger.suppressed, *known})
        finally:
            storage.over = True
        if ledger.has_erased:
            self.compact(always=True)
            disk.remove(self._journal.path.with_suffix(".json.migrated"))  # of schema 1, with everybody in it
        self._ballast.load()

    def open(self) -> None:
        """Read what there is, so that damage is told now. Raises StateDamaged."""
        self._journal.catch_up()

    def check(self) -> "list[Damage]":
        """Everything that is wrong with the journal, line by line; empty where all is well."""
        from inboxagent.edge.store.repair import find_damage

        return find_damage(self._journal.path)

    def compact(self, *, always: bool = False) -> bool:
        """Make the journal short again where that is worth it, and sign for the last change; for an idle moment.

        True where the journal is another one now. Raises StateUnwritable, StateDamaged, TryLater.
        """
        self._journal.catch_up()
        if always or compaction.is_worth_it(self._journal):
            compaction.compact(self._journal)
            return True
        if self._journal.lock.owes_a_signature:
            with self._journal.writing("an idle moment"):
                pass
        return False

    def close(self) -> None:
        """Mark a clean end and let go of everything."""
        self._journal.close()
