"""`./run mutants`: faults planted in the code's own decisions; the simulation must find each.

A mutant patches the agent in memory, months are lived until a promise is broken, and a table is printed.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from multiprocessing import Pool
from statistics import median

from tests.simulation import (
    planted_dates,
    planted_life,
    planted_limits,
    planted_looking,
    planted_meaning,
    planted_memory,
    planted_operator,
    planted_sending,
)
from tests.simulation.__main__ import spare_the_collector
from tests.simulation.planting import MUTANTS, Patch
from tests.simulation.setting import Setting
from tests.simulation.world import simulate

PLANTED = (
    *(planted_looking, planted_meaning, planted_sending, planted_dates, planted_limits, planted_memory),
    *(planted_operator, planted_life),
)
"""Where the faults are; each enters its own in `MUTANTS`."""

MOST_SEEDS = 40
FALLEN = ("the_daemon_lives", "set_aside")
"""What an exception breaks: no decision of the agent was found, the plant does not fit its code any more."""


@dataclass(frozen=True, slots=True)
class Found:
    """Which invariant found a mutant, and at which seed; None where none did."""

    name: str
    invariant: str | None
    seed: int
    seeds: int
    text: str = ""


@contextmanager
def planted(name: str) -> Iterator[None]:
    """The agent with this fault."""
    patch = Patch()
    try:
        MUTANTS[name].plant(patch)
        yield
    finally:
        patch.undo()


def hunt(name: str, most: int = MOST_SEEDS, first: int = 0) -> Found:
    """Live months with the fault until a promise is broken that is kept in the same month without it."""
    months = MUTANTS[name].months
    for seeds, seed in enumerate(islice(months.seeds(first), most), 1):
        setting = Setting(seed=seed, journal=months.journal or None)
        with planted(name):
            outcome = simulate(setting)
        if outcome.violations and not simulate(setting).violations:
            violation = outcome.violations[0]
            if violation.invariant in FALLEN:
                return Found(name, None, seed, seeds, f"the plant itself is broken: {violation.text}")
            return Found(name, violation.invariant, seed, seeds, violation.text)
    return Found(name, None, -1, most)


def main() -> int:
    """Print the table; 1 where a mutant lives."""
    parser = argparse.ArgumentParser(prog="./run mutants", description=__doc__)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--only", default="", help="those whose name holds one of these words, with commas between")
    parser.add_argument("--from", type=int, default=0, dest="first", metavar="SEED", help="the first seed")
    parser.add_argument("--seeds", type=int, default=MOST_SEEDS, help="how many months each may take to be found")
    options = parser.parse_args()
    words = options.only.split(",")
    names = [name for name in MUTANTS if any(word in name for word in words)]
    print(f"{'planted fault':80} {'found by':36} {'seeds':>5}")
    told: list[Found] = []
    with Pool(options.jobs, spare_the_collector, maxtasksperchild=1) as pool:
        for found in pool.imap(partial(hunt, most=options.seeds, first=options.first), names, chunksize=1):
            told.append(found)
            by = found.invariant or "NOT FOUND"
            where = MUTANTS[found.name].months.words
            print(f"{found.name + (where and f' ({where})'):80} {by:36} {found.seeds:5}  {found.text[:90]}", flush=True)
    print(summary(told))
    return 0 if all(each.invariant for each in told) else 1


def summary(told: list[Found]) -> str:
    """One line: how many were found, and how many months that took."""
    seeds = sorted(each.seeds for each in told if each.invariant)
    counted = f", median {median(seeds):g} seeds, worst {seeds[-1]}" if seeds else ""
    return f"{len(seeds)} of {len(told)} found{counted}"


if __name__ == "__main__":
    sys.exit(main())
