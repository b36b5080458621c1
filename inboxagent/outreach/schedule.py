"""When the next letter leaves, and why just then: waits and sending hours on the calendars of both."""

import calendar
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from inboxagent.outreach.hours import ALL_DAY, DAY_NAMES, Hours
from inboxagent.outreach.waits import MONTH_NAMES, Delay, Unit, UntilDay, UntilField, Wait
from inboxagent.outreach.workdays import PLAIN, Workdays

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
MOST_SPREAD = 60  # minutes
LOOK_AHEAD = 1_500  # days: over four years of quiet weeks, holidays and absences in a row

_EXACT = {Unit.SECOND: timedelta(seconds=1), Unit.MINUTE: MINUTE, Unit.HOUR: timedelta(hours=1)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """An instant in UTC and the words that made it that one; no words where nothing had to be moved. `waited_until` is
    when the wait alone was over."""

    at: datetime
    because: str
    waited_until: datetime


def next_due(
    since: datetime,
    wait: Delay,
    hours: Hours,
    zone: ZoneInfo,
    key: str,
    workdays: Workdays = PLAIN,
    dates: Mapping[str, date] | None = None,
) -> Slot:
    """When a step is due whose wait began at `since`, inside the hours, with both reasons in words.

    `dates` holds the prospect's fields that are dates.
    """
    known = tuple(sorted(dates.items())) if dates and isinstance(wait, UntilField) else ()
    return _next_due(since, wait, hours, zone, key, workdays, known)


@lru_cache(maxsize=8192)
def _next_due(
    since: datetime,
    wait: Delay,
    hours: Hours,
    zone: ZoneInfo,
    key: str,
    workdays: Workdays,
    known: tuple[tuple[str, date], ...],
) -> Slot:
    """Asked of everybody in every cycle, and answered once."""
    dates = dict(known)
    end = add_wait(since, wait, zone, workdays, dates)
    slot = admit(end, hours, zone, key, spread=wait.long, workdays=workdays)
    counted = count_in_words(since, wait, zone, dates)
    return Slot(at=slot.at, because=f"{counted}; {slot.because}" if slot.because else counted, waited_until=end)


def count_in_words(since: datetime, wait: Delay, zone: ZoneInfo, dates: Mapping[str, date] | None = None) -> str:
    """Where the end of a wait comes from: `3 business days after Mon 30 Nov 11:22`."""
    if isinstance(wait, UntilField):
        return f"{wait}; {wait.field} is {day_words((dates or {})[wait.field])} {(dates or {})[wait.field].year}"
    if isinstance(wait, UntilDay):
        return str(wait)
    return f"{wait} after {_words(since.astimezone(zone))}"


def add_wait(
    since: datetime,
    wait: Delay,
    zone: ZoneInfo,
    workdays: Workdays = PLAIN,
    dates: Mapping[str, date] | None = None,
) -> datetime:
    """The end of a wait, in UTC. Up to hours it is elapsed time; from a day on the time of day in `zone` is kept.

    A month that is too short ends the wait on its last day; a time of day that the clocks leap over moves on by the
    leap, one that comes twice is taken the first time. A wait until a date ends when that day begins; one whose date
    has come already, on the day after the touch.
    """
    since = _utc(since)
    if isinstance(wait, Wait) and wait.unit in _EXACT:
        return since + wait.amount * _EXACT[wait.unit]
    local = since.astimezone(zone)
    if isinstance(wait, Wait):
        return max(since, _instant(datetime.combine(_later_day(local.date(), wait, workdays), local.time()), zone))
    day = _next_of(local.date(), wait) if isinstance(wait, UntilDay) else _shifted(wait, workdays, dates or {})
    return _instant(datetime.combine(max(day, local.date() + DAY), time()), zone)


def admit(at: datetime, hours: Hours, zone: ZoneInfo, key: str, spread: bool, workdays: Workdays = PLAIN) -> Slot:
    """The first instant not before `at` that lies inside the hours on a day that is not closed; `at` where it does.

    With `spread` each key's windows begin at a minute of its own, less than an hour and a quarter of the
    window after its start: a hash of `key` says which, so that it is the same whenever it is asked again.
    """
    at = _utc(at)
    days, local = _days(_own_hours(hours, _share(key)) if spread else hours, zone, workdays), at.astimezone(zone)
    if days.open(local):
        return Slot(at=at, because="", waited_until=at)
    moved = days.next_opening(at, local)
    because = _reason(local, moved.astimezone(zone), hours, workdays)
    return Slot(at=moved, because=because, waited_until=at)


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone")
    return at.astimezone(UTC)


def _later_day(day: date, wait: Wait, workdays: Workdays) -> date:
    match wait.unit:
        case Unit.WEEK:
            return day + timedelta(weeks=wait.amount)
        case Unit.MONTH:
            return _add_months(day, wait.amount)
        case Unit.BUSINESS_DAY:
            return _add_business_days(day, wait.amount, workdays)
        case _:
            return day + timedelta(days=wait.amount)


def _add_months(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


@lru_cache(maxsize=65536)
def _add_business_days(day: date, amount: int, workdays: Workdays) -> date:
    """So many business days later, or earlier for a negative amount."""
    step = DAY if amount > 0 else -DAY
    for _ in range(abs(amount)):
        day += step
        tries = 0
        while not workdays.counts(day):
            day, tries = day + step, tries + 1
            if tries > LOOK_AHEAD:
                raise ValueError("no business day ever comes: holidays, quiet weeks and absences fill the calendar")
    return day


def _next_of(day: date, wait: UntilDay) -> date:
    """The next of the days of the year after this one; 29 Feb is the 28th where there is none."""
    candidates = (_day_of(year, month, number) for year in (day.year, day.year + 1) for month, number in wait.days)
    return min(each for each in candidates if each > day)


def _day_of(year: int, month: int, number: int) -> date:
    return date(year, month, min(number, calendar.monthrange(year, month)[1]))


def _shifted(wait: UntilField, workdays: Workdays, dates: Mapping[str, date]) -> date:
    if wait.field not in dates:
        raise ValueError(f"there is no date in the field `{wait.field}`")
    day = dates[wait.field]
    if wait.shift is None:
        return day
    if wait.shift.unit is Unit.BUSINESS_DAY:
        return _add_business_days(day, wait.sign * wait.shift.amount, workdays)
    return _later_day(day, Wait(amount=wait.sign * wait.shift.amount, unit=wait.shift.unit), workdays)


def _instant(wall: datetime, zone: ZoneInfo) -> datetime:
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)


@lru_cache(maxsize=65536)
def _even_offset(day: date, zone: ZoneInfo) -> timedelta | None:
    """How far the clocks of that day are ahead of UTC; None where they are set on that day or beside it."""
    offsets = {(datetime.combine(day, time()) + hours).replace(tzinfo=zone).utcoffset() for hours in _AROUND}
    return offsets.pop() if len(offsets) == 1 else None


_AROUND = [timedelta(hours=hours) for hours in range(-24, 49, 12)]


class _Days:
    """Hours in a zone under a calendar; each day is looked at once."""

    def __init__(self, hours: Hours, zone: ZoneInfo, workdays: Workdays) -> None:
        self._hours = hours
        self._zone = zone
        self._workdays = workdays
        self._sends_on = lru_cache(maxsize=512)(self._find_sending)
        self._openings = lru_cache(maxsize=512)(self._find_openings)

    def open(self, local: datetime) -> bool:
        """Whether a letter may leave at this time on his wall."""
        if not self._sends_on(local.date()):
            return False
        minute = local.hour * 60 + local.minute
        return any(start <= minute < end for start, end in self._hours.between)

    def next_opening(self, at: datetime, local: datetime) -> datetime:
        """When the next window after `at` opens."""
        day = local.date()
        if _even_offset(day, self._zone) is None:
            day -= DAY  # clocks may be set back across midnight: the day before counts, and the one after competes
        for _ in range(LOOK_AHEAD):
            if today := [opening for opening in self._openings(day) if opening > at]:
                if _even_offset(day, self._zone) is None:
                    today += [opening for opening in self._openings(day + DAY) if opening > at]
                return min(today)
            day += DAY
        raise ValueError(f"no window ever opens: {self._hours.days_in_words} {self._hours.windows_in_words}")

    def _find_sending(self, day: date) -> bool:
        return day.weekday() in self._hours.days and not self._workdays.closed(day)

    def _find_openings(self, day: date) -> tuple[datetime, ...]:
        if not self._sends_on(day):
            return ()
        offset = _even_offset(day, self._zone)
        if offset is None:
            return tuple(self._odd_openings(day))
        midnight = datetime.combine(day, time(), UTC) - offset
        return tuple(midnight + start * MINUTE for start, _ in self._hours.between)

    def _odd_openings(self, day: date) -> Iterator[datetime]:
        """When the windows of a day open on which, or near which, the clocks are set."""
        for start, _ in self._hours.between:
            wall = datetime.combine(day, time(start // 60, start % 60))
            while not self._exists(wall):  # the clocks leap over the start: the window opens when they land
                wall += MINUTE
            for fold in (0, 1):
                instant = wall.replace(tzinfo=self._zone, fold=fold).astimezone(UTC)
                if self.open(instant.astimezone(self._zone)):
                    yield instant

    def _exists(self, wall: datetime) -> bool:
        return _instant(wall, self._zone).astimezone(self._zone).replace(tzinfo=None, fold=0) == wall


@lru_cache(maxsize=4096)
def _days(hours: Hours, zone: ZoneInfo, workdays: Workdays) -> _Days:
    """Conversations share hours, zones and calendars."""
    return _Days(hours, zone, workdays)


@lru_cache(maxsize=4096)
def _own_hours(hours: Hours, share: int) -> Hours:
    """The hours with so many sixtieths of the spread cut off the beginning of each window; nobody is spread over the
    night. There are few of them, so that what is known of their days is shared by many."""
    if hours.between == ALL_DAY:
        return hours
    spreads = [min((end - start) // 4, MOST_SPREAD) for start, end in hours.between]
    between = tuple(
        (start + share * spread // MOST_SPREAD, end)
        for (start, end), spread in zip(hours.between, spreads, strict=True)
    )
    return replace(hours, between=between)


@lru_cache(maxsize=8192)
def _share(key: str) -> int:
    """A number below 60 that depends on nothing but the key."""
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") % MOST_SPREAD


def _reason(wanted: datetime, moved: datetime, hours: Hours, workdays: Workdays) -> str:
    """Why it had to be moved: the first obstacle that it met."""
    if closed := workdays.closed(wanted.date()):
        return f"would be {day_words(wanted)}: {closed}"
    if wanted.weekday() not in hours.days:
        return f"would be {day_words(wanted)}: only {hours.days_in_words}"
    minute = wanted.hour * 60 + wanted.minute
    if any(start <= minute < end for start, end in hours.between):
        return f"would be {_words(wanted)}: spread over {hours.windows_in_words}"
    only = hours.windows_in_words
    if moved.date() != wanted.date() and hours.days_in_words != "every day":
        only = f"{hours.days_in_words} {only}"
    return f"would be {_words(wanted)}: only {only}"


def day_words(local: date) -> str:
    """`Thu 31 Dec`."""
    # Not strftime: its names follow the locale of the process.
    return f"{DAY_NAMES[local.weekday()]} {local.day} {MONTH_NAMES[local.month - 1]}"


def _words(local: datetime) -> str:
    return f"{day_words(local)} {local.hour:02}:{local.minute:02}"
