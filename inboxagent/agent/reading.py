"""Reading every watched mailbox to its end, and writing down what the mail means."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from inboxagent.agent.account import Account
from inboxagent.agent.refusals import count_policy_refusal, say_stopped
from inboxagent.agent.understanding import LEARNT, Read, SetAside, Understanding, learnt_ids
from inboxagent.errors import Unreachable
from inboxagent.outreach.events import Event
from inboxagent.outreach.match import Known, index
from inboxagent.outreach.state import Conversation, are_same, to_compare
from inboxagent.outreach.stoppage import Stoppage
from inboxagent.ports import Clock, Cursor, Fetched, Ledger, Mailbox, Observe, Reading, Records, Search, Status, Store

T = TypeVar("T")

OVERLAP = timedelta(days=2)  # re-read before the last reading when a mailbox was renumbered
LOOK_WITHIN = 30.0  # seconds for a look at everything; what takes longer is no news any more
NOTED_EVERY = timedelta(hours=1)
READ_AT = "read_at"


class _OvertakenError(Exception):
    """An enrolment moved a cursor back while we were reading: what we had read does not reach up to it."""


class Reader:
    """Keeps the store up to the mailboxes. One at a time for an account."""

    def __init__(
        self,
        account: Account,
        mailbox: Mailbox,
        store: Store,
        clock: Clock,
        observe: Observe,
        set_aside: SetAside,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        """`beat` hears that the reading goes on, with each page and each message: a slow server is no hang."""
        self._account = account
        self._mailbox = mailbox
        self._store = store
        self._clock = clock
        self._observe = observe
        self._beat = beat
        self._understanding = Understanding(account, mailbox, store, clock, set_aside)
        self._index: tuple[object, Sequence[Conversation], Known] | None = None
        self.look_within = LOOK_WITHIN

    async def look(self) -> Reading:
        """`read` as proof for a send: it may take 30 s at most. Raises `Unreachable` where it takes longer."""
        return await self._in_time(self.read())

    async def read(self) -> Reading:
        """Judge all that is new in any watched mailbox, until a look shows nothing new: what is moved while it is being
        read may be in no page. Raises `Unreachable` where one cannot be read to its end."""
        while True:
            try:
                if (reading := await self._read_all()) is not None:
                    return reading
            except _OvertakenError:
                continue

    def next_at(self) -> datetime | None:
        """When there will be something to read besides new mail: at once where it is known what to look for."""
        return self._clock.now() if learnt_ids(self._store) else None

    async def _read_all(self) -> Reading | None:
        """One look and what it shows; None where there was something to judge."""
        began_at = self._clock.boot()
        statuses = await self._in_time(self._mailbox.status())
        cursors = self._store.cursors()
        news = [each for each in statuses if _has_news(statuses[each], cursors.get(each))]
        for name in await self._in_order(news):
            await self._catch_up(name, statuses[name], cursors)
        self._forget(cursors.keys() - statuses.keys())
        if await self._look_back() or news:
            return None
        self._note_reading()
        return Reading(began_at=began_at, mailboxes=statuses)

    async def _in_time(self, look: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self.look_within):
                return await look
        except TimeoutError:
            raise Unreachable(f"the mailboxes could not be read within {self.look_within:g} seconds") from None

    async def _in_order(self, names: list[str]) -> list[str]:
        """Sent first: an answer may name nothing but what she has just written. INBOX last: the freshest look."""
        sent = await self._mailbox.sent() if len(names) > 1 else None
        return sorted(names, key=lambda each: (each != sent, each.upper() == "INBOX"))

    async def _catch_up(self, name: str, status: Status, cursors: Mapping[str, Cursor]) -> None:
        stored = cursors.get(name)
        cursor, since = self._start(name, status, cursors)
        if cursor.next_uid == status.uidnext:
            await self._take(name, stored, cursor, ())
        while cursor.next_uid < status.uidnext:
            page = await self._mailbox.headers(name, cursor, status.uidnext, since)
            self._beat()
            if page.next_uid <= cursor.next_uid:
                raise Unreachable(f"{name}: the server announced mail at UID {cursor.next_uid} and shows none")
            cursor = Cursor(cursor.uidvalidity, page.next_uid)
            await self._take(name, stored, cursor, page.messages)
            stored = cursor

    def _start(self, name: str, status: Status, cursors: Mapping[str, Cursor]) -> tuple[Cursor, datetime | None]:
        """Where to read on from. Renumbered and newly found mailboxes are read again from before the last reading."""
        cursor = cursors.get(name)
        if cursor and cursor.uidvalidity == status.uidvalidity and cursor.next_uid <= status.uidnext:
            return cursor, None
        if not cursors:  # the very first reading: what lies there is history
            return Cursor(status.uidvalidity, status.uidnext), None
        return Cursor(status.uidvalidity, 1), min([self._last_reading(), *self._tried_at()]) - OVERLAP

    def _tried_at(self) -> list[datetime]:
        """When letters were tried of which nobody knows: a copy that proves one bears that time, however late."""
        tried = (attempt for each in self._store.conversations() for attempt in (each.pending, each.released))
        return [each.at for each in tried if each is not None]

    def _last_reading(self) -> datetime:
        text = self._store.fact(READ_AT)
        return datetime.fromisoformat(text) if isinstance(text, str) else self._clock.now() - timedelta(days=365)

    def _note_reading(self) -> None:
        """Remember when all mailboxes had been read; an old time only makes a later re-reading longer."""
        now = self._clock.now()
        if self._store.fact(READ_AT) is None or abs(now - self._last_reading()) > NOTED_EVERY:
            with self._store.transaction("a complete reading") as ledger:
                ledger.remember(READ_AT, now.isoformat())

    def _forget(self, vanished: Iterable[str]) -> None:
        """A mailbox that is gone or renamed: under its new name it is read again from before the last reading."""
        for name in sorted(vanished):
            with self._store.transaction(f"{name} is gone") as ledger:
                ledger.move_cursor(name, None)
            self._observe("vanished", {"mailbox": name})

    async def _take(self, name: str, stored: Cursor | None, cursor: Cursor, messages: Iterable[Fetched]) -> None:
        """Judge a page and commit its events with the cursor behind it; once more where somebody enrolled meanwhile."""
        messages = tuple(messages)
        while True:
            generation, known = self._known()
            read = await self._read_each(messages, known)
            with self._store.transaction(f"mail in {name}") as ledger:
                if ledger.cursors().get(name) != stored:
                    raise _OvertakenError
                if self._store.generation() == generation or _people(ledger) == known.people:
                    told = self._apply_all(ledger, read)
                    ledger.move_cursor(name, cursor)
                    break
            self._index = None
        self._tell(told)

    async def _look_back(self) -> bool:
        """Judge what names a Message-ID of hers that was learnt after it may have come: a copy is filed late, or under
        another id than we gave it. False where there is nothing to look for."""
        learnt = learnt_ids(self._store)
        if not learnt:
            return False
        found = await self._mailbox.search(Search(message_ids=learnt))
        read = await self._read_each(found, self._known()[1])
        with self._store.transaction("what names a new Message-ID of hers") as ledger:
            ledger.remember(LEARNT, [each for each in learnt_ids(ledger) if each not in learnt] or None)
            told = self._apply_all(ledger, read)
        self._tell(told)
        return True

    async def _read_each(self, messages: Iterable[Fetched], known: Known) -> list[Read]:
        found = []
        for fetched in messages:
            if read := await self._understanding.read(fetched, known):
                found.append(read)
            self._beat()
        return found

    def _apply_all(self, ledger: Ledger, read: Iterable[Read]) -> tuple[list[tuple[str, Event]], Stoppage | None]:
        """Write down what follows from these messages: the events, and what stops the whole account."""
        events: list[tuple[str, Event]] = []
        stopped = None
        heirs: dict[str, str] = {}
        for each in read:
            told, policy = self._understanding.apply(ledger, each, heirs)
            events += told
            if policy:
                stopped = count_policy_refusal(ledger, self._clock.now(), self._account.home) or stopped
        return events, stopped

    def _tell(self, told: tuple[list[tuple[str, Event]], Stoppage | None]) -> None:
        events, stopped = told
        for conversation_id, event in events:
            tell(self._observe, conversation_id, event)
        say_stopped(self._observe, stopped)

    def _known(self) -> tuple[object, Known]:
        """What messages are compared with, and the generation of the store that it is from."""
        generation = self._store.generation()
        if self._index is None or self._index[0] != generation:
            before, everybody = self._index, self._store.conversations()
            same = before is not None and are_same(before[1], everybody)
            known = before[2] if before and same else index(everybody, self._account.me.addresses)
            self._index = generation, to_compare(everybody), known
        return generation, self._index[2]


def tell(observe: Observe, conversation_id: str, event: Event) -> None:
    """Report an event of a conversation to whoever watches."""
    fields = {"conversation": conversation_id, "because": event.because}
    more = {"step": event.step, "message_id": event.message_id, "address": event.address}
    observe(event.word, fields | {key: value for key, value in more.items() if value is not None})


def _has_news(status: Status, cursor: Cursor | None) -> bool:
    return cursor is None or (cursor.uidvalidity, cursor.next_uid) != (status.uidvalidity, status.uidnext)


def _people(records: Records) -> frozenset[str]:
    return frozenset(each.id for each in records.conversations())
