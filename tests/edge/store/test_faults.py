"""A failing disk: every system call of the store fails in turn, and a full disk that her `pause` still gets through."""

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from inboxagent.edge.store import JournalStore, open_store
from inboxagent.errors import InboxagentError, StateDamaged, StateUnwritable
from inboxagent.outreach.events import Word
from tests.fakes.people import enrolled, happened

CALLS = ("open", "pwrite", "fsync", "ftruncate", "replace", "pread", "stat", "fstat")


class Fault:
    """Lets the n-th of certain system calls fail; a short write takes half of what it was given, and fails after it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int, number: int, *, short: bool = False) -> None:
        self.calls = 0
        self._at, self._number, self._short = at, number, short
        for name in CALLS:
            monkeypatch.setattr(os, name, self._wrap(name, getattr(os, name)))

    def _wrap(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            self.calls += 1
            if self.calls == self._at and name == "pwrite" and self._short:
                real(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2], arguments[2])
            if self.calls == self._at:
                raise OSError(self._number, os.strerror(self._number))
            return real(*arguments, **options)

        return call


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.journal"
    with JournalStore(path).transaction("begin") as ledger:
        ledger.enrol("c1", enrolled())
        ledger.remember("n", 0)
    return path


def work(path: Path) -> Iterator[int]:
    """Changes of several kinds; each is told when it is acknowledged."""
    store = JournalStore(path)
    for number in range(1, 5):
        with store.transaction("count") as ledger:
            ledger.remember("n", number)
            ledger.append("c1", happened(Word.NOTE, number))
        yield number
        if number == 2:
            store.compact(always=True)
    store.close()


def counted(path: Path) -> int:
    """How far the work has come; everything fits together."""
    store = JournalStore(path)
    number, conversation = store.fact("n"), store.conversation("c1")
    assert isinstance(number, int)
    assert conversation is not None
    assert len(conversation.events) == number + 1
    assert store.check() == []
    return number


@pytest.mark.parametrize("fault", [errno.EIO, errno.ENOSPC, errno.EACCES])
@pytest.mark.parametrize("short", [False, True])
def test_every_call_fails_in_turn(path: Path, tmp_path: Path, fault: int, short: bool) -> None:
    begin = path.read_bytes()
    for at in range(1, 1000):
        path.write_bytes(begin)
        path.with_name(path.name + ".lock").unlink(missing_ok=True)
        acknowledged, told = [0], []
        with pytest.MonkeyPatch.context() as patch:
            fuse = Fault(patch, at, fault, short=short)
            try:
                acknowledged.extend(work(path))
            except InboxagentError as error:
                told.append(error)
        assert all(isinstance(each, StateDamaged | StateUnwritable) and path.stem in str(each) for each in told)
        assert counted(path) == acknowledged[-1]
        with JournalStore(path).transaction("go on") as ledger:
            ledger.remember("alive", at)
        assert JournalStore(path).fact("alive") == at
        if fuse.calls < at:
            break
        assert told or acknowledged[-1] == 4
    assert at > 40
    assert acknowledged == [0, 1, 2, 3, 4]


def test_a_failed_fsync_is_final(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = JournalStore(path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: (_ for _ in ()).throw(OSError(errno.EIO, "Input/output error")))
        with pytest.raises(StateDamaged, match="durable"), store.transaction("intent") as ledger:
            ledger.remember("n", 1)
    with pytest.raises(StateDamaged, match="durable"), store.transaction("a second try") as ledger:
        pytest.fail("entered")
    assert store.fact("n") == 0
    assert counted(path) == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs the right to mount a tmpfs")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_on_a_full_disk_she_can_still_pause(small_disk: Path) -> None:
    store = open_store(small_disk, "maya@lind.example")
    with store.transaction("enrol") as ledger:
        ledger.enrol("c1", enrolled())
    filler = small_disk / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    with pytest.raises(StateUnwritable, match="No space"), store.transaction("intent") as ledger:
        ledger.append("c1", happened(Word.NOTE, text="x" * 10_000))
    found = store.conversation("c1")
    assert found is not None
    assert len(found.events) == 1  # reading goes on
    with store.transaction("pause", urgent=True) as ledger:
        ledger.append("c1", happened(Word.HELD, text="x" * 10_000))
    filler.unlink()
    again = open_store(small_disk, "maya@lind.example")
    found = again.conversation("c1")
    assert found is not None
    assert found.state == "held"
    assert again.check() == []
    assert not sorted(small_disk.glob("*.ballast"))
    with again.transaction("now that there is room") as ledger:
        ledger.remember("n", 1)
    assert sorted(small_disk.glob("*.ballast"))
    again.close()
    store.close()
