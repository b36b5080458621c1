"""What a rule file says, as values: a sequence with its steps, waits, sending hours and fields."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from inboxagent.outreach.hours import Hours
from inboxagent.outreach.waits import Delay, Unit, Wait


class FieldType(StrEnum):
    """What the value of a field must be."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"


FieldValue = str | Decimal | date


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A fact that letters may use; a value of its type, its fallback, or nothing where neither is there. `noted`: what
    was not given is her newest note about him."""

    name: str
    fallback: FieldValue | None = None
    required: bool = False
    type: FieldType = FieldType.TEXT
    noted: bool = False


class Do(StrEnum):
    """What a step does: it sends a letter, or it reminds her of something that is hers to do."""

    MAIL = "mail"
    TASK = "task"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One of several letters of a step; of all people, `share` out of the sum of shares get it."""

    name: str
    title: str
    share: int
    letter: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry:
    """The last day on which a letter may leave: a date, or the date in a field."""

    day: date | None = None
    field: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One letter, or task for her, and the wait before it. `word` is its identity for ever; `letter` and `subject` are
    templates, and so is each letter in `variants`, where there are any.

    A subject opens a new thread. Without a wait it can only open one. `hours` are the sequence's, narrowed; `condition`
    is an expression on fields. `line` is where the step begins in its file, counted from 1. `attach` names
    files, relative to the folder of the rules.
    """

    word: str
    wait: Delay | None
    letter: str
    subject: str | None = None
    tone: str | None = None
    line: int = 0
    do: Do = Do.MAIL
    hours: Hours | None = None
    condition: str | None = None
    expires: Expiry | None = None
    variants: tuple[Variant, ...] = ()
    attach: tuple[str, ...] = ()

    @property
    def letters(self) -> tuple[str, ...]:
        """Every letter that it may send."""
        return tuple(variant.letter for variant in self.variants) or (self.letter,)


ONE_BUSINESS_DAY = Wait(amount=1, unit=Unit.BUSINESS_DAY)
THREE_MONTHS = Wait(amount=3, unit=Unit.MONTH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the settings at the top of a rule file say, each under its own name, with what holds where it is left out.

    `title` is called `sequence` there and `audience` `for`: a condition on fields, who may be enrolled. `then`,
    `refused`, `won` and `lost` name the sequence that takes over. `not_now` is how long he is left alone who wants mail
    later and names no day, `after_my_answer` how long he may be silent after an answer of hers before it goes on, with
    the step `again`; `my_turn` how long a question of his may wait before she is reminded of it. `company`: an answer
    of anybody at his company holds it; `ticket`: so does a receipt of a service desk; `cc_counts`: her mail outside the
    thread counts as a touch also where he only gets a copy. Of two letters to one person on one day the one of the
    higher `priority` goes. `signature`: hers stands below each letter; `quote`: below that, the message that is
    answered.
    """

    title: str = ""
    about: str = ""
    language: str = "en"
    tone: str = "polite"
    pace: float = 1.0
    hours: Hours = field(default_factory=Hours)
    fields: Mapping[str, Field] = field(default_factory=dict)
    audience: str | None = None
    out_of_office: Wait = ONE_BUSINESS_DAY
    not_now: Wait = THREE_MONTHS
    after_my_answer: Wait | None = None
    again: str | None = None
    my_turn: Wait = ONE_BUSINESS_DAY
    company: bool = False
    cc_counts: bool = False
    ticket: bool = False
    priority: int = 0
    then: str | None = None
    refused: str | None = None
    won: str | None = None
    lost: str | None = None
    signature: bool = True
    quote: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence(Terms):
    """A rule file that has been read without an error; `name` is the file's stem, `digest` the source's SHA-256."""

    name: str
    steps: tuple[Step, ...]
    digest: str = ""

    def step(self, word: str) -> Step | None:
        """The step with this word, or None."""
        return next((step for step in self.steps if step.word == word), None)

    def after(self, word: str | None) -> tuple[Step, ...]:
        """The steps behind the one with this word; all for None, none for a word that is not in the file (any more)."""
        if word is None:
            return self.steps
        words = [step.word for step in self.steps]
        return self.steps[words.index(word) + 1 :] if word in words else ()

    def hours_of(self, step: Step) -> Hours:
        """When this step may leave."""
        return step.hours or self.hours
