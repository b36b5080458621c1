"""All rule files that are in force, as one value."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from inboxagent.outreach.phrases import Phrasebook
from inboxagent.outreach.sequence import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """The sequences by name, and the phrases of each language."""

    sequences: Mapping[str, Sequence] = field(default_factory=dict)
    phrases: Phrasebook = field(default_factory=dict)
