"""Planted in when a letter goes: limits, calendars, steps."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from inboxagent.agent import sending
from inboxagent.agent.brake import Brake
from inboxagent.agent.sending import Sender
from inboxagent.daemon import Daemon
from inboxagent.outreach import admission, decide, fold, obstacles, own_hand, schedule, waits, workdays
from inboxagent.outreach.case import NOTHING
from inboxagent.outreach.events import Word
from inboxagent.outreach.schedule import Slot
from inboxagent.outreach.state import Conversation
from tests.simulation.planting import Patch, mutant


@mutant("count from the planned date")
def _(patch: Patch) -> None:
    def sent(conversation: Any, event: Any) -> Any:
        return replace(original(conversation, event), clock_at=conversation.clock_at)

    original = patch.put(fold._EFFECTS, Word.SENT, sent)


@mutant("her own mail does not move the clock")
def _(patch: Patch) -> None:
    def own_mail(conversation: Any, event: Any) -> Any:
        return replace(original(conversation, event), clock_at=conversation.clock_at)

    original = patch.put(fold._EFFECTS, Word.OWN_MAIL, own_mail)


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
    patch.set(Sender, "_bar", lambda self, conversation_id, traffic: None)


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
    for module in (schedule, workdays, obstacles):
        for memory in filter(lambda each: hasattr(each, "cache_clear"), vars(module).values()):
            memory.cache_clear()
            patch.later(memory.cache_clear)


@mutant("holidays are days like others")
def _(patch: Patch) -> None:
    def workdays_of(conversation: Any, sequence: Any, me: Any) -> Any:
        return replace(original(conversation, sequence, me), regions=())

    original = decide.workdays_of
    patch.set(own_hand, "workdays_of", workdays_of)
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
    def add_wait(since: Any, wait: Any, *more: Any) -> Any:
        if isinstance(wait, waits.Wait) and wait.unit is waits.Unit.DAY:
            return since + timedelta(hours=24 * wait.amount)
        return original(since, wait, *more)

    original = schedule.add_wait
    _forgets_dates(patch, schedule, "add_wait", add_wait)


@mutant("business days are all days")
def _(patch: Patch) -> None:
    _forgets_dates(patch, schedule, "_add_business_days", lambda day, amount, _: day + timedelta(days=amount))


@mutant("a step that is passed over leaves its wait to the next")
def _(patch: Patch) -> None:
    def skipped(conversation: Any, event: Any) -> Any:
        return replace(original(conversation, event), clock_at=conversation.clock_at)

    original = patch.put(fold._EFFECTS, Word.SKIPPED, skipped)


@mutant("a task goes out as a letter")
def _(patch: Patch) -> None:
    patch.set(decide, "Do", _NoTasks)


class _NoTasks:
    TASK = "nothing is one"


@mutant("a letter of another conversation is hers")
def _(patch: Patch) -> None:
    patch.set(own_hand, "token_in", lambda message: "")


@mutant("an older copy of the state is nothing special")
def _(patch: Patch) -> None:
    patch.set(Brake, "_asks_her", lambda self: False)
    patch.set(sending, "REWOUND", "nothing of that name")


@mutant("what an older state forgot is not learnt from copies")
def _(patch: Patch) -> None:
    patch.set(own_hand, "_judge_forgotten", lambda conversation, step, arrival: NOTHING)


@mutant("a hold ends at once")
def _(patch: Patch) -> None:
    def held(conversation: Any, now: datetime) -> Any:
        return decide.Resume(because="long enough") if conversation.held_until else original(conversation, now)

    original = patch.set(decide, "_held", held)
    patch.set(Conversation, "may_resume", lambda conversation, event: not conversation.final)


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


@mutant("her own mail ends the date that she has named")
def _(patch: Patch) -> None:
    def touched(conversation: Any, at: datetime) -> Any:
        return original(replace(conversation, named_by_her=False), at)

    original = patch.set(fold, "_touched", touched)
