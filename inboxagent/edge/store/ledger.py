"""The Ledger port: what may be changed inside a transaction."""

from collections.abc import Mapping
from functools import reduce
from typing import TYPE_CHECKING, Any

from inboxagent.edge.store.never import Never
from inboxagent.edge.store.records import (
    CONVERSATIONS,
    CURSORS,
    FACTS,
    KEYS,
    SUPPRESSIONS,
    Folds,
    JournalRecords,
)
from inboxagent.edge.store.storage import JournalStorage
from inboxagent.outreach.erasure import Person, erase_from_events, erase_from_fact, is_named
from inboxagent.outreach.events import Event, to_json
from inboxagent.outreach.fold import advance, fold
from inboxagent.outreach.state import Conversation

if TYPE_CHECKING:
    from inboxagent.ports import Cursor


class JournalLedger(JournalRecords):
    """The Ledger port inside a transaction; every method raises RuntimeError when it is over."""

    def __init__(self, storage: JournalStorage, folds: Folds, never: Never) -> None:
        super().__init__(storage, folds, never)
        self.suppressed: set[str] = set()  # in this transaction
        self.has_erased = False

    def _is_never(self, entry: str) -> bool:
        return entry in self.suppressed or super()._is_never(entry)

    def enrol(self, conversation_id: str, *events: Event) -> Conversation:
        """Begin a conversation; its id must be new."""
        if self._one(CONVERSATIONS, "id", conversation_id) is not None:
            raise ValueError(f"conversation {conversation_id} exists already")
        conversation = fold(conversation_id, events)
        document = _document(conversation)
        self._folds.keep(document, conversation)
        self._table(CONVERSATIONS).insert(document)
        return conversation

    def append(self, conversation_id: str, *events: Event) -> Conversation:
        """Add events to a conversation and return it as it is afterwards. Raises KeyError where there is none."""
        found = self._one(CONVERSATIONS, "id", conversation_id)
        if found is None:
            raise KeyError(conversation_id)
        number, before = found
        conversation = reduce(advance, events, self._folds.conversation(before))
        now = {"id": conversation_id, "events": [*before["events"], *map(to_json, events)]}
        self._folds.keep(now, conversation)
        self._storage.replace(CONVERSATIONS, number, before, now)
        return conversation

    def move_cursor(self, mailbox: str, cursor: "Cursor | None") -> None:
        """Remember how far a mailbox has been judged; None forgets it."""
        if cursor is None:
            self._keep(CURSORS, mailbox, None)
        else:
            self._keep(CURSORS, mailbox, {"uidvalidity": cursor.uidvalidity, "next_uid": cursor.next_uid})

    def suppress(self, address: str, because: str) -> None:
        """Never write to this address (or `@domain`) again; the first reason stays."""
        if "@" not in address:
            raise ValueError(f"{address!r} is neither an address nor @domain")
        if self._one(SUPPRESSIONS, "address", address.lower()) is None:
            self._keep(SUPPRESSIONS, address.lower(), {"because": because})
        self.suppressed.add(address.lower())

    def erase(self, person: Person) -> None:
        """Remove everything about this person but that he is never to be written to, of which a keyed hash is left."""
        for document in self._table(CONVERSATIONS).all():
            self._erase_from(document.doc_id, dict(document), person)
        for document in self._table(FACTS).all():
            if is_named(document["value"], person):
                self.remember(document["name"], erase_from_fact(document["value"], person))
        for address in person.addresses:
            self._keep(SUPPRESSIONS, address, None)
        self.suppressed |= person.addresses
        self.has_erased = True

    def _erase_from(self, number: int, document: Any, person: Person) -> None:
        before = self._folds.conversation(document)
        if before.addresses & person.addresses:
            self._table(CONVERSATIONS).remove(doc_ids=[number])
        elif (events := erase_from_events(before.events, person)) != before.events:
            self._storage.replace(CONVERSATIONS, number, document, _document(fold(before.id, events)))

    def remember(self, name: str, value: object | None) -> None:
        """Keep a JSON value about the account; None removes it."""
        self._keep(FACTS, name, None if value is None else {"value": value})

    def _keep(self, name: str, key: str, value: Mapping[str, Any] | None) -> None:
        """Have one document with this key in a table, or none."""
        table, found = self._table(name), self._one(name, KEYS[name], key)
        if value is None:
            table.remove(doc_ids=[found[0]] if found else [])
        elif found:
            table.update(value, doc_ids=[found[0]])
        else:
            table.insert({KEYS[name]: key, **value})


def _document(conversation: Conversation) -> dict[str, Any]:
    return {"id": conversation.id, "events": [to_json(event) for event in conversation.events]}
