"""The names that a template may use: fields, what every letter knows, and phrases."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from inboxagent.outreach.fields import PERSON_FIELDS
from inboxagent.outreach.phrases import BUILT_IN, GREETING, PHRASE, SIGN_OFF, TONES, Phrases
from inboxagent.outreach.sequence import Field
from inboxagent.rules.problem import Report, did_you_mean, nearest
from inboxagent.rules.source import Passage, Piece

WORD = re.compile(r"\w")
NEAR = 0.75  # how alike an undeclared field must be to a known one to count as a slip


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """What may stand in a template: declared fields, and phrases (None: this is a phrase itself).

    Names that are neither declared nor near a known one are gathered in `undeclared`, each with its first place.
    """

    fields: Mapping[str, Field] = field(default_factory=dict)
    phrases: Phrases | None = None
    undeclared: dict[str, Piece] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """All names that are known."""
        return (*self.fields, *PERSON_FIELDS, *BUILT_IN)


def known_as(text: str, words: Vocabulary) -> str | None:
    """The known name that the text is another spelling of: `First Name`, `first-name`, `FIRST_NAME`."""
    plain = re.sub(r"[\W_]+", "", text.lower())
    return next((name for name in words.names if plain and name.replace("_", "") == plain), None)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an expression stands."""

    passage: Passage
    start: int
    source: str

    def of(self, name: str) -> Piece:
        """The first place of the name in the expression, or all of it."""
        found = re.search(rf"\b{re.escape(name)}\b", self.source)
        start, end = found.span() if found else (0, len(self.source))
        return self.passage.part(self.start + start, self.start + end)

    @property
    def whole(self) -> Piece:
        """All of it."""
        return self.passage.part(self.start, self.start + len(self.source))


def check_name(name: str, piece: Piece, words: Vocabulary, report: Report) -> None:
    """Report a name that is not known and was probably meant otherwise, and what a phrase of that name lacks."""
    if name in (GREETING, SIGN_OFF):
        check_phrase(name, piece, words, report)
    elif name == PHRASE:
        report.error(piece, "which phrase?", "write {{ phrase.name }}")
    elif name not in words.names:
        if near := misspelt(name, words):
            report.error(piece, f'unknown field "{name}"', f'did you mean "{near}"?')
        else:
            words.undeclared.setdefault(name, piece)


def check_phrase(name: str, piece: Piece, words: Vocabulary, report: Report) -> None:
    """Report a phrase that is not there, or not in every tone."""
    if words.phrases is None:
        report.error(piece, "a phrase cannot use another phrase", "write it out here")
        return
    texts = words.phrases.texts
    if not texts:
        language = words.phrases.language
        report.error(piece, f'there are no phrases for the language "{language}"', f"write phrases/{language}.yaml")
    elif name not in texts:
        report.error(piece, f'unknown phrase "{name}"', did_you_mean(name, tuple(texts)))
    elif silent := [tone for tone in TONES if tone not in texts[name]]:
        report.error(piece, f'the phrase "{name}" has no words for the tone "{silent[0]}"', "add them to its file")


def misspelt(name: str, words: Vocabulary) -> str | None:
    """The known name that was meant by an unknown one."""
    return None if name in words.names else nearest(name, words.names, cutoff=NEAR)
