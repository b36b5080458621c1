"""What a power cut leaves of the journal, from system calls that really happened; with two controls that must fail."""

import importlib.util
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from types import ModuleType

import pytest

from inboxagent.edge.store import JournalStore
from inboxagent.errors import InboxagentError

ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("strace") is None, reason="needs strace on Linux"
)

# Change number n: the fact n, an event of c1, and every now and then a person more, all in one transaction.
JOURNAL = """
import sys
from pathlib import Path
from inboxagent.edge.store import JournalStore, disk
from inboxagent.outreach.events import Word
from tests.fakes.people import enrolled, happened
if {unsynced}:
    disk.sync = lambda descriptor: None
path = Path(sys.argv[1]) / "a.journal"
store = JournalStore(path)
for n in range(1, {changes} + 1):
    with store.transaction("count") as ledger:
        if n == 1:
            ledger.enrol("c1", enrolled())
        ledger.remember("n", n)
        ledger.append("c1", happened(Word.NOTE, n, text="x" * (n * 211 % 1500)))
        if n % 3 == 0:
            ledger.enrol(f"c{{n}}", enrolled(f"p{{n}}@prospect.test"))
            ledger.remember("third", None if n % 2 else n)
    print(n, flush=True)
    if n in {compactions}:
        store.compact(always=True)
    if n == {closing}:
        store.close()
        store = JournalStore(path)
"""
SQLITE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1] + "/a.db", isolation_level=None)
connection.execute("PRAGMA journal_mode=WAL")
connection.execute("PRAGMA synchronous=NORMAL")
connection.execute("CREATE TABLE counted (n INTEGER)")
for n in range(1, 4):
    connection.execute("INSERT INTO counted VALUES (?)", (n,))
    print(n, flush=True)
"""


@pytest.fixture(scope="module")
def powercut() -> ModuleType:
    spec = importlib.util.spec_from_file_location("powercut", Path(__file__).with_name("powercut.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["powercut"] = module
    spec.loader.exec_module(module)
    return module


def look(folder: Path) -> int | None:
    """The number of the last change in a journal; -1 where its parts do not fit together."""
    if not (folder / "a.journal").exists():
        return 0
    store = JournalStore(folder / "a.journal")
    try:
        number = store.fact("n") or 0
        conversation = store.conversation("c1")
        people, third = len(store.conversations()), store.fact("third")
        damage = store.check()
    except InboxagentError:
        return None
    assert isinstance(number, int)
    last = number - number % 3
    fits = [
        len(conversation.events if conversation else ()) == (number + 1 if number else 0),
        people == (1 + number // 3 if number else 0),
        third == (None if last % 2 or not last else last),
        damage == [],
    ]
    return number if all(fits) else -1


def look_at_sqlite(folder: Path) -> int | None:
    """The number of the last change in the database."""
    try:
        with closing(sqlite3.connect(folder / "a.db")) as connection:
            rows = connection.execute("SELECT n FROM counted ORDER BY n").fetchall()
    except sqlite3.OperationalError as error:
        return 0 if "no such table" in str(error) else None
    except sqlite3.DatabaseError:
        return None
    return len(rows) if [n for (n,) in rows] == list(range(1, len(rows) + 1)) else -1


def run(powercut: ModuleType, tmp_path: Path, program: str) -> list[tuple[str, list[bytes], list[int], int]]:
    folder = tmp_path / "disk"
    folder.mkdir()
    calls: list[tuple[str, list[bytes], list[int], int]] = powercut.record(program, folder, ROOT)
    return calls


def test_every_disk_a_power_cut_may_leave_opens_to_what_was_acknowledged(powercut: ModuleType, tmp_path: Path) -> None:
    """C20: at any point, compaction included."""
    program = JOURNAL.format(unsynced=False, changes=9, compactions=(4, 7), closing=6)
    tally = powercut.enumerate_cuts(run(powercut, tmp_path, program), tmp_path / "disk", look)
    print(tally)
    assert tally.states > 1000
    assert (tally.unopened, tally.invented, tally.lost) == (0, 0, 0)


def test_the_harness_catches_a_journal_without_fsync(powercut: ModuleType, tmp_path: Path) -> None:
    program = JOURNAL.format(unsynced=True, changes=4, compactions=(), closing=0)
    tally = powercut.enumerate_cuts(run(powercut, tmp_path, program), tmp_path / "disk", look)
    assert tally.lost + tally.unopened > 50


def test_the_harness_catches_sqlite_without_full_synchronisation(powercut: ModuleType, tmp_path: Path) -> None:
    tally = powercut.enumerate_cuts(run(powercut, tmp_path, SQLITE), tmp_path / "disk", look_at_sqlite)
    assert tally.lost > 20
