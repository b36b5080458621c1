"""Reading every watched mailbox to its end, and writing down what the mail means."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from inboxagent.agent.account import Account
from inboxagent.agent.copies import note_filed, owe
from inboxagent.agent.moves import refuse
from inboxagent.agent.refusals import count_policy_refusal, say_stopped
from inboxagent.errors import InboxagentError, Unreachable
from inboxagent.mail.classify import Kind, Verdict, classify
from inboxagent.mail.flowed import flow
from inboxagent.mail.inbound import Inbound, parse, parse_headers
from inboxagent.outreach.colleagues import hold_colleagues
from inboxagent.outreach.events import Event, Word
from inboxagent.outreach.judgement import (
    NOTHING,
    Arrival,
    Consequence,
    is_filed_by_us,
    judge_hers,
    judge_his,
    token_in,
)
from inboxagent.outreach.letter import asked_to_stop, tokens
from inboxagent.outreach.match import Evidence, Known, Match, concerns, find, index, is_hers
from inboxagent.outreach.sequence import Sequence
from inboxagent.outreach.state import Conversation
from inboxagent.outreach.stoppage import Stoppage
from inboxagent.ports import Clock, Cursor, Fetched, Ledger, Mailbox, Observe, Reading, Records, Search, Status, Store

T = TypeVar("T")

SetAside = Callable[[Fetched, bytes, str], None]
"""Keeps a message that our own code failed on, with the traceback, where a person finds it."""

OVERLAP = timedelta(days=2)  # re-read before the last reading when a mailbox was renumbered
LOOK_WITHIN = 30.0  # seconds for a look at everything; what takes longer is no news any more
NOTED_EVERY = timedelta(hours=1)
READ_AT = "read_at"
LEARNT = "learnt_ids"  # Message-IDs that only a copy of hers has told us: what names them may have been passed by


class _OvertakenError(Exception):
    """An enrolment moved a cursor back while we were reading: what we had read does not reach up to it."""


@dataclass(frozen=True, slots=True)
class _Read:
    """One message that concerns us: its verdict was reached outside the transaction that applies it."""

    fetched: Fetched
    raw: bytes
    arrival: Arrival
    matches: tuple[Match, ...]
    verdict: Verdict | None = None  # None: it is hers
    failure: str | None = None
    filed: str = ""  # the token of our letter, where this is the copy that her server filed in Sent


class Reader:
    """Keeps the store up to the mailboxes. One at a time for an account."""

    def __init__(
        self, account: Account, mailbox: Mailbox, store: Store, clock: Clock, observe: Observe, set_aside: SetAside
    ) -> None:
        self._account = account
        self._mailbox = mailbox
        self._store = store
        self._clock = clock
        self._observe = observe
        self._set_aside = set_aside
        self._index: tuple[object, Known] | None = None
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
        return Cursor(status.uidvalidity, 1), self._last_reading() - OVERLAP

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
        learnt = _learnt(self._store)
        if not learnt:
            return False
        found = await self._mailbox.search(Search(message_ids=learnt))
        read = await self._read_each(found, self._known()[1])
        with self._store.transaction("what names a new Message-ID of hers") as ledger:
            ledger.remember(LEARNT, [each for each in _learnt(ledger) if each not in learnt] or None)
            told = self._apply_all(ledger, read)
        self._tell(told)
        return True

    async def _read_each(self, messages: Iterable[Fetched], known: Known) -> list[_Read]:
        return [each for fetched in messages if (each := await self._read(fetched, known))]

    def _apply_all(self, ledger: Ledger, read: Iterable[_Read]) -> tuple[list[tuple[str, Event]], Stoppage | None]:
        """Write down what follows from these messages: the events, and what stops the whole account."""
        events: list[tuple[str, Event]] = []
        stopped = None
        for each in read:
            told, policy = self._apply(ledger, each)
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
            self._index = generation, index(self._store.conversations(), self._account.me.addresses)
        return self._index

    async def _read(self, fetched: Fetched, known: Known) -> _Read | None:
        raw = fetched.header
        try:
            header = parse_headers(fetched.header)
            if not concerns(header, known):
                return None
            whole = await self._mailbox.message(fetched)
            raw = whole or fetched.header
            # What was deleted between the two fetches is judged by its header section.
            message = parse(whole) if whole else header
            read = self._understand(message, fetched, raw, known)
            filed = token_in(message) if read and read.verdict is None and not is_filed_by_us(message) else ""
            if read and filed and fetched.mailbox == await self._mailbox.sent():
                return replace(read, filed=filed)
            return read
        except InboxagentError:
            raise
        except Exception:  # noqa: BLE001 our own fault, whatever it is: keep the evidence, hold, go on
            why = traceback.format_exc()
            self._set_aside(fetched, raw, why)
            return _failed(fetched, raw, known, self._clock.now(), why)

    def _understand(self, message: Inbound, fetched: Fetched, raw: bytes, known: Known) -> _Read | None:
        arrival = Arrival(message=message, received_at=fetched.received_at, now=self._clock.now())
        matches = find(message, fetched.received_at, known)
        if not matches:
            return None
        if is_hers(message, known):
            return _Read(fetched, raw, arrival, matches)
        if asked_to_stop(message.subject) is not None:
            because = "he asked for it as the List-Unsubscribe field of our letter offers"
            return _Read(fetched, raw, arrival, matches, Verdict(kind=Kind.UNSUBSCRIBE, because=because))
        linked = any(each.evidence.names_hers for each in matches)
        verdict = classify(message, ours=self._letters(matches), now=fetched.received_at, replies_to_ours=linked)
        if verdict.kind not in (Kind.BOUNCE, Kind.DELAYED):
            matches = self._widen(matches, known)
        return _Read(fetched, raw, arrival, matches, verdict)

    def _letters(self, matches: Iterable[Match]) -> tuple[str, ...]:
        found = (self._store.conversation(each.conversation_id) for each in matches)
        ours = [letter for conversation in found if conversation for letter in conversation.letters]
        return (*ours, *map(flow, ours))  # quoted as they were written, or as they travelled

    def _widen(self, matches: tuple[Match, ...], known: Known) -> tuple[Match, ...]:
        """Every other conversation with the same person is concerned too."""
        widened = {each.conversation_id: each for each in matches}
        for each in matches:
            conversation = self._store.conversation(each.conversation_id)
            for address in sorted(conversation.addresses) if conversation else ():
                for other in known.of(address):
                    because = f"{address} is also in conversation {each.conversation_id}, which it concerns"
                    more = Match(conversation_id=other, evidence=Evidence.ADDRESS, because=because)
                    widened.setdefault(other, more)
        return tuple(widened.values())

    def _apply(self, ledger: Ledger, read: _Read) -> tuple[list[tuple[str, Event]], bool]:
        """Write down what follows from a message: the events, and whether it reports that a policy refused a letter."""
        events: list[tuple[str, Event]] = []
        policy = False
        if read.filed:
            note_filed(ledger, read.filed, self._clock.now())
        for found in read.matches:
            consequence = self._judge_safely(ledger, read, found)
            policy = policy or consequence.policy
            if read.verdict is not None:
                _owe_copies(ledger, consequence.events)
            if consequence.events:
                events += self._write(ledger, found.conversation_id, consequence, hers=read.verdict is None)
            for address, because in (consequence.suppress or {}).items():
                ledger.suppress(address, because)
        return events, policy

    def _write(
        self, ledger: Ledger, conversation_id: str, consequence: Consequence, *, hers: bool
    ) -> list[tuple[str, Event]]:
        """The events of this conversation, and those that follow from them for others."""
        before, told = ledger.conversation(conversation_id), consequence.events
        if before is not None and consequence.heir is not None:
            last = refuse(self._account, self._clock, ledger, before, told[-1], consequence.heir)
            told = (*told[:-1], last)
        after = ledger.append(conversation_id, *told)
        if hers and before is not None:
            _note_learnt(ledger, before, after)
        events = [(conversation_id, event) for event in told]
        rules, now = self._account.rules(), self._clock.now()
        for other, held in hold_colleagues(after, told, ledger.conversations(), rules, now):
            ledger.append(other, held)
            events.append((other, held))
        return events

    def _judge_safely(self, ledger: Ledger, read: _Read, found: Match) -> Consequence:
        try:
            return self._judge(ledger, read, found)
        except InboxagentError:
            raise
        except Exception:  # noqa: BLE001 as in `_read`: one message never stops the rest
            why = traceback.format_exc()
            self._set_aside(read.fetched, read.raw, why)
            return _hold(read, why)

    def _judge(self, ledger: Ledger, read: _Read, found: Match) -> Consequence:
        conversation = ledger.conversation(found.conversation_id)
        if conversation is None:
            return NOTHING
        if read.failure is not None:
            return _hold(read, read.failure)
        sequence, me = self._account.rules().sequences.get(conversation.enrolment.sequence), self._account.me
        if read.verdict is None:
            return self._judge_hers(conversation, found, read.arrival, sequence)
        return judge_his(conversation, found, read.verdict, read.arrival, me, sequence)

    def _judge_hers(
        self, conversation: Conversation, found: Match, arrival: Arrival, sequence: Sequence | None
    ) -> Consequence:
        words = [step.word for step in sequence.steps] if sequence else []
        steps = tokens(self._account.key, self._account.me.address, conversation, words)
        return judge_hers(conversation, found, arrival, self._account.me, steps, sequence)


def _owe_copies(ledger: Ledger, events: Iterable[Event]) -> None:
    """An answer or a report proves that a letter went out of which nobody knew: Sent is owed its copy as well."""
    for event in events:
        if event.word is Word.SENT and event.message_id is not None:
            owe(ledger, event.message_id, event.mail.at if event.mail else event.at)


def prepare() -> None:
    """Load the parser and the phrases: the first answer should not wait for that."""
    classify(parse(b"From: nobody@example.invalid\r\nSubject: Re: nothing\r\n\r\nNothing.\r\n"))


def tell(observe: Observe, conversation_id: str, event: Event) -> None:
    """Report an event of a conversation to whoever watches."""
    fields = {"conversation": conversation_id, "because": event.because}
    more = {"step": event.step, "message_id": event.message_id, "address": event.address}
    observe(event.word, fields | {key: value for key, value in more.items() if value is not None})


def _has_news(status: Status, cursor: Cursor | None) -> bool:
    return cursor != Cursor(status.uidvalidity, status.uidnext)


def _hold(read: _Read, failure: str) -> Consequence:
    because = f"a message could not be understood and was set aside: {failure.strip().splitlines()[-1]}"
    return Consequence(events=(Event(at=read.arrival.now, word=Word.HELD, because=because),))


def _people(records: Records) -> frozenset[str]:
    return frozenset(each.id for each in records.conversations())


def _learnt(records: Records) -> list[str]:
    told = records.fact(LEARNT)
    return [str(each) for each in told] if isinstance(told, list) else []


def _note_learnt(ledger: Ledger, before: Conversation, after: Conversation) -> None:
    new = (after.ids | after.asides) - (before.ids | before.asides)
    if new:
        ledger.remember(LEARNT, [*_learnt(ledger), *sorted(new)])


def _failed(fetched: Fetched, raw: bytes, known: Known, now: datetime, why: str) -> _Read:
    """Hold everybody whose address or Message-ID the unreadable header section names."""
    text = fetched.header.decode("latin-1").lower()
    named = [(address, ids) for address, ids in known.addresses.items() if address in text]
    named += [(message_id, ids) for message_id, ids in known.ids.items() if message_id.lower() in text]
    matches = {
        each: Match(conversation_id=each, evidence=Evidence.ADDRESS, because=f"its header names {word}")
        for word, ids in named
        for each in ids
    }
    arrival = Arrival(message=parse_headers(b""), received_at=fetched.received_at, now=now)
    return _Read(fetched, raw, arrival, tuple(matches.values()), failure=why)
