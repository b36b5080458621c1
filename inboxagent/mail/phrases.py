"""Phrases of the language packs, looked for in a text: folded alike, cheap substring first, pattern second.

In a phrase ` ... ` stands for up to forty characters within one line and a `*` at the end of a word for any ending.
"""

import functools
import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from inboxagent.mail import languages

# More lines or longer ones do not come from a person who says something about stopping or being away.
MOST_LINES = 2_000
LONGEST_LINE = 300
# What says how a message is meant stands at its beginning.
LONGEST_TEXT = 32_768

# Zero-width, bidirectional and soft-hyphen characters, variation selectors and tags, with which a word can be broken up
# unseen.
_UNSEEN = dict.fromkeys(
    itertools.chain(
        (0xAD, 0x34F, 0x61C, 0xFEFF),
        range(0x180B, 0x1810),
        range(0x200B, 0x2010),
        range(0x202A, 0x202F),
        range(0x2060, 0x2070),
        range(0xFE00, 0xFE10),
        range(0xE0000, 0xE0080),
    )
)
_STRAIGHT = str.maketrans(
    {"‘": "'", "’": "'", "´": "'", "`": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "…": "..."}
)
_PLAIN = _STRAIGHT | _UNSEEN
_TOKEN = re.compile(r"\w+")
_GAP = ".{0,40}?"
# Scripts that set no space between words: a phrase may begin and end anywhere.
UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")


class _Accentless(dict[int, int | None]):
    """A table for `translate` that leaves out combining marks; it learns the characters that it meets."""

    def __missing__(self, point: int) -> int | None:
        return self.setdefault(point, None if unicodedata.combining(chr(point)) else point)


