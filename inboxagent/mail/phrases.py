"""Phrases of the language packs, looked for in a text: folded alike, cheap substring first, pattern second.

In a phrase ` ... ` stands for up to forty characters within one line and a `*` at the end of a word for any ending.
"""

import functools
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from inboxagent.mail import languages

# More lines or longer ones do not come from a person who says something about stopping or being away.
MOST_LINES = 2_000
LONGEST_LINE = 300
# What says how a message is meant stands at its beginning.
LONGEST_TEXT = 32_768

# Zero-width, bidirectional and soft-hyphen characters, with which a word can be broken up unseen.
_UNSEEN = dict.fromkeys(
    [0xAD, 0x34F, 0x61C, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF]
)
_STRAIGHT = str.maketrans(
    {"‘": "'", "’": "'", "´": "'", "`": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "…": "..."}
)
_SPACE = re.compile(r"\s+")
_GAP = ".{0,40}?"
# Scripts that set no space between words: a phrase may begin and end anywhere.
UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase that was found: the language, the words of the text around it, its place in the folded text."""

    language: str
    words: str
    start: int = 0


@dataclass(frozen=True, slots=True)
class Phrase:
    """One phrase of one language, ready to be looked for in folded text."""

    language: str
    fragments: tuple[str, ...]
    source: str

    @property
    def pattern(self) -> re.Pattern[str]:
        """The pattern, compiled when a fragment was found: of ten thousand phrases few ever are."""
        return _compiled(self.source)


@functools.cache
def _compiled(source: str) -> re.Pattern[str]:
    return re.compile(source)


def unseen_removed(text: str) -> str:
    """The text without zero-width, bidirectional and soft-hyphen characters."""
    return text.translate(_UNSEEN)


@functools.lru_cache(maxsize=4096)
def fold(text: str) -> str:
    """One form for what reads alike: case, width, accents, quotation marks and white space are evened out."""
    if text.isascii():
        return _SPACE.sub(" ", text.lower().replace("`", "'")).strip()
    text = unicodedata.normalize("NFKD", text.translate(_UNSEEN).translate(_STRAIGHT)).casefold()
    text = "".join(c for c in text if not unicodedata.combining(c))
    return _SPACE.sub(" ", unicodedata.normalize("NFC", text)).strip()


def compile_phrase(language: str, phrase: str) -> Phrase:
    """A phrase of a language file as a pattern over folded text."""
    pieces = [fold(piece) for piece in phrase.split("...")]
    fragments = tuple(piece.rstrip("*").strip() for chunk in pieces for piece in re.split(r"\*", chunk))
    pattern = _GAP.join(_piece_pattern(piece) for piece in pieces)
    return Phrase(language, tuple(f for f in fragments if f), pattern)


def _piece_pattern(piece: str) -> str:
    start = "" if UNSPACED.match(piece) or not piece[:1].isalnum() else r"(?<!\w)"
    end = "" if piece.endswith("*") or UNSPACED.match(piece[-1:]) or not piece[-1:].isalnum() else r"(?!\w)"
    return start + re.escape(piece).replace(r"\*", r"\w{0,12}").replace(r"\ ", r"\s") + end


@functools.cache
def phrases(subject: str) -> tuple[Phrase, ...]:
    """The phrases of all languages on one subject."""
    return tuple(compile_phrase(pack.code, phrase) for pack in languages.packs() for phrase in pack.words(subject))


@functools.cache
def of(language: str, subject: str) -> tuple[Phrase, ...]:
    """The phrases of one language on one subject, longest first."""
    found = [phrase for phrase in phrases(subject) if phrase.language == language]
    return tuple(sorted(found, key=lambda phrase: len(phrase.source), reverse=True))


@functools.cache
def words(subject: str) -> tuple[str, ...]:
    """The phrases of all languages on one subject as folded text, for those that are compared as a whole."""
    return tuple(dict.fromkeys(fold(phrase) for pack in languages.packs() for phrase in pack.words(subject)))


def lines(text: str) -> list[str]:
    """The text as lines that are safe to match: at most 2,000, each cut at 300 characters; empty ones left out."""
    return [line[:LONGEST_LINE] for line in text[:262_144].splitlines()[:MOST_LINES] if line.strip()]


def find(subject: str, text: str) -> Hit | None:
    """The first phrase of a subject within the text, in any language."""
    return next(_hits(subject, text), None)


def find_all(subject: str, text: str) -> list[Hit]:
    """Every phrase of a subject that occurs in the text, in any language, each once."""
    return list(_hits(subject, text))


def _hits(subject: str, text: str) -> Iterator[Hit]:
    folded = fold(text[:LONGEST_TEXT])
    for phrase in phrases(subject):
        if phrase.fragments[0] in folded and (match := phrase.pattern.search(folded)):
            yield Hit(phrase.language, excerpt(folded, match.start(), match.end()), match.start())


def beginnings(subject: str, folded: str) -> Iterator[re.Match[str]]:
    """The phrases of a subject with which a folded text begins."""
    for phrase in phrases(subject):
        if phrase.fragments[0] in folded and (match := phrase.pattern.match(folded)):
            yield match


def ends(subject: str, text: str) -> bool:
    """Whether a text ends with a phrase of a subject."""
    folded = fold(text[-120:])
    return any(folded.endswith(word) for word in words(subject))


def excerpt(text: str, start: int, end: int) -> str:
    """The words around a match, at most about 100 characters, cut at spaces."""
    left = text.find(" ", start - 30) + 1 if start > 30 else 0
    right = text.rfind(" ", end, end + 40) if end + 40 < len(text) else len(text)
    return text[min(left, start) : max(right, end)].strip()[:160]
