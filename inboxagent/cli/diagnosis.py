"""What a check of `doctor` says."""

from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What was looked at, how it is, in a sentence, and what to do about it."""

    about: str
    grade: Grade
    says: str
    remedy: str | None = None
