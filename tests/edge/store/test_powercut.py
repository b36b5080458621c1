"""What a power cut leaves of the journal, from system calls that really happened; with two controls that must fail."""

import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.edge.store.counted import journal_program, look
from tests.edge.store.powercut import Tally, enumerate_cuts, record

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("strace") is None, reason="needs strace on Linux"
)

SQLITE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1] + "/a.db", isolation_level=None)
connection.execute("PRAGMA journal_mode=WAL")
connection.execute("PRAGMA synchronous=NORMAL")
connection.execute("CREATE TABLE counted (n INTEGER)")
for n in range(1, 3):
    connection.execute("INSERT INTO counted VALUES (?)", (n,))
    print(n, flush=True)
"""


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


def test_every_disk_a_power_cut_may_leave_opens_to_what_was_acknowledged(tmp_path: Path) -> None:
    """C20: at any point, compaction included."""
    calls = record(journal_program(changes=4, compactions=(2,), closing=3), tmp_path)
    tally = enumerate_cuts(calls, tmp_path, look)
    assert tally.states > 1000
    assert tally == Tally(states=tally.states)


def test_the_harness_catches_a_journal_without_fsync(tmp_path: Path) -> None:
    calls = record(journal_program(changes=2, unsynced=True), tmp_path)
    tally = enumerate_cuts(calls, tmp_path, look)
    assert tally.lost + tally.unopened > 50


def test_the_harness_catches_sqlite_without_full_synchronisation(tmp_path: Path) -> None:
    tally = enumerate_cuts(record(SQLITE, tmp_path), tmp_path, look_at_sqlite)
    assert tally.lost > 20
