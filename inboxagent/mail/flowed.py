"""Text that reads well in every mail program: format=flowed with DelSp=no (RFC 3676).

Mail programs differ. Some never break a long line for the reader, some break it for themselves, some narrow screens
break it twice. Flowed lines are hard lines of a width that everybody can show, and say where a paragraph goes on, so
that programs that know the format fit them to the window. Nothing is lost on the others.
"""

import re

WIDTH = 72  # quoted twice it still has less than 78 columns
SIGNATURE = "-- "

_WORD = re.compile(r" *[^ ]+")
_STUFFED = (" ", ">", "From ")


def flow(text: str) -> str:
    """The text in lines of at most 72 characters; longer words are left whole. Line ends are LF, before and after."""
    return "\n".join(_stuff(line) for paragraph in text.split("\n") for line in _break(paragraph))


def quote(text: str) -> str:
    """The text in such lines behind marks, one more before what is quoted already (RFC 3676, 4.5)."""
    lines = (line for paragraph in text.split("\n") for line in _break(paragraph))
    return "\n".join(f">{line}" if line.startswith(">") or not line.strip() else f"> {line}" for line in lines)


def _break(paragraph: str) -> list[str]:
    """The lines of a paragraph; all but the last end with the space that says so."""
    if paragraph == SIGNATURE:
        return [paragraph]
    lines, current = [], ""
    for word in _WORD.findall(paragraph.rstrip(" ")):
        bare = word.lstrip(" ")
        if current.strip(" ") and len(current) + len(word) >= WIDTH:
            lines.append(current + word[: len(word) - len(bare)])
            current = bare
        else:
            current += word
    return [*lines, current]


def _stuff(line: str) -> str:
    """A line that looks like a quotation, or like the beginning of an mbox entry, gets a space in front (4.4)."""
    return " " + line if line.startswith(_STUFFED) else line
