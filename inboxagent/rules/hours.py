"""Sending hours in words: days, windows and the zone they are meant in."""

import re
from itertools import pairwise

from inboxagent.outreach.hours import ALL_DAY, DAY_NAMES, EVERY_DAY, MINUTES_A_DAY, Hours, clock
from inboxagent.outreach.zones import is_zone, nearest_zone
from inboxagent.rules.days import read_holidays, read_quiet
from inboxagent.rules.pieces import cut, ends, pieces
from inboxagent.rules.problem import Report, did_you_mean, nearest
from inboxagent.rules.source import Piece
from inboxagent.rules.tree import Node, Scalar, Table

_LONG_DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DAYS = {name.lower(): day for names in (DAY_NAMES, _LONG_DAY_NAMES) for day, name in enumerate(names)}
_TIME = re.compile(r"(?P<hour>\d{1,2})(?::(?P<minute>\d{2}))?")
_OTHER_TIME = re.compile(r"(?P<hour>\d{1,2})(?:[.:h ]?(?P<minute>\d{2}))? ?(?P<half>am|pm|h|uhr|o'clock)?")
KEYS = ("days", "between", "zone", "holidays", "quiet")
_AT = re.compile(r"(?P<days>[A-Za-z][A-Za-z ,\u2013-]*?)?(?:\s*,)?\s*(?P<windows>\d.*)?")


def read_hours(table: Table, report: Report) -> Hours:
    """The sending hours; what could not be read stays open."""
    read: dict[str, object] = {}
    for key, node in table.entries:
        match key.text:
            case "days":
                read["days"] = _read_days(node, report)
            case "between":
                read["between"] = _read_windows(node, report)
            case "zone":
                read["zone"] = _read_zone(node, report)
            case "holidays":
                read["holidays"] = read_holidays(node, report)
            case "quiet":
                read["quiet"] = read_quiet(node, report)
            case _:
                report.error(key.piece, f'unknown setting "{key.text}" under "send"', did_you_mean(key.text, KEYS))
    return Hours(**{name: value for name, value in read.items() if value or name == "holidays"})  # type: ignore[arg-type]


def read_at(piece: Piece, hours: Hours, report: Report) -> Hours | None:
    """The hours narrowed to the days and windows of a step's `at`; None after a report."""
    match = _AT.fullmatch(piece.text)
    if match is None or not piece.text:
        report.error(piece, f'"{piece.text}" is not a time to send at', "for example Tue 9:00-10:00")
        return None
    days: frozenset[int] = EVERY_DAY
    windows: tuple[tuple[int, int], ...] = ALL_DAY
    if match["days"]:
        days = _read_days(Scalar(piece=cut(piece, *match.span("days"))), report)
    if match["windows"]:
        windows = _read_windows(Scalar(piece=cut(piece, *match.span("windows"))), report)
    if not days or not windows:
        return None
    narrowed = hours.narrowed(days, windows)
    if not narrowed.days or not narrowed.between:
        sent = f"{hours.days_in_words} {hours.windows_in_words}"
        report.error(piece, f'"{piece.text}" lies outside {sent}', 'widen "send:", or choose another time')
        return None
    return narrowed


def _read_days(node: Node, report: Report) -> frozenset[int]:
    days: set[int] = set()
    for piece in pieces(node, report):
        days |= _read_range(piece, report)
    return frozenset(days)


def _read_range(piece: Piece, report: Report) -> set[int]:
    if piece.text.lower() in ("every day", "daily"):
        return set(EVERY_DAY)
    both = ends(piece)
    if len(both) > 2:
        report.error(piece, f'"{piece.text}" is not a range of days', "for example Mon-Thu")
        return set()
    days = [_DAYS.get(end.text.rstrip(".").lower()) for end in both]
    for end, day in zip(both, days, strict=True):
        if day is None:
            report.error(end, f'"{end.text}" is not a day of the week', _hint_for_day(end.text))
            return set()
    first, last = (day for day in (days[0], days[-1]) if day is not None)
    return {(first + ahead) % 7 for ahead in range((last - first) % 7 + 1)}


def _hint_for_day(name: str) -> str:
    near = nearest(name, (*_LONG_DAY_NAMES, *DAY_NAMES), cutoff=0.5)
    return f'did you mean "{DAY_NAMES[_DAYS[near.lower()]]}"?' if near else f"days: {', '.join(DAY_NAMES)}"


def _read_windows(node: Node, report: Report) -> tuple[tuple[int, int], ...]:
    found = [(window, piece) for piece in pieces(node, report) if (window := _read_window(piece, report))]
    found.sort(key=lambda pair: pair[0])
    for (earlier, _), (later, piece) in pairwise(found):
        if later[0] < earlier[1]:
            report.error(
                piece, f"{_window_words(earlier)} and {_window_words(later)} overlap", "make one window of them"
            )
    return tuple(window for window, _ in found)


def _read_window(piece: Piece, report: Report) -> tuple[int, int] | None:
    both = ends(piece)
    if len(both) != 2:
        report.error(piece, f'"{piece.text}" is not a window', "for example 8:30-11:30")
        return None
    for end in both:
        if _minutes(end.text) is None:
            report.error(end, f'"{end.text}" is not a time of day', _hint_for_time(end.text))
            return None
    start, stop = (_minutes(end.text) or 0 for end in both)
    if start >= stop:
        hint = f"write {clock(start)}-24:00, 0:00-{clock(stop)}" if stop else "midnight at the end is 24:00"
        report.error(piece, f'"{piece.text}" ends before it begins', hint)
        return None
    return start, stop


def _minutes(words: str) -> int | None:
    """Minutes since midnight, or None where the words are no time of day."""
    match = _TIME.fullmatch(words)
    if match is None or int(match["minute"] or 0) > 59:
        return None
    minutes = int(match["hour"]) * 60 + int(match["minute"] or 0)
    return minutes if minutes <= MINUTES_A_DAY else None


def _hint_for_time(words: str) -> str:
    other = _OTHER_TIME.fullmatch(words.lower())
    if other:
        hour, minute = int(other["hour"]), other["minute"] or "00"
        hour += 12 if other["half"] == "pm" and hour < 12 else 0
        if _minutes(f"{hour}:{minute}") is not None:
            return f'did you mean "{hour}:{minute}"?'
    return "for example 8:30 or 16:00, up to 24:00"


def _window_words(window: tuple[int, int]) -> str:
    return f"{clock(window[0])}-{clock(window[1])}"


def _read_zone(node: Node, report: Report) -> str | None:
    name = node.piece.text.strip() if isinstance(node, Scalar) else ""
    if name in ("prospect", "me") or (name and is_zone(name)):
        return name
    near = nearest(name, ("prospect", "me")) or nearest_zone(name)
    hint = f'did you mean "{near}"?' if near else "prospect, me, or a name such as Europe/Berlin"
    report.error(node.piece, f'"{name}" is not a time zone', hint)
    return None
