"""Letters as plain text: which of the line breaks in a rule file are meant."""

import re

_KEEPS_ITS_BREAKS = re.compile(r"[-*\d ]")
_ONLY_TAGS = re.compile(r"\s*(?:\{%[^%]*%\}\s*)+")
_SPACES_BEFORE_BREAK = re.compile(r"[ \t]+\n")
_EMPTY_LINES = re.compile(r"\n{3,}")


def join_lines(letter: str) -> str:
    """The letter with the lines of each paragraph joined; an empty line ends a paragraph.

    Lines that begin with `-`, `*`, a digit or a space keep the breaks around them. A line of nothing but `{% … %}`
    leaves no trace.
    """
    paragraphs = re.split(r"\n[ \t]*(?:\n[ \t]*)*\n", letter.strip("\n"))
    return "\n\n".join(_join(paragraph.split("\n")) for paragraph in paragraphs)


def tidy(text: str) -> str:
    """Rendered text without spaces at line ends, without more than one empty line in a row, without empty ends."""
    return _EMPTY_LINES.sub("\n\n", _SPACES_BEFORE_BREAK.sub("\n", text)).strip()


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
