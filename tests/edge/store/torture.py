"""kill -9 at random moments, and power cuts: a part of `./run torture [ROUNDS]`.

Half of the rounds have one writer, half have two. Every writer enrols, appends, counts, removes and now and then
compacts, and says what it has done after each return. After the kill the store is opened anew: what was said
must be there, at most one change more for each writer. For the power cuts see powercut.py; there is one recording for
each hundred rounds, each with other crash points.
"""

import multiprocessing
import random
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from inboxagent.edge.store import JournalStore
from inboxagent.outreach.events import Word
from tests.edge.store.counted import journal_program, look
from tests.edge.store.powercut import Tally, enumerate_cuts, record
from tests.fakes.people import enrolled, happened

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(
    ["inboxagent.edge.store", "tests.fakes.people", "tests.edge.store.counted", "tests.edge.store.powercut"]
)


def write(path: Path, name: str, tell: Connection) -> None:
    """What a writer does until it is killed; the number of a change is told when it is acknowledged."""
    store = JournalStore(path)
    chance = random.Random()
    while True:
        with store.transaction(f"writer {name}") as ledger:
            count = ledger.fact(f"count {name}")
            number = (count if isinstance(count, int) else 0) + 1
            ledger.remember(f"count {name}", number)
            together = ledger.fact("together")
            ledger.remember("together", (together if isinstance(together, int) else 0) + 1)
            if ledger.conversation(f"c {name}") is None:
                ledger.enrol(f"c {name}", enrolled())
            ledger.append(f"c {name}", happened(Word.NOTE, number))
            ledger.remember(f"flicker {name}", number if number % 2 else None)
            for _ in range(chance.choice((0, 0, 3))):
                ledger.enrol(f"{name} {number} {chance.random()}", enrolled(f"p{number}@prospect.test"))
        tell.send(number)
        if chance.random() < 0.05:
            store.compact(always=True)


def check(path: Path, said: dict[str, int]) -> int:
    """The changes that are in the store; raises AssertionError where an acknowledged one is lost or one half there."""
    store = JournalStore(path)
    assert store.check() == [], store.check()
    total = 0
    for name, last in said.items():
        counted = store.fact(f"count {name}") or 0
        assert isinstance(counted, int)
        assert last <= counted <= last + 1, f"writer {name}: {last} acknowledged, {counted} found"
        conversation = store.conversation(f"c {name}")
        assert len(conversation.events if conversation else "1") == counted + 1
        assert store.fact(f"flicker {name}") == (counted if counted % 2 else None)
        total += counted
        said[name] = counted
    assert (store.fact("together") or 0) == total
    return total


def round_of(path: Path, said: dict[str, int], chance: random.Random) -> None:
    """Let the writers write for a moment, kill them one after the other, and look."""
    writers = [_Writer(path, name) for name in said]
    try:
        for writer in writers:
            said[writer.name] = writer.told.recv()
        time.sleep(chance.random() * 0.05)
    finally:
        for writer in writers:
            writer.process.kill()
    for writer in writers:
        said[writer.name] = writer.last(said[writer.name])
    check(path, said)


class _Writer:
    """A writing process; it is forked from one that has imported everything, for a thousand starts take long."""

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        self.told, tell = PROCESSES.Pipe(duplex=False)
        self.process = PROCESSES.Process(target=write, args=(path, name, tell), daemon=True)
        self.process.start()
        tell.close()

    def last(self, number: int) -> int:
        """The last number that it told before it was killed, `number` where there is none after that one."""
        with self.told, suppress(EOFError):
            while True:
                number = self.told.recv()
        self.process.join()
        self.process.close()
        return number


def torture(rounds: int, writers: int, seed: int = 1, *, tell: bool = False) -> int:
    """So many rounds with so many writers on one store; the number of acknowledged changes. Raises AssertionError."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "torture.journal"
        said = {chr(ord("a") + number): 0 for number in range(writers)}
        for number in range(1, rounds + 1):
            round_of(path, said, chance)
            if tell and number % 10 == 0:
                print(f"\r{writers} writer(s): {number} of {rounds} rounds", end="", file=sys.stderr)
        if tell:
            print(file=sys.stderr)
        return sum(said.values())


def cut_power(recordings: int) -> Tally:
    """Every disk state that a power cut may leave of so many recordings, each of another run of changes."""
    whole = Tally()
    for number in range(1, recordings + 1):
        chance = random.Random(number)
        program = journal_program(10, chance.sample(range(1, 10), 3), chance.randrange(1, 10))
        with tempfile.TemporaryDirectory() as folder:
            whole += enumerate_cuts(record(program, Path(folder)), Path(folder), look, seed=number)
        print(f"\rpower cuts: {number} of {recordings} recordings, {whole.states} states", end="", file=sys.stderr)
    print(file=sys.stderr)
    return whole


def main(rounds: int) -> int:
    """All of it, with a line for each part; the exit code."""
    for crowd in (1, 2):
        begun = time.monotonic()
        acknowledged = torture(rounds // 2, crowd, tell=True)
        print(
            f"{crowd} writer(s): {rounds // 2} rounds, {acknowledged} acknowledged changes, 0 lost, "
            f"0 that do not open, {time.monotonic() - begun:.0f} s",
            flush=True,
        )
    if sys.platform != "linux" or shutil.which("strace") is None:
        print("NOT RUN: power cuts, which need strace on Linux")
        return 0
    begun = time.monotonic()
    tally = cut_power(max(rounds // 100, 1))
    print(
        f"power cuts: {tally.states} states, {tally.unopened} that do not open, {tally.invented} that never were, "
        f"{tally.lost} that lost an acknowledged change, {time.monotonic() - begun:.0f} s"
    )
    return 1 if tally.unopened or tally.invented or tally.lost else 0
