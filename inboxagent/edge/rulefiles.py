"""The rules folder: files -> the rulebook in force. A broken file changes nothing: its last good version stays."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from inboxagent.errors import ConfigError
from inboxagent.outreach.phrases import Phrasebook, Phrases, phrases_for
from inboxagent.outreach.rulebook import Rulebook
from inboxagent.outreach.sequence import Sequence
from inboxagent.rules.parse import parse_rule
from inboxagent.rules.phrases import parse_phrases
from inboxagent.rules.problem import Problem, Severity, show
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
    """The sequence in a rule file; a file that it attaches and that is not there is a warning."""

    def read(name: str, source: str) -> tuple[Sequence | None, tuple[Problem, ...]]:
        sequence, problems = parse_rule(name, source, phrasebook)
        return sequence, (*problems, *_missing_files(path, sequence))

    return _read(path, read)


def _missing_files(path: Path, sequence: Sequence | None) -> Iterator[Problem]:
    for step in sequence.steps if sequence else ():
        for name in step.attach:
            if not (path.parent / name).is_file():
                yield Problem(
                    path=str(path),
                    line=step.line,
                    column=1,
                    width=len(step.word) + 3,
                    text=f'"{step.word}" attaches {name}, and there is no such file in {path.parent}',
                    hint="without it the letter does not go: the conversation is held",
                    severity=Severity.WARNING,
                )


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


def require_folder(folder: Path, named_in: Path | None) -> None:
    """Raise ConfigError where a rules folder that the configuration names does not exist; None: it names none."""
    if named_in is not None and not folder.is_dir():
        raise ConfigError(f"{named_in}: rules: there is no folder {folder}; make it, or name the one you mean")


class RuleFiles:
    """Her folder over the one that ships. Call it for the rulebook in force; unchanged files are not read again.

    `tell` gets each new problem once, as text. What never had a good version is not in the book, and neither is a
    sequence whose phrases she has overlaid with a file that never was good: nothing shipped steps in for hers. What
    was good once stays in force while this object lives, though its file, or the whole folder, should vanish. In
    `kept` lie the good versions of her rule files, so that a restart does not forget them; `keeps` writes them.
    """

    def __init__(
        self,
        hers: Path,
        shipped: Path,
        tell: Callable[[str], None] = lambda _: None,
        *,
        named_in: Path | None = None,
        bound: Callable[[], frozenset[str]] = frozenset,
        kept: Path | None = None,
        keeps: bool = False,
    ) -> None:
        """`named_in` is the configuration that names her folder. `bound` are the sequences that were read from hers
        and have people inside: the shipped one of that name never steps in for it."""
        self._folders = (shipped, hers)
        self._hers, self._kept, self._keeps = hers, kept, keeps
        self._tell = tell
        self._named_in = named_in
        self._bound = bound
        self._stamp: Stamp | None = None
        self._book = Rulebook()
        self._phrases: dict[Path, Phrases] = {}
        self._sequences: dict[Path, Sequence] = {}
        self.problems: tuple[str, ...] = ()
        self.unusable: tuple[Path, ...] = ()
        """What cannot be used as it lies there: broken, gone, or barred because hers of that name is gone."""

    def stamp(self) -> object:
        """Differs from an earlier answer where a file was changed, added or removed."""
        return _stamp(self._folders)

    def __call__(self) -> Rulebook:
        """The rulebook in force now. Raises ConfigError where the folder that is named was never there."""
        stamp = _stamp(self._folders)
        if stamp != self._stamp:
            if self._stamp is None:
                require_folder(self._folders[1], self._named_in)
            told = self.problems
            self._book = self._load()
            self._stamp = stamp
            for problem in self.problems:
                if problem not in told:
                    self._tell(problem)
        return self._book

    def hers(self) -> frozenset[str]:
        """The sequences in force that were read from her folder."""
        return frozenset(path.stem for path in self._sequences if path.parent == self._folders[1])

    def _load(self) -> Rulebook:
        self.problems, self.unusable = (), ()
        phrases, unusable = self._load_phrases()
        sequences: dict[str, Sequence] = {}
        for folder in self._folders:
            for path in _with_vanished(rule_files(folder), self._sequences, folder):
                sequence = self._last_good(self._sequences, read_rule(path, phrases)) or self._from_kept(path, phrases)
                if sequence is not None and folder == self._hers:
                    self._keep(path, sequence)
                sequences.pop(path.stem, None)
                if sequence is not None and sequence.language.partition("-")[0] not in unusable:
                    sequences[path.stem] = sequence
        for name in sorted((sequences.keys() - self.hers()) & self._bound()):
            self._bar(name, sequences)
        return Rulebook(sequences=sequences, phrases=phrases)

    def _bar(self, name: str, sequences: dict[str, Sequence]) -> None:
        """Keep a shipped sequence out of the book: somebody is inside hers of that name, which has gone."""
        del sequences[name]
        path = self._folders[1] / f"{name}.md"
        self.unusable += (path,)
        self.problems += (
            f"{path}: this file has gone, and somebody is enrolled in it; the one of that name that ships does not "
            "step in: put yours back, or copy the shipped one there",
        )

    def _load_phrases(self) -> tuple[dict[str, Phrases], set[str]]:
        """The phrases by language, hers laid over the shipped ones, and the languages that cannot be used."""
        book: dict[str, Phrases] = {}
        unusable: set[str] = set()
        for folder in self._folders:
            for path in _with_vanished(phrase_files(folder), self._phrases, folder / "phrases"):
                phrases = self._last_good(self._phrases, read_phrases(path))
                if phrases is None:
                    unusable.add(path.stem.partition("-")[0])
                else:
                    book[path.stem] = phrases_for(path.stem, book).overlaid(phrases)
        return book, unusable

    def _last_good(self, good: dict[Path, T], finding: Finding[T]) -> T | None:
        if finding.value is not None:
            good[finding.path] = finding.value
        else:
            self.unusable += (finding.path,)
        self.problems += finding.problems
        return good.get(finding.path)

    def _from_kept(self, path: Path, phrases: Phrasebook) -> Sequence | None:
        """The last good version of a broken file, as an earlier process has kept it."""
        if self._kept is None or path.parent != self._hers:
            return None
        sequence = read_kept(self._kept, path.stem, phrases)
        if sequence is not None:
            self._sequences[path] = sequence
        return sequence

    def _keep(self, path: Path, sequence: Sequence) -> None:
        """Write down the good version; without it only a restart on a broken file would forget."""
        if not self._keeps or self._kept is None or path in self.unusable:
            return
        with suppress(OSError):
            content = path.read_bytes()
            if hashlib.sha256(content).hexdigest() != sequence.digest:
                return  # changed since it was read: the next look keeps it
            target = self._kept / path.name
            self._kept.mkdir(mode=0o700, exist_ok=True)
            if not target.exists() or target.read_bytes() != content:
                fresh = target.with_suffix(".new")
                fresh.write_bytes(content)
                fresh.replace(target)


def read_kept(kept: Path, name: str, phrasebook: Phrasebook) -> Sequence | None:
    """The version of a sequence that the daemon had in force last."""
    return read_rule(kept / f"{name}.md", phrasebook).value


def _with_vanished(paths: Iterable[Path], good: Iterable[Path], folder: Path) -> list[Path]:
    """The files of a folder, with those that were good once and are no longer listed: reading them says so."""
    return sorted({*paths, *(path for path in good if path.parent == folder)})


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
