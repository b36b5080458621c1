"""`./run mutants`: faults planted in the code's own decisions; the simulation must find each.

A mutant patches the agent in memory, months are lived until a promise is broken, and a table is printed.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing import Pool
from typing import Any
from zoneinfo import ZoneInfo

from inboxagent.agent import enrolment, reading, sending
from inboxagent.agent.answers import Answers
from inboxagent.agent.brake import Brake
from inboxagent.agent.copies import Copies
from inboxagent.agent.reading import Reader
from inboxagent.agent.sending import Sender
from inboxagent.daemon import Daemon
from inboxagent.errors import Unreachable
from inboxagent.mail.classify import Kind
from inboxagent.outreach import admission, decide, judgement, obstacles, schedule, state, waits, workdays
from inboxagent.outreach.events import Word
from inboxagent.outreach.judgement import NOTHING
from inboxagent.outreach.outbox import Fate
from inboxagent.outreach.schedule import Slot
from inboxagent.ports import Cursor, Reading
from tests.simulation.disk import SimulatedStore
from tests.simulation.imap import SimulatedMailbox
from tests.simulation.world import Setting, World, simulate

MOST_SEEDS = 60


class Patch:
    """Changes attributes and table entries, and puts them back."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []

    def set(self, place: Any, name: str, value: Any) -> Any:
        """Replace an attribute; returns the old one."""
        old = getattr(place, name)
        setattr(place, name, value)
        self._undo.append(lambda: setattr(place, name, old))
        return old

    def put(self, table: Any, key: Any, value: Any) -> Any:
        """Replace an entry; returns the old one."""
        old = table[key]
        table[key] = value
        self._undo.append(lambda: table.__setitem__(key, old))
        return old

    def later(self, act: Callable[[], None]) -> None:
        """Something else to be done when everything is as it was."""
        self._undo.insert(0, act)

    def undo(self) -> None:
        """Everything is as it was."""
        while self._undo:
            self._undo.pop()()


Plant = Callable[[Patch], object]
MUTANTS: dict[str, Plant] = {}


def mutant(words: str) -> Callable[[Plant], Plant]:
    """Name a planted fault."""

    def enter(plant: Plant) -> Plant:
        MUTANTS[words] = plant
        return plant

    return enter


# -- looking -------------------------------------------------------------------------------------------------------


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
    patch.set(SimulatedMailbox, "_watched", lambda self: [n for n in self.server.boxes if n not in ("Drafts", "Sent")])


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

    original = patch.set(reading, "concerns", concerns)


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
    async def read(self: Reader, fetched: Any, known: Any) -> Any:
        try:
            return await original(self, fetched, known)
        except Unreachable:
            return None

    original = patch.set(Reader, "_read", read)


@mutant("cursor before verdicts")
def _(patch: Patch) -> None:
    def commit(self: Reader, name: str, stored: Any, cursor: Any, read: Any, known: Any) -> Any:
        with self._store.transaction(f"cursor of {name}") as ledger:
            if ledger.cursors().get(name) != stored:
                raise reading._OvertakenError
            ledger.move_cursor(name, cursor)
        return original(self, name, cursor, cursor, read, known)

    original = patch.set(Reader, "_commit", commit)


@mutant("an enrolment during a reading goes unnoticed")
def _(patch: Patch) -> None:
    patch.set(reading, "_people", lambda known: frozenset())
    patch.set(reading, "_OvertakenError", _NeverError)
    patch.set(enrolment, "_set_back", lambda ledger, statuses: None)


class _NeverError(Exception):
    pass


@mutant("her own mail is somebody's answer")
def _(patch: Patch) -> None:
    patch.set(reading, "is_hers", lambda message, known: False)


@mutant("an automatic answer is an answer")
def _(patch: Patch) -> None:
    patch.put(judgement._JUDGES, Kind.AUTO_REPLY, judgement._judge_reply)


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


# -- sending -------------------------------------------------------------------------------------------------------


@mutant("record before sending")
def _(patch: Patch) -> None:
    def intend(self: Sender, ready: Any, look: Any) -> Any:
        intent = original(self, ready, look)
        if not isinstance(intent, str):
            self._append(ready.conversation_id, self._event(Word.SENT, "as good as sent", intent))
        return intent

    original = patch.set(Sender, "_intend", intend)