_BARE = _Accentless()


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase that was found: the language, the words of the text around it, its place in the folded text."""

    language: str
    words: str
    start: int = 0


@dataclass(frozen=True, slots=True)
class Phrase:
    """One phrase of one language, ready to be looked for in folded text: its pieces between ` ... `, and what of them
    stands in every text that it matches."""

    language: str
    pieces: tuple[str, ...]
    fragments: tuple[str, ...]

    @property
    def pattern(self) -> re.Pattern[str]:
        """The pattern, compiled when a fragment was found: of ten thousand phrases few ever are."""
        return _compiled(self.pieces)

    @property
    def whole_words(self) -> list[str]:
        """The words that stand as such in every text that the phrase matches; none where that is not certain."""
        if len(self.pieces) == 1:
            return _whole_words(self.pieces[0])
        return [word for piece in self.pieces for word in _whole_words(piece)]


def _whole_words(piece: str) -> list[str]:
    if piece.isascii() and "*" not in piece:
        return _TOKEN.findall(piece)
    found = ((match.group(), f" {piece} "[match.start() : match.end() + 2]) for match in _TOKEN.finditer(piece))
    return [word for word, with_neighbours in found if "*" not in with_neighbours and not UNSPACED.search(word)]


@functools.cache
def _compiled(pieces: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(_GAP.join(_piece_pattern(piece) for piece in pieces))


def unseen_removed(text: str) -> str:
    """The text without zero-width, bidirectional and soft-hyphen characters."""
    return text.translate(_UNSEEN)


@functools.lru_cache(maxsize=4096)
def fold(text: str) -> str:
    """One form for what reads alike: case, width, accents, quotation marks and white space are evened out."""
    if text.isascii():
        return " ".join(text.lower().replace("`", "'").split())
    text = unicodedata.normalize("NFKD", text.translate(_PLAIN)).casefold().translate(_BARE)
    return " ".join(unicodedata.normalize("NFC", text).split())


def compile_phrase(language: str, phrase: str) -> Phrase:
    """A phrase of a language file, to be looked for in folded text."""
    pieces = tuple(fold(piece) for piece in phrase.split("..."))
    if "*" not in phrase:
        return Phrase(language, pieces, pieces)
    fragments = (part.strip() for piece in pieces for part in piece.split("*"))
    return Phrase(language, pieces, tuple(fragment for fragment in fragments if fragment))


def _piece_pattern(piece: str) -> str:
    start = "" if UNSPACED.match(piece) or not piece[:1].isalnum() else r"(?<!\w)"
    end = "" if piece.endswith("*") or UNSPACED.match(piece[-1:]) or not piece[-1:].isalnum() else r"(?!\w)"
    return start + re.escape(piece).replace(r"\*", r"\w{0,12}").replace(r"\ ", r"\s") + end


@functools.cache
def phrases(subject: str) -> tuple[Phrase, ...]:
    """The phrases of all languages on one subject."""
    return tuple(compile_phrase(pack.code, phrase) for pack in languages.packs() for phrase in pack.words(subject))


_Entry = tuple[int, Phrase]  # with its place among the phrases of its subject


@functools.cache
def _by_word() -> Mapping[str, Sequence[tuple[str, _Entry]]]:
    """The phrases of all subjects, each by one word that is certain to stand in a text that it matches: the rarest, so
    that few are looked at in vain; by the empty word where none is certain."""
    subjects = dict.fromkeys(subject for pack in languages.packs() for subject in pack.lists)
    entries = [(subject, entry, entry[1].whole_words) for subject in subjects for entry in enumerate(phrases(subject))]
    frequency = Counter(itertools.chain.from_iterable(words for _, _, words in entries))
    found: dict[str, list[tuple[str, _Entry]]] = {}
    for subject, entry, words in entries:
        found.setdefault(min(words, key=frequency.__getitem__, default=""), []).append((subject, entry))
    return found


@functools.cache
def _wordless(subject: str, in_ascii: bool) -> Sequence[_Entry]:
    """The phrases of a subject that may begin and end within a word; in ASCII text few of them can stand."""
    entries = [entry for named, entry in _by_word()[""] if named == subject]
    return [entry for entry in entries if not in_ascii or "".join(entry[1].pieces).isascii()]


@functools.lru_cache(maxsize=512)
def _worded(folded: str) -> Mapping[str, Sequence[_Entry]]:
    """The phrases by subject whose longest word stands in the text: one pass for all that will be asked about it."""
    by_word = _by_word()
    found: dict[str, list[_Entry]] = {}
    for word in by_word.keys() & frozenset(_TOKEN.findall(folded)):
        for subject, entry in by_word[word]:
            found.setdefault(subject, []).append(entry)
    return found


def _likely(subject: str, folded: str) -> Sequence[Phrase]:
    """The phrases that may occur in a text, in their order: few of ten thousand."""
    worded, wordless = _worded(folded).get(subject, ()), _wordless(subject, folded.isascii())
    if not worded and not wordless:
        return ()
    possible = (
        entry
        for entry in (*worded, *wordless)
        if entry[1].fragments[0] in folded and all(fragment in folded for fragment in entry[1].fragments[1:])
    )
    return [phrase for _, phrase in sorted(possible, key=_place)]


def _place(entry: _Entry) -> int:
    return entry[0]


@functools.cache
def of(language: str, subject: str) -> tuple[Phrase, ...]:
    """The phrases of one language on one subject, longest first."""
    found = [phrase for phrase in phrases(subject) if phrase.language == language]
    return tuple(sorted(found, key=lambda phrase: len(phrase.pattern.pattern), reverse=True))


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
    for phrase in _likely(subject, folded):
        if match := phrase.pattern.search(folded):
            yield Hit(phrase.language, excerpt(folded, match.start(), match.end()), match.start())


def beginnings(subject: str, folded: str) -> Iterator[re.Match[str]]:
    """The phrases of a subject with which a folded text begins."""
    if folded.startswith(_heads(subject)):
        for phrase in _likely(subject, folded):
            if match := phrase.pattern.match(folded):
                yield match


@functools.cache
def _heads(subject: str) -> tuple[str, ...]:
    """What the phrases of a subject begin with, up to the first letter that may be any."""
    return tuple(dict.fromkeys(phrase.pieces[0].partition("*")[0] for phrase in phrases(subject)))


def ends(subject: str, text: str) -> bool:
    """Whether a text ends with a phrase of a subject."""
    folded = fold(text[-120:])
    return any(folded.endswith(word) for word in words(subject))


def excerpt(text: str, start: int, end: int) -> str:
    """The words around a match, at most about 100 characters, cut at spaces."""
    left = text.find(" ", start - 30) + 1 if start > 30 else 0
    right = text.rfind(" ", end, end + 40) if end + 40 < len(text) else len(text)
    return text[min(left, start) : max(right, end)].strip()[:160]
