"""Kills, power cuts and faults of the line, as many as asked: the store, a whole agent, and Dovecot and Postfix."""

import argparse
import logging
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from tests.edge.store import torture as store
from tests.servers import lab as servers
from tests.torture import faults, kills
from tests.torture.aftermath import Trial
from tests.torture.nursery import Fresh
from tests.torture.proxy import Fault

BROKEN = ("lost", "double", "after an answer", "stuck")
TOLD_EVERY = 10.0  # seconds
Trials = Iterator[Trial[Any]]


def main() -> int:
    """All parts, or one; 1 where a promise was broken."""
    options = _options()
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd's, which warns of itself at each log-in
    if options.again:
        return _play_again(options.again)
    parts: dict[str, Callable[[int], int]] = {
        "store": store.main,
        "kills": partial(_kill, jobs=options.jobs),
        "faults": partial(_meddle, jobs=options.jobs),
    }
    return max(part(options.rounds) for name, part in parts.items() if options.only in (None, name))


def _kill(rounds: int, *, jobs: int) -> int:
    """A whole agent, killed at its effects."""
    many, few = max(rounds // 2, 1), max(rounds // 50, 1)
    code = _tell("an agent on servers in memory, SIGKILL", many, kills.torture(many, jobs=jobs))
    if reason := servers.missing():
        print(f"NOT RUN: {few} kills of an agent on Dovecot and Postfix: {reason}")
        return code
    with servers.Lab() as lab:
        trials = kills.torture(few, ("day", "days"), partial(faults.killable_stage, lab), Fresh, jobs)
        return max(code, _tell("an agent on Dovecot and Postfix, SIGKILL", few, trials))


def _meddle(rounds: int, *, jobs: int) -> int:
    """The line between a whole agent and real servers."""
    count = max(rounds // 10, 1)
    if reason := servers.missing():
        print(f"NOT RUN: {count} faults of the line to Dovecot and Postfix: {reason}")
        return 0
    with servers.Lab() as lab:
        return _tell(
            "an agent on Dovecot and Postfix, faults of the line", count, faults.torture(count, lab, jobs=jobs)
        )


def _tell(title: str, count: int, trials: Trials) -> int:
    """A line now and then, what was broken at once with the words that play it again, and a table; the exit code."""
    begun = last = time.monotonic()
    hits: Counter[str] = Counter()
    broken: dict[str, Counter[str]] = defaultdict(Counter)
    missed = 0
    for number, trial in enumerate(_until_interrupted(trials), 1):
        name = str(trial.trouble or f"{trial.scene}, undisturbed")
        for each in trial.broken:
            print(f"{name} ({trial.hit}): {each}\n  again: ./run torture --again {name!r}", flush=True)
            broken[trial.hit or trial.scene][each.partition(":")[0]] += 1
        if trial.trouble is not None:
            missed += trial.hit is None
            hits.update([trial.hit] if trial.hit else [])
        if time.monotonic() - last > TOLD_EVERY:
            last = time.monotonic()
            print(f"… {number} of about {count}, {last - begun:.0f} s", file=sys.stderr, flush=True)
    took = time.monotonic() - begun
    width = max((len(each) for each in (*hits, *broken)), default=0)
    print(f"\n{title}\n{'':{width}}  tried  {'  '.join(BROKEN)}")
    for hit in sorted({*hits, *broken}):
        counts = "  ".join(f"{broken[hit][each]:{len(each)}}" for each in BROKEN)
        print(f"{hit:{width}}  {hits[hit]:5}  {counts}")
    total, all_broken = sum(hits.values()), sum(sum(each.values()) for each in broken.values())
    not_reached = f", {missed} that it never came to" if missed else ""
    pace = f"{took:.0f} s, {took / max(total, 1):.1f} s each"
    print(f"{total} in all{not_reached}, {all_broken} promises broken, {pace}\n", flush=True)
    return 1 if all_broken or not total else 0


def _until_interrupted(trials: Trials) -> Trials:
    """Ctrl-C ends it, and what came of the others is told all the same."""
    try:
        yield from trials
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)


def _play_again(name: str) -> int:
    """One kill or fault, with what the agent said."""
    if name.count(":") == 3:
        kill = kills.Kill.read(name)
        return _tell(name, 1, kills.again(kill))
    fault = Fault.read(name)
    with servers.Lab() as lab:
        return _tell(name, 1, faults.again(fault, lab))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./run torture",
        description="Kills processes and breaks lines, and holds what is left against the promises.",
        epilog="Of 1,000 rounds 500 kill one writer of the store and 500 two, with a recording of power cuts for each "
        "hundred; 500 kill a whole agent at its effects on servers in memory and 20 on Dovecot and Postfix; 100 break "
        "the line to Dovecot or Postfix. What needs servers that are not installed is named and left out.",
    )
    parser.add_argument("rounds", type=int, nargs="?", default=1_000, metavar="ROUNDS", help="1,000 unless you say so")
    parser.add_argument("--only", choices=("store", "kills", "faults"), help="this part alone")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="agents at a time")
    parser.add_argument("--again", metavar="NAME", help="play one kill or fault again, by the name it was told with")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
