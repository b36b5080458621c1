"""What must hold once faults have ended: nothing is blind, stuck, forgotten or twice in Sent."""

from collections import Counter
from datetime import datetime, timedelta

from inboxagent.outreach.decide import Send, decide
from inboxagent.outreach.events import Event, Word
from inboxagent.outreach.fold import fold
from inboxagent.outreach.sequence import Sequence
from inboxagent.outreach.state import Conversation, State
from tests.simulation import almanac
from tests.simulation.at_a_commit import unjudged
from tests.simulation.at_the_dot import OVER
from tests.simulation.dates import HOME, calendar_of
from tests.simulation.judge import Judge

HOUR = 3_600.0


def i9_sees_or_says_so(judge: Judge, seconds: float) -> str | None:
    """P7: a daemon that runs in calm weather has a complete reading younger than its bound."""
    bound = 2 * judge.world.poll + 30.0
    age = seconds - judge.reading_ok_at
    return f"the last complete reading is {age / HOUR:.1f} h old" if age > bound + 900.0 else None


def i4_nothing_is_stuck(judge: Judge, _: object) -> str | None:
    """P3: once faults have ended, everything due goes out within its window, and nothing is left in the air."""
    now, sequences = judge.world.clock.now(), judge.world.rules().sequences
    patience = timedelta(hours=24 if judge.world.limits.per_hour else 3)
    for key, each in judge.world.disk.contents.conversations.items():
        sequence = sequences.get(each.enrolment.sequence)
        if each.pending is not None and not each.uncertain:
            return f"{key}: an intent is open"
        if each.state is not State.WAITING or _was_held_back(judge, key):
            continue
        action = decide(each, sequence, now, judge.world.account.me)
        late = isinstance(action, Send) and now - action.due_at > patience
        if isinstance(action, Send) and late and not _day_was_full(judge, action.due_at):
            return f"{key}: `{action.step.word}` is due since {action.due_at:%a %d %H:%M}"
        late = _overdue(judge, key, each, sequence)
        if late is not None:
            return late
    return None


def _was_held_back(judge: Judge, key: str) -> bool:
    """Whether he was written to or called as often as a week allows, or in another conversation, a few days ago."""
    record, most = judge.records.get(key), judge.world.limits.person_per_week
    if record is None:
        return False
    his = [at for each in judge.records.values() if each.person is record.person for at in each.accepted]
    everybody = judge.world.disk.contents.conversations
    mine, rules = everybody[key], judge.world.rules().sequences
    rule = rules.get(mine.enrolment.sequence)
    days = 27 if rule is not None and rule.hours.quiet else 11  # what was put off until after quiet weeks goes then
    lately = judge.world.clock.now() - timedelta(days=days)
    beside = [each for name, each in everybody.items() if name != key and each.addresses & mine.addresses]
    if any(each.at > lately and _is_touch(each) for other in beside for each in other.events):
        return True
    if not most:
        return False
    seconds = [*record.called_at, *(at for at, _ in record.tried)]
    about = (each for each in everybody.values() if each.addresses & mine.addresses)
    hers = {event.at for each in about for event in each.events if event.word is Word.OWN_MAIL}
    words = [*set(his), *hers, *(judge.world.timeline.epoch + timedelta(seconds=at) for at in seconds)]
    return sum(judge.world.clock.now() - at < timedelta(days=days) for at in words) >= most


def _is_touch(event: Event) -> bool:
    return event.word in (Word.INTENT, Word.OWN_MAIL) or event.is_call


def _day_was_full(judge: Judge, since: datetime) -> bool:
    """Whether as many letters as a day allows went on one of the days since: first letters go last."""
    days = Counter(at.astimezone(HOME).date() for _, at in judge.accepted)
    first = since.astimezone(HOME).date()
    return any(day >= first and count >= judge.world.limits.per_day for day, count in days.items())


