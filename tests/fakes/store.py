"""The Store port in memory: what the tests of everything above the store use. It passes the store's contract suite."""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from inboxagent.errors import TryLater
from inboxagent.mail.headers import covering
from inboxagent.outreach.erasure import Person, erase_from_events, erase_from_fact
from inboxagent.outreach.events import Event
from inboxagent.outreach.fold import advance, fold
from inboxagent.outreach.state import Conversation
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
            dict(self.conversations),
            dict(self.cursors),
            dict(self.suppressions),
            dict(self.facts),  # each is copied when it goes in and when it comes out
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

    def find(self, index: str, value: str) -> Sequence[Conversation]:
        if index not in _INDEXES:
            raise ValueError(index)
        wanted, values = value.lower() if index == "address" else value, _INDEXES[index]
        return [each for each in self.conversations() if wanted in values(each)]

    def cursors(self) -> Mapping[str, Cursor]:
        return dict(self._contents.cursors)

    def suppression(self, address: str) -> str | None:
        suppressions = self._contents.suppressions
        return next((suppressions[each] for each in covering(address) if each in suppressions), None)

    def fact(self, name: str) -> object | None:
        return _fresh(self._contents.facts.get(name))


_INDEXES: Mapping[str, Callable[[Conversation], Collection[str]]] = {
    "id": lambda each: (each.id,),
    "state": lambda each: (each.state,),
    "address": lambda each: each.addresses,
    "message_id": lambda each: each.ids | each.judged,
}


def _fresh(value: object) -> object:
    """A JSON value that shares nothing which can be changed."""
    if isinstance(value, dict):
        return {key: _fresh(each) for key, each in value.items()}
    return [_fresh(each) for each in value] if isinstance(value, list) else value


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
        return self._keep(fold(conversation_id, events))

    def append(self, conversation_id: str, *events: Event) -> Conversation:
        conversation = self._contents.conversations[conversation_id]
        for event in events:
            conversation = advance(conversation, event)
        return self._keep(conversation)

    def _keep(self, conversation: Conversation) -> Conversation:
        self._draft.conversations[conversation.id] = conversation
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

    def erase(self, person: Person) -> None:
        draft = self._draft
        for each in self.conversations():
            if each.addresses & person.addresses:
                del draft.conversations[each.id]
            elif (events := erase_from_events(each.events, person)) != each.events:
                self._keep(fold(each.id, events))
        draft.facts = {
            name: left for name, value in draft.facts.items() if (left := erase_from_fact(value, person)) is not None
        }
        draft.suppressions.update(dict.fromkeys(person.addresses, "nothing else is kept about it"))

    def remember(self, name: str, value: object | None) -> None:
        if value is None:
            self._draft.facts.pop(name, None)
        else:
            self._draft.facts[name] = _fresh(value)


class MemoryStore(MemoryRecords):
    """The Store port; several over one `Memory` are several processes over one file."""

    def __init__(self, memory: Memory | None = None, patience: float = 15.0) -> None:
        self._memory = memory or Memory()
        self._patience = patience
        self._changes = 0  # its own

    @property
    def _contents(self) -> Contents:
        return self._memory.contents

    def generation(self) -> object:
        return self._memory.changes

    def others(self) -> object:
        return self._memory.changes - self._changes

    def changed(self, since: object = None) -> tuple[Sequence[Conversation], object]:
        before, now = since if isinstance(since, dict) else {}, self._contents.conversations
        return [each for name, each in now.items() if before.get(name) is not each], now

    def compact(self) -> bool:
        return False

    @contextmanager
    def transaction(self, why: str, *, urgent: bool = False) -> Iterator[Ledger]:
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
            self._changes += 1

    def close(self) -> None:
        """Nothing is held."""
