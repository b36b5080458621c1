"""Looking for damage in a journal, and saving what is whole."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inboxagent.edge.store import disk, lines
from inboxagent.edge.store.lines import Header
from inboxagent.edge.store.lock import Lock
from inboxagent.errors import StateUnwritable


@dataclass(frozen=True, slots=True)
class Damage:
    """A place in the journal that cannot be trusted, as people find it, and what is wrong there."""

    line: int
    offset: int
    text: str


def find_damage(path: Path) -> list[Damage]:
    """Everything that is wrong, in the order of the file; a torn end, which was never acknowledged, is not."""
    watch = _Watch()
    for number, offset, header, line in _lines(path):
        watch.look(number, offset, header)
        for each in lines.swallowed(line) if header is None else ():
            watch.look(number, offset, each)
    return watch.found if watch.last >= 0 else watch.suspects


class _Watch:
    """Goes through a journal as its readers do, and on where they stop."""

    def __init__(self) -> None:
        self.found: list[Damage] = []
        self.suspects: list[Damage] = []  # damage if something after them was on disk, else a torn end
        self.last = -1  # number of the last whole line
        self._complete = -1  # of the last complete transaction before the suspects
        self._begun = -1  # what the transaction that is being read follows
        self._part = 0
        self._lost = False

    def look(self, number: int, offset: int, header: Header | None) -> None:
        """Take note of one line."""
        problem = self._problem(header, first=number == 1)
        if problem:
            self.suspects.append(Damage(number, offset, problem))
        self._lost = header is None
        if header is None:
            return
        if self.suspects and (header["d"] > self._complete or number == 1):
            self.found += self.suspects
            self.suspects.clear()
        part, parts = header.get("of", (1, 1))
        self.last, self._begun, self._part = header["n"], header["d"], part % parts
        if self._part == 0 and not self.suspects:
            self._complete = self.last

    def _problem(self, header: Header | None, *, first: bool) -> str | None:
        if header is None:
            return "the checksum does not fit, or the line is not whole"
        if first or "head" in header:
            return None if first and "head" in header else "a journal begins with its head, and once"
        part = header.get("of", (1, 1))[0]
        follows = self.last if part == 1 else self._begun
        if self._lost or (part == self._part + 1 and header["d"] == follows):
            return None
        return f"lines before it are missing: it follows number {header['d']}, number {self.last} is there"


class Rescue:
    """The documents that the whole lines of a damaged journal make, and what is lost. Changes nothing by itself."""

    def __init__(self, path: Path) -> None:
        """Reads the whole journal. Raises OSError."""
        self._path = path
        self._gaps: list[Damage] = []
        self._documents: dict[tuple[str, int], tuple[Any, list[Header]]] = {}
        self._ends: dict[tuple[str, int], int] = {}
        self._highest: dict[str, int] = {}
        for number, offset, header, line in _lines(path):
            self._take(number, offset, header, line)
        self.losses = [*find_damage(path), *self._gaps]

    def count(self, table: str) -> int:
        """How many documents of a table can be saved."""
        return sum(name == table for name, _ in self._documents)

    def save(self, rest: Path) -> None:
        """Write a new journal of what is whole. Raises StateUnwritable."""
        if rest.exists():
            raise StateUnwritable(f"{rest} exists already; it is not overwritten.")
        try:
            descriptor = os.open(rest, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with open(descriptor, "wb") as file:
                file.writelines(self._whole())
                file.flush()
                disk.sync(descriptor)
            disk.sync_folder(rest.parent)
        except OSError as error:
            raise disk.explain(rest, error) from error

    def replace(self, aside: Path) -> None:
        """Put what is whole in the place of the damaged journal, which is kept as `aside`. For the holder of the lock.

        The damaged one stays in its place until the other is whole on disk. Raises StateUnwritable.
        """
        new = disk.beside(self._path)
        disk.remove(new)
        self.save(new)
        try:
            os.link(self._path, aside)
            os.replace(new, self._path)
            disk.sync_folder(self._path.parent)
        except OSError as error:
            disk.remove(new)
            raise disk.explain(self._path, error) from error

    def _take(self, number: int, offset: int, header: Header | None, line: bytes) -> None:
        """Apply a line as far as it can be applied."""
        if header is None:
            return
        self._highest.update(header.get("ids", {}))
        if "t" not in header:
            return
        key = header["t"], header["k"]
        self._highest[key[0]] = max(self._highest.get(key[0], 0), key[1])
        value = lines.content(line)
        if value is None:
            self._documents.pop(key, None)
        elif "p" not in header:
            self._documents[key] = value, [header]
        else:
            self._add(number, offset, header, key, value)
        self._ends[key] = offset

    def _add(self, number: int, offset: int, header: Header, key: tuple[str, int], value: Any) -> None:
        if key not in self._documents:
            self._gaps.append(Damage(number, offset, f"{key[0]} {key[1]}: what it adds to is lost; it is not saved"))
            return
        document, headers = self._documents[key]
        if self._ends[key] != header["p"][0]:
            name = document.get("id", key[1])
            self._gaps.append(Damage(number, offset, f"{key[0]} {name}: a change before this one is lost"))
        lines.add(document, value)
        headers.append(header)

    def _whole(self) -> Iterator[bytes]:
        """The lines of the new journal."""
        yield lines.compose({"n": 0, "d": 0, "head": lines.SCHEMA, "ids": self._highest})
        for number, ((table, key), (document, headers)) in enumerate(self._documents.items(), 1):
            header = {"n": number, "d": number - 1, "t": table, "k": key, "x": lines.merge(headers)}
            yield lines.compose(header, lines.encode(document))


def _lines(path: Path) -> Iterator[tuple[int, int, Header | None, bytes]]:
    offset = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            yield number, offset, lines.header(line), line
            offset += len(line)


def mend(path: Path, aside: Path) -> None:
    """Put what is whole of a damaged journal in its place; the damaged one is kept as `aside`.

    Raises StateUnwritable, TryLater.
    """
    with Lock(path.with_name(path.name + ".lock")).hold("a repair"):
        Rescue(path).replace(aside)
