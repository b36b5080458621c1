"""Conversations and events as the JSON that other programs rely on: stable, and only ever added to."""

from datetime import UTC, datetime
from typing import Any

from inboxagent.outreach.decide import Wait
from inboxagent.outreach.events import Event, Word
from inboxagent.outreach.state import Conversation, State


def conversation_document(conversation: Conversation, ahead: Wait | None) -> dict[str, Any]:
    """One object of `list --json`."""
    prospect = conversation.enrolment.prospect
    held_until = conversation.held_until if conversation.state is State.HELD else None
    return {
        "id": conversation.id,
        "prospect": {"address": prospect.address, "name": prospect.name},
        "sequence": conversation.enrolment.sequence,
        "state": str(conversation.state),
        "court": conversation.court,
        "touches": conversation.touches,
        "next": None if ahead is None else next_document(ahead),
        "held_until": instant(held_until),
        "because": conversation.because,
        "proposed": [event.address for event in conversation.events if event.word is Word.PROPOSED],
        "tasks": [{"step": task.step, "since": instant(task.at), "text": task.text} for task in conversation.tasks],
    }


def next_document(ahead: Wait) -> dict[str, Any]:
    """What comes next for a conversation."""
    return {"step": ahead.step, "kind": str(ahead.do), "at": instant(ahead.at)}


def event_document(event: Event) -> dict[str, Any]:
    """One event of `show --json`."""
    return {
        "at": instant(event.at),
        "event": str(event.word),
        "because": event.because,
        "message_id": event.message_id,
        "step": event.step,
        "by": str(event.by),
        "until": instant(event.until),
        "text": event.text,
    }


def instant(at: datetime | None) -> str | None:
    """RFC 3339 in UTC."""
    return None if at is None else at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
