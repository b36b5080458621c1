"""What is wrong with a rule file, where, and what was probably meant."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from inboxagent.outreach.fields import inert
from inboxagent.rules.source import Piece

LONGEST_SHOWN = 120


class Severity(StrEnum):
    """An error keeps the file out of use; a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One problem. `line` and `column` count characters from 1, `width` is how many of them it is about."""

    path: str
    line: int
    column: int
    width: int
    text: str
    hint: str = ""
    severity: Severity = Severity.ERROR


class Report:
    """Gathers the problems of one file, so that all of them are told at once."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._found: list[Problem] = []

    def error(self, piece: Piece, text: str, hint: str = "") -> None:
        """The file cannot be used as it is."""
        self._add(piece, text, hint, Severity.ERROR)

    def warn(self, piece: Piece, text: str, hint: str = "") -> None:
        """It works, but probably not as she would like."""
        self._add(piece, text, hint, Severity.WARNING)

    @property
    def failed(self) -> bool:
        """Whether there has been an error."""
        return any(problem.severity is Severity.ERROR for problem in self._found)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All of them, in the order of the file."""
        return tuple(sorted(self._found, key=lambda problem: (problem.line, problem.column)))

    def _add(self, piece: Piece, text: str, hint: str, severity: Severity) -> None:
        width = max(1, len(piece.text.partition("\n")[0]))
        self._found.append(
            Problem(
                path=self._path,
                line=piece.line,
                column=piece.column,
                width=width,
                text=inert(text),
                hint=inert(hint),
                severity=severity,
            )
        )


def show(problem: Problem, source_lines: Sequence[str]) -> str:
    """The problem as she sees it: `file:line:column: text`, the line, carets under the words, and the hint."""
    kind = "warning: " if problem.severity is Severity.WARNING else ""
    shown = [f"{problem.path}:{problem.line}:{problem.column}: {kind}{problem.text}"]
    if 0 < problem.line <= len(source_lines):
        line, column, width = _excerpt(source_lines[problem.line - 1], problem.column, problem.width)
        before, marked = line[: column - 1], line[column - 1 : column - 1 + width]
        shown.append(f"{problem.line:>6} | {line}".rstrip())
        shown.append(f"       | {' ' * _cells(before)}{'^' * max(1, _cells(marked))}")
    if problem.hint:
        shown.append(f"       = {problem.hint}")
    return "\n".join(shown)


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known word that was probably meant, whatever the case."""
    from difflib import get_close_matches  # costly, and needed for slips only

    by_case = {name.casefold(): name for name in known}
    near = get_close_matches(word.casefold(), by_case, n=1, cutoff=cutoff)
    return by_case[near[0]] if near else None


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """A hint with the nearest of the known words, or with all of them where none is near."""
    near = nearest(word, known)
    return f'did you mean "{near}"?' if near else f"known: {', '.join(known)}"


def _excerpt(line: str, column: int, width: int) -> tuple[str, int, int]:
    """The part of a long line around the column, and where the column is in it."""
    line = re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", line)
    if len(line) <= LONGEST_SHOWN:
        return line, column, width
    start = max(0, column - 1 - LONGEST_SHOWN // 3)
    end = start + LONGEST_SHOWN
    head, tail = "…" if start else "", "…" if end < len(line) else ""
    column = column - start + len(head)
    return f"{head}{line[start:end]}{tail}", column, min(width, LONGEST_SHOWN + len(head) + 1 - column)


def _cells(text: str) -> int:
    """How many columns of a terminal the text takes (Unicode TR 11)."""
    return sum(_cell(char) for char in text)


def _cell(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) == "Cf":
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
