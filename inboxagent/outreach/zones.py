"""IANA time zones: by name, and as they follow from a country or from the offset of a man's own mail."""

from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

# Where nearly everybody of a country lives that has several zones, and where most people of a US state do.
_MAIN = {
    "AR": "America/Argentina/Buenos_Aires",
    "CL": "America/Santiago",
    "CN": "Asia/Shanghai",
    "CY": "Asia/Nicosia",
    "DE": "Europe/Berlin",
    "EC": "America/Guayaquil",
    "ES": "Europe/Madrid",
    "MY": "Asia/Kuala_Lumpur",
    "NZ": "Pacific/Auckland",
    "PT": "Europe/Lisbon",
    "UA": "Europe/Kyiv",
    "ES-CN": "Atlantic/Canary",
    "PT-20": "Atlantic/Azores",
    "PT-30": "Atlantic/Madeira",
}
_STATES = {
    "America/New_York": "CT DC DE FL GA IN KY MA MD ME MI NC NH NJ NY OH PA RI SC VA VT WV",
    "America/Chicago": "AL AR IA IL KS LA MN MO MS ND NE OK SD TN TX WI",
    "America/Denver": "CO ID MT NM UT WY",
    "America/Phoenix": "AZ",
    "America/Los_Angeles": "CA NV OR WA",
    "America/Anchorage": "AK",
    "Pacific/Honolulu": "HI",
}
_MAIN |= {f"US-{state}": zone for zone, states in _STATES.items() for state in states.split()}


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
    zones = sorted(available_timezones())
    wanted = name.strip().lower().replace(" ", "_")
    by_city = {zone.rpartition("/")[2].lower(): zone for zone in zones}
    by_name = {zone.lower(): zone for zone in zones}
    from difflib import get_close_matches  # costly, and needed for slips only

    for known in (by_name, by_city):
        if near := get_close_matches(wanted, known, n=1, cutoff=0.8):
            return known[near[0]]
    return None


@cache
def zone_of_region(region: str) -> str | None:
    """The zone of a country (`SE`) or region (`US-CA`); None where that leaves several."""
    if not region:
        return None
    country = region.partition("-")[0]
    zones = _zones_of(country)
    return _MAIN.get(region) or _MAIN.get(country) or (zones[0] if len(zones) == 1 else None)


@cache
def _zones_of(country: str) -> tuple[str, ...]:
    # Loaded late: only prospects with a country ask for it.
    from babel.core import get_global

    territories = get_global("zone_territories")
    return tuple(sorted(zone for zone, where in territories.items() if where == country and is_zone(zone)))


def guess_zone(offset: timedelta, at: datetime, region: str, home: str) -> str | None:
    """The zone of somebody whose clock was `offset` ahead of UTC at an instant: one of his country, else hers if it
    fits, else that offset all year round; None for UTC, which many programs write whatever the place."""
    fitting = [zone for zone in _zones_of(region.partition("-")[0]) if _offset(zone, at) == offset]
    if fitting:
        return fitting[0]
    if not offset:
        return None
    if _offset(home, at) == offset:
        return home
    hours = offset / timedelta(hours=1)
    fixed = f"Etc/GMT{-int(hours):+d}"
    return fixed if hours == int(hours) and is_zone(fixed) else None


def _offset(zone: str, at: datetime) -> timedelta | None:
    return at.astimezone(ZoneInfo(zone)).utcoffset()
