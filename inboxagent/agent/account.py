"""What an agent is told about the account it works for."""

from collections.abc import Callable
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from inboxagent.outreach.letter import Enclosures
from inboxagent.outreach.limits import Limits
from inboxagent.outreach.model import Me
from inboxagent.outreach.rulebook import Rulebook
from inboxagent.outreach.unsubscribing import Unsubscribing


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whose mailbox, the secret key of its Message-IDs, its limits; rules and the pause flag are asked each time."""

    me: Me
    key: bytes
    rules: Callable[[], Rulebook]
    paused: Callable[[], str | None] = lambda: None
    limits: Limits = field(default_factory=Limits)
    unsubscribing: Unsubscribing = field(default_factory=Unsubscribing)
    enclosures: Enclosures = field(default_factory=Enclosures)
    remind_to: str = ""  # where she is told what waits for her; empty: nowhere

    @property
    def home(self) -> ZoneInfo:
        """Her zone."""
        return ZoneInfo(self.me.zone)
