"""Dates and numbers as they are written in a language."""

from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

# Loaded late: only letters with a date or a number in them need it.
if TYPE_CHECKING:
    from babel import Locale

DATE_FILTERS = ("day", "month", "weekday", "year")


def say(value: object, language: str) -> object:
    """A date as `31 December 2026` and a number as `3,000.50`, in the words and marks of the language; else itself."""
    if isinstance(value, date):
        from babel.dates import format_date

        return format_date(value, "long", locale=_locale(language))
    if isinstance(value, Decimal):
        from babel.numbers import format_decimal

        digits = max(0, -int(value.as_tuple().exponent))
        return format_decimal(value, format=f"#,##0.{'0' * digits}".rstrip("."), locale=_locale(language))
    return value


def part(value: object, name: str, language: str) -> str:
    """A part of a date: its `day` without the year, its `month`, `weekday` or `year`. Raises TypeError for others."""
    if not isinstance(value, date):
        raise TypeError(f"`{name}` is of dates only")
    from babel.dates import format_date, format_skeleton

    if name == "day":
        return format_skeleton("MMMMd", value, locale=_locale(language))
    pattern = {"month": "LLLL", "weekday": "EEEE", "year": "y"}[name]
    return format_date(value, pattern, locale=_locale(language))


@lru_cache(maxsize=64)
def _locale(language: str) -> "Locale":
    """The locale of a language tag. English of no country is written as in Europe, day before month."""
    from babel import Locale, UnknownLocaleError

    tag = "en-150" if language == "en" else language
    for candidate in (tag, language.partition("-")[0]):
        try:
            return Locale.parse(candidate, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale.parse("en-150", sep="-")
