"""Cycles for ever: read, send what is due, wait for mail, a due time, a command or the stop signal."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from inboxagent.agent.cycle import Agent
from inboxagent.errors import StateUnwritable, TryLater, Unreachable
from inboxagent.outreach.stoppage import Stoppage
from inboxagent.ports import Clock, Mailbox, Store

T = TypeVar("T")

NOTICE_COMMANDS_EVERY = 0.5  # seconds: a change made by a command is seen within one
SOON = 10.0  # seconds: longer than the store needs to tidy up
FIRST_PAUSE = 2.0
LONGEST_PAUSE = 300.0
PATIENCE_AT_STOP = 20.0


class Sight(StrEnum):
    """Whether the mailboxes can be read."""

    OK = "ok"
    BLIND = "blind"


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How the daemon is: since when it sees or is blind, the last complete reading, and why it is blind."""

    sight: Sight
    since: datetime
    last_reading_at: datetime | None = None
    because: str = ""


class Daemon:
    """The endless loop around one agent. Everything it waits for ends at once when `stop` is set."""

    def __init__(
        self,
        agent: Agent,
        mailbox: Mailbox,
        store: Store,
        clock: Clock,
        *,
        poll: float,
        stop: asyncio.Event,
        report: Callable[[Health], None],
        watched: Callable[[], object] = lambda: None,
        alarm: Callable[[Health], Awaitable[None]] | None = None,
        warn: Callable[[Stoppage | None], Awaitable[None]] | None = None,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        """Spans in seconds. `report` hears of every change, `alarm` each time that reading has failed, `warn` after
        each cycle of what keeps everything from being sent, `beat` that it goes on: with each cycle, and all along
        while it rests."""
        self._agent = agent
        self._mailbox = mailbox
        self._store = store
        self._clock = clock
        self._poll = poll
        self._stop = stop
        self._report = report
        self._watched = watched
        self._alarm = alarm
        self._warn = warn
        self._beat = beat
        self._health = Health(sight=Sight.BLIND, since=clock.now(), because="no reading yet")
        self._pause = FIRST_PAUSE

    async def run(self) -> None:
        """Until `stop`. An unreachable server is waited for; a refused log-in or damaged state ends it by its error."""
        self._report(self._health)
        async with stop_signal(self._stop) as stopping:
            while not self._stop.is_set():
                # Taken before the cycle looks at the store: what a command changes during it is not slept over.
                seen = self._seen()
                self._beat()
                seconds = await interruptible(self._cycle(), stopping)
                if seconds is not None:
                    await self._tidy(seconds)
                    await self._rest(seconds, seen, stopping)

    async def _cycle(self) -> float:
        """Read and send once; returns the seconds to wait at most."""
        try:
            self._agent.recover()
            await self._agent.read()
            self._see()
            self._beat()
            come_back_at = await self._agent.deliver(self._stop.is_set)
        except (Unreachable, StateUnwritable, TryLater) as error:
            told = error.retry_after if isinstance(error, Unreachable) else None
            pause = max(self._go_blind(str(error)), told or 0.0)
            if self._alarm is not None:
                await self._alarm(self._health)
            return pause
        if self._warn is not None:
            await self._warn(self._agent.stopped())
        self._pause = FIRST_PAUSE
        until = self._clock.seconds_until(come_back_at) if come_back_at else self._poll
        return min(until, self._poll)

    def _see(self) -> None:
        now = self._clock.now()
        since = self._health.since if self._health.sight is Sight.OK else now
        self._tell(Health(sight=Sight.OK, since=since, last_reading_at=now))

    def _go_blind(self, because: str) -> float:
        """Say so, and how long to leave the server alone: doubled each time, with jitter."""
        since = self._health.since if self._health.sight is Sight.BLIND else self._clock.now()
        self._tell(replace(self._health, sight=Sight.BLIND, since=since, because=because))
        pause, self._pause = self._pause, min(self._pause * 2, LONGEST_PAUSE)
        return pause * random.uniform(0.5, 1.0)  # noqa: S311 jitter, not a secret

    def _tell(self, health: Health) -> None:
        self._health = health
        self._report(health)

    async def _tidy(self, seconds: float) -> None:
        """Let the store tidy up where nothing is due soon; it may try again later."""
        if seconds > SOON and self._health.sight is Sight.OK and not self._stop.is_set():
            with suppress(StateUnwritable, TryLater):
                await asyncio.to_thread(self._store.compact)

    async def _rest(self, seconds: float, seen: object, stopping: asyncio.Future[Any]) -> None:
        """Wait for new mail, a command's change, the stop signal or the time, whichever comes first."""
        awaited = [self._changed(seen)]
        if self._health.sight is Sight.OK:
            awaited.append(self._mailbox.wait(seconds))
        tasks = [asyncio.ensure_future(each) for each in awaited]
        try:
            done, _ = await asyncio.wait([*tasks, stopping], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _seen(self) -> object:
        """The store and the rule files as others left them; differs once a command or her editor has written."""
        return self._store.others(), self._watched()

    async def _changed(self, seen: object) -> bool:
        """Return when the store is no longer what was seen: a command has written. What the cycle itself wrote it has
        acted on."""
        while self._seen() == seen:  # another process changes it: there is no event to await
            self._beat()
            await asyncio.sleep(NOTICE_COMMANDS_EVERY)
        return True


@asynccontextmanager
async def stop_signal(stop: asyncio.Event) -> AsyncIterator[asyncio.Future[Any]]:
    """The stop signal as a future that many waits can share, one after the other."""
    stopping = asyncio.ensure_future(stop.wait())
    try:
        yield stopping
    finally:
        stopping.cancel()


async def interruptible(work: Coroutine[None, None, T], stopping: asyncio.Future[Any]) -> T | None:
    """The answer of the work; None where the stop signal came and the work did not end soon enough.

    Work cut off at the dot leaves its intent open, which the next start reads as uncertain.
    """
    running = asyncio.create_task(work)
    either: set[asyncio.Future[Any]] = {running, stopping}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if not running.done():
        await asyncio.wait({running}, timeout=PATIENCE_AT_STOP)
    if not running.done():
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return None if running.cancelled() else running.result()
