"""Waits until a date, and last days: `until next 15 Jan or 15 Sep`, `until {{ start_date }} - 2 weeks`, `expires`."""

import re
from collections.abc import Iterator, Mapping

from inboxagent.outreach.sequence import Expiry, Field, FieldType
from inboxagent.outreach.waits import AT_ONCE, Delay, UntilDay, UntilField
from inboxagent.rules.days import read_date, read_day_of_year
from inboxagent.rules.pieces import cut
from inboxagent.rules.problem import Report, nearest
from inboxagent.rules.source import Piece
from inboxagent.rules.waits import read_wait

_UNTIL = re.compile(r"until\b\s*", re.IGNORECASE)
_NEXT = re.compile(r"next\b\s*", re.IGNORECASE)
_BETWEEN = re.compile(r"\s*,\s*(?:or\s+)?|\s+or\s+", re.IGNORECASE)
_FIELD = re.compile(r"\{\{\s*(?P<name>\w+)\s*\}\}(?:\s*(?P<sign>[-+\u2013])\s*(?P<shift>.+))?")
_HINT = "for example until next 15 Jan, or until {{ start_date }} - 2 weeks"


def read_delay(piece: Piece, fields: Mapping[str, Field], report: Report) -> Delay | None:
    """What a step waits for, or None after a report."""
    until = _UNTIL.match(piece.text)
    if until is None:
        return read_wait(piece, report)
    rest = cut(piece, until.end(), len(piece.text))
    if following := _NEXT.match(rest.text):
        return _read_next(cut(rest, following.end(), len(rest.text)), report)
    if rest.text.startswith("{{"):
        return _read_field_date(rest, fields, report)
    report.error(piece, f'"{piece.text}" does not say which date', _HINT)
    return None


def _read_next(piece: Piece, report: Report) -> UntilDay | None:
    if not piece.text:
        report.error(piece, "until next what?", "for example until next 15 Jan, 15 Apr or 15 Sep")
        return None
    days = [read_day_of_year(each, report) for each in _split(piece)]
    known = [day for day in days if day]
    return UntilDay(days=tuple(dict.fromkeys(known))) if len(known) == len(days) else None


def _split(piece: Piece) -> Iterator[Piece]:
    start = 0
    for gap in _BETWEEN.finditer(piece.text):
        yield cut(piece, start, gap.start())
        start = gap.end()
    yield cut(piece, start, len(piece.text))


def _read_field_date(piece: Piece, fields: Mapping[str, Field], report: Report) -> UntilField | None:
    match = _FIELD.fullmatch(piece.text)
    if match is None:
        report.error(piece, f'"{piece.text}" is not the date of a field', _HINT)
        return None
    name = match["name"]
    if not _is_date(name, cut(piece, *match.span("name")), fields, report):
        return None
    if match["shift"] is None:
        return UntilField(field=name)
    shift = read_wait(cut(piece, *match.span("shift")), report)
    if shift is None:
        return None
    if shift == AT_ONCE or not shift.long:
        report.error(cut(piece, *match.span("shift")), "a date is moved by days, weeks or months", _HINT)
        return None
    return UntilField(field=name, sign=1 if match["sign"] == "+" else -1, shift=shift)


def read_expiry(piece: Piece, fields: Mapping[str, Field], report: Report) -> Expiry | None:
    """The last day on which a letter may leave, or None after a report."""
    match = _FIELD.fullmatch(piece.text)
    if match is not None and match["shift"] is None:
        name = match["name"]
        return Expiry(field=name) if _is_date(name, cut(piece, *match.span("name")), fields, report) else None
    day = read_date(piece, report)
    return Expiry(day=day) if day else None


def _is_date(name: str, piece: Piece, fields: Mapping[str, Field], report: Report) -> bool:
    if name in fields and fields[name].type is FieldType.DATE:
        return True
    dates = [field.name for field in fields.values() if field.type is FieldType.DATE]
    near = nearest(name, dates) if name not in fields else None
    hint = f'did you mean "{near}"?' if near else f"under fields: {name}: {{type: date, required: true}}"
    report.error(piece, f'"{name}" is not a date', hint)
    return False
