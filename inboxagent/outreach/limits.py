"""How much may go out."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Letters a day in her zone, the least time between two, and how many at once are too many (the brake)."""

    per_day: int = 40
    gap: timedelta = timedelta(seconds=90)
    brake: int = 25
