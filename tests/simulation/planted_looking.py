"""Planted in how the mailboxes are read."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from inboxagent.agent import enrolment, reading, sending, understanding
from inboxagent.agent.reading import Reader
from inboxagent.agent.sending import Sender
from inboxagent.agent.understanding import Understanding
from inboxagent.daemon import Daemon
from inboxagent.errors import Unreachable
from inboxagent.outreach import match
from inboxagent.ports import Cursor, Reading
from tests.simulation.imap import SimulatedMailbox
from tests.simulation.planting import Patch, mutant


@mutant("skip the last look")
def _(patch: Patch) -> None:
    async def send(self: Sender, conversation_id: str) -> None:
        reader, self._reader = self._reader, _Blind(self)  # type: ignore[assignment]
        try:
            await original(self, conversation_id)
        finally:
            self._reader = reader

    original = patch.set(Sender, "_send", send)


@mutant("look before connecting")
def _(patch: Patch) -> None:
    async def send(self: Sender, conversation_id: str) -> None:
        reader = self._reader
        await reader.look()
        self._reader = _Blind(self)  # type: ignore[assignment]
        try:
            await original(self, conversation_id)
        finally:
            self._reader = reader

    original = patch.set(Sender, "_send", send)


class _Blind:
    def __init__(self, sender: Sender) -> None:
        self._clock = sender._clock

    async def look(self) -> Reading:
        return Reading(began_at=self._clock.boot(), mailboxes={})


@mutant("look once, whatever it shows")
def _(patch: Patch) -> None:
    async def read(self: Reader) -> Reading:
        while True:
            try:
                began_at = self._clock.boot()
                return await self._read_all() or Reading(began_at=began_at, mailboxes={})
            except reading._OvertakenError:
                continue

    patch.set(Reader, "read", read)


@mutant("watch INBOX only")
def _(patch: Patch) -> None:
    patch.set(SimulatedMailbox, "_watched", lambda self: ["INBOX"])


@mutant("forget one mailbox")
def _(patch: Patch) -> None:
    patch.set(SimulatedMailbox, "_watched", lambda self: [n for n in self.server.boxes if n not in ("Drafts", "Junk")])


@mutant("ignore Sent")
def _(patch: Patch) -> None:
    async def status(self: SimulatedMailbox) -> Any:
        return {name: found for name, found in (await original(self)).items() if name != "Sent"}

    original = patch.set(SimulatedMailbox, "status", status)


@mutant("the last look is at INBOX only")
def _(patch: Patch) -> None:
    async def status(self: SimulatedMailbox) -> Any:
        found = await original(self)
        return {"INBOX": found["INBOX"]} if self._process.place == "looking" else found

    original = patch.set(SimulatedMailbox, "status", status)


@mutant("a reading never grows old")
def _(patch: Patch) -> None:
    patch.set(sending, "READING_LIVES", 1e9)


@mutant("a reading is as old as its end")
def _(patch: Patch) -> None:
    async def read(self: Reader) -> Reading:
        return replace(await original(self), began_at=self._clock.boot())

    original = patch.set(Reader, "read", read)


@mutant("what the machine slept through before the dot is nothing")
def _(patch: Patch) -> None:
    def staleness(self: Sender, look: Reading) -> str | None:
        return original(self, look) if deciding else None

    def obstacle(self: Sender, *more: Any) -> str | None:
        deciding.append(self)
        try:
            return decide(self, *more)  # type: ignore[no-any-return]
        finally:
            deciding.clear()

    deciding: list[Sender] = []
    original = patch.set(Sender, "_staleness", staleness)
    decide = patch.set(Sender, "_obstacle", obstacle)


@mutant("read whatever bears the subject")
def _(patch: Patch) -> None:
    def concerns(header: Any, known: Any) -> bool:
        return bool(original(header, known)) or "our project" in header.subject.lower()

    original = patch.set_everywhere(match, "concerns", concerns)


@mutant("UIDVALIDITY ignored")
def _(patch: Patch) -> None:
    def start(self: Reader, name: str, status: Any, cursors: Any) -> tuple[Cursor, datetime | None]:
        cursor = cursors.get(name)
        if cursor is not None and cursor.uidvalidity != status.uidvalidity:
            return Cursor(status.uidvalidity, min(cursor.next_uid, status.uidnext)), None
        return original(self, name, status, cursors)  # type: ignore[no-any-return]

    original = patch.set(Reader, "_start", start)


@mutant("renumbered: jump to its end")
def _(patch: Patch) -> None:
    def start(self: Reader, name: str, status: Any, cursors: Any) -> tuple[Cursor, datetime | None]:
        cursor = cursors.get(name)
        if cursor is not None and cursor.uidvalidity != status.uidvalidity:
            return Cursor(status.uidvalidity, status.uidnext), None
        return original(self, name, status, cursors)  # type: ignore[no-any-return]

    original = patch.set(Reader, "_start", start)


@mutant("what lies in a mailbox under another name is history")
def _(patch: Patch) -> None:
    def start(self: Reader, name: str, status: Any, cursors: Any) -> tuple[Cursor, datetime | None]:
        if name not in cursors:
            return Cursor(status.uidvalidity, status.uidnext), None
        return original(self, name, status, cursors)  # type: ignore[no-any-return]

    original = patch.set(Reader, "_start", start)


@mutant("a message that is not given is passed by")
def _(patch: Patch) -> None:
    async def read(self: Understanding, fetched: Any, known: Any) -> Any:
        try:
            return await original(self, fetched, known)
        except Unreachable:
            return None

    original = patch.set(Understanding, "read", read)


@mutant("cursor before verdicts")
def _(patch: Patch) -> None:
    async def take(self: Reader, name: str, stored: Any, cursor: Any, messages: Any) -> None:
        with self._store.transaction(f"cursor of {name}") as ledger:
            if ledger.cursors().get(name) != stored:
                raise reading._OvertakenError
            ledger.move_cursor(name, cursor)
        await original(self, name, cursor, cursor, messages)

    original = patch.set(Reader, "_take", take)


@mutant("a Message-ID that is learnt later is not looked for in what was read before")
def _(patch: Patch) -> None:
    patch.set(understanding, "_note_learnt", lambda ledger, before, after: None)


@mutant("what was read before an enrolment was written down is not read again")
def _(patch: Patch) -> None:
    patch.set(enrolment, "_set_back", lambda ledger, statuses, began_at: None)


@mutant("who is enrolled while a page is being read is not asked for")
def _(patch: Patch) -> None:
    patch.set(reading, "_people", lambda records: _Anybody())


class _Anybody:
    """Equal to whatever it is compared with."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return True


@mutant("a failed reading is the last one")
def _(patch: Patch) -> None:
    def go_blind(self: Daemon, because: str) -> float:
        original(self, because)
        return 1e7

    original = patch.set(Daemon, "_go_blind", go_blind)


@mutant("a renumbered mailbox whose next UID is the same has no news")
def _(patch: Patch) -> None:
    def has_news(status: Any, cursor: Cursor | None) -> bool:
        return cursor is None or cursor.next_uid != status.uidnext

    patch.set(reading, "_has_news", has_news)


@mutant("a server that tells nothing has nothing")
def _(patch: Patch) -> None:
    def begin(self: Daemon, *more: Any, **others: Any) -> None:
        original(self, *more, **{**others, "poll": 1e7})

    original = patch.set(Daemon, "__init__", begin)
