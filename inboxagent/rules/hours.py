"""Sending hours in words: days, windows and the zone they are meant in."""

import re
from collections.abc import Iterator
from itertools import pairwise

from inboxagent.outreach.sequence import DAY_NAMES, EVERY_DAY, MINUTES_A_DAY, Hours, clock
from inboxagent.outreach.zones import is_zone, nearest_zone
from inboxagent.rules.problem import Report, did_you_mean, nearest
from inboxagent.rules.source import Piece
from inboxagent.rules.tree import Items, Node, Scalar, Table

_LONG_DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DAYS = {name.lower(): day for names in (DAY_NAMES, _LONG_DAY_NAMES) for day, name in enumerate(names)}
_DASH = re.compile(r"\s*[-\u2013\u2014]\s*|\s+to\s+")
_ITEM = re.compile(r"[^,;]+")
_TIME = re.compile(r"(\d{1,2})(?::(\d{2}))?")
_KEYS = ("days", "between", "zone")


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
            case _:
                report.error(key.piece, f'unknown setting "{key.text}" under "send"', did_you_mean(key.text, _KEYS))
    return Hours(**{name: value for name, value in read.items() if value})  # type: ignore[arg-type]


def _pieces(node: Node, report: Report) -> Iterator[Piece]:
    """The items of a list, or of a text with commas."""
    match node:
        case Scalar(piece=piece) if piece.text.strip():
            for item in _ITEM.finditer(piece.text):
                part = piece.part(item.start(), item.end()).strip()
                yield part if part.exact else Piece(text=item.group().strip(), line=part.line, column=part.column)
        case Items(nodes=nodes):
            for inner in nodes:
                yield from _pieces(inner, report)
        case _:
            report.error(node.piece, "a value is missing here")


def _read_days(node: Node, report: Report) -> frozenset[int]:
    days: set[int] = set()
    for piece in _pieces(node, report):
        days |= _read_range(piece, report)
    return frozenset(days)


def _read_range(piece: Piece, report: Report) -> set[int]:
    words = piece.text.lower()
    if words in ("every day", "daily"):
        return set(EVERY_DAY)
    ends = [_read_day(piece, name, report) for name in _DASH.split(piece.text)]
    if len(ends) > 2:
        report.error(piece, f'"{piece.text}" is not a range of days', "for example Mon-Thu")
        return set()
    first, last = ends[0], ends[-1]
    if first is None or last is None:
        return set()
    return {(first + ahead) % 7 for ahead in range((last - first) % 7 + 1)}


def _read_day(piece: Piece, name: str, report: Report) -> int | None:
    name = name.strip().rstrip(".")
    day = _DAYS.get(name.lower())
    if day is None:
        near = nearest(name, (*_LONG_DAY_NAMES, *DAY_NAMES), cutoff=0.5)
        hint = f'did you mean "{DAY_NAMES[_DAYS[near.lower()]]}"?' if near else f"days: {', '.join(DAY_NAMES)}"
        report.error(piece, f'"{name}" is not a day of the week', hint)
    return day


def _read_windows(node: Node, report: Report) -> tuple[tuple[int, int], ...]:
    found = [(window, piece) for piece in _pieces(node, report) if (window := _read_window(piece, report))]
    found.sort(key=lambda pair: pair[0])
    for (earlier, _), (later, piece) in pairwise(found):
        if later[0] < earlier[1]:
            report.error(
                piece, f"{_window_words(earlier)} and {_window_words(later)} overlap", "make one window of them"
            )
    return tuple(window for window, _ in found)


def _read_window(piece: Piece, report: Report) -> tuple[int, int] | None:
    ends = _DASH.split(piece.text)
    if len(ends) != 2:
        report.error(piece, f'"{piece.text}" is not a window', "for example 8:30-11:30")
        return None
    start, end = (_read_time(piece, words, report) for words in ends)
    if start is None or end is None:
        return None
    if start >= end:
        hint = f"write {clock(start)}-24:00, 0:00-{clock(end)}" if end else "midnight at the end is 24:00"
        report.error(piece, f'"{piece.text}" ends before it begins', hint)
        return None
    return start, end


def _read_time(piece: Piece, words: str, report: Report) -> int | None:
    words = words.strip()
    match = _TIME.fullmatch(words)
    if match is None:
        report.error(piece, f'"{words}" is not a time of day', "for example 8:30 or 16:00, up to 24:00")
        return None
    hour, minute = int(match.group(1)), int(match.group(2) or 0)
    minutes = hour * 60 + minute
    if minute > 59 or minutes > MINUTES_A_DAY:
        report.error(piece, f'"{words}" is not a time of day', "for example 8:30 or 16:00, up to 24:00")
        return None
    return minutes


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
