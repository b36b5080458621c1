"""A step's letter for one prospect, and whether he has all the fields it takes."""

from collections.abc import Mapping
from dataclasses import dataclass

from inboxagent.outreach.fields import LONGEST_VALUE, PERSON_FIELDS, THREAD_FIELDS, has_control, inert, read_value
from inboxagent.outreach.paragraphs import join_lines, tidy
from inboxagent.outreach.phrases import MY_NAME, PHRASE, Phrases
from inboxagent.outreach.sequence import Field, FieldValue, Sequence, Step
from inboxagent.outreach.template import RenderError as RenderError  # ours to raise, so ours to import from here
from inboxagent.outreach.template import fill, uses, uses_of_condition
from inboxagent.outreach.waits import UntilField
from inboxagent.outreach.workdays import is_region, nearest_region
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
    facts: Mapping[str, FieldValue] | None = None,
) -> Letter:
    """The letter of a step. `tone` is the enrolment's and goes before the step's, which goes before the sequence's.

    `facts` are the thread's own (`THREAD_FIELDS`); what was given for the prospect goes before them.
    Raises RenderError rather than hand out a text in which anything is missing, empty or too long.
    """
    dial = tone or step.tone or sequence.tone
    values: dict[str, FieldValue] = {**(facts or {}), **values_of(sequence, given), MY_NAME: inert(me_name)}
    words = _Words(values=values, phrases=phrases, tone=dial, language=sequence.language)
    text = tidy(words.fill(join_lines(step.letter)))
    subject = None if step.subject is None else _subject(step.subject, given, words)
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
    """Fields that have no value and must have one for the steps from `start` on (None: for all of them)."""
    present = {*THREAD_FIELDS, *_fallbacks(sequence.fields), *(name for name, words in given.items() if inert(words))}
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
    letters = (text for step in sequence.steps for text in (*step.letters, step.subject or ""))
    wordings = (text for tones in phrases.texts.values() for text in tones.values())
    conditions = [step.condition for step in sequence.steps if step.condition] + [sequence.audience or ""]
    mentioned = {name for text in (*letters, *wordings) for name in uses(text).mentioned}
    asked = {name for each in conditions if each for name in uses_of_condition(each).mentioned}
    return (frozenset((*PERSON_FIELDS, *sequence.fields)) | mentioned | asked) - {MY_NAME}


def _needed(step: Step, phrases: Phrases, tone: str) -> list[str]:
    """What the step cannot do without; a field that its condition asks for is there when it is written."""
    names = sorted(uses_of_condition(step.condition).needed) if step.condition else []
    names += [step.wait.field] if isinstance(step.wait, UntilField) else []
    expiry = f"{{{{ {step.expires.field} }}}}" if step.expires and step.expires.field else ""
    for source in (step.subject or "", expiry, *step.letters):
        used = uses(_guarded(source, step))
        wordings = (phrases.get(name, tone) or "" for name in sorted(used.phrases))
        names += sorted(used.needed)
        names += (name for wording in wordings for name in sorted(uses(_guarded(wording, step)).needed))
    return names


def _guarded(source: str, step: Step) -> str:
    return f"{{% if {step.condition} %}}{source}{{% endif %}}" if step.condition else source


def values_of(sequence: Sequence, given: Mapping[str, str]) -> dict[str, FieldValue]:
    """The typed values of all fields that have one; blank words are no value."""
    return typed_values(sequence.fields, given)


def typed_values(fields: Mapping[str, Field], given: Mapping[str, str]) -> dict[str, FieldValue]:
    """The same for declared fields."""
    typed = {name: _typed(fields.get(name), name, words) for name, words in given.items() if inert(words)}
    return {**_fallbacks(fields), **typed}


def _fallbacks(fields: Mapping[str, Field]) -> dict[str, FieldValue]:
    return {name: field.fallback for name, field in fields.items() if field.fallback is not None}


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
    if name == "country" and not is_region(inert(words)):
        near = nearest_region(words)
        meant = f'; did you mean "{near}"?' if near else "; write it like DE or DE-BE"
        return f'"{inert(words)}" is not the code of a country{meant}'
    try:
        _typed(sequence.fields.get(name), "", words)
    except RenderError as error:
        return str(error.__cause__)
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """What a letter is filled with."""

    values: Mapping[str, FieldValue]
    phrases: Phrases
    tone: str
    language: str

    def fill(self, source: str) -> str:
        wordings = {name: self._phrase(name) for name in uses(source).phrases}
        return fill(source, {**self.values, **wordings, PHRASE: wordings}, self.language)

    def _phrase(self, name: str) -> str:
        source = self.phrases.get(name, self.tone)
        if source is None:
            raise RenderError(f"{self.phrases.language} has no phrase `{name}` in the tone {self.tone}")
        return fill(source, self.values, self.language).strip()


def _subject(source: str, given: Mapping[str, str], words: _Words) -> str:
    broken = tuple(name for name in sorted(uses(source).mentioned) if has_control(given.get(name, "")))
    if broken:
        raise RenderError(f"a line break or control character in {', '.join(broken)}", broken)
    return tidy(inert(words.fill(source)))
