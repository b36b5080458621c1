"""One step of a rule file: its lines and its letter."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from inboxagent.outreach.hours import Hours
from inboxagent.outreach.sequence import Do, Step, Variant
from inboxagent.outreach.waits import AT_ONCE, Delay
from inboxagent.rules.conditions import read_condition
from inboxagent.rules.document import STEP, Section
from inboxagent.rules.hours import read_at
from inboxagent.rules.placeholders import check_letter, check_template
from inboxagent.rules.problem import Report, did_you_mean, nearest
from inboxagent.rules.settings import Settings, hint_for_step_line, read_tone
from inboxagent.rules.source import Passage, Piece
from inboxagent.rules.until import read_delay, read_expiry
from inboxagent.rules.variants import read_variants
from inboxagent.rules.vocabulary import Vocabulary

STEP_LINES = ("wait", "subject", "tone", "do", "if", "at", "expires", "test", "attach")
_OF_LETTERS_ONLY = ("subject", "tone", "expires", "test", "attach")

Lines = Mapping[str, Piece]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a step is read with."""

    settings: Settings
    words: Vocabulary
    report: Report


def read_step(section: Section, context: Context, *, first: bool) -> Step:
    """The step; what could not be read has been reported. Only the first one may lack its wait."""
    report, words = context.report, context.words
    lines = _read_lines(section, report)
    do = _read_do(lines, report)
    if subject := lines.get("subject"):
        check_template(Passage([subject]), words, report)
    variants = _read_letters(section, lines, words, report)
    expires, condition = lines.get("expires"), lines.get("if")
    return Step(
        word=section.word.text,
        wait=_read_step_wait(section, lines, context, first),
        letter="" if variants else "\n".join(line.text.rstrip() for line in section.letter),
        subject=subject.text if subject else None,
        tone=read_tone(lines["tone"], report) if "tone" in lines else None,
        line=section.word.line,
        do=do,
        hours=_read_hours(lines, context),
        condition=read_condition(condition, words, report) if condition else None,
        expires=read_expiry(expires, context.settings.fields, report) if expires else None,
        variants=variants,
        attach=_read_attached(lines["attach"], report) if "attach" in lines else (),
    )


def _read_lines(section: Section, report: Report) -> Lines:
    found: dict[str, Piece] = {}
    places: dict[str, int] = {}
    for line in section.lines:
        name, value = _split_line(line, report)
        if name.text not in STEP_LINES:
            report.error(name, f'unknown setting "{name.text}"', hint_for_step_line(name.text, STEP_LINES))
        elif name.text in places:
            report.error(name, f'"{name.text}" is given twice', f"also in line {places[name.text]}")
        elif value is not None and not value.text:
            report.error(name, f'"{name.text}" has no value', f'write "{name.text}: …" or leave the line out')
        elif value is not None:
            found[name.text] = value
        places.setdefault(name.text, line.line)
    return found


def _split_line(line: Piece, report: Report) -> tuple[Piece, Piece | None]:
    """Name and value; no value after a report that the colon is missing."""
    colon = line.text.find(":")
    if colon >= 0:
        return line.part(0, colon).strip(), line.part(colon + 1).strip()
    name, *rest = line.text.replace("=", " ").split(maxsplit=1)
    report.error(line.strip(), f'a colon is missing after "{name}"', f'write "{name}: {"".join(rest).strip()}"')
    return line.strip().part(0, len(name)), None


def _read_do(lines: Lines, report: Report) -> Do:
    piece = lines.get("do")
    if piece is None:
        return Do.MAIL
    if piece.text not in tuple(Do):
        report.error(piece, f'"{piece.text}" is nothing that a step can do', did_you_mean(piece.text, tuple(Do)))
        return Do.MAIL
    if piece.text == Do.TASK:
        for name in _OF_LETTERS_ONLY:
            if name in lines:
                report.error(lines[name], f'a task has no "{name}"', "leave the line out; a task is a note to yourself")
    return Do(piece.text)


def _read_attached(piece: Piece, report: Report) -> tuple[str, ...]:
    """The names of files below the rules folder, with commas between them."""
    names = tuple(" ".join(name.split()) for name in piece.text.split(","))
    if not all(names):
        report.error(piece, "the name of a file is missing here", "for example   attach: brochure.pdf, prices.pdf")
    for name in names:
        if name.startswith(("/", "~")) or "\\" in name or ".." in name.split("/"):
            hint = "put it into the rules folder, or below it, and name it from there"
            report.error(piece, f'"{name}" is not below the rules folder', hint)
    return names


def _read_hours(lines: Lines, context: Context) -> Hours | None:
    return read_at(lines["at"], context.settings.hours, context.report) if "at" in lines else None


def _read_step_wait(section: Section, lines: Lines, context: Context, first: bool) -> Delay | None:
    if "wait" in lines:
        return read_delay(lines["wait"], context.settings.fields, context.report) or AT_ONCE
    misspelt = any(nearest(re.split(r"[:=\s]", line.text.strip())[0], STEP_LINES) == "wait" for line in section.lines)
    misplaced = any(line.text.partition(":")[0].strip().lower() == "wait" for line in section.letter)
    if first and not misspelt and not misplaced:
        if "subject" not in lines:
            hint = 'put "wait: 3 business days" below it if the thread is there already'
            text = f'"{section.word.text}" has no wait, so it can only open a thread'
            context.report.warn(_heading(section), text, hint)
        return None
    if not misspelt and not misplaced:  # both have been reported where they stand
        hint = 'put "wait: 3 business days" below it, or "wait: at once"'
        context.report.error(_heading(section), f'"{section.word.text}" does not say how long to wait', hint)
    return AT_ONCE


def _read_letters(section: Section, lines: Lines, words: Vocabulary, report: Report) -> tuple[Variant, ...]:
    if "test" in lines and section.letter:
        return read_variants(section, lines["test"], words, report)
    if not section.letter:
        hint = "an empty line, then the letter"
        report.error(_heading(section), f'"{section.word.text}" has no letter', hint)
    elif not check_letter(Passage(section.letter), words, report):
        hint = "write at least one line that is always there"
        report.error(_heading(section), f'the letter of "{section.word.text}" could go out without a word in it', hint)
    return ()


def _heading(section: Section) -> Piece:
    return Piece(text=f"{STEP} {section.word.text}", line=section.word.line)
