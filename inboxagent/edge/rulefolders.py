"""The rules folders: files -> the rulebook in force. A broken file changes nothing: its last good version stays."""

import hashlib
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from inboxagent.edge.rulefiles import (
    Finding,
    phrase_files,
    read_kept,
    read_phrases,
    read_rule,
    require_folder,
    rule_files,
)
from inboxagent.outreach.phrases import Phrases, phrases_for
from inboxagent.outreach.rulebook import Rulebook
from inboxagent.outreach.sequence import Sequence

T = TypeVar("T")
Stamp = tuple[tuple[str, int, int, int], ...]


class OnDemand(Mapping[str, T], Generic[T]):
    """Values by name, each read when it is first asked for; a name for which `read` has None is not in it."""

    def __init__(self, names: Iterable[str], read: Callable[[str], T | None]) -> None:
        self._names = tuple(dict.fromkeys(names))
        self._read = read
        self._known: dict[str, T | None] = {}

    def __getitem__(self, name: str) -> T:
        if name not in self._known:
            self._known[name] = self._read(name) if name in self._names else None
        if (value := self._known[name]) is None:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._names if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Good:
    """What was good once, by its file, as long as this process lives."""

    phrases: dict[Path, Phrases] = field(default_factory=dict)
    sequences: dict[Path, Sequence] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """The folder that ships, and hers. In `kept` lie the good versions of her rule files; `keeps` writes them."""

    shipped: Path
    hers: Path
    kept: Path | None
    keeps: bool

    def stamp(self) -> Stamp:
        """Differs when any file was changed, added or removed."""
        both = (self.shipped, self.hers)
        return tuple(_stat(path) for each in both for path in (*rule_files(each), *phrase_files(each)))


class Look:
    """One look at the folders; `problems` and `unusable` tell of the files that were asked for."""

    def __init__(self, folders: Folders, good: Good, missed: Callable[[Container[str]], frozenset[str]]) -> None:
        self._folders = folders
        self._good = good
        self._languages: dict[str, dict[str, Phrases]] = {}
        self._spoilt: set[str] = set()  # languages with a file that never was good
        both = (folders.shipped, folders.hers)
        listed = [path for each in both for path in _with_vanished(rule_files(each), good.sequences, each)]
        there = {path.stem for path in listed if path.parent == folders.hers}
        self._missed = [folders.hers / f"{name}.md" for name in sorted(missed(there))]
        self._rule_files = {path.stem: path for path in (*listed, *self._missed)}
        named = [(phrase_files(each), each / "phrases") for each in both]
        self._phrase_files = [path for paths, each in named for path in _with_vanished(paths, good.phrases, each)]
        phrases = OnDemand((path.stem for path in self._phrase_files), self._phrases)
        self.book = Rulebook(sequences=OnDemand(self._rule_files, self._sequence), phrases=phrases)
        self.problems: tuple[str, ...] = ()
        self.unusable: tuple[Path, ...] = ()

    def read_all(self) -> Rulebook:
        """The rulebook with every file of it read."""
        phrases = dict(self.book.phrases)
        return Rulebook(sequences=dict(self.book.sequences), phrases=phrases)

    def _phrases(self, name: str) -> Phrases | None:
        return self._language(name.partition("-")[0]).get(name)

    def _language(self, base: str) -> Mapping[str, Phrases]:
        """The phrases of `de`, `de-AT` and so on, hers laid over the shipped ones."""
        if base not in self._languages:
            book: dict[str, Phrases] = {}
            for path in (path for path in self._phrase_files if path.stem.partition("-")[0] == base):
                phrases = self._last_good(self._good.phrases, read_phrases(path))
                if phrases is None:
                    self._spoilt.add(base)
                else:
                    book[path.stem] = phrases_for(path.stem, book).overlaid(phrases)
            self._languages[base] = book
        return self._languages[base]

    def _sequence(self, name: str) -> Sequence | None:
        path = self._rule_files[name]
        finding = read_rule(path, self.book.phrases)
        sequence = self._last_good(self._good.sequences, finding) or self._from_kept(path)
        if sequence is None:
            self._mourn(path)
            return None
        if path.parent == self._folders.hers:
            self._keep(path, sequence)
        base = sequence.language.partition("-")[0]
        self._language(base)
        return None if base in self._spoilt else sequence

    def _mourn(self, path: Path) -> None:
        """Say so where hers has gone with somebody inside, and no version of it is left."""
        if path in self._missed:
            self.problems += (
                f"{path}: this file has gone, and somebody is enrolled in it; one of that name that ships does not "
                "step in: put yours back, or copy the shipped one there",
            )

    def _last_good(self, good: dict[Path, T], finding: Finding[T]) -> T | None:
        if finding.value is not None:
            good[finding.path] = finding.value
        else:
            self.unusable += (finding.path,)
        self.problems += finding.problems
        return good.get(finding.path)

    def _from_kept(self, path: Path) -> Sequence | None:
        """The last good version of a file that is broken, or has gone, as another process has kept it. Where all of
        her folder has gone, her phrases have too, and her letter is not to go with those that ship."""
        if self._folders.kept is None or path.parent != self._folders.hers or not path.parent.is_dir():
            return None
        sequence = read_kept(self._folders.kept, path.stem, self.book.phrases)
        if sequence is not None:
            self._good.sequences[path] = sequence
        return sequence

    def _keep(self, path: Path, sequence: Sequence) -> None:
        """Write down the good version, for other processes and the next start."""
        kept = self._folders.kept
        if not self._folders.keeps or kept is None or path in self.unusable:
            return
        with suppress(OSError):
            content = path.read_bytes()
            if hashlib.sha256(content).hexdigest() != sequence.digest:
                return  # changed since it was read: the next look keeps it
            target = kept / path.name
            kept.mkdir(mode=0o700, exist_ok=True)
            if not target.exists() or target.read_bytes() != content:
                fresh = target.with_suffix(".new")
                fresh.write_bytes(content)
                fresh.replace(target)


