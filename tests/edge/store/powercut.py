"""Power cuts: a workload's system calls are recorded, and every disk state that a cut could leave is opened.

The model (after ALICE, OSDI 2014): data written since the last fsync of a file may be there, not be there, be cut at
any byte, or be any subset of 512-byte sectors; the size may have changed without the data; names change in order since
the last fsync of the folder, any number of those changes may be lost. What was synced stays.
"""

import itertools
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, field
from pathlib import Path

SECTOR = 512
_CALLS = "openat,write,pwrite64,ftruncate,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,close"
_CALL = re.compile(r"^(?:\d+ +)?(\w+)\((.*)\) += (-?\d+)")
_BYTES = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


ROOT = Path(__file__).resolve().parents[3]


def record(program: str, folder: Path) -> list[tuple[str, list[bytes], list[int], int]]:
    """Run a program under strace, in a new folder `disk`: its file calls with their texts, numbers and results."""
    disk, trace = folder / "disk", folder / "strace"
    disk.mkdir()
    command = ["strace", "-f", "-xx", "-s", "10000000", "-e", f"trace={_CALLS}", "-o", str(trace)]
    subprocess.run(
        [*command, sys.executable, "-B", "-c", program, str(disk)],
        cwd=ROOT,
        check=True,
        timeout=600,
        stdout=subprocess.DEVNULL,
    )
    return [call for line in trace.read_text().splitlines() if (call := _parse(line))]


def _parse(line: str) -> tuple[str, list[bytes], list[int], int] | None:
    match = _CALL.match(line)
    if match is None or int(match[3]) < 0:
        return None
    texts = [bytes.fromhex(text.replace("\\x", "")) for text in _BYTES.findall(match[2])]
    bare = _BYTES.sub("", match[2]).split(",")
    numbers = [int(each) for each in bare if each.strip().lstrip("-").isdigit()]
    flags = [f"flag:{name}".encode() for name in re.findall(r"O_\w+", match[2])]
    return match[1], texts + flags, numbers, int(match[3])


@dataclass
class File:
    """One inode: what is surely on disk, and what was done since."""

    durable: bytes = b""
    pending: list[tuple[str, int, bytes]] = field(default_factory=list)

    def now(self) -> bytes:
        """What a program reads."""
        content = bytearray(self.durable)
        for change in self.pending:
            _apply(content, change)
        return bytes(content)

    def sync(self) -> None:
        """fsync."""
        self.durable, self.pending = self.now(), []

    def states(self, chance: random.Random) -> Iterator[bytes]:
        """What a cut may leave of it."""
        for count in range(len(self.pending) + 1):
            content = bytearray(self.durable)
            for change in self.pending[:count]:
                _apply(content, change)
            yield bytes(content)
            if count < len(self.pending):
                yield from _torn(bytes(content), self.pending[count], chance)
        for subset in itertools.product((True, False), repeat=min(len(self.pending), 4)):
            content = bytearray(self.durable)
            for kept, change in zip(subset, self.pending, strict=False):
                if kept:
                    _apply(content, change)
            yield bytes(content)


def _apply(content: bytearray, change: tuple[str, int, bytes]) -> None:
    kind, at, text = change
    if kind == "truncate":
        del content[at:]
        content.extend(bytes(at - len(content)))
        return
    content.extend(bytes(max(at - len(content), 0)))
    content[at : at + len(text)] = text


def _torn(before: bytes, change: tuple[str, int, bytes], chance: random.Random) -> Iterator[bytes]:
    kind, at, text = change
    if kind == "truncate":
        return
    lengths = range(1, len(text)) if len(text) < 40 else sorted(chance.sample(range(1, len(text)), 25))
    for length in lengths:
        yield _with(before, at, text[:length])
    yield _with(before, at, bytes(len(text)))  # the size, without the data
    sectors = [(start, text[start : start + SECTOR - (at + start) % SECTOR]) for start in _sectors(at, len(text))]
    for _ in range(12):
        content = bytearray(_with(before, at, bytes(len(text))))
        for start, part in sectors:
            if chance.random() < 0.5:
                content[at + start : at + start + len(part)] = part
        yield bytes(content)


def _with(before: bytes, at: int, text: bytes) -> bytes:
    content = bytearray(before)
    _apply(content, ("write", at, text))
    return bytes(content)


def _sectors(at: int, length: int) -> Iterator[int]:
    start = 0
    while start < length:
        yield start
        start += SECTOR - (at + start) % SECTOR


