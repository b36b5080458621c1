"""When the next letter leaves, and why just then."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from inboxagent.outreach.hours import Hours
from inboxagent.outreach.schedule import add_wait, admit, next_due
from inboxagent.outreach.waits import Unit, Wait
from inboxagent.outreach.workdays import Absence, Quiet, Workdays

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = Hours(days=frozenset(range(4)), between=((510, 690), (810, 990)))
ALWAYS = Hours()


def local(zone: ZoneInfo, *parts: int, fold: int = 0) -> datetime:
    return datetime(*parts, tzinfo=zone, fold=fold)  # type: ignore[misc,arg-type]


def wait(amount: int, unit: Unit) -> Wait:
    return Wait(amount=amount, unit=unit)


def shown(at: datetime, zone: ZoneInfo = BERLIN) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M%z}"


# Waits


@pytest.mark.parametrize(
    ("since", "amount", "unit", "expected"),
    [
        ((2026, 11, 30, 11, 22), 3, Unit.BUSINESS_DAY, "2026-12-03 11:22+0100"),
        ((2026, 12, 4, 16, 0), 1, Unit.BUSINESS_DAY, "2026-12-07 16:00+0100"),  # from Friday
        ((2026, 12, 5, 16, 0), 1, Unit.BUSINESS_DAY, "2026-12-07 16:00+0100"),  # from Saturday
        ((2026, 12, 6, 16, 0), 5, Unit.BUSINESS_DAY, "2026-12-11 16:00+0100"),  # from Sunday
        ((2026, 11, 30, 11, 22), 10, Unit.BUSINESS_DAY, "2026-12-14 11:22+0100"),
        ((2026, 1, 31, 9, 0), 1, Unit.MONTH, "2026-02-28 09:00+0100"),
        ((2028, 1, 31, 9, 0), 1, Unit.MONTH, "2028-02-29 09:00+0100"),
        ((2026, 11, 30, 9, 0), 3, Unit.MONTH, "2027-02-28 09:00+0100"),
        ((2026, 12, 15, 9, 0), 12, Unit.MONTH, "2027-12-15 09:00+0100"),
        ((2026, 8, 31, 9, 0), 120, Unit.MONTH, "2036-08-31 09:00+0200"),
        ((2026, 11, 30, 9, 0), 2, Unit.WEEK, "2026-12-14 09:00+0100"),
        ((2026, 11, 30, 9, 0), 20, Unit.MINUTE, "2026-11-30 09:20+0100"),
        ((2026, 11, 30, 9, 0), 0, Unit.SECOND, "2026-11-30 09:00+0100"),
    ],
)
def test_waits(since: tuple[int, ...], amount: int, unit: Unit, expected: str) -> None:
    assert shown(add_wait(local(BERLIN, *since), wait(amount, unit), BERLIN)) == expected


@pytest.mark.parametrize(
    ("since", "amount", "unit", "expected"),
    [
        # spring: at 2:00 on 29 March 2026 it is 3:00
        ((2026, 3, 28, 9, 0), 1, Unit.DAY, "2026-03-29 09:00+0200"),
        ((2026, 3, 28, 9, 0), 24, Unit.HOUR, "2026-03-29 10:00+0200"),
        ((2026, 3, 28, 2, 30), 1, Unit.DAY, "2026-03-29 03:30+0200"),  # 2:30 does not exist
        ((2026, 3, 27, 9, 0), 1, Unit.BUSINESS_DAY, "2026-03-30 09:00+0200"),
        ((2026, 2, 28, 2, 30), 1, Unit.MONTH, "2026-03-28 02:30+0100"),
        # autumn: at 3:00 on 25 October 2026 it is 2:00
        ((2026, 10, 24, 9, 0), 1, Unit.DAY, "2026-10-25 09:00+0100"),
        ((2026, 10, 24, 9, 0), 24, Unit.HOUR, "2026-10-25 08:00+0100"),
        ((2026, 10, 24, 2, 30), 1, Unit.DAY, "2026-10-25 02:30+0200"),  # the first of two
    ],
)
def test_waits_over_daylight_saving(since: tuple[int, ...], amount: int, unit: Unit, expected: str) -> None:
    assert shown(add_wait(local(BERLIN, *since), wait(amount, unit), BERLIN)) == expected


def test_a_wait_from_an_hour_that_comes_twice() -> None:
    since = local(BERLIN, 2026, 10, 25, 2, 30, fold=1)
    assert shown(add_wait(since, wait(1, Unit.HOUR), BERLIN)) == "2026-10-25 03:30+0100"
    assert shown(add_wait(since, wait(1, Unit.DAY), BERLIN)) == "2026-10-26 02:30+0100"


def test_a_day_that_a_zone_leapt_over() -> None:
    """Samoa had no 30 December 2011."""
    apia = ZoneInfo("Pacific/Apia")
    due = add_wait(local(apia, 2011, 12, 29, 9, 0), wait(1, Unit.DAY), apia)
    assert due.astimezone(apia) == local(apia, 2011, 12, 31, 9, 0)
    fridays = Hours(days=frozenset({4}), between=((540, 600),))
    slot = admit(local(apia, 2011, 12, 29, 20, 0), fridays, apia, "key", spread=False)
    assert slot.at == local(apia, 2012, 1, 6, 9, 0)


def test_no_drift_over_a_year() -> None:
    at = local(BERLIN, 2026, 1, 5, 9, 17).astimezone(UTC)
    for _ in range(365):
        at = add_wait(at, wait(1, Unit.DAY), BERLIN)
    assert shown(at) == "2027-01-05 09:17+0100"


def test_naive_times_are_refused() -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001
    with pytest.raises(ValueError, match="no time zone"):
        add_wait(naive, wait(1, Unit.DAY), BERLIN)
    with pytest.raises(ValueError, match="no time zone"):
        admit(naive, ALWAYS, BERLIN, "key", spread=False)


# Hours


@pytest.mark.parametrize(
    ("at", "expected", "because"),
    [
        ((2026, 11, 30, 8, 30), "2026-11-30 08:30+0100", ""),
        ((2026, 11, 30, 11, 29), "2026-11-30 11:29+0100", ""),
        ((2026, 11, 30, 11, 30), "2026-11-30 13:30+0100", "would be Mon 30 Nov 11:30: only 8:30-11:30, 13:30-16:30"),
        ((2026, 11, 30, 3, 0), "2026-11-30 08:30+0100", "would be Mon 30 Nov 03:00: only 8:30-11:30, 13:30-16:30"),
        ((2026, 11, 29, 23, 30), "2026-11-30 08:30+0100", "would be Sun 29 Nov: only Mon-Thu"),
        ((2026, 12, 4, 9, 0), "2026-12-07 08:30+0100", "would be Fri 4 Dec: only Mon-Thu"),
        (
            (2026, 12, 3, 18, 0),
            "2026-12-07 08:30+0100",
            "would be Thu 3 Dec 18:00: only Mon-Thu 8:30-11:30, 13:30-16:30",
        ),
    ],
)
def test_hours(at: tuple[int, ...], expected: str, because: str) -> None:
    slot = admit(local(BERLIN, *at), OFFICE, BERLIN, "key", spread=False)
    assert (shown(slot.at), slot.because) == (expected, because)


def test_the_zone_is_the_prospects() -> None:
    """Case 63: never three in the morning for him because it is nine for her."""
    new_york = ZoneInfo("America/New_York")
    slot = admit(local(BERLIN, 2026, 11, 30, 9, 0), OFFICE, new_york, "key", spread=False)
    assert shown(slot.at, new_york) == "2026-11-30 08:30-0500"


def test_sunday_night_becomes_monday_in_the_window_with_minutes_from_a_hash() -> None:
    """Case 62."""
    at = local(BERLIN, 2026, 11, 29, 23, 30)
    slots = {admit(at, OFFICE, BERLIN, f"conversation-{n}/nudge", spread=True).at for n in range(200)}
    assert len(slots) > 30
    assert all("2026-11-30 08:30" <= shown(slot) < "2026-11-30 09:15" for slot in slots)


def test_the_first_step_obeys_the_window_too() -> None:
    """Case 71: enrolled on a Saturday."""
    slot = next_due(local(BERLIN, 2026, 11, 28, 10, 0), wait(0, Unit.SECOND), OFFICE, BERLIN, "key")
    assert shown(slot.at) == "2026-11-30 08:30+0100"
    assert slot.because == "at once after Sat 28 Nov 10:00; would be Sat 28 Nov: only Mon-Thu"


def test_a_date_says_how_it_was_counted() -> None:
    slot = next_due(local(BERLIN, 2026, 11, 30, 9, 0), wait(3, Unit.BUSINESS_DAY), OFFICE, BERLIN, "key")
    assert slot.because == "3 business days after Mon 30 Nov 09:00"
    slot = next_due(local(BERLIN, 2026, 12, 1, 9, 0), wait(3, Unit.BUSINESS_DAY), OFFICE, BERLIN, "key")
    assert slot.because == "3 business days after Tue 1 Dec 09:00; would be Fri 4 Dec: only Mon-Thu"
    assert shown(slot.at) >= "2026-12-07 08:30"


def test_short_waits_are_not_spread() -> None:
    slots = {
        next_due(local(BERLIN, 2026, 11, 29, 9, 0), wait(2, Unit.HOUR), OFFICE, BERLIN, str(n)).at for n in range(50)
    }
    assert {shown(slot) for slot in slots} == {"2026-11-30 08:30+0100"}


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ((120, 180), "2026-03-30 02:00+0200"),  # all of it is leapt over
        ((130, 170), "2026-03-30 02:10+0200"),
        ((150, 200), "2026-03-29 03:00+0200"),
        ((179, 181), "2026-03-29 03:00+0200"),
    ],
)
def test_a_window_in_the_hour_that_does_not_exist(window: tuple[int, int], expected: str) -> None:
    """29 March 2026 in Berlin: from 2:00 the clocks go to 3:00."""
    hours = Hours(between=(window,))
    assert shown(admit(local(BERLIN, 2026, 3, 29, 0, 0), hours, BERLIN, "key", spread=False).at) == expected


def test_a_window_in_the_hour_that_comes_twice_is_entered_once() -> None:
    hours = Hours(between=((130, 140),))
    first = admit(local(BERLIN, 2026, 10, 25, 0, 0), hours, BERLIN, "key", spread=False)
    assert shown(first.at) == "2026-10-25 02:10+0200"
    after = admit(local(BERLIN, 2026, 10, 25, 2, 20), hours, BERLIN, "key", spread=False)
    assert shown(after.at) == "2026-10-25 02:10+0100"  # still the first instant inside: the window opens again


def test_hours_that_never_open_are_an_error() -> None:
    with pytest.raises(ValueError, match="no window ever opens"):
        admit(local(BERLIN, 2026, 1, 1), Hours(between=()), BERLIN, "key", spread=False)


def test_hours_say_themselves() -> None:
    hours = Hours(days=frozenset({0, 2, 3, 4, 6}), between=((510, 690), (1200, 1440)))
    assert (hours.days_in_words, hours.windows_in_words) == ("Mon, Wed-Fri, Sun", "8:30-11:30, 20:00-24:00")
    assert ALWAYS.days_in_words == "every day"


# Properties, against a naive second implementation that looks at every minute

ZONES = st.sampled_from(
    [
        ZoneInfo(name)
        for name in (
            "Europe/Berlin",
            "America/New_York",
            "Asia/Kolkata",
            "Australia/Lord_Howe",  # half an hour of daylight saving
            "America/Santiago",  # changes at midnight
            "Africa/Cairo",
            "Asia/Tehran",
            "Pacific/Chatham",
            "UTC",
        )
    ]
)
INSTANTS = st.datetimes(min_value=datetime(2024, 1, 1), max_value=datetime(2034, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
AROUND_CHANGES = st.builds(
    lambda day, minutes: datetime(*day, tzinfo=UTC) + timedelta(minutes=minutes),
    st.sampled_from(
        [(2026, 3, 28), (2026, 3, 8), (2026, 4, 4), (2026, 9, 5), (2026, 10, 24), (2026, 11, 1), (2026, 4, 23)]
    ),
    st.integers(0, 3 * 1440),
)
AT = st.one_of(INSTANTS, AROUND_CHANGES)


@st.composite
def hours(draw: Callable[[st.SearchStrategy[object]], object]) -> Hours:
    days = draw(st.frozensets(st.integers(0, 6), min_size=1))
    marks = sorted(draw(st.sets(st.integers(0, 1440), min_size=2, max_size=6)))  # type: ignore[call-overload]
    between = tuple(zip(marks[::2], marks[1::2], strict=False))
    return Hours(days=days, between=between)  # type: ignore[arg-type]


WAITS = st.builds(Wait, amount=st.integers(1, 30), unit=st.sampled_from(Unit))
KEYS = st.text(max_size=20)
CALENDARS = st.builds(
    Workdays,
    regions=st.lists(st.sampled_from(["DE-BE", "SE", "US", "IL", "SA", "JP"]), max_size=2).map(tuple),
    quiet=st.just((Quiet(first=(12, 23), last=(1, 6)),)) | st.just(()),
    absent=st.just((Absence(first=date(2026, 3, 20), last=date(2026, 4, 10)),)) | st.just(()),
)


def inside(at: datetime, hours: Hours, zone: ZoneInfo) -> bool:
    there = at.astimezone(zone)
    minute = there.hour * 60 + there.minute
    return there.weekday() in hours.days and any(start <= minute < end for start, end in hours.between)


def first_inside(at: datetime, hours: Hours, zone: ZoneInfo) -> datetime:
    if inside(at, hours, zone):
        return at
    minute = at.replace(second=0, microsecond=0)
    while not inside(minute, hours, zone) or minute <= at:
        minute += timedelta(minutes=1)
    return minute


@settings(max_examples=150, deadline=None)
@given(AT, hours(), ZONES)
def test_the_slot_is_the_first_minute_inside(at: datetime, hours: Hours, zone: ZoneInfo) -> None:
    assert admit(at, hours, zone, "key", spread=False).at == first_inside(at, hours, zone)


@settings(max_examples=500, deadline=None)
@given(AT, WAITS, hours(), ZONES, KEYS)
def test_never_outside_the_hours_never_before_the_wait(
    since: datetime, wait: Wait, hours: Hours, zone: ZoneInfo, key: str
) -> None:
    due = add_wait(since, wait, zone)
    slot = next_due(since, wait, hours, zone, key)
    assert slot.at >= due > since
    assert inside(slot.at, hours, zone)
    assert slot == next_due(since.astimezone(zone), wait, hours, zone, key)
    assert slot.at.tzinfo is UTC
    assert f"{wait} after" in slot.because
    assert ("would be" in slot.because) == (slot.at != due)


@settings(max_examples=300, deadline=None)
@given(AT, hours(), ZONES, KEYS)
def test_minutes_from_a_hash_stay_in_the_first_quarter(at: datetime, hours: Hours, zone: ZoneInfo, key: str) -> None:
    plain = admit(at, hours, zone, key, spread=False).at
    spread = admit(at, hours, zone, key, spread=True).at
    longest = max(end - start for start, end in hours.between)
    twice = timedelta(hours=1) if spread - plain > timedelta(minutes=longest / 4) else timedelta(0)
    assert plain <= spread <= plain + timedelta(minutes=longest / 4) + twice  # an hour that comes twice lies between
    assert not twice or plain.astimezone(zone).utcoffset() != spread.astimezone(zone).utcoffset()
    assert (spread == plain) or inside(spread, hours, zone)
    assert admit(spread, hours, zone, key, spread=True).at == spread  # settled


@settings(max_examples=200, deadline=None)
@given(AT, st.integers(0, 20_000), hours(), ZONES, KEYS, st.booleans(), CALENDARS)
def test_later_never_leads_to_earlier(
    at: datetime, minutes: int, hours: Hours, zone: ZoneInfo, key: str, spread: bool, workdays: Workdays
) -> None:
    later = at + timedelta(minutes=minutes)
    first, second = (admit(each, hours, zone, key, spread, workdays) for each in (at, later))
    assert first.at <= second.at


@settings(max_examples=300, deadline=None)
@given(AT, WAITS, hours(), ZONES, KEYS, CALENDARS)
def test_never_on_a_closed_day_of_either(
    since: datetime, wait: Wait, hours: Hours, zone: ZoneInfo, key: str, workdays: Workdays
) -> None:
    slot = next_due(since, wait, hours, zone, key, workdays)
    assert slot.at >= slot.waited_until >= since
    assert workdays.closed(slot.at.astimezone(zone).date()) == ""
    assert inside(slot.at, hours, zone)
    if wait.unit is Unit.BUSINESS_DAY:
        assert workdays.counts(slot.waited_until.astimezone(zone).date())


@settings(max_examples=200, deadline=None)
@given(AT, st.integers(1, 400), ZONES)
def test_no_drift_over_daylight_saving(since: datetime, days: int, zone: ZoneInfo) -> None:
    """The clock on his wall shows the same time, or the leap later where that time does not exist."""
    before, after = (each.astimezone(zone) for each in (since, add_wait(since, wait(days, Unit.DAY), zone)))
    shift = after.replace(tzinfo=None) - before.replace(tzinfo=None)
    assert shift - timedelta(days=days) in (timedelta(0), timedelta(minutes=30), timedelta(hours=1))


@settings(max_examples=200, deadline=None)
@given(AT, st.integers(1, 30), ZONES)
def test_business_days_are_counted_one_by_one(since: datetime, amount: int, zone: ZoneInfo) -> None:
    there = since.astimezone(zone)
    due = add_wait(since, wait(amount, Unit.BUSINESS_DAY), zone).astimezone(zone)
    between = [there.date() + timedelta(days=n) for n in range(1, (due.date() - there.date()).days + 1)]
    assert due.weekday() < 5
    assert sum(day.weekday() < 5 for day in between) == amount


@settings(max_examples=200, deadline=None)
@given(AT, WAITS, ZONES)
def test_the_time_of_day_is_kept(since: datetime, wait: Wait, zone: ZoneInfo) -> None:
    assume(wait.long)
    there, due = since.astimezone(zone), add_wait(since, wait, zone).astimezone(zone)
    leapt = due.replace(tzinfo=None) - datetime.combine(due.date(), there.time())
    assert leapt in (timedelta(), timedelta(minutes=30), timedelta(hours=1)) or due.hour == 0
