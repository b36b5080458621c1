"""When the next letter leaves, and why just then: waits and sending hours on the calendar of one time zone."""

import calendar
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from inboxagent.outreach.sequence import DAY_NAMES, Hours, Unit, Wait

MINUTE = timedelta(minutes=1)
FIRST_WEEKEND_DAY = 5
LOOK_AHEAD = 16  # days; two weeks hold every weekday even where a zone drops one

_EXACT = {Unit.SECOND: timedelta(seconds=1), Unit.MINUTE: MINUTE, Unit.HOUR: timedelta(hours=1)}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """An instant in UTC and the words that made it that one; no words where nothing had to be moved."""

    at: datetime
    because: str


def next_due(since: datetime, wait: Wait, hours: Hours, zone: ZoneInfo, key: str) -> Slot:
    """When a step is due whose wait began at `since`, inside the hours, with both reasons in words."""
    slot = admit(add_wait(since, wait, zone), hours, zone, key, spread=wait.long)
    counted = f"{wait} after {_words(since.astimezone(zone))}"
    return Slot(at=slot.at, because=f"{counted}; {slot.because}" if slot.because else counted)


def add_wait(since: datetime, wait: Wait, zone: ZoneInfo) -> datetime:
    """The end of a wait, in UTC. Up to hours it is elapsed time; from a day on the time of day in `zone` is kept.

    A month that is too short ends the wait on its last day; a time of day that the clocks leap over moves on by the
    leap, one that comes twice is taken the first time.
    """
    since = _utc(since)
    if wait.unit in _EXACT:
        return since + wait.amount * _EXACT[wait.unit]
    local = since.astimezone(zone)
    day = _later_day(local.date(), wait)
    return _instant(datetime.combine(day, local.time()), zone)


def admit(at: datetime, hours: Hours, zone: ZoneInfo, key: str, spread: bool) -> Slot:
    """The first instant not before `at` that lies inside the hours; `at` itself where it does.

    Where it had to move to the start of a window and `spread` is set, a hash of `key` adds minutes: the same ones
    whenever it is asked again, less than a quarter of the window.
    """
    at = _utc(at)
    if _open(at, hours, zone):
        return Slot(at=at, because="")
    opening, minutes = _next_opening(at, hours, zone)
    later = opening + _share(key, minutes // 4) * MINUTE
    moved = later if spread and _open(later, hours, zone) else opening
    return Slot(at=moved, because=_reason(at.astimezone(zone), moved.astimezone(zone), hours))


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone")
    return at.astimezone(UTC)


def _later_day(day: date, wait: Wait) -> date:
    match wait.unit:
        case Unit.WEEK:
            return day + timedelta(weeks=wait.amount)
        case Unit.MONTH:
            return _add_months(day, wait.amount)
        case Unit.BUSINESS_DAY:
            return _add_business_days(day, wait.amount)
        case _:
            return day + timedelta(days=wait.amount)


def _add_months(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def _add_business_days(day: date, amount: int) -> date:
    for _ in range(amount):
        day += timedelta(days=1)
        while day.weekday() >= FIRST_WEEKEND_DAY:
            day += timedelta(days=1)
    return day


def _instant(wall: datetime, zone: ZoneInfo) -> datetime:
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)


def _exists(wall: datetime, zone: ZoneInfo) -> bool:
    return _instant(wall, zone).astimezone(zone).replace(tzinfo=None, fold=0) == wall


def _open(at: datetime, hours: Hours, zone: ZoneInfo) -> bool:
    local = at.astimezone(zone)
    minute = local.hour * 60 + local.minute
    return local.weekday() in hours.days and any(start <= minute < end for start, end in hours.between)


def _next_opening(at: datetime, hours: Hours, zone: ZoneInfo) -> tuple[datetime, int]:
    """When the next window after `at` opens, and how many minutes it has on the clock."""
    # Clocks may be set back across midnight: begin a day early, and let the following day compete.
    first = at.astimezone(zone).date() - timedelta(days=1)
    for ahead in range(LOOK_AHEAD):
        day = first + timedelta(days=ahead)
        if today := [opening for opening in _openings(day, hours, zone) if opening[0] > at]:
            return min(today + [o for o in _openings(day + timedelta(days=1), hours, zone) if o[0] > at])
    raise ValueError(f"no window ever opens: {hours.days_in_words} {hours.windows_in_words}")


@lru_cache(maxsize=4096)
def _openings(day: date, hours: Hours, zone: ZoneInfo) -> tuple[tuple[datetime, int], ...]:
    """When the windows of a day open, and how many minutes each has; conversations share days and hours."""
    return tuple(_find_openings(day, hours, zone)) if day.weekday() in hours.days else ()


def _find_openings(day: date, hours: Hours, zone: ZoneInfo) -> Iterator[tuple[datetime, int]]:
    for start, end in hours.between:
        wall = datetime.combine(day, time(start // 60, start % 60))
        while not _exists(wall, zone):  # the clocks leap over the start: the window opens when they land
            wall += MINUTE
        for fold in (0, 1):
            instant = wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)
            if _open(instant, hours, zone):
                yield instant, end - start


def _share(key: str, minutes: int) -> int:
    """A number below `minutes` (0 for less than one) that depends on nothing but the key."""
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") % max(minutes, 1)


def _reason(wanted: datetime, moved: datetime, hours: Hours) -> str:
    if wanted.weekday() not in hours.days:
        return f"would be {_day_words(wanted)}: only {hours.days_in_words}"
    only = hours.windows_in_words
    if moved.date() != wanted.date() and hours.days_in_words != "every day":
        only = f"{hours.days_in_words} {only}"
    return f"would be {_words(wanted)}: only {only}"


def _day_words(local: datetime) -> str:
    # Not strftime: its names follow the locale of the process.
    return f"{DAY_NAMES[local.weekday()]} {local.day} {_MONTHS[local.month - 1]}"


def _words(local: datetime) -> str:
    return f"{_day_words(local)} {local:%H:%M}"
