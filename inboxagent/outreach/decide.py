"""The one next thing to do for a conversation. Nobody else decides."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from inboxagent.outreach.events import By, Event, Word
from inboxagent.outreach.fold import advance
from inboxagent.outreach.hours import Hours
from inboxagent.outreach.model import Me
from inboxagent.outreach.obstacles import obstacle, step_dates
from inboxagent.outreach.schedule import Slot, admit, next_due
from inboxagent.outreach.sequence import Do, Sequence, Step
from inboxagent.outreach.state import Conversation, State
from inboxagent.outreach.waits import AT_ONCE, Delay, UntilField
from inboxagent.outreach.workdays import Absence, Workdays

GIVE_UP_AFTER = timedelta(days=3)
FOR_EVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """Nothing, until somebody does something, or until a hold ends by itself."""

    because: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nothing before `at`; then the step, if nothing has changed. `skips`: the step will be passed over then."""

    at: datetime
    step: str
    because: str
    do: Do = Do.MAIL
    skips: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """The step is due: it was planned for `due_at`, and now is inside the window."""

    step: Step
    attempt: int
    due_at: datetime
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Remind:
    """The step is due, and it is hers to do."""

    step: Step
    due_at: datetime
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """The step's turn has come, and it is passed over; the next wait runs from `at`."""

    step: Step
    at: datetime
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """The date of the hold has come."""

    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """It goes on no further by itself: she has to look."""

    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """No step is left; `then` names the sequence that takes over, if one does."""

    because: str
    then: str | None = None


Action = Rest | Wait | Send | Remind | Skip | Resume | Hold | Finish


def decide(conversation: Conversation, sequence: Sequence | None, now: datetime, me: Me) -> Action:
    """What to do now; without a sequence (its file is gone or broken) nothing is done."""
    if conversation.pending is not None:
        return Rest(because=f"nobody knows yet what became of `{conversation.pending.step}`")
    if conversation.state is State.HELD:
        return _held(conversation, now)
    if conversation.state is not State.WAITING:
        return Rest(because=conversation.because)
    if sequence is None:
        return Rest(because=f"there is no readable rule file `{conversation.enrolment.sequence}`")
    step = next_step(conversation, sequence)
    if step is None:
        return Finish(because=f"all steps of {sequence.name} are over and no answer came", then=sequence.then)
    if _is_given_up(conversation):
        return Hold(because=f"the server put `{step.word}` off for {GIVE_UP_AFTER.days} days")
    return _due(_Turn(conversation, sequence, step, me), now)


def stands_until(action: Action, now: datetime) -> datetime:
    """Until when the same will be decided if nothing happens; `now` where that is not known.

    What was decided now says nothing about the time before now.
    """
    match action:
        case Wait(at=at):  # the first instant at which anything may be done
            return at
        case Rest(until=until):
            return until or FOR_EVER
        case _:
            return now


def _is_given_up(conversation: Conversation) -> bool:
    """Three days of trying, not of waiting: a weekend outside the sending hours is no refusal."""
    since, retry_at = conversation.deferred_since, conversation.retry_at
    return since is not None and retry_at is not None and retry_at - since >= GIVE_UP_AFTER


def next_step(conversation: Conversation, sequence: Sequence) -> Step | None:
    """The first of the steps that are left, or None."""
    return next(iter(steps_left(conversation, sequence)), None)


def steps_left(conversation: Conversation, sequence: Sequence) -> tuple[Step, ...]:
    """The steps after the last one that is over, by its word: editing a file repeats nothing and sends no newly
    inserted earlier step. Where she enrolled with `--start`, or a rule said `again`, that step is the first."""
    passed, again, start = conversation.passed, conversation.again, conversation.enrolment.start
    words = [step.word for step in sequence.steps]
    if again in words and again not in passed:
        first = words.index(again)
    elif over := [word for word in passed if word in words]:
        first = words.index(over[-1]) + 1
    elif passed:  # every step that was sent has been deleted from the file since
        first = len(passed)
    else:
        first = words.index(start) if start in words else 0
    return tuple([step for step in sequence.steps[first:] if step.word not in passed])


def zone_of(conversation: Conversation, sequence: Sequence | None, me: Me) -> ZoneInfo:
    """The zone that the sequence's hours mean for this prospect; hers where his is not known."""
    match sequence.hours.zone if sequence else "me":
        case "prospect":
            return ZoneInfo(conversation.enrolment.prospect.zone or me.zone)
        case "me":
            return ZoneInfo(me.zone)
        case name:
            return ZoneInfo(name)


def workdays_of(conversation: Conversation, sequence: Sequence | None, me: Me) -> Workdays:
    """The days that count between these two people."""
    if sequence is None:
        return Workdays(absent=me.absent)
    return _workdays(sequence.hours, conversation.enrolment.prospect.country, me.country, me.absent)


@lru_cache(maxsize=1024)
def _workdays(hours: Hours, his: str, hers: str, absent: tuple[Absence, ...]) -> Workdays:
    """Many share them."""
    regions = dict.fromkeys({"me": hers, "prospect": his}.get(name, name) for name in hours.holidays)
    return Workdays(regions=tuple(region for region in regions if region), quiet=hours.quiet, absent=absent)


def outlook(conversation: Conversation, sequence: Sequence | None, now: datetime, me: Me) -> Wait | None:
    """The step that comes next if nothing happens, also behind a dated hold and behind steps that will be passed over;
    None where none will."""
    return look_ahead(conversation, sequence, now, me)[1]


