"""What ties conversations together: one person in several, several people in one, all of a company."""

from collections.abc import Iterator
from datetime import timedelta

from inboxagent.outreach.decide import Wait, decide
from inboxagent.outreach.events import ANSWERS
from inboxagent.outreach.sequence import Do
from inboxagent.outreach.state import Conversation
from tests.simulation.cases import Commit, Dot
from tests.simulation.dates import HOME
from tests.simulation.judge import Judge
from tests.simulation.people import PUBLIC
from tests.simulation.post import Truth

WEEK = timedelta(days=7)
_SLACK = timedelta(seconds=5)
_LOOKED = timedelta(minutes=2)


def _others(judge: Judge, dot: Dot) -> Iterator[Conversation]:
    """The other conversations with the same person."""
    for key, record in judge.records.items():
        found = judge.world.disk.contents.conversations.get(key)
        if record.person is dot.person and found is not None and found.id != dot.conversation.id:
            yield found


def i7_one_letter_at_a_time(judge: Judge, dot: Dot) -> str | None:
    """Between letters of two conversations to one person lies the gap of a person; all of them count for his week."""
    limits, now = judge.world.limits, judge.world.clock.now()
    week = 0
    for seconds, at, key in judge.letters_to[dot.person.number]:
        passed = max(now - at, timedelta(seconds=dot.seconds - seconds))
        week += timedelta(0) <= passed < WEEK - _SLACK
        if key != dot.conversation.id and timedelta(0) <= passed < limits.person_gap - _SLACK:
            return f"`{dot.step}` goes {passed} after a letter of {key} to {dot.person.name}"
    if limits.person_per_week and week >= limits.person_per_week:
        return f"the {week + 1}th letter to {dot.person.name} within a week, of all conversations"
    return None


def i7_priority(judge: Judge, dot: Dot) -> str | None:
    """Of two letters to one person on one day the one of the higher priority goes."""
    rules, now = judge.world.rules().sequences, judge.world.clock.now()
    for other in _others(judge, dot):
        sequence = rules.get(other.enrolment.sequence)
        if sequence is None or sequence.priority <= dot.sequence.priority or other.events[-1].at > now - _LOOKED:
            continue
        action = decide(other, sequence, now, judge.world.account.me)
        today = isinstance(action, Wait) and action.at.astimezone(HOME).date() == now.astimezone(HOME).date()
        if today and action.do is Do.MAIL and not action.skips:
            return f"`{dot.step}` goes before `{action.step}` of {other.id}, which is of a higher priority"
    return None


def i8_company(judge: Judge, dot: Dot) -> str | None:
    """Where a rule asks for it, nothing goes to anybody of a company of which somebody has answered, until she lets it;
    a public mail provider is no company."""
    firm, record, rules = dot.person.domain, judge.records[dot.conversation.id], judge.world.rules().sequences
    if firm in PUBLIC or record.restored:
        return None
    came = {each.message_id: each.visible_at or 0.0 for person in judge.world.people for each in person.posts}
    for other in judge.world.disk.contents.conversations.values():
        address, sequence = other.enrolment.prospect.address, rules.get(other.enrolment.sequence)
        if sequence is None or address == dot.person.address or not address.endswith(f"@{firm}"):
            continue
        asked = any(each.company and not _is_edited(judge, each.name) for each in (sequence, dot.sequence))
        for event in other.events if asked else ():
            seconds = (event.at - judge.world.timeline.epoch).total_seconds() - judge.world.timeline.wrong
            seconds = came.get(event.message_id or "", seconds)  # the clock by which it was noted may have been wrong
            if event.word in ANSWERS and seconds > max(record.enrolled_at, record.resumed_at) + 1.0:
                return f"`{dot.step}` goes out although {address} of the same company has answered in {other.id}"
    return None


def i8_no_public_company(judge: Judge, commit: Commit) -> str | None:
    """Nobody waits for her because somebody else has a mailbox at the same public provider."""
    for key, events in commit.fresh.items():
        domain = commit.after.conversations[key].enrolment.prospect.address.partition("@")[2]
        for event in events if domain in PUBLIC else ():
            if "of the same company" in event.because:
                return f"{key}: {event.because}"
    return None


def i8_nobody_who_opted_out(judge: Judge, dot: Dot) -> str | None:
    """P1: whoever has opted out of one conversation gets no copy of another one either."""
    for person in judge.world.people:
        if person is dot.person or person.address not in dot.envelope.forward_paths:
            continue
        known_since = [each.answers_since for each in judge.records.values() if each.person is person]
        for post in person.posts:
            told = post.truth is Truth.OPT_OUT and post.from_him and post.was_visible(dot.process.looked_at)
            if told and known_since and (post.visible_at or 0.0) > min(known_since) and judge.restored_at < 0:
                return f"`{dot.step}` goes to {person.name} as well, who has opted out"
    return None


def _is_edited(judge: Judge, name: str) -> bool:
    return name in judge.world.rules.edited
