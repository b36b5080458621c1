"""Looking for damage in a journal, and saving what is whole. Neither changes the journal."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inboxagent.edge.store import disk, lines
from inboxagent.edge.store.lines import Header
from inboxagent.errors import StateUnwritable

_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "fuse.sshfs"})


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


def save_rest(path: Path, rest: Path) -> list[Damage]:
    """Write everything that is whole into a new journal `rest`; the answer says what is not. Raises StateUnwritable."""
    rescued = _Rescue()
    for number, offset, header, line in _lines(path):
        rescued.take(number, offset, header, line)
    if rest.exists():
        raise StateUnwritable(f"{rest} exists already; it is not overwritten.")
    try:
        rest.write_bytes(b"".join(rescued.whole()))
        rest.chmod(0o600)
        disk.sync_folder(rest.parent)
    except OSError as error:
        raise disk.explain(rest, error) from error
    return [*find_damage(path), *rescued.gaps]


class _Rescue:
    """The documents that the whole lines of a journal make."""

    def __init__(self) -> None:
        self.gaps: list[Damage] = []
        self._documents: dict[tuple[str, int], tuple[Any, list[Header]]] = {}
        self._ends: dict[tuple[str, int], int] = {}
        self._highest: dict[str, int] = {}

    def take(self, number: int, offset: int, header: Header | None, line: bytes) -> None:
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
            self.gaps.append(Damage(number, offset, f"{key[0]} {key[1]}: what it adds to is lost; it is not saved"))
            return
        document, headers = self._documents[key]
        if self._ends[key] != header["p"][0]:
            name = document.get("id", key[1])
            self.gaps.append(Damage(number, offset, f"{key[0]} {name}: a change before this one is lost"))
        lines.add(document, value)
        headers.append(header)

    def whole(self) -> Iterator[bytes]:
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


def network_file_system(folder: Path) -> str | None:
    """The kind of network file system a folder is on (Linux); there neither locks nor renames are to be trusted."""
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    return kind_of(folder.resolve(), mounts)


def kind_of(folder: Path, mounts: list[str]) -> str | None:
    """The network file system among these mounts (fstab(5) lines) that holds a folder; None where it is a local one."""
    best, kind = -1, ""
    for mount in mounts:
        _, point, name, *_ = mount.split(" ")
        at = Path(point.encode("latin-1", "replace").decode("unicode_escape"))
        if folder.is_relative_to(at) and len(at.parts) >= best:
            best, kind = len(at.parts), name
    return kind if kind in _NETWORK else None
