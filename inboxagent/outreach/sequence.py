"""What a rule file says, as values: a sequence with its steps, waits, sending hours and fields."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import groupby

DAY_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
EVERY_DAY = frozenset(range(7))
MINUTES_A_DAY = 24 * 60


class Unit(StrEnum):
    """What a wait is counted in; the value is the word for one of them."""

    SECOND = "second"
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    BUSINESS_DAY = "business day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """A span since the previous touch; an amount of 0 is "at once"."""

    amount: int
    unit: Unit

    def __str__(self) -> str:
        """The words of the rule file: `3 business days`."""
        if self.amount == 0:
            return "at once"
        return f"{self.amount} {self.unit}{'' if self.amount == 1 else 's'}"

    @property
    def long(self) -> bool:
        """A day or longer in kind: counted on the calendar, not with a stop-watch."""
        return self.amount > 0 and self.unit not in (Unit.SECOND, Unit.MINUTE, Unit.HOUR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """When letters may leave: days (Monday is 0) and windows [start, end) in minutes since midnight, sorted, apart.

    `zone` is `prospect`, `me` or an IANA name. What a rule file does not narrow is open.
    """

    days: frozenset[int] = EVERY_DAY
    between: tuple[tuple[int, int], ...] = ((0, MINUTES_A_DAY),)
    zone: str = "prospect"

    @property
    def days_in_words(self) -> str:
        """`Mon-Thu`, `Mon, Wed-Fri`, or `every day`."""
        if self.days >= EVERY_DAY:
            return "every day"
        return ", ".join(_runs(sorted(self.days)))

    @property
    def windows_in_words(self) -> str:
        """`8:30-11:30, 13:30-16:30`."""
        return ", ".join(f"{clock(start)}-{clock(end)}" for start, end in self.between)


def clock(minutes: int) -> str:
    """Minutes since midnight as a time of day, up to `24:00`."""
    return f"{minutes // 60}:{minutes % 60:02}"


def _runs(days: Iterable[int]) -> Iterable[str]:
    for _, run in groupby(enumerate(days), key=lambda pair: pair[1] - pair[0]):
        names = [DAY_NAMES[day] for _, day in run]
        yield names[0] if len(names) == 1 else f"{names[0]}-{names[-1]}"


class FieldType(StrEnum):
    """What the value of a field must be."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"


FieldValue = str | Decimal | date


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A fact that letters may use; a value of its type, its fallback, or nothing where neither is there."""

    name: str
    fallback: FieldValue | None = None
    required: bool = False
    type: FieldType = FieldType.TEXT


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One letter and the wait before it. `word` is its identity for ever; `letter` and `subject` are templates.

    A subject opens a new thread. `line` is where the step begins in its file, counted from 1.
    """

    word: str
    wait: Wait
    letter: str
    subject: str | None = None
    tone: str | None = None
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """A rule file that has been read without an error; `name` is the file's stem, `digest` the source's SHA-256."""

    name: str
    title: str
    steps: tuple[Step, ...]
    about: str = ""
    language: str = "en"
    tone: str = "polite"
    hours: Hours = field(default_factory=Hours)
    fields: Mapping[str, Field] = field(default_factory=dict)
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