def _overdue(judge: Judge, key: str, conversation: Conversation, sequence: Sequence | None) -> str | None:
    """By the judge's own reckoning: a wait that is long over while nothing stood in the way since it began."""
    record = judge.records.get(key)
    if record is None or sequence is None or sequence.name in getattr(judge.world.rules, "edited", ()):
        return None
    over = {event.step for event in conversation.events if event.word in OVER}
    behind = max((place for place, each in enumerate(sequence.steps) if each.word in over), default=-1)
    step = next(iter(sequence.steps[behind + 1 :]), None)
    if step is None:
        return f"{key}: no step is left, and it waits"
    # What had piled up may not all fit into what was left of that window.
    began_at = max(record.enrolled_at, judge.brake_released_at + 12 * HOUR, judge.resumed_at + 12 * HOUR)
    last = judge.world.timeline.epoch + timedelta(seconds=began_at)
    last = max(last, conversation.clock_at, *(event.at for event in conversation.events))
    if record.her_wait or step.wait is None:
        return None
    wait, zone, days, known = calendar_of(judge, conversation, sequence, step)
    end = almanac.wait_end(last, wait, zone, days, known)
    soonest = almanac.opening(end, step.hours or sequence.hours, zone, days)
    late = judge.world.clock.now() - soonest
    if late <= _PATIENCE or _day_was_full(judge, soonest):
        return None
    return f"{key}: `{step.word}` was to go {late / timedelta(days=1):.1f} days ago"


_PATIENCE = timedelta(days=3)


def i12_evidence_is_used(judge: Judge, _: object) -> str | None:
    """No letter stays uncertain while a copy that the server filed lies in Sent."""
    for key, each in judge.world.disk.contents.conversations.items():
        if each.uncertain and each.pending is not None and judge.server_copies[each.pending.message_id or ""]:
            return f"{key}: `{each.pending.step}` is uncertain, and its copy lies in Sent"
    return None


def i14_every_answer_is_noted(judge: Judge, seconds: float) -> str | None:
    """P1, P3: his answer that lay there at the last complete reading has been noted in every conversation of his."""
    for key, record in judge.records.items():
        conversation = judge.world.disk.contents.conversations.get(key)
        if conversation is None:
            continue  # a command that died before it said anything
        for post in record.person.posts:
            if not post.message_id or not post.was_visible(judge.reading_ok_at - 60.0):
                continue
            if unjudged(judge, post, judge.world.disk.contents) is not None:
                return f"{post.truth} {post.message_id} of {record.person.name} was never judged"
    return None


def i21_one_copy_each(judge: Judge, _: object) -> str | None:
    """Sent holds a copy of every letter that is known to be accepted: the server's or ours, and never two of ours."""
    twice = [message_id for message_id, count in judge.appended.items() if count > 1]
    if twice:
        return f"{twice[0]} was filed {judge.appended[twice[0]]} times"
    lately = judge.world.clock.now() - timedelta(hours=1)  # what went just before the end is still to be filed
    for each in judge.world.disk.contents.conversations.values():
        for event in each.events:
            known = event.word is Word.SENT and event.because.startswith(_KNOWN) and event.at < lately
            if (
                known
                and not _was_released(each, event)
                and not judge.appended[event.message_id or ""] + judge.server_copies[event.message_id or ""]
            ):
                return f"{event.message_id} has no copy in Sent"
    return None


def _was_released(conversation: Conversation, sent: Event) -> bool:
    """Whether the letter that is proved was followed by another try, so that its octets need not have been kept."""
    before = conversation.events[: conversation.events.index(sent)]
    newest = next((each for each in reversed(before) if each.word is Word.INTENT), None)
    return newest is not None and newest.message_id != sent.message_id


_KNOWN = ("accepted", "it did go out: an answer names it")


def state_is_the_fold(judge: Judge, _: object) -> str | None:
    """The state of a conversation is the fold of its events, and nothing beside."""
    for key, each in judge.world.disk.contents.conversations.items():
        if fold(key, each.events) != each:
            return f"{key} is not what its events make"
    return None
