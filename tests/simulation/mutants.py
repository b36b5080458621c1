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
from multiprocessing import Pool

from inboxagent.agent import brake, enrolment, reading, sending, understanding
from inboxagent.outreach import admission, decide, fold, judgement, obstacles, own_hand, schedule, state
from tests.simulation import planted_dates, planted_looking, planted_memory, planted_sending
from tests.simulation.planting import MUTANTS, Patch
from tests.simulation.setting import Setting
from tests.simulation.world import simulate

PLANTED = (planted_looking, planted_sending, planted_dates, planted_memory)
"""Where the faults are; each enters its own in `MUTANTS`."""

MOST_SEEDS = 60
PLACES = (
    *(admission, decide, fold, judgement, obstacles, own_hand, schedule),
    *(enrolment, reading, understanding, sending),
    *(state.Conversation, brake.Brake, reading.Reader, understanding.Understanding, sending.Sender),
)
"""Modules and classes that are patched, as far as they are the agent's."""


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
        MUTANTS[name](patch)
        yield
    finally:
        patch.undo()


def hunt(name: str, most: int = MOST_SEEDS) -> Found:
    """Live months with the fault until a promise is broken that is kept in the same month without it."""
    for seed in range(most):
        with planted(name):
            outcome = simulate(Setting(seed=seed))
        if outcome.violations and not simulate(Setting(seed=seed)).violations:
            violation = outcome.violations[0]
            return Found(name, violation.invariant, seed, seed + 1, violation.text)
    return Found(name, None, -1, most)


def main() -> int:
    """Print the table; 1 where a mutant lives."""
    parser = argparse.ArgumentParser(prog="./run mutants", description=__doc__)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--only", default="", help="those whose name holds one of these words, with commas between")
    parser.add_argument("--seeds", type=int, default=MOST_SEEDS, help="how many months each may take to be found")
    options = parser.parse_args()
    words = options.only.split(",")
    names = [name for name in MUTANTS if any(word in name for word in words)]
    alive = 0
    print(f"{'planted fault':60} {'found by':36} {'seeds':>5}")
    with Pool(options.jobs, maxtasksperchild=1) as pool:
        for found in pool.imap(partial(hunt, most=options.seeds), names, chunksize=1):
            alive += found.invariant is None
            by = found.invariant or "NOT FOUND"
            print(f"{found.name:60} {by:36} {found.seeds:5}  {found.text[:90]}", flush=True)
    print(f"{len(names) - alive} of {len(names)} found within {options.seeds} seeds")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
