"""Planted in when a letter goes: calendars, waits, steps."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from inboxagent.outreach import decide, fold, obstacles, schedule, waits, workdays
from inboxagent.outreach.decide import Remind, Resume, Send
from inboxagent.outreach.events import Word
from inboxagent.outreach.schedule import Slot
from inboxagent.outreach.state import Conversation
from tests.simulation.planting import Months, Patch, leave, mutant
from tests.simulation.world import beginning

IN_OCTOBER = Months("in October", lambda seed: beginning(Random(f"{seed}/world")).month == 10)


def _forgets_dates(patch: Patch, place: Any, name: str, value: Any) -> Any:
    """What the calendar remembers is its own."""
    old = patch.set(place, name, value) if isinstance(place, type) else patch.set_everywhere(place, name, value)
    for module in (decide, schedule, workdays, obstacles):
        for memory in filter(lambda each: hasattr(each, "cache_clear"), vars(module).values()):
            memory.cache_clear()
            patch.later(memory.cache_clear)
    return old


@mutant("count from the planned date")
def _(patch: Patch) -> None:
    leave(patch, Word.SENT, "clock_at")


@mutant("her own mail does not move the clock")
def _(patch: Patch) -> None:
    leave(patch, Word.OWN_MAIL, "clock_at")


@mutant("any hour will do")
def _(patch: Patch) -> None:
    def admit(at: datetime, *more: Any, **others: Any) -> Slot:
        return Slot(at=at, because="", waited_until=at)

    _forgets_dates(patch, schedule, "admit", admit)


@mutant("her zone for everybody")
def _(patch: Patch) -> None:
    _forgets_dates(patch, decide, "zone_of", lambda conversation, sequence, me: ZoneInfo(me.zone))


@mutant("the zones of the two are mixed up")
def _(patch: Patch) -> None:
    def zone_of(conversation: Any, sequence: Any, me: Any) -> ZoneInfo:
        his = ZoneInfo(conversation.enrolment.prospect.zone or me.zone)
        meant = {"me": his, "prospect": ZoneInfo(me.zone)}.get(sequence.hours.zone if sequence else "me")
        return meant or original(conversation, sequence, me)  # type: ignore[no-any-return]

    original = _forgets_dates(patch, decide, "zone_of", zone_of)


@mutant("holidays are days like others")
def _(patch: Patch) -> None:
    def workdays_of(*more: Any) -> Any:
        return replace(original(*more), regions=())

    original = _forgets_dates(patch, decide, "workdays_of", workdays_of)


@mutant("only her own holidays")
def _(patch: Patch) -> None:
    def workdays_of(conversation: Any, sequence: Any, me: Any) -> Any:
        return replace(original(conversation, sequence, me), regions=(me.country,) if me.country else ())

    original = _forgets_dates(patch, decide, "workdays_of", workdays_of)


@mutant("the holidays of the wrong country")
def _(patch: Patch) -> None:
    def days(hours: Any, his: str, hers: str, absent: Any) -> Any:
        return original(hours, hers, his, absent)

    original = _forgets_dates(patch, decide, "_workdays", days)


@mutant("her absences and quiet weeks are not looked at")
def _(patch: Patch) -> None:
    def workdays_of(*more: Any) -> Any:
        return replace(original(*more), quiet=(), absent=())

    original = _forgets_dates(patch, decide, "workdays_of", workdays_of)


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

    original = _forgets_dates(patch, schedule, "add_wait", add_wait)


@mutant("an hour that comes twice is taken the second time", IN_OCTOBER)
def _(patch: Patch) -> None:
    def instant(wall: datetime, zone: ZoneInfo) -> datetime:
        return wall.replace(tzinfo=zone, fold=1).astimezone(UTC)

    _forgets_dates(patch, schedule, "_instant", instant)


@mutant("business days are all days")
def _(patch: Patch) -> None:
    _forgets_dates(patch, schedule, "_add_business_days", lambda day, amount, _: day + timedelta(days=amount))


@mutant("a step that is passed over leaves its wait to the next")
def _(patch: Patch) -> None:
    leave(patch, Word.SKIPPED, "clock_at")


@mutant("a task goes out as a letter")
def _(patch: Patch) -> None:
    def due(*more: Any) -> Any:
        found = original(*more)
        if not isinstance(found, Remind):
            return found
        return Send(step=found.step, attempt=0, due_at=found.due_at, because=found.because)

    original = patch.set(decide, "_due", due)


@mutant("a hold ends at once")
def _(patch: Patch) -> None:
    def held(conversation: Any, now: datetime) -> Any:
        return Resume(because="long enough") if conversation.held_until else original(conversation, now)

    original = patch.set(decide, "_held", held)
    patch.set(Conversation, "may_resume", lambda self, event: not self.final)


@mutant("an edited file: the first step that has not gone")
def _(patch: Patch) -> None:
    def next_step(conversation: Any, sequence: Any) -> Any:
        return next((each for each in sequence.steps if each.word not in conversation.passed), None)

    patch.set_everywhere(decide, "next_step", next_step)


@mutant("her own mail ends the date that she has named")
def _(patch: Patch) -> None:
    def touched(conversation: Any, at: datetime) -> Any:
        return original(replace(conversation, named_by_her=False, not_before=None), at)

    original = patch.set(fold, "_touched", touched)
