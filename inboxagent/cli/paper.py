"""What a person reads: safe text, local times, aligned columns. Answers go to stdout, everything else to stderr."""

import json
import sys
import textwrap
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import click

from inboxagent.errors import Refused

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
WIDEST = 100
LEAST = 40  # columns: less of a reason says little
HANG = " " * 4
MOST_BELOW = WIDEST - len(HANG)  # columns of a text that stands on a line of its own below others


def say(text: str = "") -> None:
    """A line of the answer."""
    click.echo(_encodable(text))


def tell(text: str) -> None:
    """A line that is not the answer."""
    click.echo(_encodable(text), err=True)


def say_json(value: object, *, lines: bool = False) -> None:
    """A value of the answer; on one line if `lines`, and then it is written out at once."""
    click.echo(json.dumps(value) if lines else json.dumps(value, indent=2))
    if lines:
        sys.stdout.flush()


def plain(text: str) -> str:
    """Foreign text on one line without anything that a terminal would obey."""
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(text.split())


def block(text: str, margin: str) -> str:
    """Foreign text of several lines, wrapped, every line behind a margin."""
    return "\n".join(f"{margin}{line}".rstrip() for line in wrap(text, width() - len(margin)))


def wrap(text: str, most: int) -> list[str]:
    """Foreign text of several lines, each wrapped to so many columns."""
    lines = (plain(line) for line in text.splitlines())
    return [part for line in lines for part in (textwrap.wrap(line, most) or [""])]


def paragraph(text: str, margin: str = "", before: int = 0) -> str:
    """Foreign text as one paragraph, wrapped, with `margin` before the lines after the first, where so many columns of
    which are taken already."""
    filled = textwrap.fill(
        plain(text),
        width(),
        initial_indent=" " * before,
        subsequent_indent=margin,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return filled[before:]


def fact(name: str, text: str) -> str:
    """A name and what there is to say about it, wrapped behind the name."""
    margin = " " * 14
    return f"  {name:<11} {paragraph(text, margin, before=14)}"


def when(at: datetime, zone: ZoneInfo, now: datetime) -> str:
    """`Tue 24 Nov 09:12` on her clock, with the year where it is not this one."""
    # Not strftime: its names follow the locale of the process.
    local = at.astimezone(zone)
    year = "" if local.year == now.astimezone(zone).year else f" {local.year}"
    return f"{DAYS[local.weekday()]} {local.day} {MONTHS[local.month - 1]}{year} {local.hour:02}:{local.minute:02}"


def ago(at: datetime, now: datetime) -> str:
    """`12 s ago`, `3 min ago`, `5 h ago`, `2 days ago`."""
    seconds = max(0, int((now - at).total_seconds()))
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def size(octets: int) -> str:
    """`120 KB`, `4.2 MB`."""
    return f"{octets / 1_000_000:.1f} MB" if octets >= 1_000_000 else f"{max(1, round(octets / 1_000))} KB"


def columns(rows: Sequence[Sequence[str]], gap: int = 2) -> list[str]:
    """The rows with their columns aligned. Where a terminal is too narrow for the last one it is cut, or, where little
    of it would be seen, put on a line of its own below the others."""
    sizes = [[cells(text) for text in row] for row in rows]
    widths = [max(column) for column in zip(*sizes, strict=True)]
    room = None if sys.stdout is None or not sys.stdout.isatty() else width() - sum(each + gap for each in widths[:-1])
    return [
        _row(row, [most - size + gap for most, size in zip(widths, own, strict=True)], room)
        for row, own in zip(rows, sizes, strict=True)
    ]


def _row(row: Sequence[str], gaps: Sequence[int], room: int | None) -> str:
    """One line; `room` is how many columns are left for the last one, None where nobody counts them."""
    before = "".join(text + " " * gap for text, gap in zip(row[:-1], gaps, strict=False))
    if room is None or cells(row[-1]) <= room:
        return (before + row[-1]).rstrip()
    if room < LEAST:
        return f"{before.rstrip()}\n{HANG}{cut(row[-1], width() - len(HANG))}"
    return before + cut(row[-1], room)


def cut(text: str, most: int) -> str:
    """As much of the text as so many columns hold; an ellipsis says that there is more."""
    if cells(text) <= most:
        return text
    while text and cells(text) > max(most - 1, 0):
        text = text[:-1]
    return f"{text}…"


def cells(text: str) -> int:
    """How many columns of a terminal the text takes (Unicode TR 11)."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else not unicodedata.combining(char) for char in text)


def width() -> int:
    """How wide lines may be: as the terminal, up to 100."""
    from shutil import get_terminal_size  # costly, and `list` into a pipe has no use for it

    return min(get_terminal_size((WIDEST, 24)).columns, WIDEST)


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def require_agreement(question: str) -> None:
    """Ask her at the terminal. Raises Refused where she says no, or nobody is there to ask."""
    if sys.stdin is None or not sys.stdin.isatty() or not click.confirm(question, default=False, err=True):
        raise Refused("nothing was changed; say --yes to do it")
