"""`python -m tests.simulation --seeds N [--first K]`: as many months as asked, on all cores."""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable
from multiprocessing import Pool

from tests.simulation import shrink
from tests.simulation.world import DAYS, PEOPLE, Outcome, Setting, simulate


def main() -> int:
    """Run, print what was covered and what was found; 1 where a promise was broken."""
    options = _options()
    settings = [_setting(options, seed) for seed in range(options.first, options.first + options.seeds)]
    began = time.monotonic()
    counts: Counter[str] = Counter()
    coverage: Counter[tuple[str, str]] = Counter()
    failed: list[Outcome] = []
    for outcome in run(settings, options.workers):
        counts += outcome.counts
        coverage += outcome.coverage
        if outcome.violations:
            failed.append(outcome)
            violation = outcome.violations[0]
            print(
                f"seed {outcome.setting.seed}: {violation.invariant}: {violation.person}: {violation.text}", flush=True
            )
    _print_coverage(coverage)
    for outcome in failed[: options.stories]:
        print_story(shrink.shrink(outcome) if options.shrink else outcome)
    took = time.monotonic() - began
    years = len(settings) * PEOPLE * DAYS / 365
    print(f"\n{dict(sorted(counts.items()))}")
    print(
        f"{len(settings)} months, {len(failed)} with a violation, {took:.0f} s: {years / took * 60:,.0f} years a minute"
    )
    return 1 if failed else 0


def run(settings: Iterable[Setting], workers: int) -> Iterable[Outcome]:
    """Every month, in order, spread over processes."""
    if workers == 1:
        yield from map(simulate, settings)
        return
    with Pool(workers) as pool:
        yield from pool.imap(simulate, settings, chunksize=4)


def print_story(outcome: Outcome) -> None:
    """What happened, and the line that plays it again."""
    for violation in outcome.violations:
        print(f"\n{violation.invariant} ({violation.person}, {violation.seconds:.1f} s): {violation.text}")
    print("\n".join(f"    {line}" for line in outcome.story))
    print(f"  again: {shrink.replay(outcome.setting)}", flush=True)


def _print_coverage(coverage: Counter[tuple[str, str]]) -> None:
    by_fault: dict[str, Counter[str]] = {}
    for (fault, place), count in coverage.items():
        by_fault.setdefault(fault, Counter())[place] += count
    for fault, places in sorted(by_fault.items()):
        print(f"{fault:38} {sum(places.values()):7}  {', '.join(f'{p} {n}' for p, n in places.most_common())}")


def _setting(options: argparse.Namespace, seed: int) -> Setting:
    people = frozenset(map(int, options.people.split(","))) if options.people else frozenset(range(PEOPLE))
    without = frozenset(filter(None, options.without.split(",")))
    return Setting(seed=seed, people=people, without=without, days=options.days)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100, help="how many months")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--people", default="", help="only these, by number")
    parser.add_argument("--without", default="", help="faults and acts of hers to leave out")
    parser.add_argument("--days", type=float, default=DAYS)
    parser.add_argument("--stories", type=int, default=3, help="how many failures to tell in full")
    parser.add_argument("--shrink", action=argparse.BooleanOptionalAction, default=True)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
