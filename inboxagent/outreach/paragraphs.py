"""Letters as plain text: which of the line breaks in a rule file are meant."""

import re

_KEEPS_ITS_BREAKS = re.compile(r"[-*\d ]")
_ONLY_TAGS = re.compile(r"\s*(?:\{%[^%]*%\}\s*)+")
_GAP = re.compile(r" {2,}")
_EMPTY_LINES = re.compile(r"\n{3,}")


def join_lines(letter: str) -> str:
    """The letter with the lines of each paragraph joined; an empty line ends a paragraph.

    Lines that begin with `-`, `*`, a digit or a space keep the breaks around them. A line of nothing but `{% … %}`
    leaves no trace.
    """
    paragraphs = re.split(r"\n[ \t]*(?:\n[ \t]*)*\n", letter.strip("\n"))
    return "\n\n".join(_join(paragraph.split("\n")) for paragraph in paragraphs)


def tidy(text: str) -> str:
    """Rendered text without the gaps that an absent field leaves: no double spaces in running text, no spaces at line
    ends, no two empty lines in a row, no empty ends."""
    lines = (line.rstrip() for line in text.split("\n"))
    closed = (line if _KEEPS_ITS_BREAKS.match(line) else _GAP.sub(" ", line) for line in lines)
    return _EMPTY_LINES.sub("\n\n", "\n".join(closed)).strip()


def _join(lines: list[str]) -> str:
    joined, gap = "", ""
    for line in lines:
        if _ONLY_TAGS.fullmatch(line):
            joined += gap + line.strip()
            gap = ""
            continue
        keeps = _KEEPS_ITS_BREAKS.match(line) is not None
        if keeps and joined:
            gap = "\n"
        joined += gap + line.rstrip()
        gap = "\n" if keeps else " "
    return joined
