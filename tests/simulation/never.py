"""Who is never to be written to again, and of whom nothing may be left."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inboxagent.outreach.events import to_json
from inboxagent.outreach.outbox import Envelope
from tests.fakes.store import Contents
from tests.simulation.people import Person

if TYPE_CHECKING:
    from tests.simulation.judge import Judge


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Whom she had forgotten, and what is remembered now."""

    person: Person
    after: Contents


def nobody_of_the_suppressed(judge: "Judge", envelope: Envelope) -> str | None:
    """P1: after `suppress` or `forget` was acknowledged, no letter goes there, also not as a copy, and also not on an
    old copy of the state."""
    for path in envelope.forward_paths:
        if path in judge.never or "@" + path.partition("@")[2] in judge.never:
            return f"a letter goes to {path}, who is never to be written to"
    return None


def nothing_is_left(judge: "Judge", case: Forgotten) -> str | None:
    """Of whom she had forgotten, no address is left in what is remembered, nor in the file where there is one."""
    address = case.person.address
    for key, conversation in case.after.conversations.items():
        for event in conversation.events:
            if address in json.dumps(to_json(event)):
                return f"{key}: {event.word} still names {address}"
    if address in json.dumps(case.after.facts, default=str):
        return f"what is remembered about the account still names {address}"
    return f"the file still holds {address}" if address.encode() in judge.world.disk.octets() else None
