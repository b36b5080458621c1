"""Where a conversation stands, and the law of what leads from there to where: `TRANSITIONS`.

Law 1: nothing leaves `stopped` after an opt-out, a complaint or a dead address.
Law 2: only a date that has come, or her command, leads back to `waiting`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from operator import is_
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
    being its step where a rule names one. `hers`: it is by her word."""

    at: datetime
    until: datetime | None
    because: str
    asked: bool = False
    again: str | None = None
    hers: bool = False


@dataclass(frozen=True, kw_only=True)  # without slots, see `replace`
class Conversation:
    """One prospect under one sequence, as its events leave it."""

    id: str
    enrolment: Enrolment
    events: tuple[Event, ...]
    state: State
    because: str
    clock_at: datetime  # the wait of the next step runs from here
    clocks: tuple[datetime, ...] = ()  # as it was before a hold or a delay moved it on: no wait ends sooner for either
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
    released: Event | None = None  # the newest intent that she let go again: it may have gone out before
    wait_until: datetime | None = None  # the end of a wait that was set in place of the step's own
    named_by_her: bool = False  # `wait_until` is a date of hers: the earliest, which a touch before it leaves alone
    not_before: Hold | None = None  # no letter goes before its end, whichever step is next: a day that was named
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

    def clocks_of(self, step: str) -> tuple[datetime, ...]:
        """Whence the wait of a step runs; the latest end counts."""
        return (self.clock_at, *self.clocks, *self.tried_at(step))

    def tried_at(self, step: str) -> tuple[datetime, ...]:
        """When a letter was tried that may have gone out: a touch, but not for its own step."""
        tried = self.released
        return () if tried is None or tried.step == step else (tried.at,)

    @property
    def next_is_hers(self) -> bool:
        """Whether the next step goes on a date that she has named."""
        return self.named_by_her and self.wait_until is not None

    @property
    def court(self) -> str:
        """Whose turn it is: `his` while a follow-up may fall due by itself or all are sent, else `hers`."""
        undated = self.state is State.HELD and self.held_until is None
        return "hers" if undated or self.state in (State.ANSWERED, State.STOPPED) else "his"

    def may_resume(self, event: Event) -> bool:
        """Her command always may, unless law 1 forbids it; the agent only when the date of a hold has come (law 2)."""
        if self.final or event.by is By.HER:
            return not self.final
        until = self.held_until
        return self.state is State.HELD and until is not None and until <= event.at


def replace(conversation: Conversation, **changes: Any) -> Conversation:
    """The conversation with other values of its own fields, in a fifth of the time of `dataclasses.replace`: a fold
    does little else."""
    after = object.__new__(Conversation)
    after.__dict__.update(conversation.__dict__, **changes)
    return after


def to_compare(everybody: Sequence[Conversation]) -> Sequence[Conversation]:
    """What `are_same` is to be asked about later: of more than so many the store makes new ones each time, and those
    that were kept would only fill the memory."""
    return everybody if len(everybody) <= _COMPARED else ()


def are_same(before: Sequence[Conversation], now: Sequence[Conversation]) -> bool:
    """Whether these are the very same: nothing has happened in any of them, and none has come or gone."""
    return len(before) == len(now) and all(map(is_, before, now))


_COMPARED = 5_000
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


def next_state(conversation: Conversation, event: Event) -> State:
    """What `TRANSITIONS` says, with its two provisos."""
    if event.word in (Word.BOUNCE, Word.REFUSED) and not event.permanent:
        return conversation.state
    if event.word is Word.RESUMED and not conversation.may_resume(event):
        return conversation.state
    return TRANSITIONS.get((conversation.state, event.word), conversation.state)


def ends(event: Event) -> bool:
    """Whether this stops for good (law 1); what she stopped herself she may resume."""
    if event.word in (Word.BOUNCE, Word.REFUSED):
        return event.permanent is True
    return event.word in (Word.UNSUBSCRIBE, Word.SUPPRESSED, Word.REFUSAL)


def settle(conversation: Conversation) -> Conversation:
    """`waiting` with a hold or an uncertain send is `held`; `held` without either is `waiting`."""
    if conversation.state not in (State.WAITING, State.HELD):
        return conversation
    state = State.HELD if conversation.holds or conversation.uncertain else State.WAITING
    return conversation if state is conversation.state else replace(conversation, state=state)
