"""The Store port over another store whose changes are kept in memory and forgotten: for dry runs."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from inboxagent.edge.store.records import fits
from inboxagent.mail.headers import covering
from inboxagent.outreach.erasure import Person, erase_from_events
from inboxagent.outreach.events import Event
from inboxagent.outreach.fold import advance, fold
from inboxagent.outreach.state import Conversation
from inboxagent.ports import Cursor, Ledger, Store


class Rehearsal:
    """Store and Ledger in one. A failed transaction is not undone: whoever rehearses ends with it."""

    def __init__(self, store: Store) -> None:
        """Begins with what the store knows now; the store itself is never written."""
        self._store = store
        self._conversations = {each.id: each for each in store.conversations()}
        self._cursors = dict(store.cursors())
        self._suppressions: dict[str, str] = {}
        self._facts: dict[str, object | None] = {}
        self._changes = 0

    def conversations(self) -> Sequence[Conversation]:
        """All of them, oldest enrolment first."""
        return list(self._conversations.values())

    def conversation(self, conversation_id: str) -> Conversation | None:
        """The one with this id."""
        return self._conversations.get(conversation_id)

    def find(self, index: str, value: str) -> Sequence[Conversation]:
        """Those with this `address`, `message_id`, `state` or `id`."""
        return [each for each in self._conversations.values() if fits(each, index, value)]

    def cursors(self) -> Mapping[str, Cursor]:
        """How far each mailbox has been judged."""
        return dict(self._cursors)

    def suppression(self, address: str) -> str | None:
        """Why this address, its mailbox or its domain is never written to again."""
        found = (self._suppressions[entry] for entry in covering(address) if entry in self._suppressions)
        return next(found, None) or self._store.suppression(address)

    def fact(self, name: str) -> object | None:
        """A remembered JSON value about the account."""
        return self._facts[name] if name in self._facts else self._store.fact(name)

    def generation(self) -> object:
        """Differs after each change."""
        return self._changes

    def others(self) -> object:
        """Differs after a change of those who share the store below."""
        return self._store.others()

    def changed(self, since: object = None) -> tuple[Sequence[Conversation], object]:
        """Those that were changed since an earlier mark, all of them without one; and the mark of now."""
        before = since if isinstance(since, dict) else {}
        changed = [each for name, each in self._conversations.items() if before.get(name) is not each]
        return changed, dict(self._conversations)

    def compact(self) -> bool:
        """There is nothing to tidy up."""
        return False

    @contextmanager
    def transaction(self, why: str, *, urgent: bool = False) -> Iterator[Ledger]:
        """Changes that nobody else will see."""
        yield self
        self._changes += 1

    def enrol(self, conversation_id: str, *events: Event) -> Conversation:
        """Begin a conversation; its id must be new."""
        if conversation_id in self._conversations:
            raise ValueError(f"conversation {conversation_id} exists already")
        return self._keep(fold(conversation_id, events))

    def append(self, conversation_id: str, *events: Event) -> Conversation:
        """Add events to a conversation and return it as it is afterwards."""
        for event in events:
            self._conversations[conversation_id] = advance(self._conversations[conversation_id], event)
        return self._keep(self._conversations[conversation_id])

    def _keep(self, conversation: Conversation) -> Conversation:
        self._conversations[conversation.id] = conversation
        return conversation

    def move_cursor(self, mailbox: str, cursor: Cursor | None) -> None:
        """Remember how far a mailbox has been judged; None forgets it."""
        if cursor is None:
            self._cursors.pop(mailbox, None)
        else:
            self._cursors[mailbox] = cursor

    def suppress(self, address: str, because: str) -> None:
        """Never write to this address (or `@domain`) again; the first reason stays."""
        self._suppressions.setdefault(address.lower(), because)

    def erase(self, person: Person) -> None:
        """Remove everything about this person."""
        self._suppressions.update(dict.fromkeys(person.addresses, "erased"))
        for each in self.conversations():
            if each.addresses & person.addresses:
                del self._conversations[each.id]
            else:
                self._keep(fold(each.id, erase_from_events(each.events, person)))

    def remember(self, name: str, value: object | None) -> None:
        """Keep a JSON value about the account; None removes it."""
        self._facts[name] = value

    def close(self) -> None:
        """Nothing is held."""
