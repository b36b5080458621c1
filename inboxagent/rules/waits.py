"""Waits in words: `3 business days`, `at once`."""

import re

from inboxagent.outreach.waits import AT_ONCE, Unit, Wait
from inboxagent.rules.problem import Report, nearest
from inboxagent.rules.source import Piece

LONGEST_YEARS = 10

_AMOUNT = re.compile(r"(\d{1,9})\s*((?!\d|[-.,/]|to\b|or\b).*)")
_ENDLESS = re.compile(r"\d{10,}")
_FRACTION = re.compile(r"\d+[.,/]\d")
_RANGE = re.compile(r"\d+ ?(?:-|\u2013|to |or )")
_A_YEAR = {
    Unit.SECOND: 31_536_000,
    Unit.MINUTE: 525_600,
    Unit.HOUR: 8_760,
    Unit.DAY: 365,
    Unit.BUSINESS_DAY: 261,
    Unit.WEEK: 52,
    Unit.MONTH: 12,
}
_UNITS = {word: unit for unit in Unit for word in (str(unit), f"{unit}s")}
_OTHERWISE = {
    "s": "seconds",
    "sec": "seconds",
    "secs": "seconds",
    "m": "minutes",
    "min": "minutes",
    "mins": "minutes",
    "h": "hours",
    "hr": "hours",
    "hrs": "hours",
    "d": "days",
    "w": "weeks",
    "wk": "weeks",
    "wks": "weeks",
    "mo": "months",
    "bd": "business days",
    "work days": "business days",
    "workdays": "business days",
    "workday": "business days",
    "working day": "business days",
    "working days": "business days",
    "weekday": "business days",
    "weekdays": "business days",
    "calendar days": "days",
}
_MULTIPLES = {"fortnight": (2, "weeks"), "quarter": (3, "months"), "year": (12, "months")}
_NOW = ("now", "immediately", "none", "at one", "once", "asap", "directly")
_NUMBERS = ("a", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def read_wait(piece: Piece, report: Report) -> Wait | None:
    """The wait, or None after a report."""
    words = " ".join(piece.text.split())
    if words.lower() == "at once":
        return AT_ONCE
    match = _AMOUNT.fullmatch(words)
    if match is None and _ENDLESS.match(words):
        report.error(piece, f'"{words}" is longer than {LONGEST_YEARS} years')
        return None
    if match is None:
        report.error(piece, f'"{words}" is not a wait', _hint_for_number(words))
        return None
    amount, unit = int(match.group(1)), _UNITS.get(match.group(2).lower())
    if unit is None:
        _report_unit(piece, match.group(2), amount, report)
        return None
    if amount == 0:
        report.error(piece, f'"{words}" is no time at all', 'write "at once"')
        return None
    if amount > LONGEST_YEARS * _A_YEAR[unit]:
        report.error(piece, f'"{words}" is longer than {LONGEST_YEARS} years')
        return None
    return Wait(amount=amount, unit=unit)


def _report_unit(piece: Piece, unit: str, amount: int, report: Report) -> None:
    if unit:
        report.error(piece, f'"{unit}" is not a unit of time', _hint_for_unit(unit.lower(), amount))
    else:
        report.error(piece, f'"{amount}" of what?', f'did you mean "{amount} days"?')


def _hint_for_unit(unit: str, amount: int) -> str:
    if "#" in unit:
        return "the lines of a step take no comments"
    if multiple := _MULTIPLES.get(unit.removesuffix("s")):
        return f'did you mean "{amount * multiple[0]} {multiple[1]}"?'
    meant = _OTHERWISE.get(unit.rstrip(".")) or nearest(unit, [f"{known}s" for known in Unit])
    return f'did you mean "{meant}"?' if meant else f"units: {', '.join(f'{known}s' for known in Unit)}"


def _hint_for_number(words: str) -> str:
    first, _, rest = words.lower().replace("an ", "a ").partition(" ")
    if first in _NUMBERS and rest:
        return f'write the number in figures: "{max(_NUMBERS.index(first), 1)} {rest}"'
    if _FRACTION.match(words):
        return "whole numbers only; take a smaller unit"
    if _RANGE.match(words):
        return "one number, not a range"
    if words.lower() in _NOW:
        return 'did you mean "at once"?'
    return 'a number and a unit, such as "3 business days", or "at once"'
