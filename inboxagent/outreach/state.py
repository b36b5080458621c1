"""A conversation's state, as a fold over its events. `TRANSITIONS` is the whole law; `advance` applies it.

Law 1: nothing leaves `stopped` after an opt-out, a complaint or a dead address.
Law 2: only a date that has come, or her command, leads back to `waiting`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import reduce
from typing import Any

from inboxagent.outreach.events import By, Event, Word
from inboxagent.outreach.model import Enrolment, Mail


class State(StrEnum):
    """Where a conversation stands."""

    WAITING = "waiting"
    ANSWERED = "answered"
    HELD = "held"
    FINISHED = "finished"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A pause; `until` None waits for her. `asked`: he named the day himself, so the next letter goes then, `again`
    being its step where a rule names one."""

    at: datetime
    until: datetime | None
    because: str
    asked: bool = False
    again: str | None = None


@dataclass(frozen=True, kw_only=True)  # without slots, see `replace`
class Conversation:
    """One prospect under one sequence, as its events leave it."""

    id: str
    enrolment: Enrolment
    events: tuple[Event, ...]
    state: State
    because: str
    clock_at: datetime  # the wait of the next step runs from here
    clocks: tuple[datetime, ...] = ()  # as it was before each hold moved it on: no wait ends sooner for being held
    touches: int = 0
    latest: Mail | None = None  # what a follow-up answers to
    subjects: frozenset[str] = frozenset()  # that messages of the thread have borne
    thread_roots: frozenset[str] = frozenset()  # see `Mail.thread_root`
    wrote_at: datetime | None = None  # when she, or we, last wrote to him, as far as anybody knows
    ids: frozenset[str] = frozenset()  # every Message-ID of the thread
    asides: frozenset[str] = frozenset()  # Message-IDs of her letters to him outside the thread
    judged: frozenset[str] = frozenset()  # every Message-ID that has had its say
    letters: tuple[str, ...] = ()  # the texts we wrote, to be subtracted from what comes back
    holds: tuple[Hold, ...] = ()
    passed: tuple[str, ...] = ()  # words of the steps that are over, in their order
    pending: Event | None = None  # an intent without a result
    uncertain: bool = False  # nobody knows what became of `pending`
    attempts: Mapping[str, int] = field(default_factory=dict)  # releases by her, by step
    wait_until: datetime | None = None  # the end of a wait that she set in place of the step's own
    asked: Hold | None = None  # the hold behind which the next step goes as soon as its wait is over
    retry_at: datetime | None = None
    deferred_since: datetime | None = None
    deferrals: int = 0
    soft_bounces: int = 0
    again: str | None = None  # the step to go on with, where a rule named one
    tasks: tuple[Event, ...] = ()  # what she is to do and has not done
    final: bool = False  # stopped for good: law 1

    @property
    def addresses(self) -> frozenset[str]:
        """The prospect's addresses; ask with `is_one_of`."""
        return self.enrolment.prospect.addresses

    @property
    def held_until(self) -> datetime | None:
        """When the hold ends by itself: the latest of all dates, None while one of them waits for her."""
        dates = [hold.until for hold in self.holds if hold.until is not None]
        return max(dates) if dates and len(dates) == len(self.holds) and not self.uncertain else None

    @property
    def court(self) -> str:
        """Whose turn it is: `his` while a follow-up may fall due by itself or all are sent, else `hers`."""
        undated = self.state is State.HELD and self.held_until is None
        return "hers" if undated or self.state in (State.ANSWERED, State.STOPPED) else "his"


def replace(conversation: Conversation, **changes: Any) -> Conversation:
    """The conversation with other values of its own fields, in a fifth of the time of `dataclasses.replace`: a fold
    does little else."""
    after = object.__new__(Conversation)
    after.__dict__.update(conversation.__dict__, **changes)
    return after


_EVERYWHERE = tuple(State)
_LIVE = (State.WAITING, State.HELD, State.FINISHED, State.ANSWERED)

