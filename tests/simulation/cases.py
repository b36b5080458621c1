"""What the judge holds against the invariants: a dot, a transaction; and what it finds."""

from collections.abc import Mapping
from dataclasses import dataclass

from inboxagent.mail.inbound import Inbound
from inboxagent.outreach.events import Event
from inboxagent.outreach.outbox import Envelope
from inboxagent.outreach.sequence import Sequence
from inboxagent.outreach.state import Conversation
from tests.fakes.store import Contents
from tests.simulation.people import Person
from tests.simulation.process import Process


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was broken: by which invariant, when (true seconds), with whom, and what happened."""

    invariant: str
    seconds: float
    person: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A letter at the moment in which its dot is written."""

    seconds: float
    process: Process
    person: Person
    envelope: Envelope
    letter: Inbound
    recipient_at: float
    conversation: Conversation
    durable: Conversation | None
    step: str
    sequence: Sequence  # as it was when the intent was written


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A transaction that was acknowledged: what is new in it."""

    seconds: float
    process: Process
    before: Contents
    after: Contents
    fresh: Mapping[str, tuple[Event, ...]]
