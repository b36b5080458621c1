"""Rule and phrase files as they lie in a folder: each is read as a value, with its problems as she sees them."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from inboxagent.errors import ConfigError
from inboxagent.outreach.phrases import Phrasebook, Phrases, phrases_for
from inboxagent.outreach.sequence import Sequence
from inboxagent.rules.parse import parse_rule
from inboxagent.rules.phrases import parse_phrases
from inboxagent.rules.problem import Problem, Severity, show
from inboxagent.rules.source import split_lines

T = TypeVar("T")


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


def read_kept(kept: Path, name: str, phrasebook: Phrasebook) -> Sequence | None:
    """The version of a sequence that the daemon had in force last."""
    return read_rule(kept / f"{name}.md", phrasebook).value


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
