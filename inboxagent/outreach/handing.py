"""Handing on: one conversation is over, and a sequence named by its rule takes the prospect over in a new one."""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from inboxagent.outreach.events import Event, Word
from inboxagent.outreach.model import Enrolment, Prospect
from inboxagent.outreach.notes import with_note
from inboxagent.outreach.roles import rival
from inboxagent.outreach.rulebook import Rulebook
from inboxagent.outreach.sequence import Do, Sequence
from inboxagent.outreach.state import Conversation, State

SOONEST = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """The new conversation: its id, and the event that begins it."""

    conversation_id: str
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Nobody takes him over. `stuck`: something is missing that she can put right."""

    because: str
    stuck: bool


def hand_on(
    conversation: Conversation,
    to: str,
    rules: Rulebook,
    others: Iterable[Conversation],
    now: datetime,
    since: datetime | None = None,
    *,
    by_her: bool = False,
) -> Handed | Kept:
    """Begin the sequence `to` with this prospect; its first wait runs from `since`, or from the last touch or the day
    that was named. What she noted goes on with him only where she hands him on herself: she may have meant it for her
    own eyes."""
    sequence = rules.sequences.get(to)
    if sequence is None:
        return Kept(because=f"there is no readable rule file `{to}` to hand him on to", stuck=True)
    if conversation.enrolment.origin and now - conversation.events[0].at < SOONEST:
        return Kept(because=f"{to} does not take over: it would go round in circles", stuck=True)
    others = tuple(others)
    noted = with_note(conversation.enrolment.prospect, sequence, others)
    prospect = noted if by_her else conversation.enrolment.prospect
    obstacle = _lacking(conversation, prospect, sequence, rules)
    if obstacle and not _lacking(conversation, noted, sequence, rules):
        obstacle += "; what she noted last would say it, and goes to nobody without her word"
    if obstacle:
        return Kept(because=f"{to} cannot take over: {obstacle}", stuck=True)
    reason = _unfit(conversation, sequence, others) or _taken(conversation, to, rules, others)
    if reason:
        return Kept(because=f"{to} does not take over: {reason}", stuck=False)
    enrolment = Enrolment(
        sequence=to,
        prospect=prospect,
        latest=conversation.latest,
        touches=conversation.touches,
        last_touch_at=since or _runs_from(conversation),
        thread=tuple(sorted(conversation.ids)),
        history=tuple(sorted(conversation.judged)),
        tone=conversation.enrolment.tone,
        pace=conversation.enrolment.pace,
        origin=conversation.id,
    )
    because = f"{conversation.enrolment.sequence} ({conversation.id}) handed him on to {to}"
    event = Event(at=now, word=Word.ENROLLED, because=because, enrolment=enrolment)
    return Handed(conversation_id=_heir(conversation, to, now), event=event)


def _runs_from(conversation: Conversation) -> datetime:
    """What takes over knows nothing of a day before which no letter is to go."""
    named = conversation.not_before.until if conversation.not_before else None
    return max(conversation.clock_at, named or conversation.clock_at)


def _lacking(conversation: Conversation, prospect: Prospect, sequence: Sequence, rules: Rulebook) -> str:
    """What has to be put right first."""
    # Loaded late, as wherever letters are looked into.
    from inboxagent.outreach.personalise import missing
    from inboxagent.outreach.phrases import phrases_for

    if sequence.steps[0].wait is None and conversation.touches:
        return f"its first step `{sequence.steps[0].word}` has no wait"
    phrases = phrases_for(sequence.language, rules.phrases)
    lacking = missing(sequence, None, prospect.fields, phrases, tone=conversation.enrolment.tone)
    return f"he lacks {', '.join(lacking)}" if lacking else ""


def _unfit(conversation: Conversation, sequence: Sequence, others: Iterable[Conversation]) -> str:
    """Why it is not for him."""
    others = tuple(others)
    if any(step.do is Do.MAIL for step in sequence.steps) and sequence.name in _past(conversation, others):
        return "he has had its letters already"
    for other in others:
        live = other.id != conversation.id and other.state not in (State.STOPPED, State.FINISHED)
        if live and other.enrolment.sequence == sequence.name and other.addresses & conversation.addresses:
            return f"he is in it already ({other.id})"
    if sequence.audience is None:
        return ""
    from inboxagent.outreach.personalise import values_of
    from inboxagent.outreach.template import holds

    fits = holds(sequence.audience, values_of(sequence, conversation.enrolment.prospect.fields))
    return "" if fits else f"it is for others: {sequence.audience}"


def _taken(conversation: Conversation, to: str, rules: Rulebook, others: Iterable[Conversation]) -> str:
    """Whether another conversation takes him for what he would no longer be, a prospect or a customer."""
    open_ = rival(conversation.addresses, to, rules, (each for each in others if each.id != conversation.id))
    return "" if open_ is None else f"{open_.id} ({open_.enrolment.sequence}) is still open; end it first"


def _past(conversation: Conversation, others: Iterable[Conversation]) -> set[str]:
    """The sequences through which he has been handed on to this conversation, its own included."""
    by_id = {each.id: each for each in others}
    names: set[str] = set()
    seen: set[str] = set()
    link: Conversation | None = conversation
    while link is not None and link.id not in seen and link.addresses & conversation.addresses:
        seen.add(link.id)
        names.add(link.enrolment.sequence)
        link = by_id.get(link.enrolment.origin or "")
    return names


def _heir(conversation: Conversation, to: str, now: datetime) -> str:
    digest = hashlib.sha256(f"{conversation.id}\0{to}\0{now.isoformat()}".encode()).digest()
    return base64.b32encode(digest).decode().lower()[:7]
