"""The short form of benchmarks/soak.py: what the service holds is the same week after week."""

import asyncio
import tracemalloc
from pathlib import Path

from tests.soak.life import BEGINS_AT, Figures, Life, Pace, passwords
from tests.soak.provider import Provider

PACE = Pace(people=8, steps=5, cuts=1)
WEEKS = 3
MOST_A_WEEK = 600_000  # bytes, once the first week has filled the caches: what is computed for new dates is kept, too


def test_files_tasks_and_threads_stay_the_same_and_memory_within_bounds(tmp_path: Path) -> None:
    tracemalloc.start()
    try:
        first, second, last = asyncio.run(_live(tmp_path))
    finally:
        tracemalloc.stop()
    assert last.letters >= WEEKS * PACE.people
    assert last.blind == WEEKS
    assert last.twice == 0
    # What is lost week by week is more than in either week before; a line that rests may be there in one of them.
    assert last.descriptors <= max(first.descriptors, second.descriptors)
    assert last.tasks <= max(first.tasks, second.tasks)
    assert last.threads <= max(first.threads, second.threads)
    assert last.traced - second.traced <= MOST_A_WEEK


async def _live(folder: Path) -> list[Figures]:
    with Provider(passwords(PACE, WEEKS), BEGINS_AT) as provider:
        return [each async for each in Life(folder, provider, PACE).weeks(WEEKS)]
