"""Planted in how many letters may go: the brake, the limits, the gap."""

from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any

from inboxagent.agent import brake, planning, sending
from inboxagent.agent.brake import Brake
from inboxagent.agent.sending import Sender
from inboxagent.outreach import admission
from inboxagent.outreach.events import Word
from tests.simulation.planting import Patch, mutant


@mutant("no gap, no limit for the day")
def _(patch: Patch) -> None:
    patch.set(Sender, "_bar", lambda self, conversation_id, traffic: None)


@mutant("limits are counted by what is certain")
def _(patch: Patch) -> None:
    def certain(events: Any) -> Any:
        sent = {event.message_id for event in events if event.word is Word.SENT}
        return [event for event in events if event.word is Word.INTENT and event.message_id in sent]

    patch.set(admission, "_handed_over", certain)


@mutant("no brake")
def _(patch: Patch) -> None:
    patch.set(Brake, "holds", lambda self, due: False)


@mutant("a clock that was put forward is believed")
def _(patch: Patch) -> None:
    patch.set(brake, "TOLERATED", timedelta.max)


@mutant("no limit for the hour")
def _(patch: Patch) -> None:
    patch.set(admission, "_hour", lambda traffic, limits, now: None)


@mutant("no limit for one person")
def _(patch: Patch) -> None:
    patch.set(admission, "_week", lambda traffic, conversation, limits, now: None)


@mutant("the limit for one person is counted by conversation")
def _(patch: Patch) -> None:
    def week(traffic: Any, conversation: Any, *more: Any) -> Any:
        own = replace(traffic, known={key: each for key, each in traffic.known.items() if key == conversation.id})
        return original(own, conversation, *more)

    original = patch.set(admission, "_week", week)


@mutant("no letter gives way to one of a higher priority")
def _(patch: Patch) -> None:
    patch.set_everywhere(planning, "give_way", lambda ahead, now, home: None)


@mutant("two sequences may write to him on the same morning")
def _(patch: Patch) -> None:
    patch.set(admission, "_person", lambda traffic, conversation, limits, now: None)


@mutant("the limit of the day is counted in UTC")
def _(patch: Patch) -> None:
    def today(sent: Any, now: Any, home: Any) -> Any:
        return original(sent, now, UTC)

    original = patch.set(admission, "_today", today)


@mutant("an older copy of the state is nothing special")
def _(patch: Patch) -> None:
    patch.set(Brake, "asks_her", lambda self: False)
    patch.set(sending, "REWOUND", "nothing of that name")


@mutant("what goes in a round is counted in the next one")
def _(patch: Patch) -> None:
    patch.set(Sender, "_bring_up_to_date", lambda self, planned: None)
