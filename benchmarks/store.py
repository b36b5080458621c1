"""What the store costs, beside TinyDB's own file layer and SQLite, in one run: `python benchmarks/store.py [SIZE...]`.

Every store and size runs in a process of its own. Documents are conversations of about 2 KB; an update appends one
event. All are durable when they return: JSONStorage syncs by itself, SQLite runs in WAL mode with synchronous=FULL.
"""

import json
import os
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tinydb import TinyDB, where  # noqa: E402

from inboxagent.edge.store import JournalStore  # noqa: E402
from inboxagent.outreach.events import Event, Word, to_json  # noqa: E402
from tests.fakes.people import enrolled, happened, mail  # noqa: E402

SIZES = (100, 1_000, 10_000, 100_000)
ADDED = happened(Word.NOTE, 2, message_id="<noted@prospect.test>")


def events(number: int) -> list[Event]:
    """A conversation of about 2 KB: an enrolment, a letter, its result."""
    first = enrolled(f"p{number}@prospect.test")
    assert first.enrolment is not None
    known = replace(first.enrolment, thread=(f"<{number}@lind.example>",))
    message_id = f"<i{number}@lind.example>"
    intent = happened(Word.INTENT, 1, step="nudge", message_id=message_id, mail=mail(number), text="Dear Anna, " * 85)
    return [replace(first, enrolment=known), intent, happened(Word.SENT, 1, step="nudge", message_id=message_id)]


def document(number: int) -> dict[str, Any]:
    """The same as a plain document."""
    return {"id": f"c{number}", "events": [to_json(event) for event in events(number)]}


class Journal:
    """Ours."""

    def __init__(self, folder: Path) -> None:
        self._store = JournalStore(folder / "a.journal")
        self._store.open()

    def fill(self, size: int) -> None:
        for start in range(0, size, 5_000):
            with self._store.transaction("fill") as ledger:
                for number in range(start, min(size, start + 5_000)):
                    ledger.enrol(f"c{number}", *events(number))

    def update(self, number: int) -> None:
        with self._store.transaction("update") as ledger:
            ledger.append(f"c{number}", ADDED)

    def insert(self, number: int) -> None:
        with self._store.transaction("insert") as ledger:
            ledger.enrol(f"c{number}", *events(number))

    def get(self, number: int) -> None:
        assert self._store.conversation(f"c{number}") is not None

    def compact(self) -> None:
        self._store.compact(always=True)


class Json:
    """TinyDB as it comes."""

    def __init__(self, folder: Path) -> None:
        self._table = TinyDB(folder / "a.json").table("conversations", cache_size=0)

    def fill(self, size: int) -> None:
        self._table.insert_multiple(map(document, range(size)))

    def update(self, number: int) -> None:
        self._table.update(lambda each: each["events"].append(to_json(ADDED)), where("id") == f"c{number}")

    def insert(self, number: int) -> None:
        self._table.insert(document(number))

    def get(self, number: int) -> None:
        assert self._table.get(where("id") == f"c{number}") is not None


class Sqlite:
    """Documents as text in SQLite, found by indexes."""

    def __init__(self, folder: Path) -> None:
        self._connection = sqlite3.connect(folder / "a.db", isolation_level=None)
        for statement in (
            "PRAGMA journal_mode=WAL",
            "PRAGMA synchronous=FULL",
            "CREATE TABLE IF NOT EXISTS c (id TEXT PRIMARY KEY, text TEXT)",
        ):
            self._connection.execute(statement)

    def fill(self, size: int) -> None:
        self._connection.execute("BEGIN")
        self._connection.executemany("INSERT INTO c VALUES (?, ?)", map(self._row, range(size)))
        self._connection.execute("COMMIT")

    def update(self, number: int) -> None:
        (text,) = self._connection.execute("SELECT text FROM c WHERE id = ?", (f"c{number}",)).fetchone()
        found = json.loads(text)
        found["events"].append(to_json(ADDED))
        self._connection.execute("UPDATE c SET text = ? WHERE id = ?", (json.dumps(found), f"c{number}"))

    def insert(self, number: int) -> None:
        self._connection.execute("INSERT INTO c VALUES (?, ?)", self._row(number))

    def get(self, number: int) -> None:
        (text,) = self._connection.execute("SELECT text FROM c WHERE id = ?", (f"c{number}",)).fetchone()
        json.loads(text)

    def compact(self) -> None:
        self._connection.execute("VACUUM")

    @staticmethod
    def _row(number: int) -> tuple[str, str]:
        return f"c{number}", json.dumps(document(number))


