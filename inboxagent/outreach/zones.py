"""IANA time zones by name."""

from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones


@cache
def is_zone(name: str) -> bool:
    """Whether the time zone database knows this name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of the database, such as `Europe`
        return False
    return True


def nearest_zone(name: str) -> str | None:
    """The zone that was probably meant: another spelling of it, or its city alone."""
    import difflib  # costly, and needed for slips only

    zones = sorted(available_timezones())
    wanted = name.strip().lower().replace(" ", "_")
    by_city = {zone.rpartition("/")[2].lower(): zone for zone in zones}
    by_name = {zone.lower(): zone for zone in zones}
    for known in (by_name, by_city):
        if near := difflib.get_close_matches(wanted, known, n=1, cutoff=0.8):
            return known[near[0]]
    return None
