"""Reading every watched mailbox to its end, and writing down what the mail means."""

import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from inboxagent.agent.account import Account
from inboxagent.errors import InboxagentError, Unreachable
from inboxagent.mail.classify import Kind, Verdict, classify
from inboxagent.mail.inbound import Inbound, parse, parse_headers
from inboxagent.outreach.decide import zone_of
from inboxagent.outreach.events import Event, Word
from inboxagent.outreach.judgement import NOTHING, Arrival, Consequence, judge_hers, judge_his
from inboxagent.outreach.match import Evidence, Known, Match, concerns, index, is_hers, match
from inboxagent.ports import Clock, Cursor, Fetched, Ledger, Mailbox, Observe, Reading, Status, Store

SetAside = Callable[[Fetched, bytes, str], None]
"""Keeps a message that our own code failed on, with the traceback, where a person finds it."""

OVERLAP = timedelta(days=2)  # re-read before the last reading when a mailbox was renumbered
NOTED_EVERY = timedelta(hours=1)
READ_AT = "read_at"


@dataclass(frozen=True, slots=True)
class _Read:
    """One message that concerns us: its verdict was reached outside the transaction that applies it."""

    arrival: Arrival
    matches: tuple[Match, ...]
    verdict: Verdict | None  # None: it is hers
    failure: str | None = None


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

    async def read(self) -> Reading:
        """Judge all that is new in any watched mailbox. Raises `Unreachable` where one cannot be read to its end."""
        began_at = self._clock.boot()
        statuses = await self._mailbox.status()
        cursors = self._store.cursors()
        for name in sorted(statuses, key=lambda each: each.upper() == "INBOX"):  # INBOX last: the freshest look
            await self._catch_up(name, statuses[name], cursors)
        self._forget(cursors.keys() - statuses.keys())
        self._note_reading()
        return Reading(began_at=began_at, mailboxes=statuses)

    async def _catch_up(self, name: str, status: Status, cursors: Mapping[str, Cursor]) -> None:
        cursor, since = self._start(name, status, cursors)
        if cursor != cursors.get(name) and cursor.next_uid == status.uidnext:
            with self._store.transaction(f"begin at {name}") as ledger:
                ledger.move_cursor(name, cursor)
        while cursor.next_uid < status.uidnext:
            page = await self._mailbox.headers(name, cursor, status.uidnext, since)
            if page.next_uid <= cursor.next_uid:
                raise Unreachable(f"{name}: the server announced mail at UID {cursor.next_uid} and shows none")
            cursor = await self._take(name, Cursor(cursor.uidvalidity, page.next_uid), page.messages)

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

    async def _take(self, name: str, cursor: Cursor, messages: Iterable[Fetched]) -> Cursor:
        """Judge a page and commit its events together with the cursor behind it."""
        messages = tuple(messages)
        while True:
            known = self._known()
            read = [each for fetched in messages if (each := await self._read(fetched, known))]
            events = self._commit(name, cursor, read, known)
            if events is not None:
                for conversation_id, event in events:
                    tell(self._observe, conversation_id, event)
                return cursor
            self._index = None  # somebody enrolled meanwhile: their mail may be among these

    def _known(self) -> Known:
        generation = self._store.generation()
        if self._index is None or self._index[0] != generation:
            self._index = generation, index(self._store.conversations(), self._account.me.addresses)
        return self._index[1]

    async def _read(self, fetched: Fetched, known: Known) -> _Read | None:
        raw = fetched.header
        try:
            header = parse_headers(fetched.header)
            if not concerns(header, known):
                return None
            whole = await self._mailbox.message(fetched)
            raw = whole or fetched.header
            # What was deleted between the two fetches is judged by its header section.
            return self._understand(parse(whole) if whole else header, fetched, known)
        except InboxagentError:
            raise
        except Exception:  # noqa: BLE001 our own fault, whatever it is: keep the evidence, hold, go on
            why = traceback.format_exc()
            self._set_aside(fetched, raw, why)
            return _failed(fetched, known, self._clock.now(), why)

    def _understand(self, message: Inbound, fetched: Fetched, known: Known) -> _Read | None:
        matches = match(message, known)
        if not matches:
            return None
        arrival = Arrival(message=message, received_at=fetched.received_at, now=self._clock.now())
        if is_hers(message, known):
            return _Read(arrival, matches, None)
        linked = any(each.evidence is not Evidence.ADDRESS for each in matches)
        verdict = classify(message, ours=self._letters(matches), now=fetched.received_at, replies_to_ours=linked)
        if verdict.kind in (Kind.BOUNCE, Kind.DELAYED):
            return _Read(arrival, matches, verdict)
        return _Read(arrival, self._widen(matches, known), verdict)

    def _letters(self, matches: Iterable[Match]) -> tuple[str, ...]:
        found = (self._store.conversation(each.conversation_id) for each in matches)
        return tuple(letter for conversation in found if conversation for letter in conversation.letters)

    def _widen(self, matches: tuple[Match, ...], known: Known) -> tuple[Match, ...]:
        """Every other conversation with the same person is concerned too."""
        widened = {each.conversation_id: each for each in matches}
        for each in matches:
            conversation = self._store.conversation(each.conversation_id)
            for address in sorted(conversation.addresses) if conversation else ():
                for other in known.addresses.get(address, ()):
                    because = f"{address} is also in conversation {each.conversation_id}, which it concerns"
                    more = Match(conversation_id=other, evidence=Evidence.ADDRESS, because=because)
                    widened.setdefault(other, more)
        return tuple(widened.values())

    def _commit(self, name: str, cursor: Cursor, read: Iterable[_Read], known: Known) -> list[tuple[str, Event]] | None:
        """Apply and move the cursor, both or neither; None where the people enrolled are no longer those of `known`."""
        events: list[tuple[str, Event]] = []
        with self._store.transaction(f"mail in {name}") as ledger:
            if _people(index(ledger.conversations(), known.mine)) != _people(known):
                return None
            for each in read:
                events += self._apply(ledger, each)
            ledger.move_cursor(name, cursor)
        return events

    def _apply(self, ledger: Ledger, read: _Read) -> list[tuple[str, Event]]:
        events: list[tuple[str, Event]] = []
        for found in read.matches:
            consequence = self._judge(ledger, read, found)
            if consequence.events:
                ledger.append(found.conversation_id, *consequence.events)
                events += [(found.conversation_id, event) for event in consequence.events]
            for address, because in (consequence.suppress or {}).items():
                ledger.suppress(address, because)
        return events

    def _judge(self, ledger: Ledger, read: _Read, found: Match) -> Consequence:
        conversation = ledger.conversation(found.conversation_id)
        if conversation is None:
            return NOTHING
        if read.failure is not None:
            last_line = read.failure.strip().splitlines()[-1]
            because = f"a message could not be understood and was set aside: {last_line}"
            return Consequence(events=(Event(at=read.arrival.now, word=Word.HELD, because=because),))
        if read.verdict is None:
            return judge_hers(conversation, found, read.arrival)
        sequence = self._account.rules().sequences.get(conversation.enrolment.sequence)
        zone = zone_of(conversation, sequence, self._account.home) if sequence else self._account.home
        hours = sequence.hours if sequence else None
        return judge_his(conversation, found, read.verdict, read.arrival, hours, zone)


def tell(observe: Observe, conversation_id: str, event: Event) -> None:
    """Report an event of a conversation to whoever watches."""
    fields = {"conversation": conversation_id, "because": event.because}
    more = {"step": event.step, "message_id": event.message_id, "address": event.address}
    observe(event.word, fields | {key: value for key, value in more.items() if value is not None})


def _people(known: Known) -> frozenset[str]:
    return frozenset(each for ids in known.addresses.values() for each in ids)


def _failed(fetched: Fetched, known: Known, now: datetime, why: str) -> _Read:
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
    return _Read(arrival, tuple(matches.values()), None, why)
