"""Which month is simulated, and what became of it."""

from collections import Counter
from dataclasses import dataclass

from tests.simulation.cases import Violation

PEOPLE = 30
DAYS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What to simulate: everything of one seed, or a part of it, which shrinking asks for."""

    seed: int
    people: frozenset[int] = frozenset(range(PEOPLE))
    without: frozenset[str] = frozenset()  # faults and acts of hers
    days: float = DAYS
    journal: bool | None = None  # over the real journal; None: one month in 64 is


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a month."""

    setting: Setting
    violations: tuple[Violation, ...]
    coverage: Counter[tuple[str, str]]
    counts: Counter[str]
    trace: str
    story: tuple[str, ...] = ()
