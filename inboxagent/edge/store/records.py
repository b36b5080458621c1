"""The Records and Ledger ports over TinyDB tables in a journal."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property, reduce
from typing import TYPE_CHECKING, Any

from inboxagent.edge.store.never import Never
from inboxagent.edge.store.storage import JournalStorage, View
from inboxagent.edge.store.tables import JournalDB, JournalTable
from inboxagent.errors import StateDamaged
from inboxagent.mail.headers import covering
from inboxagent.outreach.erasure import Person, erase_from_events, erase_from_fact, is_named
from inboxagent.outreach.events import Event, from_json, to_json
from inboxagent.outreach.state import Conversation, State, advance, fold

if TYPE_CHECKING:
    from inboxagent.ports import Cursor

CONVERSATIONS, CURSORS, SUPPRESSIONS, FACTS = "conversations", "cursors", "suppressions", "facts"
SHAPES = {CONVERSATIONS: (("state", "look_at"), "look_at")}
KEYS = {CURSORS: "mailbox", SUPPRESSIONS: "address", FACTS: "name"}

_CAPACITY = 5_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


NOTHING_ELSE_KEPT = "nothing else is kept about it"
"""The reason of a suppression whose reason was erased, or is not in the journal that was put back."""


class Folds:
    """Conversations by the events they were folded from, so that what did not change is not folded again.

    Of each the last two: a transaction asks for the one before, too.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[tuple[list[Any], Conversation], ...]] = OrderedDict()

    def conversation(self, document: Mapping[str, Any]) -> Conversation:
        """The conversation of a document. Raises StateDamaged where its events make none."""
        name, events = document["id"], document["events"]
        known = self._recall(name, events, len(events))
        if known is None:
            known = self._fold(name, events)
            self.keep(document, known)
        return known

    def keep(self, document: Mapping[str, Any], conversation: Conversation) -> None:
        """Remember which conversation a document makes."""
        name, events = document["id"], document["events"]
        others = [each for each in self._known.pop(name, ()) if len(each[0]) != len(events)]
        self._known[name] = (*others[-1:], (events, conversation))
        if len(self._known) > _CAPACITY:
            self._known.popitem(last=False)

    def _recall(self, name: str, events: list[Any], length: int) -> Conversation | None:
        for before, conversation in self._known.get(name, ()):
            if len(before) == length and (before is events or before == events[:length]):
                return conversation
        return None

    def _fold(self, name: str, events: list[Any]) -> Conversation:
        """Fold what is new; the last few events are what is new as a rule."""
        try:
            for length in range(len(events) - 1, max(len(events) - 5, 0), -1):
                if conversation := self._recall(name, events, length):
                    return reduce(advance, map(from_json, events[length:]), conversation)
            return fold(name, map(from_json, events))
        except (KeyError, ValueError, TypeError) as error:
            raise StateDamaged(f"Conversation {name} cannot be read: {error}") from error

    def complete(self, table: str, document: dict[str, Any]) -> None:
        """Give a document of schema 1 what it lacks."""
        if table == CONVERSATIONS:
            document["look_at"] = _seconds(look_at(self.conversation(document)))

    def describe(self, table: str, document: Any) -> Mapping[str, Any]:
        """The index values of a document."""
        if table != CONVERSATIONS:
            return {KEYS[table]: [document[KEYS[table]]]} if table in KEYS else {}
        conversation = self.conversation(document)
        return {
            "state": conversation.state.value,
            "look_at": document.get("look_at"),
            "id": [conversation.id],
            "address": sorted(conversation.addresses),
            "message_id": sorted(conversation.ids | conversation.judged),
        }


def fits(conversation: Conversation, index: str, value: str) -> bool:
    """Whether a conversation has this value of a declared index. Raises ValueError for an index there is not."""
    match index:
        case "id":
            return conversation.id == value
        case "state":
            return conversation.state == value
        case "address":
            return value.lower() in conversation.addresses
        case "message_id":
            return value in conversation.ids or value in conversation.judged
    raise ValueError(f"conversations are not found by {index!r}")


def look_at(conversation: Conversation) -> datetime | None:
    """When to look at a conversation that has just changed: at once where it waits, when its hold ends, or never."""
    if conversation.state is State.HELD:
        return conversation.held_until
    return conversation.events[-1].at if conversation.state is State.WAITING else None


