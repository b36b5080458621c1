"""From when on somebody wants to be written to again: "in three months", "in May", "after the summer"."""

import calendar
import functools
import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from inboxagent.mail import languages, phrases
from inboxagent.mail.dates import Found, any_of, find_dates, prepare
from inboxagent.mail.languages import Pack


def find_later(text: str, language_hints: Sequence[str], now: datetime) -> Found | None:
    """The first day on which to write again, from "in three months", "in May", "after the summer" and the like."""
    folded = prepare(text)
    for pack in [pack for pack in languages.packs() if pack.code in language_hints]:
        for reader in (_dated, _after_span, _after_season, _next_period, _in_quarter, _in_month, _in_season):
            if (found := reader(pack, folded, now)) and found.day >= now.date():
                return found
    return None


def _dated(pack: Pack, text: str, now: datetime) -> Found | None:
    days = [mention for mention in find_dates(pack, text, now) if mention.day > now.date()]
    return Found(days[0].day, text[days[0].start : days[0].end]) if days else None


def _after_span(pack: Pack, text: str, now: datetime) -> Found | None:
    """ "In three months": a number and a unit, unless that much time has passed or is a period."""
    if half := _first(pack, "half_year", text):
        return Found(_months_on(now.date(), 6), half)
    for unit, months, days in (("year", 12, 0), ("month", 1, 0), ("week", 0, 7), ("day", 0, 1)):
        for match in _span_pattern(pack, unit).finditer(text):
            count = _count(pack, match[1])
            if count * (months * 30 + days) >= SHORTEST_SPAN and not _is_past(pack, text, match):
                day = _months_on(now.date(), count * months) + timedelta(days=count * days)
                return Found(day, match.group().strip())
    return None


# Days. Who says less speaks of an appointment.
SHORTEST_SPAN = 14


def _is_past(pack: Pack, text: str, span: re.Match[str]) -> bool:
    """Whether words beside a span make it one that has passed or comes again ("two months ago", "per month")."""
    words = pack.words("ago")
    if not words:
        return False
    reach = 3 if phrases.UNSPACED.search(words[0]) else 12
    before = "" if reach == 3 else text[max(0, span.start() - reach) : span.start()]
    return bool(any_of("|".join(words)).search(f"{before} | {text[span.end() : span.end() + reach]}"))


@functools.cache
def _span_pattern(pack: Pack, unit: str) -> re.Pattern[str]:
    if not pack.words(unit):
        return re.compile(r"(?!)")
    numbers = "|".join(
        phrases.fold(n) for names in pack.words("numbers") for n in sorted(names.split("|"), key=len, reverse=True)
    )
    units = "|".join(re.escape(phrases.fold(name)) for name in sorted(pack.words(unit), key=len, reverse=True))
    numbers = numbers.replace("*", r"\w{0,4}")
    spaced = "" if phrases.UNSPACED.search(units) else r"(?!\w)"
    between = r"(?:\s?-\s?\d{1,2})?\s{0,2}"
    return re.compile(
        rf"(?<![\w.])(\d{{1,2}}|(?:{numbers})){between}(?:{units}){spaced}"
        if spaced
        else rf"(\d{{1,2}}|{numbers})\s?(?:{units})"
    )


def _count(pack: Pack, word: str) -> int:
    if word.isdigit():
        return int(word)
    for number, names in enumerate(pack.words("numbers"), 1):
        if any_of(names).fullmatch(word):
            return number
    return 0


def _months_on(day: date, months: int) -> date:
    year, month = divmod(day.month - 1 + months, 12)
    last = calendar.monthrange(day.year + year, month + 1)[1]
    return date(day.year + year, month + 1, min(day.day, last))


def _first(pack: Pack, subject: str, text: str) -> str:
    """The words of the first phrase of a subject in the text; empty where there is none."""
    for phrase in phrases.of(pack.code, subject):
        if all(fragment in text for fragment in phrase.fragments) and (match := phrase.pattern.search(text)):
            return match.group()
    return ""


def _after_season(pack: Pack, text: str, now: datetime) -> Found | None:
    today = now.date()
    if words := _first(pack, "after_summer", text):
        return Found(_next(today, 9, 1), words)
    if words := _first(pack, "easter", text):
        monday = easter(today.year) + timedelta(days=1)
        return Found(
            (monday if monday > today else easter(today.year + 1) + timedelta(days=1)) + timedelta(days=1), words
        )
    return None


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar."""
    century, golden = year // 100, year % 19
    epact = (century - century // 4 - (8 * century + 13) // 25 + 19 * golden + 15) % 30
    epact -= epact // 28 * (1 - 29 // (epact + 1) * ((21 - golden) // 11))
    weekday = (year + year // 4 + epact + 2 - century + century // 4) % 7
    offset = epact - weekday
    month = 3 + (offset + 40) // 44
    return date(year, month, offset + 28 - 31 * (month // 4))


def _next_period(pack: Pack, text: str, now: datetime) -> Found | None:
    today = now.date()
    if words := _first(pack, "next_year", text):
        return Found(date(today.year + 1, 1, 8), words)
    if words := _first(pack, "next_month", text):
        return Found(_months_on(today.replace(day=1), 1), words)
    return None


def _in_quarter(pack: Pack, text: str, now: datetime) -> Found | None:
    today = now.date()
    names = any_of("|".join(pack.words("quarter") or ("q",))).pattern
    for number, ordinals in enumerate(pack.words("ordinals") or ("1", "2", "3", "4"), 1):
        ordinal = f"(?:{any_of(ordinals).pattern}|{number}\\.?)"
        match = re.search(
            rf"(?<!\w)q\s?{number}(?!\w)|{ordinal}\s{{0,2}}{names}|(?<!\w){names}\s{{0,2}}{ordinal}", text
        )
        if match:
            return Found(_next(today, 3 * number - 2, 1), match.group())
    return None


def _in_month(pack: Pack, text: str, now: datetime) -> Found | None:
    for number, names in enumerate(pack.words("months"), 1):
        if match := any_of(
            "|".join(name for name in names.split("|") if len(name) > 3 or not name.isascii()) or names
        ).search(text):
            return Found(_next(now.date(), number, 1), match.group())
    return None


def _in_season(pack: Pack, text: str, now: datetime) -> Found | None:
    for month, names in zip((3, 6, 9, 12), pack.words("seasons"), strict=False):
        if match := any_of(names).search(text):
            return Found(_next(now.date(), month, 1), match.group())
    return None


def _next(today: date, month: int, day: int) -> date:
    this_year = date(today.year, month, day)
    return this_year if this_year > today else date(today.year + 1, month, day)
