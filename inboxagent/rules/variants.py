"""Several letters for one step, each to its share of the people: `test: half and half`, then `### A: name`."""

import re

from inboxagent.outreach.sequence import Variant
from inboxagent.rules.document import VARIANT, Section
from inboxagent.rules.placeholders import check_letter
from inboxagent.rules.problem import Report
from inboxagent.rules.source import Passage, Piece
from inboxagent.rules.vocabulary import Vocabulary

_HEADING = re.compile(r"###\s*(?P<name>\w[\w-]*)\s*(?::\s*(?P<title>.*?))?\s*")
_SHARE = re.compile(r"\s*(\d{1,4})\s*%?\s*")
_HALVES = ("half and half", "half/half", "half / half", "50/50")
_EXAMPLE = '"half and half" or "70 / 30"'


def read_shares(piece: Piece, report: Report) -> tuple[int, ...]:
    """How many of all people get each variant; nothing after a report."""
    if piece.text.lower() in _HALVES:
        return (1, 1)
    shares = [_SHARE.fullmatch(part) for part in re.split(r"[/:]", piece.text)]
    found = tuple(int(share[1]) for share in shares if share)
    if len(found) < len(shares) or len(found) < 2 or 0 in found:
        report.error(piece, f'"{piece.text}" does not say who gets which letter', f"write {_EXAMPLE}")
        return ()
    return found


def read_variants(section: Section, test: Piece, words: Vocabulary, report: Report) -> tuple[Variant, ...]:
    """The letters below the `###` lines of a step."""
    shares = read_shares(test, report)
    parts = _split(section)
    if before := next((line for line in section.letter[: _start(section)] if line.text.strip()), None):
        report.error(before.strip(), "this stands before the first of the letters and would never be sent", _hint())
        return ()
    if shares and len(parts) != len(shares):
        count = f"{len(parts)} letter{'' if len(parts) == 1 else 's'}"
        report.error(test, f'"{test.text}" is for {len(shares)} letters, and here {_verb(len(parts))} {count}', _hint())
        return ()
    variants = [
        _read(heading, letter, share, words, report) for (heading, letter), share in zip(parts, shares, strict=False)
    ]
    _check_twins(parts, report)
    return tuple(variant for variant in variants if variant)


def _verb(count: int) -> str:
    return "is" if count == 1 else "are"


def _hint() -> str:
    return f"each begins with a line {VARIANT} A: name"


def _start(section: Section) -> int:
    """How many lines stand before the first letter."""
    headings = (index for index, line in enumerate(section.letter) if line.text.startswith(VARIANT))
    return next(headings, len(section.letter))


def _split(section: Section) -> list[tuple[Piece, list[Piece]]]:
    """Each heading with the lines below it."""
    parts: list[tuple[Piece, list[Piece]]] = []
    for line in section.letter[_start(section) :]:
        if line.text.startswith(VARIANT):
            parts.append((line, []))
        else:
            parts[-1][1].append(line)
    return parts


def _read(heading: Piece, letter: list[Piece], share: int, words: Vocabulary, report: Report) -> Variant | None:
    match = _HEADING.fullmatch(heading.text)
    if match is None:
        report.error(heading, f'"{heading.text.strip()}" names no letter', f"write {VARIANT} A: name")
        return None
    full = [index for index, line in enumerate(letter) if line.text.strip()]
    lines = letter[full[0] : full[-1] + 1] if full else []
    if not lines:
        report.error(heading, f'letter "{match["name"]}" is empty', "write it below this line")
    elif not check_letter(Passage(lines), words, report):
        hint = "write at least one line that is always there"
        report.error(heading, f'letter "{match["name"]}" could go out without a word in it', hint)
    text = "\n".join(line.text.rstrip() for line in lines)
    return Variant(name=match["name"], title=match["title"] or "", share=share, letter=text)


def _check_twins(parts: list[tuple[Piece, list[Piece]]], report: Report) -> None:
    names: dict[str, int] = {}
    for heading, _ in parts:
        match = _HEADING.fullmatch(heading.text)
        name = match["name"].casefold() if match else ""
        if match and name in names:
            report.error(
                heading,
                f'two letters are called "{heading.text[len(VARIANT) :].strip()}"',
                f"also in line {names[name]}",
            )
        names.setdefault(name, heading.line)
