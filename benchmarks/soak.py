"""Weeks of the real service over TLS, with cut lines, new mail, letters and compaction: what grows?

    .venv/bin/python benchmarks/soak.py [--weeks 8] [--traced]

The service runs in this process with its real journal; the mail provider has one of its own. The clock is turned on by
hours, so that a week takes seconds. The first weeks warm up: caches fill, the allocator takes its pools.
"""

import argparse
import asyncio
import logging
import os
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.soak.life import BEGINS_AT, Life, Pace, passwords
from tests.soak.provider import Provider


def main() -> None:
    """Print a line for each week."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weeks", type=int, default=8)
    parser.add_argument("--traced", action="store_true", help="Count what Python has allocated, which takes its time.")
    given = parser.parse_args()
    logging.disable()  # the service says when it is blind
    if given.traced:
        tracemalloc.start()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_soak(Path(folder), given.weeks))


async def _soak(folder: Path, weeks: int) -> None:
    pace = Pace()
    print(f"{pace.people} people, {pace.steps} readings and {pace.cuts} cuts a week; load {os.getloadavg()[0]:.1f}\n")
    print("week  RSS MB  traced KB  files  tasks  threads  letters  twice  blind  seconds")
    with Provider(passwords(pace, weeks), BEGINS_AT) as provider:
        began = time.perf_counter()
        async for each in Life(folder, provider, pace).weeks(weeks):
            seconds, began = time.perf_counter() - began, time.perf_counter()
            print(
                f"{each.week:4}{each.rss / 1e6:8.1f}{each.traced / 1e3:11.0f}{each.descriptors:7}{each.tasks:7}"
                f"{each.threads:9}{each.letters:9}{each.twice:7}{each.blind:7}{seconds:9.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
