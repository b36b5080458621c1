"""What she asks for when she enrols somebody, and whether it can be: before his mail is looked at, and with it."""

from collections.abc import Iterable
from dataclasses import dataclass

from inboxagent.agent.account import Account
from inboxagent.errors import Refused, UsageError
from inboxagent.outreach.acquaintance import FIRST_NAME
from inboxagent.outreach.fields import THREAD_FIELDS
from inboxagent.outreach.model import Prospect
from inboxagent.outreach.personalise import check_fields, field_names, missing, unknown_fields, values_of
from inboxagent.outreach.phrases import phrases_for
from inboxagent.outreach.rulebook import Rulebook
from inboxagent.outreach.sequence import Do, Sequence, Step
from inboxagent.outreach.template import RenderError, holds, uses, uses_of_condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Whom she wants to enrol in what, and which thread she means; with `new`, the subject of the one to be opened."""

    sequence: Sequence
    prospect: Prospect
    subject: str | None = None
    message_id: str | None = None
    newest: bool = False
    new: bool = False
    start: str | None = None
    tone: str | None = None
    pace: float | None = None
    instead_of: str | None = None  # the conversation whose place this one takes

    @property
    def first(self) -> Step:
        """The step to begin with."""
        return (self.sequence.step(self.start) if self.start else None) or self.sequence.steps[0]


def check_wish(account: Account, wish: Wish) -> None:
    """Refuse fields and steps that the sequence does not know, and fields that are missing: before anything is read."""
    phrases = phrases_for(wish.sequence.language, account.rules().phrases)
    fields = wish.prospect.fields
    unknown = [name for name in unknown_fields(wish.sequence, fields, phrases) if not _known_later(name, wish, account)]
    if unknown:
        raise UsageError(f"{wish.sequence.name} knows no field {_quoted(unknown)}")
    wrong = check_fields(wish.sequence, fields)
    if wrong:
        raise UsageError("; ".join(wrong))
    check_start(wish.sequence, wish.start)
    if wish.new:
        _check_opening(wish)
    elif wish.first.wait is None:
        raise Refused(f"`{wish.first.word}` has no wait, so it can only open a new thread: enrol with --new")
    check_fit(account, wish, later=(FIRST_NAME,))


def check_start(sequence: Sequence, start: str | None) -> str | None:
    """The step to begin with, where one is named. Raises UsageError."""
    if start is not None and sequence.step(start) is None:
        words = ", ".join(step.word for step in sequence.steps)
        raise UsageError(f'{sequence.name} has no step "{start}"; its steps are {words}')
    return start


def _known_later(name: str, wish: Wish, account: Account) -> bool:
    """Whether a sequence that may take over knows the field."""
    rules, sequence = account.rules(), wish.sequence
    names = (sequence.then, sequence.refused, sequence.won, sequence.lost)
    heirs = (rules.sequences.get(each) for each in names if each)
    return any(heir and name in field_names(heir, phrases_for(heir.language, rules.phrases)) for heir in heirs)


def _check_opening(wish: Wish) -> None:
    """Refuse a first step that cannot open a thread."""
    step = wish.first
    if step.do is Do.TASK:
        raise Refused(f"`{step.word}` is a task, so it cannot open a new thread; write to him first, or use --start")
    if step.subject is None and wish.subject is None:
        raise Refused(f"`{step.word}` has no `subject:` line, so it cannot open a new thread; say --subject")
    told = {name for text in (step.subject or "", *step.letters) for name in uses(text).needed} & {*THREAD_FIELDS}
    if told:
        raise Refused(f"`{step.word}` speaks of {_quoted(sorted(told))}, and there is no thread yet to tell it")


def check_fit(account: Account, wish: Wish, later: tuple[str, ...] = ()) -> None:
    """Refuse whom the sequence is not for, and who lacks what its letters, or those of the next one, need; `later` are
    fields that his mail may tell."""
    rules, person = account.rules(), wish.prospect
    try:
        values = values_of(wish.sequence, person.fields)
        audience = wish.sequence.audience
        lacking = _lacking(wish, rules)
        if audience is not None and not lacking and not holds(audience, values):
            raise Refused(f"{wish.sequence.name} is not for {person.address}; it is for: {audience}")
    except RenderError as error:
        raise Refused(str(error)) from error
    if short := [name for name in lacking if name not in later]:
        hint = " ".join(f"--field {name}=…" for name in short)
        noted = any(field.noted for name, field in wish.sequence.fields.items() if name in short)
        hint += f', or say it first with: inboxagent note {person.address} "…"' if noted else ""
        raise Refused(f"{person.address} lacks {_quoted(short)}; add {hint}")


def _lacking(wish: Wish, rules: Rulebook) -> tuple[str, ...]:
    """Fields without a value, also for the sequences that take over by themselves."""
    found: list[str] = []
    asked = sorted(uses_of_condition(wish.sequence.audience).needed) if wish.sequence.audience else []
    given = values_of(wish.sequence, wish.prospect.fields)
    found += (name for name in asked if name not in given)
    for sequence in _line_of(wish.sequence, rules):
        start = sequence.step(wish.start) if wish.start and sequence is wish.sequence else None
        phrases = phrases_for(sequence.language, rules.phrases)
        found += missing(sequence, start, wish.prospect.fields, phrases, tone=wish.tone)
    return tuple(dict.fromkeys(found))


def _line_of(sequence: Sequence, rules: Rulebook) -> tuple[Sequence, ...]:
    """It and all that take over without a word of hers, each once."""
    line = [sequence]
    for each in line:
        heirs = (rules.sequences.get(name) for name in (each.then, each.refused) if name)
        line += (heir for heir in heirs if heir is not None and heir.name not in {known.name for known in line})
    return tuple(line)


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
