"""Public holidays, weekends, quiet weeks and absences: which days count, and on which nothing is sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from inboxagent.outreach.waits import MONTH_NAMES

SATURDAY_AND_SUNDAY = frozenset({5, 6})


def is_region(code: str) -> bool:
    """Whether the holidays of this country (`DE`), or of this region of it (`DE-BE`), are known."""
    country, _, region = code.partition("-")
    regions = _regions().get(country)
    return regions is not None and (not region or region in regions)


def nearest_region(code: str) -> str | None:
    """The code that was probably meant: in other letters, or the country where the region is not known."""
    known = code.strip().upper().replace("_", "-")
    if is_region(known):
        return known
    country = known.partition("-")[0]
    return country if is_region(country) else None


@lru_cache(maxsize=1)
def _regions() -> Mapping[str, list[str]]:
    # Loaded late: most commands ask for no holiday, and the library takes its time.
    from holidays import list_supported_countries

    return list_supported_countries(include_aliases=False)


@lru_cache(maxsize=256)
def _calendar(code: str, year: int) -> tuple[Mapping[date, str], frozenset[int]]:
    """The public holidays of a year with their English names, and the days of the weekend."""
    from holidays import country_holidays

    country, _, region = code.partition("-")
    found = country_holidays(country, subdiv=region or None, years=year, language="en_US")
    return dict(found.items()), frozenset(found.weekend)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """Days of every year on which nothing is sent: from (month, day) to (month, day), both included."""

    first: tuple[int, int]
    last: tuple[int, int]

    def holds(self, day: date) -> bool:
        """Whether the day lies in it; it may reach over the end of the year."""
        now = (day.month, day.day)
        if self.first <= self.last:
            return self.first <= now <= self.last
        return now >= self.first or now <= self.last

    def __str__(self) -> str:
        """The words of the rule file: `23 Dec - 6 Jan`."""
        if self.first == self.last:
            return _day_of_year(self.first)
        return f"{_day_of_year(self.first)} - {_day_of_year(self.last)}"


def _day_of_year(day: tuple[int, int]) -> str:
    return f"{day[1]} {MONTH_NAMES[day[0] - 1]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """Days on which she is away, both included."""

    first: date
    last: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Workdays:
    """Whose days count: `regions` as in `DE-BE` give holidays and weekends; with none, Saturday and Sunday are free."""

    regions: tuple[str, ...] = ()
    quiet: tuple[Quiet, ...] = ()
    absent: tuple[Absence, ...] = ()

    def closed(self, day: date) -> str:
        """Why nothing is sent on this day, in words; empty where it may be. Weekends are for the rule file to say."""
        return _closed(self, day)

    def counts(self, day: date) -> bool:
        """Whether it is a business day for both of them."""
        return not _closed(self, day) and day.weekday() not in _weekend(self.regions, day.year)


PLAIN = Workdays()


@lru_cache(maxsize=8192)
def _closed(workdays: Workdays, day: date) -> str:
    for region in workdays.regions:
        if name := _calendar(region, day.year)[0].get(day):
            return f"{name} ({region})"
    for quiet in workdays.quiet:
        if quiet.holds(day):
            return f"quiet {quiet}"
    for absence in workdays.absent:
        if absence.first <= day <= absence.last:
            return f"you are away until {_day_of_year((absence.last.month, absence.last.day))}"
    return ""


@lru_cache(maxsize=256)
def _weekend(regions: tuple[str, ...], year: int) -> frozenset[int]:
    weekends = [_calendar(region, year)[1] for region in regions]
    return frozenset().union(*weekends) if weekends else SATURDAY_AND_SUNDAY
