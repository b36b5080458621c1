"""The Store port in memory: what the tests of everything above the store use. It passes the store's contract suite."""

import copy
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from inboxagent.errors import TryLater
from inboxagent.outreach.events import Event
from inboxagent.outreach.state import Conversation, advance, fold
from inboxagent.ports import Cursor, Ledger


@dataclass
class Contents:
    """Everything a store remembers."""

    conversations: dict[str, Conversation] = field(default_factory=dict)
    cursors: dict[str, Cursor] = field(default_factory=dict)
    suppressions: dict[str, str] = field(default_factory=dict)
    facts: dict[str, object] = field(default_factory=dict)

    def copy(self) -> "Contents":
        """The same, sharing nothing that can be changed."""
        return Contents(
            dict(self.conversations), dict(self.cursors), dict(self.suppressions), copy.deepcopy(self.facts)
        )


@dataclass
class Memory:
    """What several stores of one account share, as two processes share a file."""

    contents: Contents = field(default_factory=Contents)
    changes: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)
    holder: str | None = None


class MemoryRecords:
    """The Records port over contents."""

    def __init__(self, contents: Contents) -> None:
        self._own = contents

    @property
    def _contents(self) -> Contents:
        return self._own

    def conversations(self) -> Sequence[Conversation]:
        return list(self._contents.conversations.values())

    def conversation(self, conversation_id: str) -> Conversation | None:
        return self._contents.conversations.get(conversation_id)

    def cursors(self) -> Mapping[str, Cursor]:
        return dict(self._contents.cursors)

    def suppression(self, address: str) -> str | None:
        lowered = address.lower()
        domain = "@" + lowered.rpartition("@")[2]
        return self._contents.suppressions.get(lowered) or self._contents.suppressions.get(domain)

    def fact(self, name: str) -> object | None:
        return copy.deepcopy(self._contents.facts.get(name))


class MemoryLedger(MemoryRecords):
    """The Ledger port over the draft of a transaction."""

    over = False
    changed = False

    @property
    def _contents(self) -> Contents:
        if self.over:
            raise RuntimeError("this transaction is over")
        return self._own

    @property
    def _draft(self) -> Contents:
        draft = self._contents
        self.changed = True
        return draft

    def enrol(self, conversation_id: str, *events: Event) -> Conversation:
        if conversation_id in self._contents.conversations:
            raise ValueError(f"{conversation_id} exists already")
        conversation = fold(conversation_id, events)
        self._draft.conversations[conversation_id] = conversation
        return conversation

    def append(self, conversation_id: str, *events: Event) -> Conversation:
        conversation = self._contents.conversations[conversation_id]
        for event in events:
            conversation = advance(conversation, event)
        self._draft.conversations[conversation_id] = conversation
        return conversation

    def move_cursor(self, mailbox: str, cursor: Cursor | None) -> None:
        if cursor is None:
            self._draft.cursors.pop(mailbox, None)
        else:
            self._draft.cursors[mailbox] = cursor

    def suppress(self, address: str, because: str) -> None:
        if "@" not in address:
            raise ValueError(f"{address!r} has no @")
        self._draft.suppressions.setdefault(address.lower(), because)

    def remember(self, name: str, value: object | None) -> None:
        if value is None:
            self._draft.facts.pop(name, None)
        else:
            self._draft.facts[name] = copy.deepcopy(value)


class MemoryStore(MemoryRecords):
    """The Store port; several over one `Memory` are several processes over one file."""

    def __init__(self, memory: Memory | None = None, patience: float = 15.0) -> None:
        self._memory = memory or Memory()
        self._patience = patience

    @property
    def _contents(self) -> Contents:
        return self._memory.contents

    def generation(self) -> object:
        return self._memory.changes

    @contextmanager
    def transaction(self, why: str) -> Iterator[Ledger]:
        memory = self._memory
        if not memory.lock.acquire(timeout=self._patience):
            raise TryLater(f"held for {memory.holder}")
        try:
            if memory.holder is not None:
                raise RuntimeError(f"inside the transaction {memory.holder!r}")
            memory.holder = why
            try:
                yield from self._commit(MemoryLedger(memory.contents.copy()))
            finally:
                memory.holder = None
        finally:
            memory.lock.release()

    def _commit(self, ledger: MemoryLedger) -> Iterator[Ledger]:
        try:
            yield ledger
        finally:
            ledger.over = True
        if ledger.changed:
            self._memory.contents = ledger._own
            self._memory.changes += 1

    def close(self) -> None:
        """Nothing is held."""