@mutant("no intent")
def _(patch: Patch) -> None:
    def intend(self: Sender, ready: Any, look: Any) -> Any:
        with self._store.transaction("look") as ledger:
            obstacle = self._obstacle(ledger, ready, look)
        return obstacle or self._event(Word.INTENT, "only in the head")

    patch.set(Sender, "_intend", intend)


@mutant("no second decision under the lock")
def _(patch: Patch) -> None:
    patch.set(Sender, "_obstacle", lambda self, ledger, ready, look: None)


@mutant("the flag of pause --all is looked at once, before the letter")
def _(patch: Patch) -> None:
    def obstacle(self: Sender, ledger: Any, ready: Any, look: Any) -> Any:
        return None if self._account.paused() else original(self, ledger, ready, look)

    original = patch.set(Sender, "_obstacle", obstacle)


@mutant("pause --all is not asked")
def _(patch: Patch) -> None:
    def begin(self: Sender, account: Any, *more: Any) -> None:
        original(self, replace(account, paused=lambda: None), *more)

    original = patch.set(Sender, "__init__", begin)


@mutant("an open intent is due again")
def _(patch: Patch) -> None:
    def recover(self: Sender) -> None:
        for each in self._store.conversations():
            if each.pending is not None and not each.uncertain:
                event = self._event(Word.DEFERRED, "absent from Sent, so it is sent again", each.pending)
                self._append(each.id, replace(event, until=event.at))

    patch.set(Sender, "recover", recover)


@mutant("an open intent is left open")
def _(patch: Patch) -> None:
    patch.set(Sender, "recover", lambda self: None)


@mutant("silence after the dot means later")
def _(patch: Patch) -> None:
    def record(self: Answers, conversation_id: str, intent: Any, outgoing: Any, outcome: Any) -> None:
        if outcome.fate is Fate.UNCERTAIN:
            outcome = replace(outcome, fate=Fate.DEFERRED, retry_after=timedelta(minutes=5))
        original(self, conversation_id, intent, outgoing, outcome)

    original = patch.set(Answers, "record", record)


@mutant("silence after the dot means sent")
def _(patch: Patch) -> None:
    def record(self: Answers, conversation_id: str, intent: Any, outgoing: Any, outcome: Any) -> None:
        fate = Fate.SENT if outcome.fate is Fate.UNCERTAIN else outcome.fate
        original(self, conversation_id, intent, outgoing, replace(outcome, fate=fate))

    original = patch.set(Answers, "record", record)


@mutant("a released letter keeps its Message-ID")
def _(patch: Patch) -> None:
    def released(conversation: Any, event: Any) -> Any:
        return replace(original(conversation, event), attempts=conversation.attempts)

    original = patch.put(state._EFFECTS, Word.RELEASED, released)


@mutant("a copy is evidence of nothing")
def _(patch: Patch) -> None:
    patch.set(judgement, "_judge_copy", lambda conversation, letter, arrival: NOTHING)


@mutant("the copy is filed without looking")
def _(patch: Patch) -> None:
    async def holds(self: Any, mailbox: str, message_id: str) -> bool:
        return False

    class Mailbox:
        def __init__(self, mailbox: Any) -> None:
            self._mailbox = mailbox

        def __getattr__(self, name: str) -> Any:
            return getattr(self._mailbox, name)

        holds = holds

    def begin(self: Copies, mailbox: Any, *more: Any) -> None:
        original(self, Mailbox(mailbox), *more)

    original = patch.set(Copies, "__init__", begin)


@mutant("his address is not the first one")
def _(patch: Patch) -> None:
    def misdirect(outgoing: Any) -> Any:
        found = original(outgoing)
        return replace(found, forward_paths=("somebody@elsewhere.test", *found.forward_paths))

    original = patch.set(sending, "envelope", misdirect)


# -- when ----------------------------------------------------------------------------------------------------------


@mutant("count from the planned date")
def _(patch: Patch) -> None:
    def sent(conversation: Any, event: Any) -> Any:
        return replace(original(conversation, event), clock_at=conversation.clock_at)

    original = patch.put(state._EFFECTS, Word.SENT, sent)


@mutant("her own mail does not move the clock")
def _(patch: Patch) -> None:
    def own_mail(conversation: Any, event: Any) -> Any:
        return replace(original(conversation, event), clock_at=conversation.clock_at)

    original = patch.put(state._EFFECTS, Word.OWN_MAIL, own_mail)