TRANSITIONS: Mapping[tuple[State, Word], State] = {
    (State.WAITING, Word.REPLY): State.ANSWERED,
    (State.HELD, Word.REPLY): State.ANSWERED,
    **{(State.FINISHED, word): State.ANSWERED for word in (Word.REPLY, Word.NOT_NOW, Word.PROMISE)},
    (State.WAITING, Word.FINISHED): State.FINISHED,
    (State.HELD, Word.RESUMED): State.WAITING,
    (State.ANSWERED, Word.RESUMED): State.WAITING,
    (State.STOPPED, Word.RESUMED): State.WAITING,
    **{(state, Word.BOUNCE): State.STOPPED for state in _LIVE},
    **{(state, Word.REFUSED): State.STOPPED for state in _LIVE},
    **{(state, Word.REFUSAL): State.STOPPED for state in _LIVE},
    **{(state, Word.UNSUBSCRIBE): State.STOPPED for state in _EVERYWHERE},
    **{(state, Word.SUPPRESSED): State.STOPPED for state in _EVERYWHERE},
    **{(state, word): State.STOPPED for state in _EVERYWHERE for word in (Word.STOPPED, Word.WON, Word.LOST)},
}
"""What an event makes of a state; a pair that is not named leaves the state alone.

`waiting` and `held` differ by their holds alone (`settle`). A bounce or a refusal counts here only when it says that
the address is dead; `resumed` leads out of `stopped` only where she herself had stopped.
"""


def begin(conversation_id: str, event: Event) -> Conversation:
    """The conversation that an `enrolled` event opens. Raises ValueError for any other event."""
    enrolment = event.enrolment
    if event.word is not Word.ENROLLED or enrolment is None:
        raise ValueError(f"{conversation_id}: a conversation begins with `enrolled`, not `{event.word}`")
    opened = Conversation(
        id=conversation_id,
        enrolment=enrolment,
        events=(event,),
        state=State.WAITING,
        because=event.because,
        clock_at=enrolment.last_touch_at or event.at,
        touches=enrolment.touches,
        latest=enrolment.latest,
        ids=frozenset(enrolment.thread),
        judged=frozenset(enrolment.history),
        wrote_at=enrolment.last_touch_at,
    )
    return _known_by(opened, enrolment.latest) if enrolment.latest else opened


def advance(conversation: Conversation, event: Event) -> Conversation:
    """The conversation after one more event."""
    judged = conversation.judged | {event.message_id} if event.message_id else conversation.judged
    after = replace(conversation, events=(*conversation.events, event), judged=judged)
    effect = _EFFECTS.get(event.word)
    after = effect(after, event) if effect else after
    state = next_state(conversation, event)
    final = after.final or (state is State.STOPPED and _ends(event))
    because = event.because if state is not conversation.state or event.word in _TELLING else conversation.because
    return settle(replace(after, state=state, final=final, because=because))


def fold(conversation_id: str, events: Iterable[Event]) -> Conversation:
    """The conversation that these events make, oldest first. Raises ValueError where they do not begin one."""
    first, *others = events
    return reduce(advance, others, begin(conversation_id, first))


def next_state(conversation: Conversation, event: Event) -> State:
    """What `TRANSITIONS` says, with its two provisos."""
    if event.word in (Word.BOUNCE, Word.REFUSED) and not event.permanent:
        return conversation.state
    if event.word is Word.RESUMED and not _may_resume(conversation, event):
        return conversation.state
    return TRANSITIONS.get((conversation.state, event.word), conversation.state)


def _ends(event: Event) -> bool:
    """Whether this stops for good (law 1); what she stopped herself she may resume."""
    if event.word in (Word.BOUNCE, Word.REFUSED):
        return event.permanent is True
    return event.word in (Word.UNSUBSCRIBE, Word.SUPPRESSED, Word.REFUSAL)


def _may_resume(conversation: Conversation, event: Event) -> bool:
    """Her command always may, unless law 1 forbids it; the agent only when the date of a hold has come (law 2)."""
    if conversation.final or event.by is By.HER:
        return not conversation.final
    until = conversation.held_until
    return conversation.state is State.HELD and until is not None and until <= event.at


def settle(conversation: Conversation) -> Conversation:
    """`waiting` with a hold or an uncertain send is `held`; `held` without either is `waiting`."""
    if conversation.state not in (State.WAITING, State.HELD):
        return conversation
    state = State.HELD if conversation.holds or conversation.uncertain else State.WAITING
    return conversation if state is conversation.state else replace(conversation, state=state)


