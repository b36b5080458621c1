"""The journal among other processes, on full and forbidden disks, and under a person's eyes."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from inboxagent.edge.store import JournalStore, compaction, file_stem, open_store
from inboxagent.errors import StateUnwritable, TryLater
from inboxagent.outreach.events import Word
from tests.fakes.people import enrolled, happened

ROOT = Path(__file__).resolve().parents[3]

# Counts in one fact and in one conversation at once, and says each number after it was acknowledged.
COUNTER = """
import sys
from pathlib import Path
from inboxagent.edge.store import JournalStore
from inboxagent.outreach.events import Word
from tests.fakes.people import happened
store = JournalStore(Path(sys.argv[1]))
for _ in range(int(sys.argv[2])):
    with store.transaction("count") as ledger:
        n = ledger.fact("n") + 1
        ledger.remember("n", n)
        ledger.append("c1", happened(Word.NOTE, n))
    print(n, flush=True)
"""
HOLDER = """
import sys
from pathlib import Path
from inboxagent.edge.store import JournalStore
with JournalStore(Path(sys.argv[1])).transaction("import of 1,000 people"):
    print("inside", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store that holds one conversation and the fact n = 0."""
    path = tmp_path / "maya@lind.example.journal"
    with JournalStore(path).transaction("begin") as ledger:
        ledger.enrol("c1", enrolled())
        ledger.remember("n", 0)
    return path


@contextmanager
def python(program: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Another process, killed when the test is over."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def acknowledged(process: subprocess.Popen[str]) -> list[int]:
    """The numbers that a counter said, to its end."""
    return [int(line) for line in process.communicate(timeout=180)[0].split()]


def count(path: Path) -> int:
    """How far the counters have come; the fact and the conversation agree."""
    store = JournalStore(path)
    counted, conversation = store.fact("n"), store.conversation("c1")
    assert isinstance(counted, int)
    assert conversation is not None
    assert len(conversation.events) == counted + 1
    return counted


def test_two_processes_lose_no_update(path: Path) -> None:
    with python(COUNTER, path, 60) as one, python(COUNTER, path, 60) as other:
        said = acknowledged(one) + acknowledged(other)
    assert sorted(said) == list(range(1, 121))
    assert count(path) == 120


def test_what_a_dead_writer_left_is_removed(path: Path) -> None:
    leftover = path.with_name(path.name + ".new")
    leftover.write_text("half a fi")
    with JournalStore(path).transaction("look"):
        pass
    assert not leftover.exists()


def test_the_waiting_process_says_who_holds_the_lock(path: Path) -> None:
    with python(HOLDER, path) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "inside\n"
        with pytest.raises(TryLater) as raised, JournalStore(path, patience=0.05).transaction("pause"):
            pytest.fail("entered")
        assert f"{holder.pid} (import of 1,000 people)" in str(raised.value)
        assert JournalStore(path).fact("n") == 0  # readers wait for nobody
        holder.kill()
        holder.wait()
        with JournalStore(path, patience=60).transaction("pause") as ledger:  # the kernel has freed the lock
            ledger.remember("n", 1)


def test_a_change_by_another_process_is_seen_at_the_next_call(path: Path) -> None:
    store = JournalStore(path)
    generation = store.generation()
    with python(COUNTER, path, 3) as process:
        acknowledged(process)
    assert store.fact("n") == 3
    assert store.generation() != generation


def test_whether_somebody_wrote_is_asked_without_reading(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = JournalStore(path)
    before = store.generation()
    with JournalStore(path).transaction("another") as ledger:
        ledger.remember("n", 1)
    with monkeypatch.context() as patch:
        for name in ("open", "pread", "read"):
            patch.setattr(os, name, lambda *_: pytest.fail("it looked into the file"))
        assert store.generation() != before


def test_a_command_waits_for_the_lock_a_quarter_of_a_minute_at_most(path: Path) -> None:
    assert JournalStore(path)._journal.lock.patience == 15


def test_a_journal_that_is_mostly_of_no_use_is_made_short(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = JournalStore(path)
    for number in range(30):
        with store.transaction("count") as ledger:
            ledger.remember("n", "x" * number * 100)
    assert not store.compact()
    monkeypatch.setattr(compaction, "WORTH_BYTES", 10_000)
    assert store.compact()
    assert path.stat().st_size < 10_000
    assert JournalStore(path).fact("n") == "x" * 2_900


def test_a_full_disk_changes_nothing_and_is_told(path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    store = JournalStore(path)
    before = path.read_bytes()
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(StateUnwritable, match="No space"), store.transaction("much") as ledger:
            ledger.remember("much", "x" * 30_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before
    assert store.fact("much") is None
    assert not path.with_name(path.name + ".new").exists()
    with store.transaction("there is space again") as ledger:
        ledger.remember("much", "x" * 30_000)
    assert JournalStore(path).fact("much") == "x" * 30_000


def test_a_missing_folder_is_named_with_its_remedy(tmp_path: Path) -> None:
    with pytest.raises(StateUnwritable, match=f"mkdir -p .*{tmp_path}/gone"):
        open_store(tmp_path / "gone", "maya@lind.example")
    with pytest.raises(StateUnwritable, match="mkdir"), JournalStore(tmp_path / "gone" / "x.json").transaction("any"):
        pytest.fail("entered")


def test_a_folder_that_forbids_writing_is_named(path: Path) -> None:
    store = JournalStore(path)
    path.parent.chmod(0o500)
    path.chmod(0o400)
    with unprivileged(path.parent):
        with pytest.raises(StateUnwritable, match=str(path.name)), store.transaction("any") as ledger:
            ledger.remember("n", 5)
        assert store.fact("n") == 0
    path.parent.chmod(0o700)


@contextmanager
def unprivileged(folder: Path) -> Iterator[None]:
    """Not root for a while, who may write everywhere; `folder` can be read all the same."""
    if os.geteuid() != 0:
        yield
        return
    for each in (folder, *folder.iterdir()):
        os.chown(each, 65534, 65534)
    closed = [each for each in folder.parents if each.stat().st_mode & 0o011 != 0o011]
    for each in closed:
        each.chmod(each.stat().st_mode | 0o011)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        for each in closed:
            each.chmod(0o700)


def test_the_file_is_hers_alone_and_readable_as_text(path: Path) -> None:
    with JournalStore(path).transaction("note") as ledger:
        ledger.append("c1", happened(Word.NOTE, text="Grüße aus Zürich"))
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.with_name(path.name + ".lock").stat().st_mode & 0o777 == 0o600
    last = path.read_text(encoding="utf-8").splitlines()[-1]
    assert "Grüße aus Zürich" in last
    assert len(last) < 400  # what came to it, not all of it


def test_an_unchanged_store_is_not_folded_again(path: Path) -> None:
    with JournalStore(path).transaction("more") as ledger:
        ledger.enrol("c2", enrolled("bart@prospect.test"))
    store = JournalStore(path)
    before = {each.id: each for each in store.conversations()}
    with JournalStore(path).transaction("touch one") as ledger:
        ledger.append("c2", happened(Word.HELD))
    after = {each.id: each for each in store.conversations()}
    assert after["c1"] is before["c1"]
    assert len(after["c2"].events) == 2


def test_a_closed_store_keeps_no_file_open(path: Path) -> None:
    store = JournalStore(path)
    store.conversations()
    assert [link for link in Path("/dev/fd").iterdir() if os.path.realpath(link) == str(path)]
    store.close()
    assert [link for link in Path("/dev/fd").iterdir() if os.path.realpath(link) == str(path)] == []


def test_file_names_are_safe_and_tell_addresses_apart(tmp_path: Path) -> None:
    addresses = ["maya@lind.example", "a/b@lind.example", "a%2Fb@lind.example", "../up@x.test", "ä@x.test"]
    addresses += ["x" * 300 + "@x.test", "x" * 301 + "@x.test"]
    stems = [file_stem(address) for address in addresses]
    assert len(set(stems)) == len(addresses)
    assert file_stem("Maya@Lind.example") == "maya@lind.example"
    for address, stem in zip(addresses, stems, strict=True):
        assert "/" not in stem
        with open_store(tmp_path, address).transaction("write") as ledger:
            ledger.remember("address", address)
    assert all(open_store(tmp_path, address).fact("address") == address for address in addresses)