@mutant("any hour will do")
def _(patch: Patch) -> None:
    for place in (decide, schedule):
        patch.set(place, "admit", lambda at, *more, **others: Slot(at=at, because="", waited_until=at))
    schedule._next_due.cache_clear()
    patch.later(schedule._next_due.cache_clear)


@mutant("her zone for everybody")
def _(patch: Patch) -> None:
    patch.set(decide, "zone_of", lambda conversation, sequence, me: ZoneInfo(me.zone))


@mutant("no gap, no limit for the day")
def _(patch: Patch) -> None:
    patch.set(Sender, "_bar", lambda self, conversation_id: None)


@mutant("limits are counted by what is certain")
def _(patch: Patch) -> None:
    def certain(events: Any) -> Any:
        sent = {event.message_id for event in events if event.word is Word.SENT}
        return [event for event in events if event.word is Word.INTENT and event.message_id in sent]

    patch.set(admission, "_handed_over", certain)


@mutant("no brake")
def _(patch: Patch) -> None:
    patch.set(Brake, "holds", lambda self, due: False)


@mutant("no limit for the hour")
def _(patch: Patch) -> None:
    patch.set(admission, "_hour", lambda traffic, limits, now: None)


@mutant("no limit for one person")
def _(patch: Patch) -> None:
    patch.set(admission, "_week", lambda traffic, conversation, limits, now: None)


def _forgets_dates(patch: Patch, place: Any, name: str, value: Any) -> None:
    """What the calendar remembers is its own."""
    patch.set(place, name, value)
    for memory in (schedule._next_due, schedule._openings, workdays._closed, obstacles._is_so):
        memory.cache_clear()
        patch.later(memory.cache_clear)


@mutant("holidays are days like others")
def _(patch: Patch) -> None:
    def workdays_of(conversation: Any, sequence: Any, me: Any) -> Any:
        return replace(original(conversation, sequence, me), regions=())

    original = decide.workdays_of
    patch.set(judgement, "workdays_of", workdays_of)
    _forgets_dates(patch, decide, "workdays_of", workdays_of)


@mutant("only her own holidays")
def _(patch: Patch) -> None:
    def workdays_of(conversation: Any, sequence: Any, me: Any) -> Any:
        return replace(original(conversation, sequence, me), regions=(me.country,) if me.country else ())

    original = decide.workdays_of
    _forgets_dates(patch, decide, "workdays_of", workdays_of)


@mutant("her absences and quiet weeks are not looked at")
def _(patch: Patch) -> None:
    def workdays_of(conversation: Any, sequence: Any, me: Any) -> Any:
        return replace(original(conversation, sequence, me), quiet=(), absent=())

    original = decide.workdays_of
    _forgets_dates(patch, decide, "workdays_of", workdays_of)


@mutant("conditions are not asked")
def _(patch: Patch) -> None:
    _forgets_dates(patch, obstacles, "_is_so", _always)


def _always(condition: str, fields: Any, given: Any) -> bool:
    return True


_always.cache_clear = lambda: None  # type: ignore[attr-defined]


@mutant("an offer never ends")
def _(patch: Patch) -> None:
    patch.set(obstacles, "last_day", lambda expiry, values: None)


@mutant("the pace of the file is ignored")
def _(patch: Patch) -> None:
    _forgets_dates(patch, waits.Wait, "paced", lambda self, pace: self)


@mutant("clocks that leap move the letter by an hour")
def _(patch: Patch) -> None:
    def instant(wall: Any, zone: Any) -> Any:
        winter = datetime(wall.year, 1, 15, tzinfo=zone).utcoffset()
        return (wall - winter).replace(tzinfo=UTC)

    _forgets_dates(patch, schedule, "_instant", instant)


@mutant("business days are all days")
def _(patch: Patch) -> None:
    _forgets_dates(patch, schedule, "_add_business_days", lambda day, amount, _: day + timedelta(days=amount))


@mutant("a step that is passed over leaves its wait to the next")
def _(patch: Patch) -> None:
    def skipped(conversation: Any, event: Any) -> Any:
        return replace(original(conversation, event), clock_at=conversation.clock_at)

    original = patch.put(state._EFFECTS, Word.SKIPPED, skipped)


@mutant("a task goes out as a letter")
def _(patch: Patch) -> None:
    patch.set(decide, "Do", _NoTasks)


class _NoTasks:
    TASK = "nothing is one"


@mutant("a letter of another conversation is hers")
def _(patch: Patch) -> None:
    patch.set(judgement, "token_in", lambda message: "")