_TELLING = frozenset(
    {
        Word.HELD,
        Word.AUTO_REPLY,
        Word.NOT_NOW,
        Word.PROMISE,
        Word.UNCERTAIN,
        Word.RELEASED,
        Word.DROPPED,
        Word.REFUSED,
        Word.SENT,
        Word.OWN_MAIL,
        Word.RESUMED,
    }
)
"""Events whose reason is the reason of the state, even where the state's name stays."""


def _known_by(c: Conversation, mail: Mail) -> Conversation:
    """What a message of the thread adds to what the thread is known by."""
    roots = c.thread_roots | {mail.thread_root} if mail.thread_root else c.thread_roots
    subjects = c.subjects | {mail.subject} if mail.subject else c.subjects
    return replace(c, subjects=subjects, thread_roots=roots)


def _later(one: datetime, other: datetime) -> datetime:
    return max(one, other)


def _intent(c: Conversation, e: Event) -> Conversation:
    ids = c.ids | {e.message_id} if e.message_id else c.ids
    c = replace(_known_by(c, e.mail) if e.mail else c, wrote_at=_later(c.wrote_at or e.at, e.at))
    return replace(c, pending=e, ids=ids, letters=(*c.letters, e.text) if e.text else c.letters)


def _sent(c: Conversation, e: Event) -> Conversation:
    mail = c.pending.mail if c.pending else e.mail
    ids = c.ids | {e.message_id} if e.message_id else c.ids
    return replace(
        _afresh(_result(c)),
        ids=ids,
        touches=c.touches + 1,
        clock_at=_later(c.clock_at, e.at),
        latest=mail or c.latest,
        passed=_pass(c, e),
        wait_until=None,
        asked=None,
    )


def _step(c: Conversation, e: Event) -> str | None:
    """The step of a result: the one it names, else the one that was tried."""
    return e.step or (c.pending.step if c.pending else None)


def _pass(c: Conversation, e: Event) -> tuple[str, ...]:
    step = _step(c, e)
    return c.passed if step is None or step in c.passed else (*c.passed, step)


def _afresh(c: Conversation) -> Conversation:
    """What the server put off is another matter once the letter went, or its wait begins anew."""
    return replace(c, retry_at=None, deferred_since=None, deferrals=0)


def _result(c: Conversation) -> Conversation:
    return replace(c, pending=None, uncertain=False)


def _deferred(c: Conversation, e: Event) -> Conversation:
    if e.until is None:  # the whole account was put off: no fault of the letter
        return _result(c)
    return replace(_result(c), retry_at=e.until, deferred_since=c.deferred_since or e.at, deferrals=c.deferrals + 1)


def _refused(c: Conversation, e: Event) -> Conversation:
    return _result(c) if e.permanent else replace(_result(c), holds=_hold(c, e))


def _uncertain(c: Conversation, _: Event) -> Conversation:
    return replace(c, uncertain=c.pending is not None)


def _released(c: Conversation, e: Event) -> Conversation:
    step = _step(c, e)
    if step is None or not c.uncertain:  # a letter on the wire may still go
        return c
    return replace(_afresh(_result(c)), attempts={**c.attempts, step: c.attempts.get(step, 0) + 1})


def _dropped(c: Conversation, e: Event) -> Conversation:
    if c.pending is None or not c.uncertain:
        return c
    # It may have gone out after all, so the next wait runs from when it was tried.
    tried_at = _later(c.clock_at, c.pending.at)
    return replace(_afresh(_result(c)), passed=_pass(c, e), clock_at=tried_at, wait_until=None, asked=None)


def _skipped(c: Conversation, e: Event) -> Conversation:
    """The next wait runs from when the step would have gone."""
    clock_at = _later(c.clock_at, e.until or e.at)
    return replace(_afresh(c), passed=_pass(c, e), clock_at=clock_at, wait_until=None, asked=None)


def _task(c: Conversation, e: Event) -> Conversation:
    clock_at = _later(c.clock_at, e.at)
    c = replace(_afresh(c), passed=_pass(c, e), clock_at=clock_at, wait_until=None, asked=None)
    return replace(c, tasks=(*c.tasks, e))


def _done(c: Conversation, e: Event) -> Conversation:
    left = tuple(task for task in c.tasks if task.step != e.step)
    return replace(c, tasks=left, clock_at=_later(c.clock_at, e.at) if left != c.tasks else c.clock_at)


def _ended(c: Conversation, _: Event) -> Conversation:
    return replace(c, tasks=())