class JournalRecords:
    """The Records port."""

    def __init__(self, storage: JournalStorage, folds: Folds, never: Never) -> None:
        self._storage = storage
        self._folds = folds
        self._never = never

    @cached_property
    def _database(self) -> JournalDB:
        return JournalDB(storage=self._storage)

    def conversations(self) -> Sequence[Conversation]:
        """All of them, in the order of their enrolment."""
        self._storage.catch_up()
        numbers = View(self._storage, CONVERSATIONS).numbers()
        return [self._folds.conversation(self._storage.document(CONVERSATIONS, each)) for each in numbers]

    def changed(self, since: object = None) -> tuple[Sequence[Conversation], object]:
        """Those that somebody wrote to since an earlier mark, all of them without one; and the mark of now."""
        self._storage.catch_up()
        numbers, mark = self._storage.journal.changed(CONVERSATIONS, since)
        documents = (self._storage.document(CONVERSATIONS, number) for number in numbers)
        return [self._folds.conversation(document) for document in documents if document is not None], mark

    def conversation(self, conversation_id: str) -> Conversation | None:
        """The one with this id."""
        found = self._one(CONVERSATIONS, "id", conversation_id)
        return None if found is None else self._folds.conversation(found[1])

    def find(self, index: str, value: str) -> Sequence[Conversation]:
        """Those with this `address`, `message_id` (of the thread, or judged) or `state`."""
        if index == "state":
            return self._in_state(value)
        if index not in ("address", "message_id", "id"):
            raise ValueError(f"conversations are not found by {index!r}")
        wanted = value.lower() if index == "address" else value
        found = self._storage.find(CONVERSATIONS, index, wanted)
        return [self._folds.conversation(document) for _, document in found]

    def due(self, now: datetime, limit: int) -> Sequence[Conversation]:
        """Those that were to be looked at by now, the most overdue first; cost O(limit), not O(all)."""
        documents = self._first(now, limit)
        return [self._folds.conversation(document) for document in documents]

    def next_look_at(self) -> datetime | None:
        """When the next conversation is to be looked at."""
        first = self._first(datetime.max.replace(tzinfo=UTC), 1)
        return _EPOCH + timedelta(seconds=first[0]["look_at"]) if first else None

    def _first(self, until: datetime, limit: int) -> list[Any]:
        """The documents that are first in the queue, up to an instant."""
        self._storage.catch_up()
        changed = self._storage.draft.of(CONVERSATIONS) if self._storage.draft else {}
        last = (until - _EPOCH).total_seconds()
        numbers = {*self._storage.journal.first(CONVERSATIONS, last, limit + len(changed)), *changed}
        documents = (self._storage.document(CONVERSATIONS, number) for number in numbers)
        waiting = [each for each in documents if each and each["look_at"] is not None and each["look_at"] <= last]
        return sorted(waiting, key=lambda each: float(each["look_at"]))[:limit]

    def cursors(self) -> "Mapping[str, Cursor]":
        """How far each mailbox has been judged."""
        from inboxagent.ports import Cursor  # late: commands that only read have no use for the ports

        return {each["mailbox"]: Cursor(each["uidvalidity"], each["next_uid"]) for each in self._table(CURSORS)}

    def suppression(self, address: str) -> str | None:
        """Why this address, the mailbox of this subaddress, or its domain is never written to again; else None."""
        entries = covering(address)
        found = (self._one(SUPPRESSIONS, "address", entry) for entry in entries)
        known = next((str(document["because"]) for _, document in filter(None, found)), None)
        return NOTHING_ELSE_KEPT if known is None and any(map(self._is_never, entries)) else known

    def _is_never(self, entry: str) -> bool:
        return self._never.holds(entry)

    def suppressions(self) -> Mapping[str, str]:
        """Every address and `@domain` that is never written to again, with the reason."""
        return {each["address"]: each["because"] for each in self._table(SUPPRESSIONS)}

    def fact(self, name: str) -> object | None:
        """A remembered JSON value about the account."""
        found = self._one(FACTS, "name", name)
        return None if found is None else found[1]["value"]

    def _in_state(self, state: str) -> Sequence[Conversation]:
        self._storage.catch_up()
        journal = self._storage.journal
        rows = ((number, journal.row(CONVERSATIONS, number)) for number in journal.numbers(CONVERSATIONS))
        numbers = {number for number, row in rows if row is not None and row.columns[0] == state}
        if self._storage.draft is not None:
            numbers |= self._storage.draft.of(CONVERSATIONS).keys()
        documents = (self._storage.document(CONVERSATIONS, number) for number in sorted(numbers))
        found = (self._folds.conversation(document) for document in documents if document is not None)
        return [each for each in found if each.state == state]

    def _table(self, name: str) -> JournalTable:
        table = self._database.table(name)
        assert isinstance(table, JournalTable)
        return table

    def _one(self, table: str, key: str, value: str) -> tuple[int, Any] | None:
        """The document of which this is the key."""
        may_be = self._storage.candidates(table, key, value)
        return next((found for found in may_be if found[1][key] == value), None)


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
        number, before = self._conversation(conversation_id)
        conversation = reduce(advance, events, self._folds.conversation(before))
        added = [to_json(event) for event in events]
        now = {**before, "look_at": _seconds(look_at(conversation)), "events": [*before["events"], *added]}
        self._folds.keep(now, conversation)
        self._storage.replace(CONVERSATIONS, number, before, now)
        return conversation

    def look_again(self, conversation_id: str, at: datetime | None) -> None:
        """Let `due` hand this conversation out from this instant on; None: not before it changes."""
        number, _ = self._conversation(conversation_id)
        self._table(CONVERSATIONS).update({"look_at": _seconds(at)}, doc_ids=[number])

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

    def _conversation(self, conversation_id: str) -> tuple[int, Any]:
        found = self._one(CONVERSATIONS, "id", conversation_id)
        if found is None:
            raise KeyError(conversation_id)
        return found

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
    events = [to_json(event) for event in conversation.events]
    return {"id": conversation.id, "look_at": _seconds(look_at(conversation)), "events": events}


def _seconds(at: datetime | None) -> float | None:
    return None if at is None else (at - _EPOCH).total_seconds()
