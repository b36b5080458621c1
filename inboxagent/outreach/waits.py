"""Waits of a rule file as values: a span since the last touch, a date of the year, a date of the prospect's own."""

from dataclasses import dataclass
from enum import StrEnum

MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SLOWEST, FASTEST = 10.0, 0.1
"""What the spacing may be multiplied with at most and at least."""


class Unit(StrEnum):
    """What a wait is counted in; the value is the word for one of them."""

    SECOND = "second"
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    BUSINESS_DAY = "business day"
    WEEK = "week"
    MONTH = "month"


_SECONDS = {Unit.SECOND: 1, Unit.MINUTE: 60, Unit.HOUR: 3_600}
_DAYS = {Unit.DAY: 1, Unit.WEEK: 7, Unit.MONTH: 30}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """A span since the previous touch; an amount of 0 is "at once"."""

    amount: int
    unit: Unit

    def __str__(self) -> str:
        """The words of the rule file: `3 business days`."""
        if self.amount == 0:
            return "at once"
        return f"{self.amount} {self.unit}{'' if self.amount == 1 else 's'}"

    @property
    def long(self) -> bool:
        """A day or longer in kind: counted on the calendar, not with a stop-watch."""
        return self.amount > 0 and self.unit not in _SECONDS

    def paced(self, pace: float) -> "Wait":
        """The wait so many times as long, in whole units (at least one); weeks and months that do not come out even
        are counted in days."""
        if pace == 1 or self.amount == 0:
            return self
        amount = self.amount * pace
        if amount == int(amount):
            return Wait(amount=int(amount), unit=self.unit)
        if self.unit in _SECONDS:
            return Wait(amount=_whole(amount * _SECONDS[self.unit]), unit=Unit.SECOND)
        if self.unit in _DAYS:
            return Wait(amount=_whole(amount * _DAYS[self.unit]), unit=Unit.DAY)
        return Wait(amount=_whole(amount), unit=self.unit)


def _whole(amount: float) -> int:
    """Rounded half up: waiting a day too long is the smaller fault."""
    return max(1, int(amount + 0.5))


@dataclass(frozen=True, slots=True, kw_only=True)
class UntilDay:
    """Until the next of some days of the year, each (month, day)."""

    days: tuple[tuple[int, int], ...]

    def __str__(self) -> str:
        """The words of the rule file: `until next 15 Jan, 15 Apr or 15 Sep`."""
        names = [f"{day} {MONTH_NAMES[month - 1]}" for month, day in self.days]
        return f"until next {' or '.join(part for part in (', '.join(names[:-1]), names[-1]) if part)}"

    long = True

    def paced(self, pace: float) -> "UntilDay":
        """Itself: a date is a date."""
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class UntilField:
    """Until the date in a field, or `shift` before (`sign` -1) or after (1) it."""

    field: str
    sign: int = 1
    shift: Wait | None = None

    def __str__(self) -> str:
        """The words of the rule file: `until {{ start_date }} - 2 weeks`."""
        shifted = f" {'-' if self.sign < 0 else '+'} {self.shift}" if self.shift else ""
        return f"until {{{{ {self.field} }}}}{shifted}"

    long = True

    def paced(self, pace: float) -> "UntilField":
        """Itself: a date is a date."""
        return self


Delay = Wait | UntilDay | UntilField
AT_ONCE = Wait(amount=0, unit=Unit.SECOND)
