"""A second calendar, written as slowly and plainly as possible: it walks day by day and minute by minute.

It shares no code with `outreach.schedule` and `outreach.workdays`, only the values that a rule file is read into, and
is what they are compared with.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from holidays import country_holidays

from inboxagent.outreach.hours import Hours
from inboxagent.outreach.model import Me
from inboxagent.outreach.sequence import Sequence, Step
from inboxagent.outreach.waits import Delay, UntilDay, UntilField, Wait

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
STOP_WATCH = {"second": timedelta(seconds=1), "minute": MINUTE, "hour": HOUR}


@dataclass(frozen=True)
class NaiveCalendar:
    """The days and hours between her and one prospect under one sequence."""

    sequence: Sequence
    me: Me
    country: str = ""
    zone: str = ""  # the prospect's; empty where it is not known
    dates: Mapping[str, date] = field(default_factory=dict)

    @property
    def clock(self) -> ZoneInfo:
        """Whose clock the hours of the rule mean."""
        said = self.sequence.hours.zone
        return ZoneInfo({"prospect": self.zone or self.me.zone, "me": self.me.zone}.get(said, said))

    def due(self, since: datetime, step: Step, pace: float | None = None) -> tuple[datetime, datetime]:
        """The earliest and the latest instant at which the step may fall due; they differ by the minutes of its own."""
        assert step.wait is not None
        end = self.wait_ends(since, step.wait, pace or self.sequence.pace)
        hours = step.hours or self.sequence.hours
        long = not (isinstance(step.wait, Wait) and (step.wait.amount == 0 or str(step.wait.unit) in STOP_WATCH))
        return self.opens(end, hours, 0), self.opens(end, hours, 1 if long else 0)

    def wait_ends(self, since: datetime, wait: Delay, pace: float = 1) -> datetime:
        """The instant at which the wait alone is over."""
        there = since.astimezone(self.clock)
        if isinstance(wait, Wait):
            amount, unit = paced(wait, pace)
            if unit in STOP_WATCH:
                return since.astimezone(UTC) + amount * STOP_WATCH[unit]
            return max(since.astimezone(UTC), self.instant(self.walk(there.date(), amount, unit), there.time()))
        day = next_of(there.date(), wait) if isinstance(wait, UntilDay) else self.shifted(wait)
        return self.instant(max(day, there.date() + DAY), time())

    def shifted(self, wait: UntilField) -> date:
        """The date in the field, moved as the wait says."""
        day = self.dates[wait.field]
        return self.walk(day, wait.sign * wait.shift.amount, str(wait.shift.unit)) if wait.shift else day

    def walk(self, day: date, amount: int, unit: str) -> date:
        """So many days, weeks, months or business days on, or back for a negative amount."""
        if unit == "month":
            wanted = day.year * 12 + day.month - 1 + amount
            tries = (date_or_none(wanted // 12, wanted % 12 + 1, number) for number in range(day.day, 0, -1))
            return next(each for each in tries if each)
        if unit in ("day", "week"):
            return day + timedelta(days=amount * (7 if unit == "week" else 1))
        left = abs(amount)
        while left:
            day += DAY if amount > 0 else -DAY
            left -= self.is_business_day(day)
        return day

    def instant(self, day: date, at: time) -> datetime:
        """When his clock shows this: the first time of two; where it never does, as much later as it leaps."""
        wall = datetime.combine(day, at)
        first = datetime.combine(day, at, UTC) - 26 * HOUR
        minutes = [first + number * MINUTE for number in range(52 * 60)]
        shown = [(each, each.astimezone(self.clock).replace(tzinfo=None, fold=0)) for each in minutes]
        exact = [each for each, seen in shown if seen == wall]
        if exact:
            return exact[0]
        before, seen = next(
            pair for pair, after in pairwise(shown) if pair[1] < wall < after[1] and after[1] > pair[1] + MINUTE
        )
        return before + (wall - seen)

    def opens(self, at: datetime, hours: Hours, share: int) -> datetime:
        """The first instant from `at` on that is inside; with `share` 1 the longest spread is cut off each window."""
        at = at.astimezone(UTC)
        if self.is_inside(at, hours, share):
            return at
        at = at.replace(second=0, microsecond=0) + MINUTE
        while not self.is_inside(at, hours, share):
            there = at.astimezone(self.clock)
            at += HOUR if there.hour < 21 and not self.may_send(there.date(), hours) else MINUTE
        return at

    def is_inside(self, at: datetime, hours: Hours, share: int = 0) -> bool:
        """Whether a letter may leave at this instant."""
        there = at.astimezone(self.clock)
        minute = there.hour * 60 + there.minute
        spread = 0 if hours.between == ((0, 1440),) else share
        windows = [(start + spread * min((end - start) // 4, 60), end) for start, end in hours.between]
        return self.may_send(there.date(), hours) and any(start <= minute < end for start, end in windows)

    def may_send(self, day: date, hours: Hours) -> bool:
        """Whether the rule sends on this day at all."""
        return day.weekday() in hours.days and not self.is_closed(day)

    def is_business_day(self, day: date) -> bool:
        """Whether it counts for both of them."""
        weekends = [holidays_of(region, day.year)[1] for region in self.regions] or [{5, 6}]
        return not self.is_closed(day) and not any(day.weekday() in weekend for weekend in weekends)

    def is_closed(self, day: date) -> bool:
        """A public holiday of either, a quiet week, or an absence of hers."""
        if any(day in holidays_of(region, day.year)[0] for region in self.regions):
            return True
        if any(absence.first <= day <= absence.last for absence in self.me.absent):
            return True
        return any(is_quiet(day, quiet.first, quiet.last) for quiet in self.sequence.hours.quiet)

    @property
    def regions(self) -> list[str]:
        """Whose public holidays are kept."""
        meant = {"me": self.me.country, "prospect": self.country}
        return [region for name in self.sequence.hours.holidays if (region := meant.get(name, name))]


@cache
def holidays_of(region: str, year: int) -> tuple[frozenset[date], set[int]]:
    """The public holidays of a year, and the days of the weekend."""
    country, _, part = region.partition("-")
    found = country_holidays(country, subdiv=part or None, years=year)
    return frozenset(found), set(found.weekend)


def is_quiet(day: date, first: tuple[int, int], last: tuple[int, int]) -> bool:
    """Whether one of the spans that begin this year or the year before holds the day."""
    for year in (day.year - 1, day.year):
        begin = date_or_none(year, *first) or date(year, 3, 1)
        until = date_or_none(year + (last < first), *last) or date(year + (last < first), 2, 28)
        if begin <= day <= until:
            return True
    return False


def next_of(day: date, wait: UntilDay) -> date:
    """The next of these days after this one, found by looking at each."""
    while True:
        day += DAY
        for month, number in wait.days:
            if (day.month, day.day) == (month, number):
                return day
            if (month, number) == (2, 29) and (day.month, day.day) == (2, 28) and date_or_none(day.year, 2, 29) is None:
                return day


def date_or_none(year: int, month: int, day: int) -> date | None:
    """The date, where there is one."""
    try:
        return date(year, month, day)
    except ValueError:
        return None


def paced(wait: Wait, pace: float) -> tuple[int, str]:
    """Amount and unit at this pace: whole units where they come out even, else seconds, days or rounded units."""
    exact, unit = Fraction(wait.amount) * Fraction(str(pace)), str(wait.unit)
    if exact.denominator == 1:
        return int(exact), unit
    finer = {"minute": 60, "hour": 3600, "week": 7, "month": 30}.get(unit, 1)
    smaller = {"minute": "second", "hour": "second", "week": "day", "month": "day"}.get(unit, unit)
    return max(1, int(exact * finer + Fraction(1, 2))), smaller
