"""The Records port over TinyDB tables in a journal."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, reduce
from typing import TYPE_CHECKING, Any

from inboxagent.edge.store.never import Never
from inboxagent.edge.store.storage import JournalStorage, View
from inboxagent.edge.store.tables import JournalDB, JournalTable
from inboxagent.errors import StateDamaged
from inboxagent.mail.headers import covering
from inboxagent.outreach.events import from_json
from inboxagent.outreach.fold import advance, fold
from inboxagent.outreach.state import Conversation

if TYPE_CHECKING:
    from inboxagent.ports import Cursor

CONVERSATIONS, CURSORS, SUPPRESSIONS, FACTS = "conversations", "cursors", "suppressions", "facts"
SHAPES = {CONVERSATIONS: ("state",)}
KEYS = {CURSORS: "mailbox", SUPPRESSIONS: "address", FACTS: "name"}

_CAPACITY = 5_000


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

    def keep_only(self, living: Sequence[Conversation]) -> None:
        """Let go of who is not among them, as somebody who was forgotten is to be."""
        for name in self._known.keys() - {each.id for each in living}:
            del self._known[name]

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

    def describe(self, table: str, document: Any) -> Mapping[str, Any]:
        """The index values of a document."""
        if table != CONVERSATIONS:
            return {KEYS[table]: [document[KEYS[table]]]} if table in KEYS else {}
        conversation = self.conversation(document)
        return {
            "state": conversation.state.value,
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
        found = [self._folds.conversation(self._storage.document(CONVERSATIONS, each)) for each in numbers]
        self._folds.keep_only(found)
        return found

    def changed(self, since: object = None) -> tuple[Iterable[Conversation], object]:
        """Those that somebody wrote to since an earlier mark, all of them without one, read one by one: all of them at
        once would take hundreds of megabytes at 100,000. And the mark of now."""
        self._storage.catch_up()
        numbers, mark = self._storage.journal.changed(CONVERSATIONS, since)
        documents = (self._storage.document(CONVERSATIONS, number) for number in numbers)
        return (self._folds.conversation(document) for document in documents if document is not None), mark

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
