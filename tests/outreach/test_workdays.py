"""The calendars of both: holidays, weekends, quiet weeks, absences, waits until a date, and the pace."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from inboxagent.outreach.hours import Hours
from inboxagent.outreach.schedule import add_wait, next_due
from inboxagent.outreach.waits import Unit, UntilDay, UntilField, Wait
from inboxagent.outreach.workdays import Absence, Quiet, Workdays, is_region, nearest_region
from inboxagent.outreach.zones import guess_zone, zone_of_region

MADRID = ZoneInfo("Europe/Madrid")
BOTH = Workdays(regions=("DE-BE", "ES"), quiet=(Quiet(first=(12, 23), last=(1, 6)),))
OFFICE = Hours(days=frozenset(range(4)), between=((510, 690), (810, 990)))


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=MADRID)  # type: ignore[misc,arg-type]


def business(amount: int) -> Wait:
    return Wait(amount=amount, unit=Unit.BUSINESS_DAY)


def test_business_days_skip_the_holidays_of_both() -> None:
    # Tue 8 Dec 2026 is Immaculate Conception in Spain, an ordinary day in Berlin.
    assert add_wait(at(2026, 12, 4, 9), business(2), MADRID, BOTH) == at(2026, 12, 9, 9)
    # Mon 8 March 2027 is a holiday in Berlin, none in Spain.
    assert add_wait(at(2027, 3, 5, 9), business(1), MADRID, BOTH) == at(2027, 3, 9, 9)


def test_quiet_weeks_reach_over_the_new_year() -> None:
    assert add_wait(at(2026, 12, 17, 9), business(5), MADRID, BOTH) == at(2027, 1, 8, 9)
    assert BOTH.closed(date(2026, 12, 24)) == "quiet 23 Dec - 6 Jan"
    assert BOTH.closed(date(2027, 1, 7)) == ""


def test_a_letter_never_leaves_on_a_holiday_of_either() -> None:
    """Case 64: a public holiday in his region, a working day in hers: the next working day in both."""
    slot = next_due(at(2026, 12, 7, 9), Wait(amount=1, unit=Unit.DAY), OFFICE, MADRID, "k", BOTH)
    assert slot.at.astimezone(MADRID).date() == date(2026, 12, 9)
    assert slot.because.endswith("; would be Tue 8 Dec: Immaculate Conception (ES)")


def test_her_absence_moves_it_behind() -> None:
    """Case 65."""
    away = Workdays(absent=(Absence(first=date(2026, 11, 2), last=date(2026, 11, 6)),))
    slot = next_due(at(2026, 10, 30, 9), Wait(amount=3, unit=Unit.DAY), OFFICE, MADRID, "k", away)
    assert slot.at.astimezone(MADRID).date() == date(2026, 11, 9)
    assert slot.because.endswith("would be Mon 2 Nov: you are away until 6 Nov")


def test_weekends_are_those_of_the_country() -> None:
    riyadh = ZoneInfo("Asia/Riyadh")
    thursday = datetime(2026, 11, 5, 9, tzinfo=riyadh)
    sunday = add_wait(thursday, business(1), riyadh, Workdays(regions=("SA",)))
    assert sunday.astimezone(riyadh).date() == date(2026, 11, 8)
    both = add_wait(thursday, business(1), riyadh, Workdays(regions=("SA", "SE")))
    assert both.astimezone(riyadh).date() == date(2026, 11, 9)


def test_a_sunday_is_no_holiday_in_sweden() -> None:
    assert Workdays(regions=("SE",)).closed(date(2026, 11, 22)) == ""


@pytest.mark.parametrize(
    ("since", "expected"),
    [((2026, 1, 15, 9), (2026, 4, 15)), ((2026, 4, 14, 23), (2026, 4, 15)), ((2026, 9, 20, 9), (2027, 1, 15))],
)
def test_until_the_next_of_some_days(since: tuple[int, ...], expected: tuple[int, int, int]) -> None:
    until = UntilDay(days=((1, 15), (4, 15), (9, 15)))
    assert add_wait(at(*since), until, MADRID).astimezone(MADRID) == at(*expected, 0)
    assert str(until) == "until next 15 Jan, 15 Apr or 15 Sep"


def test_until_a_day_that_some_years_lack() -> None:
    assert add_wait(at(2026, 3, 1, 9), UntilDay(days=((2, 29),)), MADRID) == at(2027, 2, 28)


def test_until_two_weeks_before_his_own_date() -> None:
    until = UntilField(field="start_date", sign=-1, shift=Wait(amount=2, unit=Unit.WEEK))
    dates = {"start_date": date(2026, 12, 21)}
    slot = next_due(at(2026, 11, 2, 9), until, OFFICE, MADRID, "k", dates=dates)
    assert slot.waited_until == at(2026, 12, 7)
    assert slot.because.startswith("until {{ start_date }} - 2 weeks; start_date is Mon 21 Dec 2026")


def test_a_date_that_has_come_already_waits_for_the_next_day() -> None:
    """Two letters never leave in the same minute."""
    until = UntilField(field="start_date")
    assert add_wait(at(2026, 12, 22, 9), until, MADRID, dates={"start_date": date(2026, 12, 1)}) == at(2026, 12, 23)


def test_business_days_before_a_date() -> None:
    until = UntilField(field="day", sign=-1, shift=business(2))
    dates = {"day": date(2026, 12, 9)}
    assert add_wait(at(2026, 11, 2), until, MADRID, BOTH, dates) == at(2026, 12, 4)  # over the holiday and a weekend


@pytest.mark.parametrize(
    ("wait", "pace", "expected"),
    [
        (business(4), 1.5, "6 business days"),
        (business(3), 1.5, "5 business days"),
        (business(1), 0.1, "1 business day"),
        (Wait(amount=1, unit=Unit.WEEK), 1.5, "11 days"),
        (Wait(amount=2, unit=Unit.MONTH), 0.5, "1 month"),
        (Wait(amount=1, unit=Unit.MONTH), 0.5, "15 days"),
        (Wait(amount=20, unit=Unit.MINUTE), 1.5, "30 minutes"),
        (Wait(amount=1, unit=Unit.MINUTE), 0.5, "30 seconds"),
        (Wait(amount=0, unit=Unit.SECOND), 3, "at once"),
    ],
)
def test_the_pace(wait: Wait, pace: float, expected: str) -> None:
    assert str(wait.paced(pace)) == expected


def test_a_calendar_without_any_day_is_refused() -> None:
    with pytest.raises(ValueError, match="no business day ever comes"):
        add_wait(at(2026, 1, 1), business(1), MADRID, Workdays(quiet=(Quiet(first=(1, 1), last=(12, 31)),)))


def test_regions() -> None:
    assert is_region("DE-BE")
    assert is_region("SE")
    assert not is_region("DE-XX")
    assert not is_region("")
    assert nearest_region("de") == "DE"
    assert nearest_region("de-zz") == "DE"
    assert nearest_region("Germania") is None


@pytest.mark.parametrize(
    ("region", "zone"),
    [
        ("SE", "Europe/Stockholm"),
        ("DE", "Europe/Berlin"),
        ("DE-BY", "Europe/Berlin"),
        ("US", None),
        ("US-CA", "America/Los_Angeles"),
        ("", None),
    ],
)
def test_the_zone_of_a_country(region: str, zone: str | None) -> None:
    assert zone_of_region(region) == zone


@pytest.mark.parametrize(
    ("hours", "region", "zone"),
    [
        (-6, "US", "America/Chicago"),
        (1, "", "Europe/Stockholm"),
        (9, "", "Etc/GMT-9"),
        (-5, "", "Etc/GMT+5"),
        (5.75, "", None),
        (0, "", None),
        (0, "GB", "Europe/London"),
    ],
)
def test_the_zone_that_his_own_mail_speaks_of(hours: float, region: str, zone: str | None) -> None:
    """Case 63: her zone where his is not known, and never the middle of his night where it is."""
    january = datetime(2026, 1, 15, 12, tzinfo=UTC)
    found = guess_zone(timedelta(hours=hours), january, region, "Europe/Stockholm")
    if region == "US":
        assert found is not None
        assert january.astimezone(ZoneInfo(found)).utcoffset() == timedelta(hours=-6)
    else:
        assert found == zone
