"""Planted in how the mailboxes are read and what mail is taken for."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from inboxagent.agent import enrolment, reading, sending, understanding
from inboxagent.agent.reading import Reader
from inboxagent.agent.sending import Sender
from inboxagent.agent.understanding import Understanding
from inboxagent.errors import Unreachable
from inboxagent.mail.classify import Kind
from inboxagent.outreach import judgement
from inboxagent.outreach.case import NOTHING
from inboxagent.outreach.his_words import judge_reply
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


@mutant("a reading never grows old")
def _(patch: Patch) -> None:
    patch.set(sending, "READING_LIVES", 1e9)


@mutant("a reading is as old as its end")
def _(patch: Patch) -> None:
    async def read(self: Reader) -> Reading:
        return replace(await original(self), began_at=self._clock.boot())

    original = patch.set(Reader, "read", read)


@mutant("trust the subject")
def _(patch: Patch) -> None:
    def concerns(header: Any, known: Any) -> bool:
        return bool(original(header, known)) or "our project" in header.subject.lower()

    original = patch.set(understanding, "concerns", concerns)


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


@mutant("an enrolment during a reading goes unnoticed")
def _(patch: Patch) -> None:
    patch.set(reading, "_people", lambda records: _Anybody())
    patch.set(reading, "_OvertakenError", _NeverError)
    patch.set(enrolment, "_set_back", lambda ledger, statuses: None)


class _Anybody:
    """Equal to whatever it is compared with."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return True


class _NeverError(Exception):
    pass


@mutant("her own mail is somebody's answer")
def _(patch: Patch) -> None:
    patch.set(understanding, "is_hers", lambda message, known: False)


@mutant("an automatic answer is an answer")
def _(patch: Patch) -> None:
    patch.put(judgement._JUDGES, Kind.AUTO_REPLY, judge_reply)


@mutant("an automatic answer is nothing")
def _(patch: Patch) -> None:
    patch.put(judgement._JUDGES, Kind.AUTO_REPLY, judgement._judge_other)


@mutant("a bounce is nothing")
def _(patch: Patch) -> None:
    patch.put(judgement._JUDGES, Kind.BOUNCE, lambda case: NOTHING)


@mutant("an opt-out is a note")
def _(patch: Patch) -> None:
    patch.put(judgement._JUDGES, Kind.UNSUBSCRIBE, judgement._judge_other)


@mutant("not now is a note")
def _(patch: Patch) -> None:
    patch.put(judgement._JUDGES, Kind.NOT_NOW, judgement._judge_other)


@mutant("what he writes outside the thread is nothing")
def _(patch: Patch) -> None:
    def judge(case: Any) -> Any:
        return original(case) if case.in_thread else NOTHING

    original = patch.put(judgement._JUDGES, Kind.REPLY, judge)
