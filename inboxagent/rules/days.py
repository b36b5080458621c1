"""Days in words: days of the year (`15 Jan`), quiet weeks, dates, and whose holidays are kept."""

import re
from datetime import date

from inboxagent.outreach.waits import MONTH_NAMES
from inboxagent.outreach.workdays import Quiet, is_region, nearest_region
from inboxagent.rules.pieces import cut, ends, pieces
from inboxagent.rules.problem import Report, nearest
from inboxagent.rules.source import Piece
from inboxagent.rules.tree import Node

_LONG_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_MONTHS = {name.lower(): month for names in (MONTH_NAMES, _LONG_MONTHS) for month, name in enumerate(names, 1)}
_DAY_FIRST = re.compile(r"(?P<day>\d{1,2})(?:st|nd|rd|th|\.)?\s+(?P<month>[A-Za-z]+)\.?")
_MONTH_FIRST = re.compile(r"(?P<month>[A-Za-z]+)\.?\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?")
_WITH_YEAR = re.compile(r"(?P<day>.+?),?\s+(?P<year>\d{4})")
_EXAMPLE = "for example 15 Jan"


def read_day_of_year(piece: Piece, report: Report) -> tuple[int, int] | None:
    """Month and day, or None after a report."""
    match = _DAY_FIRST.fullmatch(piece.text) or _MONTH_FIRST.fullmatch(piece.text)
    if match is None:
        report.error(piece, f'"{piece.text}" is not a day of the year', _EXAMPLE)
        return None
    month = _MONTHS.get(match["month"].lower())
    if month is None:
        near = nearest(match["month"], (*_LONG_MONTHS, *MONTH_NAMES))
        hint = f'did you mean "{match["day"]} {near[:3]}"?' if near else _EXAMPLE
        report.error(cut(piece, *match.span("month")), f'"{match["month"]}" is not a month', hint)
        return None
    day = int(match["day"])
    try:
        date(2028, month, day)  # a leap year: 29 Feb is a day
    except ValueError:
        report.error(piece, f"{MONTH_NAMES[month - 1]} has no day {day}", _EXAMPLE)
        return None
    return month, day


def read_quiet(node: Node, report: Report) -> tuple[Quiet, ...]:
    """The days of every year on which nothing is sent."""
    found = [quiet for piece in pieces(node, report) if (quiet := _read_one_quiet(piece, report))]
    if sum(_length(quiet) for quiet in found) > 300:
        report.error(node.piece, "this leaves next to nothing of the year", "quiet is for some weeks of it")
    return tuple(found)


def _read_one_quiet(piece: Piece, report: Report) -> Quiet | None:
    both = ends(piece)
    if len(both) > 2:
        report.error(piece, f'"{piece.text}" is not a span of days', "for example 23 Dec - 6 Jan")
        return None
    days = [read_day_of_year(end, report) for end in both]
    first, last = days[0], days[-1]
    return Quiet(first=first, last=last) if first and last else None


def _length(quiet: Quiet) -> int:
    first, last = (date(2027, month, min(day, 28)) for month, day in (quiet.first, quiet.last))
    return (last - first).days % 365 + 1


def read_holidays(node: Node, report: Report) -> tuple[str, ...]:
    """Whose public holidays are kept: regions, `prospect`, `me`; none for `none`."""
    names = []
    for piece in pieces(node, report):
        if piece.text in ("prospect", "me") or is_region(piece.text):
            names.append(piece.text)
        elif piece.text.lower() not in ("none", "no"):
            near = nearest(piece.text, ("prospect", "me", "none")) or nearest_region(piece.text)
            hint = f'did you mean "{near}"?' if near else "prospect, me, none, or a country such as DE or DE-BE"
            report.error(piece, f'"{piece.text}" is not a calendar of holidays', hint)
    return tuple(dict.fromkeys(names))


def read_date(piece: Piece, report: Report) -> date | None:
    """A date (`2026-12-31`, `31 Dec 2026`), or None after a report."""
    try:
        return date.fromisoformat(piece.text)
    except ValueError:
        pass
    match = _WITH_YEAR.fullmatch(piece.text)
    if match is None:
        report.error(piece, f'"{piece.text}" is not a date', "write it like 2026-12-31, or {{ field }}")
        return None
    day = read_day_of_year(cut(piece, *match.span("day")), report)
    try:
        return date(int(match["year"]), *day) if day else None
    except ValueError:
        report.error(piece, f'there is no "{piece.text}"')
        return None
