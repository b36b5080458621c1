"""Several accounts in one process, side by side: none disturbs another, and systemd hears how they are."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial

from inboxagent.cli.composition import Composition
from inboxagent.cli.eventlog import write
from inboxagent.cli.service import Service, code_of, explain
from inboxagent.edge.system import SystemClock
from inboxagent.edge.system_notify import Pulse, notify, watchdog_seconds
from inboxagent.errors import NEED_HER

BEGIN_ANEW_AFTER = 30.0  # seconds, as RestartSec= in the units

Open = Callable[[], Composition]
Task = Callable[[Service], Awaitable[None]]


async def serve(openers: Sequence[Open], task: Task, stop: asyncio.Event, *, again: bool = False) -> None:
    """Do the task for every account at the same time; one that fails disturbs no other, and the first error is raised
    at the end. `again`: one that fails for a reason that may pass is begun anew after a while, as systemd would do.
    """
    clock = SystemClock()
    patience = watchdog_seconds(os.environ)
    feed = partial(notify, os.environ, "WATCHDOG=1") if patience else _let_be
    pulse = Pulse(feed, clock.boot, (patience or 0) / 4)
    for number in range(len(openers)):
        pulse.join(number)
    alone = len(openers) == 1
    accounts = [_live(each, task, stop, pulse, n, again=again, told=alone) for n, each in enumerate(openers)]
    running = [asyncio.create_task(each) for each in accounts]
    await asyncio.sleep(0)  # each has now opened what it can without the network, or has failed
    if not all(each.done() for each in running):
        notify(os.environ, "READY=1")
    stopping = asyncio.create_task(_tell_stopping(stop))
    ends = await asyncio.gather(*running, return_exceptions=True)
    stopping.cancel()
    first = next((end for end in ends if end is not None), None)
    if first is not None:
        raise first


async def _live(
    opener: Open, task: Task, stop: asyncio.Event, pulse: Pulse, number: int, *, again: bool, told: bool
) -> None:
    """One account from its beginning to its end, which is said in the log unless it is `told` elsewhere."""
    try:
        while True:
            try:
                return await _serve(opener, task, partial(pulse.beat, number), told=told)
            except Exception as error:
                if not told:
                    write("failed", {"because": explain(error)})
                if not again or code_of(error) in NEED_HER or stop.is_set():
                    raise
            pulse.leave(number)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), BEGIN_ANEW_AFTER)
            pulse.join(number)
    finally:
        pulse.leave(number)


async def _serve(opener: Open, task: Task, beat: Callable[[], None], *, told: bool) -> None:
    service = Service(opener(), beat)
    failed = False
    try:
        await task(service)
    except BaseException as error:
        failed = True
        service.fail(error)
        raise
    finally:
        await service.close(told=failed and told)


async def _tell_stopping(stop: asyncio.Event) -> None:
    await stop.wait()
    notify(os.environ, "STOPPING=1")


def _let_be() -> None:
    """Without a watchdog nothing is fed."""