def _own_mail(c: Conversation, e: Event) -> Conversation:
    clock_at = _later(c.clock_at, e.at)
    asides = c.asides | {e.message_id} if e.mail is None and e.message_id else c.asides
    c = replace(c, wrote_at=_later(c.wrote_at or e.at, e.at), asides=asides)
    return replace(_afresh(_thread(c, e)), touches=c.touches + 1, clock_at=clock_at, wait_until=None)


def _thread(c: Conversation, e: Event) -> Conversation:
    """Take up a message of the thread: the newest one is what a follow-up answers to."""
    if e.mail is None:
        return c
    c = _known_by(c, e.mail)
    newest = c.latest is None or e.mail.at >= c.latest.at
    return replace(c, ids=c.ids | {e.mail.message_id}, latest=e.mail if newest else c.latest)


def _hold(c: Conversation, e: Event) -> tuple[Hold, ...]:
    asked = e.word in (Word.NOT_NOW, Word.PROMISE)
    again = e.step if asked else None
    return (*c.holds, Hold(at=e.at, until=e.until, because=e.because, asked=asked, again=again))


def _held(c: Conversation, e: Event) -> Conversation:
    return replace(c, holds=_hold(c, e)) if c.state in (State.WAITING, State.HELD) else c


def _put_off(c: Conversation, e: Event) -> Conversation:
    """His mail is of the thread, and names the day itself."""
    return _held(_thread(c, e), e)


def _refusal(c: Conversation, e: Event) -> Conversation:
    return replace(_thread(c, e), tasks=())


def _resumed(c: Conversation, e: Event) -> Conversation:
    if not _may_resume(c, e):
        return c
    if e.by is By.AGENT:
        asked = next((hold for hold in reversed(c.holds) if hold.asked), None)
        if asked is not None:
            return replace(_afresh(c), holds=(), asked=asked, again=asked.again or c.again)
        rested = _rested(c)
        wait_until = None if c.wait_until is None else c.wait_until + rested
        clocks = (*c.clocks, c.clock_at)
        return replace(_afresh(c), holds=(), clock_at=c.clock_at + rested, clocks=clocks, wait_until=wait_until)
    again = e.step or c.again
    c = replace(_afresh(c), holds=(), clock_at=e.at, clocks=(), wait_until=e.until)
    return replace(c, soft_bounces=0, again=again, asked=None)


def _rested(c: Conversation) -> timedelta:
    """Held days do not use up the wait: those since the hold began, or since the touch that came during it."""
    since = max(c.clock_at, min(hold.at for hold in c.holds))
    return max((c.held_until or since) - since, timedelta(0))


def _bounce(c: Conversation, e: Event) -> Conversation:
    return c if e.permanent else replace(c, soft_bounces=c.soft_bounces + 1)


def _delayed(c: Conversation, e: Event) -> Conversation:
    return replace(c, clock_at=_later(c.clock_at, e.at))


def _note(c: Conversation, e: Event) -> Conversation:
    if e.is_call:
        return replace(_afresh(c), touches=c.touches + 1, clock_at=_later(c.clock_at, e.at), wait_until=None)
    c = replace(c, ids=c.ids | {e.message_id}) if e.message_id else c
    renamed = e.mail is not None and c.latest is not None and c.latest.message_id in e.mail.references[-1:]
    return replace(c, latest=e.mail) if renamed else c


_EFFECTS: Mapping[Word, Callable[[Conversation, Event], Conversation]] = {
    Word.INTENT: _intent,
    Word.SENT: _sent,
    Word.DEFERRED: _deferred,
    Word.REFUSED: _refused,
    Word.UNCERTAIN: _uncertain,
    Word.RELEASED: _released,
    Word.DROPPED: _dropped,
    Word.OWN_MAIL: _own_mail,
    Word.REPLY: _thread,
    Word.AUTO_REPLY: _held,
    Word.NOT_NOW: _put_off,
    Word.PROMISE: _put_off,
    Word.REFUSAL: _refusal,
    Word.HELD: _held,
    Word.RESUMED: _resumed,
    Word.BOUNCE: _bounce,
    Word.DELAYED: _delayed,
    Word.NOTE: _note,
    Word.SKIPPED: _skipped,
    Word.TASK: _task,
    Word.DONE: _done,
    Word.STOPPED: _ended,
    Word.WON: _ended,
    Word.LOST: _ended,
}
