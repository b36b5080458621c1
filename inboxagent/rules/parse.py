"""A rule file as a whole: source -> Sequence, or every problem at once."""

import hashlib
import re
from dataclasses import dataclass

from inboxagent.outreach.phrases import Phrasebook, phrases_for
from inboxagent.outreach.sequence import Sequence, Step
from inboxagent.outreach.waits import Wait
from inboxagent.rules.document import STEP, Document, Section, outline
from inboxagent.rules.expressions import Vocabulary
from inboxagent.rules.placeholders import check_template
from inboxagent.rules.problem import Problem, Report, nearest
from inboxagent.rules.settings import Settings, hint_for_step_line, read_settings, read_tone
from inboxagent.rules.source import Passage, Piece
from inboxagent.rules.waits import AT_ONCE, read_wait

STEP_LINES = ("wait", "subject", "tone")


def parse_rule(path: str, source: str, phrasebook: Phrasebook) -> tuple[Sequence | None, tuple[Problem, ...]]:
    """The sequence that a rule file holds, named by the stem of its path; None where a problem is an error."""
    report = Report(path)
    document = outline(source, STEP_LINES, report)
    settings = read_settings(document.settings, STEP_LINES, report)
    words = Vocabulary(fields=settings.fields, phrases=phrases_for(settings.language, phrasebook))
    steps = _read_steps(document, words, report)
    if not settings.torn:
        _warn_of_undeclared(words, report)
    if report.failed:
        return None, report.problems
    return _sequence(path, source, settings, steps), report.problems


def _sequence(path: str, source: str, settings: Settings, steps: tuple[Step, ...]) -> Sequence:
    name = path.rpartition("/")[2].removesuffix(".md")
    return Sequence(
        name=name,
        title=settings.title or name,
        about=settings.about,
        language=settings.language,
        tone=settings.tone,
        hours=settings.hours,
        fields=settings.fields,
        steps=steps,
        digest=hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest(),
    )


def _read_steps(document: Document, words: Vocabulary, report: Report) -> tuple[Step, ...]:
    if not document.sections:
        report.error(document.end, "there is no step in this file", f'a step begins with "{STEP} word"')
    _check_twins(document.sections, report)
    return tuple(_read_step(section, words, report) for section in document.sections)


def _check_twins(sections: tuple[Section, ...], report: Report) -> None:
    lines: dict[str, int] = {}
    for section in sections:
        word = section.word.text.casefold()
        if word and word in lines:
            report.error(section.word, f'two steps are called "{section.word.text}"', f"also in line {lines[word]}")
        lines.setdefault(word, section.word.line)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lines:
    """The values of a step's lines, where they were given."""

    wait: Piece | None = None
    subject: Piece | None = None
    tone: Piece | None = None


def _read_step(section: Section, words: Vocabulary, report: Report) -> Step:
    lines = _read_lines(section, report)
    tone = read_tone(lines.tone, report) if lines.tone else None
    if lines.subject:
        check_template(Passage([lines.subject]), words, report)
    _check_letter(section, words, report)
    return Step(
        word=section.word.text,
        wait=_read_step_wait(section, lines, report),
        letter="\n".join(line.text.rstrip() for line in section.letter),
        subject=lines.subject.text if lines.subject else None,
        tone=tone,
        line=section.word.line,
    )


def _read_lines(section: Section, report: Report) -> _Lines:
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
    return _Lines(**found)


def _split_line(line: Piece, report: Report) -> tuple[Piece, Piece | None]:
    """Name and value; no value after a report that the colon is missing."""
    colon = line.text.find(":")
    if colon >= 0:
        return line.part(0, colon).strip(), line.part(colon + 1).strip()
    name, *rest = line.text.replace("=", " ").split(maxsplit=1)
    report.error(line.strip(), f'a colon is missing after "{name}"', f'write "{name}: {"".join(rest).strip()}"')
    return line.strip().part(0, len(name)), None


def _read_step_wait(section: Section, lines: _Lines, report: Report) -> Wait:
    if lines.wait:
        return read_wait(lines.wait, report) or AT_ONCE
    misspelt = any(nearest(re.split(r"[:=\s]", line.text.strip())[0], STEP_LINES) == "wait" for line in section.lines)
    misplaced = any(line.text.partition(":")[0].strip().lower() == "wait" for line in section.letter)
    if not misspelt and not misplaced:  # both have been reported where they stand
        hint = 'put "wait: 3 business days" below it, or "wait: at once"'
        report.error(_heading(section), f'"{section.word.text}" does not say how long to wait', hint)
    return AT_ONCE


def _check_letter(section: Section, words: Vocabulary, report: Report) -> None:
    if not section.letter:
        hint = "an empty line, then the letter"
        report.error(_heading(section), f'"{section.word.text}" has no letter', hint)
    elif not check_template(Passage(section.letter), words, report):
        hint = "write at least one line that is always there"
        report.error(_heading(section), f'the letter of "{section.word.text}" could go out without a word in it', hint)


def _heading(section: Section) -> Piece:
    word = section.word
    return Piece(text=f"{STEP} {word.text}", line=word.line)


def _warn_of_undeclared(words: Vocabulary, report: Report) -> None:
    for name, piece in words.undeclared.items():
        hint = f"say so under fields: {name}: {{required: true}}, or give it a fallback"
        report.warn(piece, f'"{name}" is not among the fields; every enrolment will have to give it', hint)
