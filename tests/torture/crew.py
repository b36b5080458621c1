"""Several stages at a time, each with a nursery of its own; and in which order to try what there is too much of."""

import multiprocessing
import random
import re
import signal
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from typing import Any, TypeVar

from tests.torture.nursery import Nursery

A = TypeVar("A")
B = TypeVar("B")


_work: list[Any] = []  # of a process that works: what it does, and its nursery


def share(
    work: Callable[[Nursery, A], B], parts: Sequence[A], new_nursery: Callable[[], Nursery], jobs: int
) -> Iterator[B]:
    """What comes of each part, in their order. Several jobs are as many processes, forks of this one."""
    if jobs == 1:
        with closing(new_nursery()) as nursery:
            for part in parts:
                yield work(nursery, part)
        return
    with multiprocessing.get_context("fork").Pool(jobs, _begin, (work, new_nursery)) as pool:
        yield from pool.imap(_do, parts)


def _begin(work: Callable[[Nursery, Any], Any], new_nursery: Callable[[], Nursery]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever shares the work out is asked to end
    _work[:] = [work, new_nursery()]


def _do(part: Any) -> Any:
    work, nursery = _work
    return work(nursery, part)


def spread(found: Iterable[tuple[A, str]], nasty: re.Pattern[str]) -> list[A]:
    """What was found with its kind, in such an order that however few are tried, they are of as many kinds as can be,
    the nasty ones first; always the same."""
    seen: Counter[str] = Counter()
    order: list[tuple[tuple[int, bool], A]] = []
    for each, kind in random.Random(1).sample(several := list(found), len(several)):
        order.append(((seen[kind], nasty.search(kind) is None), each))
        seen[kind] += 1
    return [each for _, each in sorted(order, key=lambda pair: pair[0])]
