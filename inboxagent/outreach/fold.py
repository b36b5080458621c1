"""A conversation as a fold over its events: `advance` applies the law of `state`, and the effects of each event."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import reduce
from itertools import accumulate

from inboxagent.outreach.events import By, Event, Word
from inboxagent.outreach.going_on import afresh, go_on
from inboxagent.outreach.model import Mail
from inboxagent.outreach.state import Conversation, Hold, State, ends, next_state, replace, settle


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
    final = after.final or (state is State.STOPPED and ends(event))
    tells = event.word in _TELLING and state is not State.ANSWERED  # what he answered stays the reason
    because = event.because if tells or state is not conversation.state else conversation.because
    return settle(replace(after, state=state, final=final, because=because))


def past(conversation: Conversation) -> Iterator[Conversation]:
    """The conversation as it was after each of its events."""
    first, *others = conversation.events
    return accumulate(others, advance, initial=begin(conversation.id, first))


def fold(conversation_id: str, events: Iterable[Event]) -> Conversation:
    """The conversation that these events make, oldest first. Raises ValueError where they do not begin one."""
    first, *others = events
    return reduce(advance, others, begin(conversation_id, first))


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


def _intent(c: Conversation, e: Event) -> Conversation:
    ids = c.ids | {e.message_id} if e.message_id else c.ids
    c = replace(_known_by(c, e.mail) if e.mail else c, wrote_at=max(c.wrote_at or e.at, e.at))
    return replace(c, pending=e, ids=ids, letters=(*c.letters, e.text) if e.text else c.letters)


def _sent(c: Conversation, e: Event) -> Conversation:
    mail = c.pending.mail if c.pending else e.mail
    ids = c.ids | {e.message_id} if e.message_id else c.ids
    tried_at = (c.pending.at,) if c.pending and c.uncertain else ()  # what proves it may come days later
    return replace(
        afresh(_result(c)),
        ids=ids,
        touches=c.touches + 1,
        clock_at=max(c.clock_at, e.at),
        clocks=tried_at,
        latest=mail or c.latest,
        passed=_pass(c, e),
        wait_until=None,
    )


def _step(c: Conversation, e: Event) -> str | None:
    """The step of a result: the one it names, else the one that was tried."""
    return e.step or (c.pending.step if c.pending else None)


def _pass(c: Conversation, e: Event) -> tuple[str, ...]:
    step = _step(c, e)
    return c.passed if step is None or step in c.passed else (*c.passed, step)


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
    attempts = {**c.attempts, step: c.attempts.get(step, 0) + 1}
    return replace(afresh(_result(c)), attempts=attempts, released=c.pending)


def _dropped(c: Conversation, e: Event) -> Conversation:
    if c.pending is None or not c.uncertain:
        return c
    # It may have gone out after all, so the next wait runs from when it was tried.
    tried_at = max(c.clock_at, c.pending.at)
    return replace(afresh(_result(c)), passed=_pass(c, e), clock_at=tried_at, wait_until=None)


def _skipped(c: Conversation, e: Event) -> Conversation:
    """The next wait runs from when the step would have gone."""
    clock_at = max(c.clock_at, e.until or e.at)
    return replace(afresh(c), passed=_pass(c, e), clock_at=clock_at, wait_until=None)


def _task(c: Conversation, e: Event) -> Conversation:
    clock_at = max(c.clock_at, e.at)
    c = replace(afresh(c), passed=_pass(c, e), clock_at=clock_at, wait_until=None)
    return replace(c, tasks=(*c.tasks, e))


def _done(c: Conversation, e: Event) -> Conversation:
    left = tuple(task for task in c.tasks if task.step != e.step)
    return replace(c, tasks=left, clock_at=max(c.clock_at, e.at) if left != c.tasks else c.clock_at)


def _ended(c: Conversation, _: Event) -> Conversation:
    return replace(c, tasks=())


def _own_mail(c: Conversation, e: Event) -> Conversation:
    asides = c.asides | {e.message_id} if e.mail is None and e.message_id else c.asides
    c = replace(c, wrote_at=max(c.wrote_at or e.at, e.at), asides=asides)
    return _touched(_thread(c, e), e.at)


def _touched(c: Conversation, at: datetime) -> Conversation:
    """By her own hand: the wait begins anew, but a date to come that she has named stays as it is."""
    wait_until = c.wait_until if c.named_by_her and c.wait_until and at < c.wait_until else None
    return replace(afresh(c), touches=c.touches + 1, clock_at=max(c.clock_at, at), wait_until=wait_until)


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
    hold = Hold(at=e.at, until=e.until, because=e.because, asked=asked, again=again, hers=e.by is By.HER)
    return (*c.holds, hold)


def _held(c: Conversation, e: Event) -> Conversation:
    """Where it is her turn the hold is kept for when her answer lets it go on."""
    over = c.state in (State.FINISHED, State.STOPPED)
    return c if over else replace(c, holds=_hold(c, e))


def _put_off(c: Conversation, e: Event) -> Conversation:
    """His mail is of the thread, and names the day itself."""
    return _held(_thread(c, e), e)


def _refusal(c: Conversation, e: Event) -> Conversation:
    return replace(_thread(c, e), tasks=())


def _bounce(c: Conversation, e: Event) -> Conversation:
    return c if e.permanent else replace(c, soft_bounces=c.soft_bounces + 1)


def _delayed(c: Conversation, e: Event) -> Conversation:
    return replace(c, clock_at=max(c.clock_at, e.at), clocks=(*c.clocks, c.clock_at))


def _note(c: Conversation, e: Event) -> Conversation:
    if e.is_call:
        return _touched(c, e.at)
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
    Word.RESUMED: go_on,
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
