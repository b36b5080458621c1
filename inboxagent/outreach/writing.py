"""A step's words for one conversation: its variant, its tone, the facts of its thread."""

import hashlib
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from inboxagent.mail.headers import base_subject
from inboxagent.outreach.events import Word
from inboxagent.outreach.model import Me
from inboxagent.outreach.personalise import Letter, render
from inboxagent.outreach.phrases import Phrasebook, phrases_for
from inboxagent.outreach.sequence import FieldValue, Sequence, Step, Variant
from inboxagent.outreach.state import Conversation

_TOUCHES = (Word.SENT, Word.OWN_MAIL)


def write(
    conversation: Conversation,
    sequence: Sequence,
    step: Step,
    phrasebook: Phrasebook,
    me: Me,
    now: datetime,
    tone: str | None = None,
) -> Letter:
    """The words of the step as they would go now, in the tone of the enrolment, or in `tone`. Raises RenderError."""
    chosen = choose(step, conversation.enrolment.prospect.address)
    letter = render(
        sequence,
        replace(step, letter=chosen.letter) if chosen else step,
        conversation.enrolment.prospect.fields,
        phrases_for(sequence.language, phrasebook),
        me_name=me.name,
        tone=tone or conversation.enrolment.tone,
        facts=thread_facts(conversation, now, ZoneInfo(me.zone)),
    )
    opens = conversation.latest is None and conversation.enrolment.subject
    return replace(letter, subject=conversation.enrolment.subject) if opens else letter


def choose(step: Step, address: str) -> Variant | None:
    """The variant that this person gets, always the same one; None where the step has one letter."""
    if not step.variants:
        return None
    digest = hashlib.sha256(f"{address.lower()}\0{step.word}".encode("utf-8", "surrogatepass")).digest()
    place = int.from_bytes(digest[:8], "big") % sum(variant.share for variant in step.variants)
    for variant in step.variants:
        place -= variant.share
        if place < 0:
            return variant
    raise AssertionError("the shares add up")


def thread_facts(conversation: Conversation, now: datetime, zone: ZoneInfo) -> dict[str, FieldValue]:
    """The subject of the thread, the day of her last letter on her calendar, and how many days ago that was."""
    facts: dict[str, FieldValue] = {}
    if conversation.latest is not None:
        facts["subject"] = base_subject(conversation.latest.subject)
    hers = [event.at for event in conversation.events if event.word in _TOUCHES]
    last_at = max([*hers, *filter(None, [conversation.enrolment.last_touch_at])], default=None)
    if last_at is not None:
        last = last_at.astimezone(zone).date()
        facts |= {"last_touch": last, "days_since": Decimal((now.astimezone(zone).date() - last).days)}
    return facts