@mutant("an older copy of the state is nothing special")
def _(patch: Patch) -> None:
    patch.set(Brake, "_is_rewound", lambda self: False)
    patch.set(sending, "REWOUND", "nothing of that name")


@mutant("what an older state forgot is not learnt from copies")
def _(patch: Patch) -> None:
    patch.set(judgement, "_judge_forgotten", lambda conversation, step, arrival: NOTHING)


@mutant("her answer lets it go on, whatever he wrote since")
def _(patch: Patch) -> None:
    def goes_on(conversation: Any, arrival: Any, me: Any, sequence: Any) -> Any:
        early = replace(arrival, received_at=max(arrival.received_at, arrival.now))
        return original(conversation, early, me, sequence)

    original = patch.set(judgement, "_goes_on", goes_on)


@mutant("a hold ends at once")
def _(patch: Patch) -> None:
    def held(conversation: Any, now: datetime) -> Any:
        return decide.Resume(because="long enough") if conversation.held_until else original(conversation, now)

    original = patch.set(decide, "_held", held)
    patch.set(state, "_may_resume", lambda conversation, event: not conversation.final)


@mutant("an edited file: the first step that has not gone")
def _(patch: Patch) -> None:
    def next_step(conversation: Any, sequence: Any) -> Any:
        return next((each for each in sequence.steps if each.word not in conversation.passed), None)

    patch.set(decide, "next_step", next_step)


@mutant("a failed reading is the last one")
def _(patch: Patch) -> None:
    def go_blind(self: Daemon, because: str) -> float:
        original(self, because)
        return 1e7

    original = patch.set(Daemon, "_go_blind", go_blind)


# -- remembering ---------------------------------------------------------------------------------------------------


def _unsynced(patch: Patch, kind: str) -> None:
    def sync(self: SimulatedStore) -> None:
        if not str(self._disk.holder).startswith(kind):
            original(self)

    original = patch.set(SimulatedStore, "_sync", sync)


@mutant("the intent is not synced")
def _(patch: Patch) -> None:
    _unsynced(patch, "intent")


@mutant("what mail means is not synced")
def _(patch: Patch) -> None:
    _unsynced(patch, "mail")


@mutant("an enrolment is not synced")
def _(patch: Patch) -> None:
    _unsynced(patch, "enrol")


@mutant("an enrolment looks at nothing that came since")
def _(patch: Patch) -> None:
    async def judge(conversation: Any, *more: Any) -> Any:
        return conversation

    patch.set(enrolment, "_judge", judge)


@mutant("no lock: two daemons")
def _(patch: Patch) -> None:
    patch.set(World, "lock_holds", lambda self: False)


# -- the table -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """Which invariant found a mutant, and at which seed; None where none did."""

    name: str
    invariant: str | None
    seed: int
    seeds: int
    text: str = ""


@contextmanager
def planted(name: str) -> Iterator[None]:
    """The agent with this fault."""
    patch = Patch()
    try:
        MUTANTS[name](patch)
        yield
    finally:
        patch.undo()


def hunt(name: str, most: int = MOST_SEEDS) -> Found:
    """Live months with the fault until a promise is broken that is kept in the same month without it."""
    for seed in range(most):
        with planted(name):
            outcome = simulate(Setting(seed=seed))
        if outcome.violations and not simulate(Setting(seed=seed)).violations:
            violation = outcome.violations[0]
            return Found(name, violation.invariant, seed, seed + 1, violation.text)
    return Found(name, None, -1, most)


def main() -> int:
    """Print the table; 1 where a mutant lives."""
    parser = argparse.ArgumentParser(prog="./run mutants", description=__doc__)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--only", default="", help="those whose name holds one of these words, with commas between")
    parser.add_argument("--seeds", type=int, default=MOST_SEEDS, help="how many months each may take to be found")
    options = parser.parse_args()
    words = options.only.split(",")
    names = [name for name in MUTANTS if any(word in name for word in words)]
    alive = 0
    print(f"{'planted fault':60} {'found by':36} {'seeds':>5}")
    with Pool(options.jobs, maxtasksperchild=1) as pool:
        for found in pool.imap(partial(hunt, most=options.seeds), names, chunksize=1):
            alive += found.invariant is None
            by = found.invariant or "NOT FOUND"
            print(f"{found.name:60} {by:36} {found.seeds:5}  {found.text[:90]}", flush=True)
    print(f"{len(names) - alive} of {len(names)} found within {options.seeds} seeds")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
