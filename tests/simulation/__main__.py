"""`./run simulate --seeds N [--from S] [--jobs J]`: as many months as asked, each held against every promise."""

import argparse
import gc
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from multiprocessing import Pool

from tests.simulation import shrink
from tests.simulation.setting import DAYS, PEOPLE, Outcome, Setting
from tests.simulation.world import simulate

TOLD_EVERY = 10.0  # seconds


def main() -> int:
    """Run, print what was covered and what was found; 1 where a promise was broken."""
    options = _options()
    settings = [_setting(options, seed) for seed in range(options.first, options.first + options.seeds)]
    began = time.monotonic()
    counts: Counter[str] = Counter()
    coverage: Counter[tuple[str, str]] = Counter()
    failed: list[Outcome] = []
    for outcome in told(run(settings, options.jobs), settings):
        counts += outcome.counts
        coverage += outcome.coverage
        if outcome.violations:
            failed.append(outcome)
            violation = outcome.violations[0]
            print(
                f"seed {outcome.setting.seed}: {violation.invariant}: {violation.person}: {violation.text}", flush=True
            )
    took = time.monotonic() - began
    _print_coverage(coverage)
    print(f"\n{', '.join(f'{key} {count}' for key, count in sorted(counts.items()))}")
    for outcome in failed[: options.stories]:
        print("\n" + shrink.as_story(shrink.shrink(outcome) if options.shrink else outcome), flush=True)
    print(f"\n{_pace(settings, took)}; {len(failed)} broke a promise")
    return 1 if failed else 0


def run(settings: Iterable[Setting], jobs: int) -> Iterable[Outcome]:
    """Every month, in order, spread over processes."""
    if jobs == 1:
        spare_the_collector()
        yield from map(simulate, settings)
        return
    with Pool(jobs, initializer=spare_the_collector) as pool:
        yield from pool.imap(simulate, settings, chunksize=4)


def spare_the_collector() -> None:
    """What is remembered from month to month is never rubbish: do not look through it again and again."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def told(outcomes: Iterable[Outcome], settings: list[Setting]) -> Iterator[Outcome]:
    """The outcomes; now and then a line says how far it is."""
    began = last = time.monotonic()
    for number, outcome in enumerate(outcomes, 1):
        yield outcome
        now = time.monotonic()
        if now - last >= TOLD_EVERY:
            last = now
            print(f"… {_pace(settings[:number], now - began)} of {len(settings)}", file=sys.stderr, flush=True)


def _pace(settings: list[Setting], took: float) -> str:
    years = sum(len(each.people) * each.days / 365 for each in settings)
    return f"{len(settings)} months in {took:.0f} s, {years / took * 60:,.0f} conversation-years a minute"


def _print_coverage(coverage: Counter[tuple[str, str]]) -> None:
    by_fault: dict[str, Counter[str]] = {}
    for (fault, place), count in coverage.items():
        by_fault.setdefault(fault, Counter())[place] += count
    for fault, places in sorted(by_fault.items()):
        print(f"{fault:38} {sum(places.values()):7}  {', '.join(f'{p} {n}' for p, n in places.most_common())}")


def _setting(options: argparse.Namespace, seed: int) -> Setting:
    people = frozenset(map(int, options.people.split(","))) if options.people else frozenset(range(PEOPLE))
    without = frozenset(filter(None, options.without.split(",")))
    return Setting(seed=seed, people=people, without=without, days=options.days, journal=options.journal)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run simulate", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100, help="how many months")
    parser.add_argument("--from", type=int, default=0, dest="first", metavar="SEED", help="the first seed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--people", default="", help="only these, by number")
    parser.add_argument("--without", default="", help="faults and acts of hers to leave out")
    parser.add_argument(
        "--journal",
        action=argparse.BooleanOptionalAction,
        help="over the real journal; without it one month in 64",
    )
    parser.add_argument("--days", type=float, default=DAYS)
    parser.add_argument("--stories", type=int, default=3, help="how many failures to tell in full")
    parser.add_argument("--shrink", action=argparse.BooleanOptionalAction, default=True)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
