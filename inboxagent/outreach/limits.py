"""How much may go out."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What `[limits]` says; a count of 0 is no limit. Days are calendar days in her zone, hours and weeks elapsed time.

    `gap` lies between any two letters, `person_gap` between two sequences of one person and after her own mail outside
    the thread; `brake` is how many letters that fall due at once are too many.
    """

    per_day: int = 40
    per_hour: int = 0
    company_per_day: int = 0
    gap: timedelta = timedelta(seconds=90)
    person_gap: timedelta = timedelta(days=1)
    person_per_week: int = 0
    brake: int = 25
