"""A rule file as a whole: source -> Sequence, or every problem at once."""

import hashlib
from dataclasses import fields

from inboxagent.outreach.fields import THREAD_FIELDS
from inboxagent.outreach.phrases import Phrasebook, phrases_for
from inboxagent.outreach.sequence import Field, Sequence, Step, Terms
from inboxagent.rules.conditions import read_condition
from inboxagent.rules.document import STEP, Document, outline
from inboxagent.rules.problem import Problem, Report, did_you_mean
from inboxagent.rules.settings import Settings, read_settings
from inboxagent.rules.source import Piece
from inboxagent.rules.steps import STEP_LINES, Context, read_step
from inboxagent.rules.vocabulary import Vocabulary


def parse_rule(path: str, source: str, phrasebook: Phrasebook) -> tuple[Sequence | None, tuple[Problem, ...]]:
    """The sequence that a rule file holds, named by the stem of its path; None where a problem is an error."""
    report = Report(path)
    document = outline(source, STEP_LINES, report)
    settings = read_settings(document.settings, STEP_LINES, report)
    words = _vocabulary(settings, phrasebook)
    steps = _read_steps(document, Context(settings=settings, words=words, report=report))
    audience = read_condition(settings.audience_at, words, report) if settings.audience_at else None
    again = _read_again(settings.again_at, steps, report)
    if not settings.torn:
        _warn_of_undeclared(words, report)
    if report.failed:
        return None, report.problems
    return _sequence(path, source, settings, steps, audience, again), report.problems


def _vocabulary(settings: Settings, phrasebook: Phrasebook) -> Vocabulary:
    thread = {name: Field(name=name, type=type_) for name, type_ in THREAD_FIELDS.items()}
    return Vocabulary(fields=thread | {**settings.fields}, phrases=phrases_for(settings.language, phrasebook))


def _sequence(
    path: str, source: str, settings: Settings, steps: tuple[Step, ...], audience: str | None, again: str | None
) -> Sequence:
    name = path.rpartition("/")[2].removesuffix(".md")
    terms = {each.name: getattr(settings, each.name) for each in fields(Terms)}
    terms |= {"title": settings.title or name, "audience": audience, "again": again}
    digest = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()
    return Sequence(name=name, steps=steps, digest=digest, **terms)


def _read_steps(document: Document, context: Context) -> tuple[Step, ...]:
    if not document.sections:
        context.report.error(document.end, "there is no step in this file", f'a step begins with "{STEP} word"')
    _check_twins([section.word for section in document.sections], context.report)
    return tuple(read_step(section, context, first=number == 0) for number, section in enumerate(document.sections))


def _check_twins(words: list[Piece], report: Report) -> None:
    lines: dict[str, int] = {}
    for piece in words:
        word = piece.text.casefold()
        if word and word in lines:
            report.error(piece, f'two steps are called "{piece.text}"', f"also in line {lines[word]}")
        lines.setdefault(word, piece.line)


def _read_again(piece: Piece | None, steps: tuple[Step, ...], report: Report) -> str | None:
    words = tuple(step.word for step in steps)
    if piece is None or piece.text in words:
        return piece.text if piece else None
    report.error(piece, f'there is no step "{piece.text}"', did_you_mean(piece.text, words))
    return None


def _warn_of_undeclared(words: Vocabulary, report: Report) -> None:
    for name, piece in words.undeclared.items():
        hint = f"say so under fields: {name}: {{required: true}}, or give it a fallback"
        report.warn(piece, f'"{name}" is not among the fields; every enrolment will have to give it', hint)
