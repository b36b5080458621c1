"""A TOML text with its problems: tables that are asked key by key and remember what was wrong with the answers."""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from inboxagent.errors import ConfigError

T = TypeVar("T")
D = TypeVar("D")


def parse(source: str, path: Path) -> dict[str, object]:
    """The document. Raises ConfigError with the place where the text is not TOML."""
    try:
        return tomllib.loads(source.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_syntax(str(error), source, path)) from error
    except RecursionError as error:
        raise ConfigError(f"{path}: nested too deeply to be a configuration") from error


def _syntax(message: str, source: str, path: Path) -> str:
    found = re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", message, re.DOTALL)
    if found is None:
        return f"{path}: this is not TOML: {message}"
    lines = source.rstrip("\n").split("\n")
    line, column = (found[2], found[3]) if found[2] else (len(lines), len(lines[-1]) + 1)
    return f"{path}:{line}:{column}: this is not TOML: {_in_words(found[1])}"


def _in_words(message: str) -> str:
    """What the parser says, without the tuples in which it keeps names."""
    if twice := re.fullmatch(r"Cannot declare \((.+)\) twice", message):
        name = ".".join(re.findall(r"'([^']*)'", twice[1]))
        return f"[{name}] is there twice; put all of its keys below one of them"
    if message == "Cannot overwrite a value":
        return "this key is there twice; keep one of them"
    return message[:1].lower() + message[1:]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a key of a table; the table's name is empty at the top of the file."""

    table: str
    key: str
    text: str

    def show(self, source: str, path: Path) -> str:
        """One line: the file, the line where it can be told, the key, what is wrong."""
        line = _line(source, self.table, self.key)
        place = f"{path}:{line}" if line else str(path)
        key = " ".join(part for part in (f"[{self.table}]" if self.table else "", self.key) if part)
        return f"{place}: {key}: {self.text}"


def _line(source: str, table: str, key: str) -> int | None:
    """Where a key stands, or its table where it is absent; None where neither is there as such."""
    current, begins = "", None
    for number, line in enumerate(source.splitlines(), 1):
        if header := re.match(r"\s*\[\s*([\w.-]+)\s*\]", line):
            current = header[1]
            begins = number if current in (table, key) and begins is None else begins
        elif current == table and key and re.match(rf"""\s*["']?{re.escape(key)}["']?\s*[.=]""", line):
            return number
    return begins


class Table:
    """One table of the file. An answer that a check refuses becomes a problem, and the default stands in for it."""

    def __init__(self, name: str, values: Mapping[str, object], problems: list[Problem]) -> None:
        self._name = name
        self._values = values
        self._problems = problems

    def table(self, name: str) -> "Table":
        """The table inside this one; empty where it is absent."""
        values = self._values.get(name, {})
        if not isinstance(values, dict):
            self.complain(name, f"this is a table; write [{name}] on a line of its own and its keys below")
            values = {}
        return Table(name, values, self._problems)

    def read(self, key: str, check: Callable[[object], T], default: D) -> T | D:
        """The value of a key, if it is there and `check` takes it; `check` raises ValueError with what is wrong."""
        if key not in self._values:
            return default
        try:
            return check(self._values[key])
        except ValueError as error:
            self.complain(key, str(error))
            return default

    def need(self, key: str, check: Callable[[object], T], meant: str, stand_in: T) -> T:
        """The same for a key that must be there; `meant` says what for."""
        if key not in self._values:
            self.complain(key, f"missing: {meant}")
        return self.read(key, check, stand_in)

    def has(self, *keys: str) -> bool:
        """Whether any of the keys is there."""
        return any(self._values.get(key, "") != "" for key in keys)

    def complain(self, key: str, text: str) -> None:
        """Remember a problem."""
        self._problems.append(Problem(self._name, key, text))

    def refuse_others(self, known: Mapping[str, tuple[str, ...]], remedies: Mapping[str, str]) -> None:
        """Complain of every key that this table does not have, with the nearest word, or the table it belongs to."""
        for key in self._values.keys() - set(known[self._name]):
            self.complain(key, f"there is no such key; {_remedy(key, self._name, known, remedies)}")


def _remedy(key: str, table: str, known: Mapping[str, tuple[str, ...]], remedies: Mapping[str, str]) -> str:
    import difflib  # costly, and needed for slips only

    if key in remedies:
        return remedies[key]
    if near := difflib.get_close_matches(key.lower(), known[table], n=1, cutoff=0.6):
        return f'did you mean "{near[0]}"?'
    if others := [f"[{each}]" for each, keys in known.items() if each and key in keys]:
        return f"it belongs into {' or '.join(others)}"
    return f"there are: {', '.join(known[table])}"