def look_ahead(
    conversation: Conversation, sequence: Sequence | None, now: datetime, me: Me
) -> tuple[Conversation, Wait | None]:
    """The outlook, and the conversation as it will be when that step's turn comes."""
    if conversation.held_until is not None and conversation.state is State.HELD:
        resumed_at = max(conversation.held_until, now)
        event = Event(at=resumed_at, word=Word.RESUMED, because="the hold ends", by=By.AGENT)
        conversation, now = advance(conversation, event), resumed_at
    while True:
        match decide(conversation, sequence, now, me):
            case (
                Skip(step=Step(word=word), at=at, because=because) | Wait(step=word, at=at, because=because, skips=True)
            ):
                now = max(now, at)
                conversation = advance(conversation, skipped(word, at, now, because))
            case Wait() as wait:
                return conversation, wait
            case Send(step=step, because=because) | Remind(step=step, because=because):
                return conversation, Wait(at=now, step=step.word, because=because, do=step.do)
            case _:
                return conversation, None


def skipped(word: str, due_at: datetime, now: datetime, because: str, by: By = By.AGENT) -> Event:
    """The event of a step that is passed over."""
    return Event(at=now, word=Word.SKIPPED, because=because, by=by, step=word, until=due_at)


def _held(conversation: Conversation, now: datetime) -> Action:
    until = conversation.held_until
    if until is None or until > now:
        return Rest(because=conversation.because, until=until)
    return Resume(because=f"held until {until:%a %d %b %Y %H:%M} UTC, and that has come")


@dataclass(frozen=True, slots=True)
class _Turn:
    """Whose turn it is: a step of a conversation, with what its time depends on."""

    conversation: Conversation
    sequence: Sequence
    step: Step
    me: Me

    @property
    def key(self) -> str:
        # Not its id, which holds the instant of the enrolment: a dry run is to show the minutes that will be.
        return f"{self.conversation.enrolment.prospect.address}/{self.sequence.name}/{self.step.word}"

    @property
    def delay(self) -> Delay | None:
        """The wait of the step at this person's pace; none where there is no touch yet to wait from."""
        if self.conversation.touches == 0 and self.conversation.latest is None and not self.conversation.passed:
            return AT_ONCE
        if self.step.wait is None:
            return None
        return self.step.wait.paced(self.conversation.enrolment.pace or self.sequence.pace)


def _due(turn: _Turn, now: datetime) -> Action:
    step, sequence, conversation = turn.step, turn.sequence, turn.conversation
    zone, workdays = zone_of(conversation, sequence, turn.me), workdays_of(conversation, sequence, turn.me)
    delay, hours = turn.delay, sequence.hours_of(step)
    if delay is None:
        return Hold(because=f"`{step.word}` has no wait: it can only open a thread")
    slot = _slot(turn, delay, zone, workdays)
    planned_for = slot.at.astimezone(zone).date()
    if why_not := obstacle(conversation, sequence, step, planned_for):
        return _pass_over(step, slot.waited_until, why_not, now)
    if slot.at > now:
        return Wait(at=slot.at, step=step.word, because=slot.because, do=step.do)
    opening = admit(now, hours, zone, turn.key, delay.long, workdays)
    leaves_on = opening.at.astimezone(zone).date()
    if leaves_on != planned_for and (why_not := obstacle(conversation, sequence, step, leaves_on)):
        return _pass_over(step, slot.waited_until, why_not, now)
    if opening.at > now:
        return Wait(at=opening.at, step=step.word, because=opening.because, do=step.do)
    if step.do is Do.TASK:
        return Remind(step=step, due_at=slot.at, because=slot.because)
    attempt = conversation.attempts.get(step.word, 0)
    return Send(step=step, attempt=attempt, due_at=slot.at, because=slot.because)


def _pass_over(step: Step, at: datetime, because: str, now: datetime) -> Action:
    because = f"`{step.word}` is passed over: {because}"
    if at > now:
        return Wait(at=at, step=step.word, because=because, do=step.do, skips=True)
    return Skip(step=step, at=at, because=because)


def _slot(turn: _Turn, delay: Delay, zone: ZoneInfo, workdays: Workdays) -> Slot:
    """The end of the wait; later, where a later day was named, or the server put the letter off."""
    hours, named, retry_at = turn.sequence.hours_of(turn.step), turn.conversation.not_before, turn.conversation.retry_at
    slot = _waited(turn, delay, zone, workdays)
    if named is not None and named.until is not None and named.until > slot.waited_until:
        moved = admit(named.until, hours, zone, turn.key, spread=True, workdays=workdays)
        later = replace(moved, because=named.because) if moved.at > slot.at else slot
        slot = replace(later, waited_until=named.until)
    if retry_at is not None and retry_at > slot.at:
        slot = admit(retry_at, hours, zone, turn.key, spread=False, workdays=workdays)
        slot = replace(slot, because=f"the server put it off until {retry_at:%a %d %b %H:%M} UTC")
    return slot


def _waited(turn: _Turn, delay: Delay, zone: ZoneInfo, workdays: Workdays) -> Slot:
    """The end of the step's wait, or of the one that was set in its place; that holds for one letter alone, so a step
    behind one that may have gone waits from there as well."""
    hours, conversation, word = turn.sequence.hours_of(turn.step), turn.conversation, turn.step.word
    whence = conversation.clocks_of(word) if conversation.wait_until is None else conversation.tried_at(word)
    dates = step_dates(conversation, turn.sequence) if isinstance(delay, UntilField) else {}
    slots = [next_due(each, delay, hours, zone, turn.key, workdays, dates) for each in whence]
    if conversation.wait_until is not None:
        slot = admit(conversation.wait_until, hours, zone, turn.key, spread=False, workdays=workdays)
        by_her, by_rule = "the wait she set when she resumed it", "the time he has to answer her (after_my_answer)"
        why = by_her if conversation.named_by_her else by_rule
        slots.append(replace(slot, because=f"{why}; {slot.because}" if slot.because else why))
    return max(slots, key=lambda each: each.waited_until)
