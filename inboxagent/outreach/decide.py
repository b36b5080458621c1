"""The one next thing to do for a conversation. Nobody else decides."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from inboxagent.outreach.events import By, Event, Word
from inboxagent.outreach.schedule import Slot, admit, next_due
from inboxagent.outreach.sequence import Sequence, Step
from inboxagent.outreach.state import Conversation, State, advance

GIVE_UP_AFTER = timedelta(days=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """Nothing, until somebody does something, or until a hold ends by itself."""

    because: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nothing before `at`; then the step, if nothing has changed."""

    at: datetime
    step: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """The step is due: it was planned for `due_at`, and now is inside the window."""

    step: Step
    attempt: int
    due_at: datetime
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
    """No step is left."""

    because: str


Action = Rest | Wait | Send | Resume | Hold | Finish


def decide(conversation: Conversation, sequence: Sequence | None, now: datetime, home: ZoneInfo) -> Action:
    """What to do now. `home` is her zone; without a sequence (its file is gone or broken) nothing is done."""
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
        return Finish(because=f"all steps of {sequence.name} are over and no answer came")
    if _is_given_up(conversation):
        return Hold(because=f"the server put `{step.word}` off for {GIVE_UP_AFTER.days} days")
    return _due(conversation, sequence, step, now, home)


def _is_given_up(conversation: Conversation) -> bool:
    """Three days of trying, not of waiting: a weekend outside the sending hours is no refusal."""
    since, retry_at = conversation.deferred_since, conversation.retry_at
    return since is not None and retry_at is not None and retry_at - since >= GIVE_UP_AFTER


def next_step(conversation: Conversation, sequence: Sequence) -> Step | None:
    """The step after the last one that is over, by its word: editing a file repeats nothing and sends no newly
    inserted earlier step. Where she enrolled with `--start`, that step is the first."""
    over = [word for word in conversation.passed if sequence.step(word) is not None]
    if over:
        steps = sequence.after(over[-1])
    elif conversation.passed:  # every step that was sent has been deleted from the file since
        steps = sequence.steps[len(conversation.passed) :]
    else:
        words = [step.word for step in sequence.steps]
        start = conversation.enrolment.start
        steps = sequence.steps[words.index(start) :] if start in words else sequence.steps
    return next((step for step in steps if step.word not in conversation.passed), None)


def zone_of(conversation: Conversation, sequence: Sequence, home: ZoneInfo) -> ZoneInfo:
    """The zone that the sequence's hours mean for this prospect; hers where his is not known."""
    match sequence.hours.zone:
        case "prospect":
            zone = conversation.enrolment.prospect.zone
            return ZoneInfo(zone) if zone else home
        case "me":
            return home
        case name:
            return ZoneInfo(name)


def outlook(conversation: Conversation, sequence: Sequence | None, now: datetime, home: ZoneInfo) -> Wait | None:
    """The step that comes next if nothing happens, also behind a dated hold; None where none will."""
    if conversation.held_until is not None and conversation.state is State.HELD:
        resumed_at = max(conversation.held_until, now)
        event = Event(at=resumed_at, word=Word.RESUMED, because="the hold ends", by=By.AGENT)
        conversation, now = advance(conversation, event), resumed_at
    match decide(conversation, sequence, now, home):
        case Wait() as wait:
            return wait
        case Send(step=step, because=because):
            return Wait(at=now, step=step.word, because=because)
        case _:
            return None


def _held(conversation: Conversation, now: datetime) -> Action:
    until = conversation.held_until
    if until is None or until > now:
        return Rest(because=conversation.because, until=until)
    return Resume(because=f"held until {until:%a %d %b %Y %H:%M} UTC, and that has come")


def _due(conversation: Conversation, sequence: Sequence, step: Step, now: datetime, home: ZoneInfo) -> Action:
    zone = zone_of(conversation, sequence, home)
    key = f"{conversation.id}/{step.word}"
    slot = _slot(conversation, sequence, step, zone, key)
    if slot.at > now:
        return Wait(at=slot.at, step=step.word, because=slot.because)
    opening = admit(now, sequence.hours, zone, key, spread=step.wait.long)
    if opening.at > now:
        return Wait(at=opening.at, step=step.word, because=opening.because)
    attempt = conversation.attempts.get(step.word, 0)
    return Send(step=step, attempt=attempt, due_at=slot.at, because=slot.because)


def _slot(conversation: Conversation, sequence: Sequence, step: Step, zone: ZoneInfo, key: str) -> Slot:
    slot = _waited(conversation, sequence, step, zone, key)
    retry_at = conversation.retry_at
    if retry_at is None or retry_at <= slot.at:
        return slot
    again = admit(retry_at, sequence.hours, zone, key, spread=False)
    return Slot(at=again.at, because=f"the server put it off until {retry_at:%a %d %b %H:%M} UTC")


def _waited(conversation: Conversation, sequence: Sequence, step: Step, zone: ZoneInfo, key: str) -> Slot:
    """The end of the step's wait, or of the one that she set in its place when she resumed."""
    if conversation.wait_until is None:
        return next_due(conversation.clock_at, step.wait, sequence.hours, zone, key)
    slot = admit(conversation.wait_until, sequence.hours, zone, key, spread=False)
    hers = "the wait she set when she resumed it"
    return Slot(at=slot.at, because=f"{hers}; {slot.because}" if slot.because else hers)