class RuleFiles:
    """Her folder over the one that ships. Call it for the rulebook in force; unchanged files are not read again.

    `tell` gets each new problem once, as text. What never had a good version is not in the book, and neither is a
    sequence whose phrases she has overlaid with a file that never was good: nothing shipped steps in for hers. What
    was good once stays in force while this object lives, though its file, or the whole folder, should vanish. In
    `kept` lie the good versions of her rule files, so that neither a restart forgets them nor a command that comes
    when the file has gone; `keeps` writes them.
    """

    def __init__(
        self,
        hers: Path,
        shipped: Path,
        tell: Callable[[str], None] = lambda _: None,
        *,
        named_in: Path | None = None,
        missed: Callable[[Container[str]], frozenset[str]] = lambda _: frozenset(),
        kept: Path | None = None,
        keeps: bool = False,
    ) -> None:
        """`named_in` is the configuration that names her folder. `missed` answers, for the sequences that are in it,
        which others were read from it and have people inside: none of such a name that ships ever steps in."""
        self._folders = Folders(shipped=shipped, hers=hers, kept=kept, keeps=keeps)
        self._tell = tell
        self._named_in = named_in
        self._missed = missed
        self._good = Good()
        self._stamp: Stamp | None = None
        self._look: Look | None = None
        self._book = Rulebook()

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with the files that were read, as she sees it."""
        return self._look.problems if self._look else ()

    @property
    def unusable(self) -> tuple[Path, ...]:
        """What cannot be used as it lies there: broken, or gone."""
        return self._look.unusable if self._look else ()

    def stamp(self) -> object:
        """Differs from an earlier answer where a file was changed, added or removed."""
        return self._folders.stamp()

    def __call__(self) -> Rulebook:
        """The rulebook in force now. Raises ConfigError where the folder that is named was never there."""
        stamp = self._folders.stamp()
        if stamp != self._stamp:
            told = self.problems if self._stamp is not None else ()
            look = self._begin()
            self._book = look.read_all()
            self._stamp = stamp
            for problem in look.problems:
                if problem not in told:
                    self._tell(problem)
        return self._book

    def on_demand(self) -> Rulebook:
        """The rulebook in force, of which each file is read when it is first asked for: for a command that needs one
        or two. `problems` and `unusable` then tell of those alone, and `tell` hears nothing. Raises ConfigError."""
        return self._book if self._stamp is not None else self._begin().book

    def hers(self) -> frozenset[str]:
        """The sequences in force that were read from her folder."""
        return frozenset(path.stem for path in self._good.sequences if path.parent == self._folders.hers)

    def _begin(self) -> Look:
        if self._stamp is None:
            require_folder(self._folders.hers, self._named_in)
        self._look = Look(self._folders, self._good, self._missed)
        return self._look


def _with_vanished(paths: Iterable[Path], good: Iterable[Path], folder: Path) -> list[Path]:
    """The files of a folder, with those that were good once and are no longer listed: reading them says so."""
    return sorted({*paths, *(path for path in good if path.parent == folder)})


def _stat(path: Path) -> tuple[str, int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return str(path), 0, 0, 0
    return str(path), found.st_mtime_ns, found.st_size, found.st_ino
