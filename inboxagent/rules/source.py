"""Text with its place in a file."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

INVISIBLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
"""Characters that nobody types on purpose: controls, odd line ends, lone surrogates, marks of byte order."""


def split_lines(source: str) -> list[str]:
    """The lines of a file, whatever ends them (LF, CRLF or CR), without a mark of byte order."""
    return source.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A piece of one line; `line` and `column` count from 1. Not exact: the text stands there, but not letter by letter
    (a quoted YAML string), so that no part of it can be pointed at."""

    text: str
    line: int
    column: int = 1
    exact: bool = True

    def part(self, start: int, end: int | None = None) -> "Piece":
        """Characters [start, end) of this piece."""
        if not self.exact:
            return self
        return Piece(text=self.text[start:end], line=self.line, column=self.column + start)

    def strip(self) -> "Piece":
        """The piece without white space around it."""
        if not self.exact:
            return self
        start = len(self.text) - len(self.text.lstrip())
        return self.part(start, start + len(self.text.strip()))


class Passage:
    """Several lines, searched as one text; a stretch of it can be pointed at."""

    def __init__(self, lines: Sequence[Piece]) -> None:
        self._lines = lines
        self._starts = list(accumulate((len(line.text) + 1 for line in lines), initial=0))
        self.text = "\n".join(line.text for line in lines)

    def part(self, start: int, end: int) -> Piece:
        """Characters [start, end), cut at the end of the line in which they begin."""
        index = min(bisect_right(self._starts, start), len(self._lines)) - 1
        line, offset = self._lines[index], self._starts[index]
        return line.part(start - offset, min(end - offset, len(line.text)))
