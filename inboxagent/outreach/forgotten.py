"""When letters went to people who were forgotten since: all that is left of them, for the limits to count."""

from collections.abc import Iterable
from datetime import datetime

from inboxagent.outreach.admission import WEEK, Traffic
from inboxagent.outreach.state import Conversation

LETTERS = "letters_to_the_forgotten"
"""The fact that keeps the instants, bare."""


def instants(fact: object) -> tuple[datetime, ...]:
    """What the fact says, in no order."""
    return tuple(map(datetime.fromisoformat, fact)) if isinstance(fact, list) else ()


def with_those_of(erased: Iterable[Conversation], fact: object, now: datetime) -> list[str] | None:
    """The fact when these conversations are erased as well; what no limit asks for any more is left out."""
    gone = Traffic().over(erased, now - WEEK, instants(fact)).letters
    return [at.isoformat() for at in sorted(each.at for each in gone)] or None