STORES: dict[str, Callable[[Path], Any]] = {"journal": Journal, "sqlite full": Sqlite, "jsonstorage": Json}


def median(work: Callable[[int], object], numbers: Iterator[int], seconds: float = 4.0, most: int = 500) -> float:
    """Milliseconds of the middle one of up to `most` calls within some seconds."""
    spent: list[float] = []
    begun = time.perf_counter()
    while len(spent) < most and (len(spent) < 3 or time.perf_counter() - begun < seconds):
        start = time.perf_counter()
        work(next(numbers))
        spent.append((time.perf_counter() - start) * 1000)
    return statistics.median(spent)


def bare(folder: Path, size: int) -> Callable[[int], object]:
    """An append and an fsync of so many bytes, and nothing else."""
    descriptor = os.open(folder / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def append(_: int) -> None:
        os.write(descriptor, b"x" * size)
        os.fsync(descriptor)

    return append


def beside_bare(store: Any, folder: Path, numbers: Iterator[int]) -> dict[str, float]:
    """Updates and bare appends of the same length in turns of ten: both have the same disk and the same load."""
    file = folder / "a.journal"
    before = file.stat().st_size
    for _ in range(10):
        store.update(next(numbers))
    append = bare(folder, (file.stat().st_size - before) // 10)
    turns = [(median(store.update, numbers, most=10), median(append, numbers, most=10)) for _ in range(40)]
    ours, bares = (statistics.median(column) for column in zip(*turns, strict=True))
    return {"update, in turns [ms]": ours, "bare append + fsync [ms]": bares, "update / bare append": ours / bares}


def resident() -> float:
    """Megabytes of memory in use."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def measure(name: str, folder: Path, size: int) -> dict[str, float]:
    """Everything about one store of one size that has been filled; run in a process of its own."""
    before, start, begun = resident(), time.perf_counter(), time.process_time()
    store = STORES[name](folder)
    store.get(size // 2)
    opened, worked, grown = time.perf_counter() - start, time.process_time() - begun, resident() - before
    chance = random.Random(1)
    some = iter(lambda: chance.randrange(size), None)
    new = iter(range(size, size + 100_000))
    result = {"open, first get [ms]": opened * 1000, "the same, CPU [ms]": worked * 1000, "memory grown [MB]": grown}
    result["update [ms]"] = median(store.update, some)
    if name == "journal":
        result |= beside_bare(store, folder, some)
    result["insert [ms]"] = median(store.insert, new)
    result["get [ms]"] = median(store.get, some)
    if hasattr(store, "compact"):
        result["compaction [ms]"] = median(lambda _: store.compact(), some, seconds=0, most=1)
    return result


def run(name: str, size: int) -> dict[str, float]:
    """Fill and measure, each in a process of its own."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCHMARK_FOLDER")) as folder:
        for what in ("--fill", "--measure"):
            command = [sys.executable, __file__, what, name, folder, str(size)]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    measured: dict[str, float] = json.loads(output)
    return measured


def main(sizes: list[int]) -> None:
    """Print a table for each size."""
    print(f"load {os.getloadavg()[0]:.1f} of {os.cpu_count()} cores")
    for size in sizes:
        results = {name: run(name, size) for name in STORES}
        print(f"\n{size:,} conversations".ljust(37) + "".join(name.rjust(14) for name in results))
        for what in results["journal"]:
            cells = (f"{each[what]:14.3f}" if what in each else "-".rjust(14) for each in results.values())
            print(what.ljust(36) + "".join(cells), flush=True)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--fill", kind, place, count]:
            STORES[kind](Path(place)).fill(int(count))
        case ["--measure", kind, place, count]:
            print(json.dumps(measure(kind, Path(place), int(count))))
        case numbers:
            main([int(each) for each in numbers] or list(SIZES))
