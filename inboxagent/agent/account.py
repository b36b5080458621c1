"""What an agent is told about the account it works for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from zoneinfo import ZoneInfo

from inboxagent.outreach.model import Me
from inboxagent.outreach.phrases import Phrasebook
from inboxagent.outreach.sequence import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much may go out: letters a day in her zone, the least time between two, and how many at once are too many."""

    per_day: int = 40
    gap: timedelta = timedelta(seconds=90)
    brake: int = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """The sequences in force by name, and the phrases of each language."""

    sequences: Mapping[str, Sequence] = field(default_factory=dict)
    phrases: Phrasebook = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whose mailbox, the secret key of its Message-IDs, its limits; rules and the pause flag are asked each time."""

    me: Me
    key: bytes
    rules: Callable[[], Rulebook]
    paused: Callable[[], str | None] = lambda: None
    limits: Limits = Limits()

    @property
    def home(self) -> ZoneInfo:
        """Her zone."""
        return ZoneInfo(self.me.zone)
