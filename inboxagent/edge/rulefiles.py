"""The rules folder: files -> the rulebook in force. A broken file changes nothing: its last good version stays."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from inboxagent.outreach.phrases import Phrasebook, Phrases, phrases_for
from inboxagent.outreach.rulebook import Rulebook
from inboxagent.outreach.sequence import Sequence
from inboxagent.rules.parse import parse_rule
from inboxagent.rules.phrases import parse_phrases
from inboxagent.rules.problem import Problem, show
from inboxagent.rules.source import split_lines

T = TypeVar("T")
Stamp = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Generic[T]):
    """What a file was read as; None where a problem is an error. Problems are as she sees them."""

    path: Path
    value: T | None
    problems: tuple[str, ...] = ()


def read_rule(path: Path, phrasebook: Phrasebook) -> Finding[Sequence]:
    """The sequence in a rule file."""
    return _read(path, lambda name, source: parse_rule(name, source, phrasebook))


def read_phrases(path: Path) -> Finding[Phrases]:
    """The phrases in a file `LANGUAGE.yaml`."""
    return _read(path, parse_phrases)


def rule_files(folder: Path) -> list[Path]:
    """The rule files of a folder by name; none where there is no folder."""
    return _files(folder, ".md")


def phrase_files(folder: Path) -> list[Path]:
    """The phrase files of a rules folder by name."""
    return _files(folder / "phrases", ".yaml")


def phrasebook(*folders: Path) -> Phrasebook:
    """The phrases of those files that are in order, each folder's laid over those of the folders before it."""
    book: dict[str, Phrases] = {}
    for path in (path for folder in folders for path in phrase_files(folder)):
        phrases = read_phrases(path).value
        if phrases is not None:
            book[path.stem] = phrases_for(path.stem, book).overlaid(phrases)
    return book


class RuleFiles:
    """Her folder over the one that ships. Call it for the rulebook in force; unchanged files are not read again.

    `tell` gets each new problem once, as text. What never had a good version is not in the book, and neither is a
    sequence whose phrases she has overlaid with a file that never was good: nothing shipped steps in for hers.
    """

    def __init__(self, hers: Path, shipped: Path, tell: Callable[[str], None] = lambda _: None) -> None:
        self._folders = (shipped, hers)
        self._tell = tell
        self._stamp: Stamp | None = None
        self._book = Rulebook()
        self._phrases: dict[Path, Phrases] = {}
        self._sequences: dict[Path, Sequence] = {}
        self.problems: tuple[str, ...] = ()

    def __call__(self) -> Rulebook:
        """The rulebook in force now."""
        stamp = _stamp(self._folders)
        if stamp != self._stamp:
            told = self.problems
            self._book = self._load()
            self._stamp = stamp
            for problem in self.problems:
                if problem not in told:
                    self._tell(problem)
        return self._book

    def _load(self) -> Rulebook:
        self.problems = ()
        phrases, unusable = self._load_phrases()
        sequences: dict[str, Sequence] = {}
        for folder in self._folders:
            for path in rule_files(folder):
                sequence = self._last_good(self._sequences, read_rule(path, phrases))
                sequences.pop(path.stem, None)
                if sequence is not None and sequence.language.partition("-")[0] not in unusable:
                    sequences[path.stem] = sequence
        return Rulebook(sequences=sequences, phrases=phrases)

    def _load_phrases(self) -> tuple[dict[str, Phrases], set[str]]:
        """The phrases by language, hers laid over the shipped ones, and the languages that cannot be used."""
        book: dict[str, Phrases] = {}
        unusable: set[str] = set()
        for folder in self._folders:
            for path in phrase_files(folder):
                phrases = self._last_good(self._phrases, read_phrases(path))
                if phrases is None:
                    unusable.add(path.stem.partition("-")[0])
                else:
                    book[path.stem] = phrases_for(path.stem, book).overlaid(phrases)
        return book, unusable

    def _last_good(self, good: dict[Path, T], finding: Finding[T]) -> T | None:
        if finding.value is not None:
            good[finding.path] = finding.value
        self.problems += finding.problems
        return good.get(finding.path)


def _read(path: Path, parse: Callable[[str, str], tuple[T | None, tuple[Problem, ...]]]) -> Finding[T]:
    try:
        content = path.read_bytes()
    except OSError as error:
        return Finding(path=path, value=None, problems=(f"{path}: cannot be read: {error.strerror}",))
    try:
        source = content.decode()
    except UnicodeDecodeError as error:
        problem = _not_utf8(path, content, error.start)
        return Finding(path=path, value=None, problems=(problem,))
    value, problems = parse(str(path), source)
    lines = split_lines(source)
    return Finding(path=path, value=value, problems=tuple(show(problem, lines) for problem in problems))


def _not_utf8(path: Path, content: bytes, at: int) -> str:
    before = content[:at].decode(errors="replace").split("\n")
    return f"{path}:{len(before)}:{len(before[-1]) + 1}: this is not UTF-8 text; save the file as UTF-8"


def _files(folder: Path, suffix: str) -> list[Path]:
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    return [folder / name for name in names if name.endswith(suffix) and not name.startswith(".")]


def _stamp(folders: Iterable[Path]) -> Stamp:
    """Differs when any file was changed, added or removed."""
    return tuple(_stat(path) for folder in folders for path in (*rule_files(folder), *phrase_files(folder)))


def _stat(path: Path) -> tuple[str, int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return str(path), 0, 0, 0
    return str(path), found.st_mtime_ns, found.st_size, found.st_ino
