"""The outline of a rule file: settings between `---` lines, then one section per step."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from inboxagent.rules.problem import Report
from inboxagent.rules.source import INVISIBLE, Piece, split_lines

FENCE = "---"
STEP = "##"
VARIANT = "###"

_WORD = re.compile(r"\w[\w-]{0,59}")
_PAIR = re.compile(r"\s*\w[\w-]*\s*:(?!//)")
_BARE = re.compile(r"\s*(\w+)(?:\s*$|\s*=|\s+(?:\d|at once))")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A step as it stands: its word, the lines directly below, and after an empty line the letter."""

    word: Piece
    lines: tuple[Piece, ...]
    letter: tuple[Piece, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The lines of the settings, without the `---`, and the sections; `end` is the last line of the file."""

    settings: tuple[Piece, ...]
    sections: tuple[Section, ...]
    end: Piece


def outline(source: str, step_lines: Sequence[str], report: Report) -> Document:
    """The outline of the source. `step_lines` are the names that may stand below a step's word."""
    lines = [Piece(text=text, line=number) for number, text in enumerate(split_lines(source), 1)]
    lines = [_visible(line, report) for line in lines]
    settings, rest = _settings(lines, report)
    before, bodies = _bodies(rest)
    _check_before(before, report)
    sections = tuple(_section(body, step_lines, report) for body in bodies)
    last = next((line for line in reversed(lines) if line.text.strip()), lines[-1])
    return Document(settings=tuple(settings), sections=sections, end=last)


def _visible(line: Piece, report: Report) -> Piece:
    for match in INVISIBLE.finditer(line.text):
        name = f"U+{ord(match.group()):04X}"
        report.error(line.part(match.start(), match.end()), f"invisible character {name}", "delete it")
    return Piece(text=INVISIBLE.sub(" ", line.text), line=line.line)


def _settings(lines: list[Piece], report: Report) -> tuple[list[Piece], list[Piece]]:
    """The lines of the settings and the lines after them."""
    first = next((index for index, line in enumerate(lines) if line.text.strip()), len(lines))
    lines = lines[first:] or lines[-1:]
    opened = lines[0].text.rstrip() == FENCE
    if not opened:
        report.error(lines[0], "the file must begin with its settings", "put a line --- above and below them")
    inside = lines[1:] if opened else lines
    for index, line in enumerate(inside):
        if line.text.rstrip() == FENCE:
            return inside[:index], inside[index + 1 :]
        if line.text.startswith(STEP):
            if opened:
                report.error(line, "the settings have no end", "put a line --- above this one")
            return inside[:index], inside[index:]
    if opened:
        report.error(lines[0], "the settings have no end", "put a line --- below them")
    return inside, []


def _bodies(lines: list[Piece]) -> tuple[list[Piece], list[list[Piece]]]:
    """The lines before the first step, and for each step its heading with the lines below."""
    before: list[Piece] = []
    bodies: list[list[Piece]] = []
    for line in lines:
        if line.text.startswith(STEP) and not line.text.startswith("###"):
            bodies.append([line])
        else:
            (bodies[-1] if bodies else before).append(line)
    return before, bodies


def _check_before(lines: list[Piece], report: Report) -> None:
    text = next((line for line in lines if line.text.strip()), None)
    if text is None:
        return
    hint = f'a step begins with "{STEP} word"'
    report.error(text, "this stands before the first step and would never be sent", hint)


def _section(body: list[Piece], step_lines: Sequence[str], report: Report) -> Section:
    heading, *rest = body
    word = _word(heading, report)
    start = 0
    while start < len(rest) and not rest[start].text.strip():
        start += 1
    if start and start < len(rest) and _named(rest[start], step_lines):
        report.error(
            rest[start], f"an empty line separates this from {STEP} {word.text}", "remove the empty line above"
        )
        rest = rest[start:]
    count = _count_lines(rest, step_lines, report)
    letter = _trim(rest[count:])
    tested = any(_named(line, ("test",)) for line in rest[:count])
    for line in letter:
        if not (tested and line.text.startswith(VARIANT)):
            _check_letter_line(line, word.text, step_lines, report)
    return Section(word=word, lines=tuple(rest[:count]), letter=tuple(letter))


def _word(heading: Piece, report: Report) -> Piece:
    word = heading.part(len(STEP)).strip()
    if not word.text:
        report.error(heading, "a step needs a word", f'for example "{STEP} nudge"')
    elif not _WORD.fullmatch(word.text):
        plain = "-".join(re.findall(r"\w+", word.text.lower()))[:60]
        hint = f'write "{STEP} {plain}"' if plain else f'for example "{STEP} nudge"'
        report.error(word, f'"{word.text}" is not one word', hint)
    return word


def _count_lines(lines: list[Piece], step_lines: Sequence[str], report: Report) -> int:
    """How many lines belong to the step itself: up to the empty line, or to where the letter begins without one."""
    for index, line in enumerate(lines):
        if not line.text.strip():
            return index
        if not _PAIR.match(line.text) and not _lacks_colon(line, step_lines):
            report.error(line, "an empty line is missing between the step and its letter", "put one above this line")
            return index
    return len(lines)


def _lacks_colon(line: Piece, step_lines: Sequence[str]) -> bool:
    bare = _BARE.match(line.text)
    return bare is not None and bare.group(1) in step_lines


def _trim(lines: list[Piece]) -> list[Piece]:
    full = [index for index, line in enumerate(lines) if line.text.strip()]
    return lines[full[0] : full[-1] + 1] if full else []


def _check_letter_line(line: Piece, word: str, step_lines: Sequence[str], report: Report) -> None:
    text = line.text.rstrip()
    if name := _named(line, step_lines):
        hint = f"move it up, directly below {STEP} {word}"
        report.error(line.strip(), f'"{name}:" inside the letter would be sent as text', hint)
    elif text == FENCE:
        report.error(line, f'"{FENCE}" inside the letter would be sent as text', "steps need no line between them")
    elif re.match(r"###\s*\w[\w-]*\s*:", text):
        hint = f'for several letters put "test: half and half" below {STEP} {word}'
        report.error(line.strip(), f'"{text.split()[0]}" inside the letter would be sent as text', hint)
    elif text.lstrip().startswith(STEP):
        hint = f'a step begins with "{STEP} word" at the start of the line'
        report.error(line.strip(), f'"{text.split()[0]}" inside the letter would be sent as text', hint)


def _named(line: Piece, step_lines: Sequence[str]) -> str | None:
    """The name before a colon, where it is that of a step's line."""
    name, colon, _ = line.text.partition(":")
    return name.strip() if colon and name.strip().lower() in step_lines else None
