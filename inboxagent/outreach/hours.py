"""When letters may leave, as values: days of the week, windows of the day, whose zone, whose holidays, quiet weeks."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby

from inboxagent.outreach.workdays import Quiet

DAY_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
EVERY_DAY = frozenset(range(7))
MINUTES_A_DAY = 24 * 60
ALL_DAY = ((0, MINUTES_A_DAY),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """When letters may leave: days (Monday is 0) and windows [start, end) in minutes since midnight, sorted, apart.

    `zone` is `prospect`, `me` or an IANA name; `holidays` are regions as in `DE-BE`, `prospect` or `me`. What a rule
    file does not narrow is open.
    """

    days: frozenset[int] = EVERY_DAY
    between: tuple[tuple[int, int], ...] = ALL_DAY
    zone: str = "prospect"
    holidays: tuple[str, ...] = ("me", "prospect")
    quiet: tuple[Quiet, ...] = ()

    def narrowed(self, days: frozenset[int], between: tuple[tuple[int, int], ...]) -> "Hours":
        """What is left inside these days and windows too; perhaps nothing."""
        pairs = ((max(a, c), min(b, d)) for a, b in self.between for c, d in between)
        left = tuple(sorted((start, end) for start, end in pairs if start < end))
        return replace(self, days=self.days & days, between=left)

    @property
    def days_in_words(self) -> str:
        """`Mon-Thu`, `Mon, Wed-Fri`, or `every day`."""
        return _days_in_words(self.days)

    @property
    def windows_in_words(self) -> str:
        """`8:30-11:30, 13:30-16:30`."""
        return _windows_in_words(self.between)


@lru_cache(maxsize=256)
def _days_in_words(days: frozenset[int]) -> str:
    return "every day" if days >= EVERY_DAY else ", ".join(_runs(sorted(days)))


@lru_cache(maxsize=256)
def _windows_in_words(windows: tuple[tuple[int, int], ...]) -> str:
    return ", ".join(f"{clock(start)}-{clock(end)}" for start, end in windows)


def clock(minutes: int) -> str:
    """Minutes since midnight as a time of day, up to `24:00`."""
    return f"{minutes // 60}:{minutes % 60:02}"


def _runs(days: Iterable[int]) -> Iterable[str]:
    for _, run in groupby(enumerate(days), key=lambda pair: pair[1] - pair[0]):
        names = [DAY_NAMES[day] for _, day in run]
        yield names[0] if len(names) == 1 else f"{names[0]}-{names[-1]}"
