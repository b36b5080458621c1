"""Facts about a prospect: words given at enrolment -> typed values that are inert text in a letter."""

import re
import unicodedata
from datetime import date
from decimal import Decimal

from inboxagent.outreach.sequence import FieldType, FieldValue

PERSON_FIELDS = ("first_name", "last_name", "name", "salutation", "company", "phone", "zone", "country", "language")
"""What every enrolment may give, whether the sequence mentions it or not."""

THREAD_FIELDS = {"subject": FieldType.TEXT, "last_touch": FieldType.DATE, "days_since": FieldType.NUMBER}
"""What the thread itself tells: its subject, the day of her last letter in it, and how many days ago that was."""

LONGEST_VALUE = 2_000

_NUMBER = re.compile(r"[+-]?\d{1,15}(?:\.\d{1,6})?")
_BREAKS = re.compile(r"[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+")
# Direction marks would turn the text around them; surrogates cannot be sent at all.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def read_value(words: str, type_: FieldType) -> FieldValue:
    """The value of a field; ValueError says in words what it should have been."""
    words = inert(words)
    match type_:
        case FieldType.NUMBER:
            return _read_number(words)
        case FieldType.DATE:
            return _read_date(words)
        case FieldType.TEXT:
            return words


def inert(words: str) -> str:
    """One line of printable text: line breaks and tabs are spaces, control and direction marks are gone."""
    if words.isprintable():  # nearly always
        return words.strip()
    words = _BREAKS.sub(" ", words)
    return "".join(char for char in words if not _is_control(char)).strip()


def has_control(words: str) -> bool:
    """Whether the words hold a line break, a tab or a control character, which no header field may carry."""
    return any(_is_control(char) or _BREAKS.match(char) for char in words)


def _is_control(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cs") or char in _TURNING


def _read_number(words: str) -> Decimal:
    if not _NUMBER.fullmatch(words):
        raise ValueError(f'"{words}" is not a number; write it like 3000 or 3000.50')
    return Decimal(words)


def _read_date(words: str) -> date:
    try:
        return date.fromisoformat(words)
    except ValueError:
        raise ValueError(f'"{words}" is not a date; write it like 2026-12-31') from None
