"""A second calendar, naive on purpose: it walks from day to day and from quarter to quarter of an hour.

The agent's own (`outreach/schedule.py`) computes; this one only looks. Both are to name the same dates.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from holidays import country_holidays

from inboxagent.outreach.hours import Hours
from inboxagent.outreach.waits import Delay, Unit, UntilDay, Wait

QUARTER, DAY = timedelta(minutes=15), timedelta(days=1)
SPREAD = timedelta(hours=1)
ZONES_OF_COUNTRIES = {
    "SE": "Europe/Stockholm",
    "DE-BY": "Europe/Berlin",
    "US-NY": "America/New_York",
    "JP": "Asia/Tokyo",
    "IN": "Asia/Kolkata",
}
_EXACT = {Unit.SECOND: 1, Unit.MINUTE: 60, Unit.HOUR: 3_600}


@dataclass(frozen=True, slots=True)
class Days:
    """What closes days: regions with their holidays, spans of the year (month, day), and her absences."""

    regions: tuple[str, ...] = ()
    quiet: tuple[tuple[tuple[int, int], tuple[int, int]], ...] = ()
    absent: tuple[tuple[date, date], ...] = ()

    def closed(self, day: date) -> bool:
        """Whether nothing may go out on it."""
        if any(day in _holidays(region, day.year)[0] for region in self.regions):
            return True
        return any(_within(day, *span) for span in self.quiet) or any(a <= day <= b for a, b in self.absent)

    def business(self, day: date) -> bool:
        """Whether both work."""
        free = [_holidays(region, day.year)[1] for region in self.regions] or [{5, 6}]
        return not self.closed(day) and not any(day.weekday() in each for each in free)


@lru_cache(maxsize=256)
def _holidays(region: str, year: int) -> tuple[frozenset[date], frozenset[int]]:
    country, _, part = region.partition("-")
    found = country_holidays(country, subdiv=part or None, years=year)
    return frozenset(found), frozenset(found.weekend)


def _within(day: date, first: tuple[int, int], last: tuple[int, int]) -> bool:
    here = (day.month, day.day)
    return first <= here <= last if first <= last else here >= first or here <= last


def paced(wait: Delay, pace: float) -> Delay:
    """The wait so many times as long, rounded half up to what it is counted in, or to days."""
    if not isinstance(wait, Wait) or wait.amount == 0 or pace == 1:
        return wait
    exact = wait.amount * pace
    if exact == int(exact):
        return Wait(amount=int(exact), unit=wait.unit)
    smaller = {Unit.WEEK: (7, Unit.DAY), Unit.MONTH: (30, Unit.DAY)}
    times, unit = smaller.get(wait.unit, (1, wait.unit))
    if wait.unit in _EXACT:
        times, unit = _EXACT[wait.unit], Unit.SECOND
    return Wait(amount=max(1, math.floor(exact * times + 0.5)), unit=unit)


def wait_end(since: datetime, wait: Delay, zone: ZoneInfo, days: Days, dates: Mapping[str, date]) -> datetime:
    """When the wait is over, found by walking."""
    return _wait_end(since, wait, zone, days, tuple(sorted(dates.items())))


@lru_cache(maxsize=20_000)
def _wait_end(
    since: datetime, wait: Delay, zone: ZoneInfo, days: Days, known: tuple[tuple[str, date], ...]
) -> datetime:
    if isinstance(wait, Wait) and wait.unit in _EXACT:
        return since + timedelta(seconds=wait.amount * _EXACT[wait.unit])
    local = since.astimezone(zone)
    if isinstance(wait, Wait):
        day = _walk(local.date(), wait, days, 1)
        return max(since, _instant(datetime.combine(day, local.time()), zone))
    if isinstance(wait, UntilDay):
        day = local.date() + DAY
        while (day.month, day.day) not in wait.days:
            day += DAY
        return _instant(datetime.combine(day, time()), zone)
    day = dict(known)[wait.field]
    day = _walk(day, wait.shift, days, wait.sign) if wait.shift else day
    return _instant(datetime.combine(max(day, local.date() + DAY), time()), zone)


def _walk(day: date, wait: Wait, days: Days, sign: int) -> date:
    if wait.unit is Unit.MONTH:
        wanted, month = day.day, day.replace(day=1)
        for _ in range(wait.amount):
            month = (month + sign * timedelta(days=31 if sign > 0 else 1)).replace(day=1)
        while month.day < wanted and (month + DAY).day > 1:
            month += DAY
        return month
    for _ in range(wait.amount * (7 if wait.unit is Unit.WEEK else 1)):
        day += sign * DAY
        while wait.unit is Unit.BUSINESS_DAY and not days.business(day):
            day += sign * DAY
    return day


def _instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first instant at which a clock on the wall there shows this; past a leap, by as much as the clocks leap."""
    # The clocks are changed once between the day before and the day after at most.
    before, after = ((wall + days * DAY).replace(tzinfo=zone).utcoffset() or timedelta() for days in (-1, 1))
    found = [(wall - offset).replace(tzinfo=UTC) for offset in (before, after)]
    shown = [each for each in found if each.astimezone(zone).replace(tzinfo=None, fold=0) == wall]
    return min(shown, default=found[0])


def inside(at: datetime, hours: Hours, zone: ZoneInfo, days: Days) -> bool:
    """Whether a letter may leave at this instant."""
    local = at.astimezone(zone)
    minute = local.hour * 60 + local.minute
    if local.weekday() not in hours.days or not any(a <= minute < b for a, b in hours.between):
        return False
    return not days.closed(local.date())


def opening(at: datetime, hours: Hours, zone: ZoneInfo, days: Days) -> datetime:
    """The first instant from `at` on at which a letter may leave; windows begin and end at quarters of an hour."""
    if inside(at, hours, zone, days):
        return at
    quarter = at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0) + QUARTER
    return _opening(quarter, hours, zone, days)


@lru_cache(maxsize=20_000)
def _opening(quarter: datetime, hours: Hours, zone: ZoneInfo, days: Days) -> datetime:
    while not inside(quarter, hours, zone, days):
        quarter += QUARTER
    return quarter
