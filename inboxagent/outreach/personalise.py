"""A step's letter for one prospect, and whether he has all the fields it takes."""

from collections.abc import Mapping
from dataclasses import dataclass

from inboxagent.outreach.fields import LONGEST_VALUE, PERSON_FIELDS, has_control, inert, read_value
from inboxagent.outreach.paragraphs import join_lines, tidy
from inboxagent.outreach.phrases import Phrases
from inboxagent.outreach.sequence import Field, FieldValue, Sequence, Step
from inboxagent.outreach.template import MY_NAME, PHRASE, fill, uses
from inboxagent.outreach.template import RenderError as RenderError  # ours to raise, so ours to import from here
from inboxagent.outreach.zones import is_zone, nearest_zone

LONGEST_LETTER = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A letter as it would go: plain text with joined paragraphs, and a subject only where it opens a new thread."""

    subject: str | None
    text: str


def render(
    sequence: Sequence,
    step: Step,
    given: Mapping[str, str],
    phrases: Phrases,
    *,
    me_name: str,
    tone: str | None = None,
) -> Letter:
    """The letter of a step. `tone` is the enrolment's and goes before the step's, which goes before the sequence's.

    Raises RenderError rather than hand out a text in which anything is missing, empty or too long.
    """
    dial = tone or step.tone or sequence.tone
    values = _values(sequence, given) | {MY_NAME: inert(me_name)}
    text = tidy(_fill(join_lines(step.letter), values, phrases, dial))
    subject = None if step.subject is None else _subject(step.subject, values, given, phrases, dial)
    if not text or subject == "":
        raise RenderError(f"`{step.word}` would go out empty")
    if len(text) > LONGEST_LETTER:
        raise RenderError(f"`{step.word}` would have {len(text)} characters; the limit is {LONGEST_LETTER}")
    return Letter(subject=subject, text=text)


def missing(
    sequence: Sequence,
    start: Step | None,
    given: Mapping[str, str],
    phrases: Phrases,
    *,
    tone: str | None = None,
) -> tuple[str, ...]:
    """Fields that have no value and must have one for the letters from `start` on (None: for all of them)."""
    present = {name for name, words in given.items() if inert(words)} | _fallbacks(sequence).keys()
    required = [field.name for field in sequence.fields.values() if field.required]
    ahead = sequence.steps if start is None else (start, *sequence.after(start.word))
    needed = [name for step in ahead for name in _needed(step, phrases, tone or step.tone or sequence.tone)]
    return tuple(dict.fromkeys(name for name in (*required, *needed) if name not in present | {MY_NAME}))


def check_fields(sequence: Sequence, given: Mapping[str, str]) -> tuple[str, ...]:
    """Every given value that cannot be used, as a sentence that begins with the field's name."""
    in_subjects = {name for step in sequence.steps if step.subject for name in uses(step.subject).mentioned}
    complaints = ((name, _complaint(name, words, sequence, name in in_subjects)) for name, words in given.items())
    return tuple(f"{name}: {complaint}" for name, complaint in complaints if complaint)


def unknown_fields(sequence: Sequence, given: Mapping[str, str], phrases: Phrases) -> tuple[str, ...]:
    """Given names that neither the sequence nor its phrases mention and that say nothing about a person."""
    known = field_names(sequence, phrases)
    return tuple(name for name in given if name not in known)


def field_names(sequence: Sequence, phrases: Phrases) -> frozenset[str]:
    """Every field that an enrolment may give."""
    letters = (text for step in sequence.steps for text in (step.letter, step.subject or ""))
    wordings = (text for tones in phrases.texts.values() for text in tones.values())
    mentioned = (name for text in (*letters, *wordings) for name in uses(text).mentioned)
    return frozenset((*PERSON_FIELDS, *sequence.fields, *mentioned)) - {MY_NAME}


def _needed(step: Step, phrases: Phrases, tone: str) -> list[str]:
    names: list[str] = []
    for source in (step.subject or "", step.letter):
        used = uses(source)
        wordings = (phrases.get(name, tone) or "" for name in sorted(used.phrases))
        names += sorted(used.needed)
        names += (name for wording in wordings for name in sorted(uses(wording).needed))
    return names


def _values(sequence: Sequence, given: Mapping[str, str]) -> dict[str, FieldValue]:
    """The typed values of all fields that have one; blank words are no value."""
    typed = {name: _typed(sequence.fields.get(name), name, words) for name, words in given.items() if inert(words)}
    return {**_fallbacks(sequence), **typed}


def _fallbacks(sequence: Sequence) -> dict[str, FieldValue]:
    return {name: field.fallback for name, field in sequence.fields.items() if field.fallback is not None}


def _typed(field: Field | None, name: str, words: str) -> FieldValue:
    try:
        return read_value(words, field.type) if field else inert(words)
    except ValueError as error:
        raise RenderError(f"{name}: {error}", (name,)) from error


def _complaint(name: str, words: str, sequence: Sequence, in_subject: bool) -> str:
    if len(words) > LONGEST_VALUE:
        return f"{len(words)} characters are too many; the limit is {LONGEST_VALUE}"
    if in_subject and has_control(words):
        return "it stands in a subject and may hold no line break or control character"
    if not inert(words):
        return ""
    if name == "zone" and not is_zone(words):
        near = nearest_zone(words)
        return f'"{inert(words)}" is not a time zone' + (f'; did you mean "{near}"?' if near else "")
    try:
        _typed(sequence.fields.get(name), "", words)
    except RenderError as error:
        return str(error.__cause__)
    return ""


def _subject(
    source: str, values: Mapping[str, FieldValue], given: Mapping[str, str], phrases: Phrases, tone: str
) -> str:
    broken = tuple(name for name in sorted(uses(source).mentioned) if has_control(given.get(name, "")))
    if broken:
        raise RenderError(f"a line break or control character in {', '.join(broken)}", broken)
    return tidy(inert(_fill(source, values, phrases, tone)))


def _fill(source: str, values: Mapping[str, FieldValue], phrases: Phrases, tone: str) -> str:
    wordings = {name: _phrase(name, values, phrases, tone) for name in uses(source).phrases}
    return fill(source, {**values, **wordings, PHRASE: wordings})


def _phrase(name: str, values: Mapping[str, FieldValue], phrases: Phrases, tone: str) -> str:
    source = phrases.get(name, tone)
    if source is None:
        raise RenderError(f"{phrases.language} has no phrase `{name}` in the tone {tone}")
    return fill(source, values).strip()