class Disk:
    """A folder as the recorded calls make it."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder).encode()
        self._files: dict[int, File] = {}
        self._durable_names: dict[bytes, int] = {}
        self._names: dict[bytes, int] = {}
        self._changes: list[tuple[bytes, int | None]] = []  # of names, since the last fsync of the folder
        self._open: dict[int, tuple[int, list[int]]] = {}
        self.said = 0

    def do(self, call: tuple[str, list[bytes], list[int], int]) -> bool:
        """Take note of a call; True where it may have changed what a cut leaves."""
        name, texts, numbers, result = call
        match name:
            case "openat" if texts and texts[0].startswith(self._folder):
                return self._opened(texts, result)
            case "close":
                self._open.pop(numbers[0], None)
            case "write" if numbers[0] == 1:
                self.said = int(texts[0].strip() or self.said)
            case "write" | "pwrite64" if numbers[0] in self._open:
                return self._wrote(name, texts[0][:result], numbers)
            case "ftruncate" if numbers[0] in self._open:
                self._file(numbers[0]).pending.append(("truncate", numbers[1], b""))
                return True
            case "fsync" | "fdatasync" if numbers[0] in self._open:
                self._synced(numbers[0])
                return True
            case "rename" | "renameat" | "renameat2" if texts[0].startswith(self._folder):
                self._name(texts[1], self._names[texts[0]])
                self._name(texts[0], None)
                return True
            case "unlink" | "unlinkat" if texts and texts[0] in self._names:
                self._name(texts[0], None)
                return True
        return False

    def _opened(self, texts: list[bytes], result: int) -> bool:
        path, flags = texts[0], texts[1:]
        if path == self._folder:
            self._open[result] = (-1, [0])
            return False
        created = path not in self._names
        if created:
            self._files[len(self._files)] = File()
            self._name(path, len(self._files) - 1)
        inode = self._names[path]
        self._open[result] = (inode, [0])
        if b"flag:O_TRUNC" in flags and not created:
            self._files[inode].pending.append(("truncate", 0, b""))
        return created

    def _wrote(self, name: str, text: bytes, numbers: list[int]) -> bool:
        inode, place = self._open[numbers[0]]
        at = numbers[-1] if name == "pwrite64" else place[0]
        place[0] = at + len(text)
        self._files[inode].pending.append(("write", at, text))
        return True

    def _synced(self, number: int) -> None:
        inode = self._open[number][0]
        if inode < 0:
            self._durable_names, self._changes = dict(self._names), []
        else:
            self._files[inode].sync()

    def _file(self, number: int) -> File:
        return self._files[self._open[number][0]]

    def _name(self, path: bytes, inode: int | None) -> None:
        self._changes.append((path, inode))
        if inode is None:
            del self._names[path]
        else:
            self._names[path] = inode

    def cuts(self, chance: random.Random) -> Iterator[dict[str, bytes]]:
        """Every state of the folder that a power cut now may leave, by file name."""
        for count in range(len(self._changes) + 1):
            names = dict(self._durable_names)
            for path, inode in self._changes[:count]:
                if inode is None:
                    names.pop(path, None)
                else:
                    names[path] = inode
            yield from self._contents(names, chance)

    def _contents(self, names: dict[bytes, int], chance: random.Random) -> Iterator[dict[str, bytes]]:
        plain = {_base(path): self._files[inode].now() for path, inode in names.items()}
        synced = {_base(path): self._files[inode].durable for path, inode in names.items()}
        yield synced
        for path, inode in names.items():
            if not self._files[inode].pending:
                continue
            for content in self._files[inode].states(chance):
                yield {**plain, _base(path): content}
                yield {**synced, _base(path): content}


def _base(path: bytes) -> str:
    return path.rpartition(b"/")[2].decode()


@dataclass
class Tally:
    """How many states were opened, and what was wrong with them."""

    states: int = 0
    unopened: int = 0
    invented: int = 0
    lost: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(*map(sum, zip(astuple(self), astuple(other), strict=True)))


def enumerate_cuts(
    calls: list[tuple[str, list[bytes], list[int], int]],
    folder: Path,
    look: Callable[[Path], int | None],
    seed: int = 1,
) -> Tally:
    """Open every state. `look` gives the number of the last change in a folder, None where it does not open, -1 where
    its parts do not fit together; a change is legal from the last acknowledged one to the one after it."""
    chance, disk, tally, seen = random.Random(seed), Disk(folder / "disk"), Tally(), set()
    for call in calls:
        if not disk.do(call):
            continue
        for state in disk.cuts(chance):
            key = (disk.said, *sorted(state.items()))
            if hash(key) not in seen:
                seen.add(hash(key))
                _count(tally, _rebuild(folder / "disk", state, look), disk.said)
    return tally


def _rebuild(folder: Path, state: dict[str, bytes], look: Callable[[Path], int | None]) -> int | None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in state.items():
        (folder / name).write_bytes(content)
    return look(folder)


def _count(tally: Tally, found: int | None, said: int) -> None:
    tally.states += 1
    if found is None:
        tally.unopened += 1
    elif found < 0 or found > said + 1:
        tally.invented += 1
    elif found < said:
        tally.lost += 1
