"""Simulated time: one agenda of what happens in the world, and an event loop that moves on instead of waiting.

Three times are told apart, as on a real machine: true seconds (the world's), the monotonic clock (which stands still
while the machine is suspended) and the wall clock (which may be wrong).
"""

import asyncio
import heapq
import itertools
import math
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any

from inboxagent.daemon import NOTICE_COMMANDS_EVERY

Act = Callable[[], None]
_NEAR = 1e-3  # seconds: timers that are as near as this to each other keep the loop's own order


class Timeline:
    """True seconds since `epoch`, and the agenda of the world."""

    def __init__(self, epoch: datetime) -> None:
        self.epoch = epoch
        self.seconds = 0.0
        self.frozen = 0.0  # how long the machine has been suspended
        self.asleep_since: float | None = None
        self.wrong = 0.0  # how far its wall clock is ahead
        self.leaps: list[tuple[float, float]] = []  # when it was put right or wrong, and by how much
        self.boots, self.booted_at = 1, -1_000.0
        self._agenda: list[tuple[float, int, Act]] = []
        self._order = itertools.count()

    @property
    def true_now(self) -> datetime:
        """The true time, which servers have."""
        return self.epoch + timedelta(seconds=self.seconds)

    def at(self, seconds: float, act: Act) -> None:
        """Have something happen at a true time, in the order in which it was asked for."""
        heapq.heappush(self._agenda, (max(seconds, self.seconds), next(self._order), act))

    def after(self, seconds: float, act: Act) -> None:
        """Have something happen so many seconds from now."""
        self.at(self.seconds + seconds, act)

    def set_clock(self, ahead: float) -> None:
        """Somebody puts the wall clock right, or wrong."""
        self.leaps.append((self.seconds, ahead - self.wrong))
        self.wrong = ahead

    def boot(self) -> None:
        """The machine begins anew, and so does the clock that nobody sets."""
        self.boots, self.booted_at = self.boots + 1, self.seconds

    def is_empty_until(self, seconds: float) -> bool:
        """Whether the world has nothing on its agenda before that true time, and nothing at it."""
        return not self._agenda or self._agenda[0][0] > seconds

    @property
    def asleep(self) -> bool:
        """Whether the machine is suspended."""
        return self.asleep_since is not None

    async def sleep(self, seconds: float) -> None:
        """Wait for the world: a line, a server, a person. Where nothing happens meanwhile, it is just later."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimulatedLoop)
        until = self.seconds + seconds
        if loop.is_quiet_until(until):
            self.seconds = until
            return
        waiting: asyncio.Future[None] = loop.create_future()
        self.after(seconds, lambda: None if waiting.done() else waiting.set_result(None))
        await waiting

    def happen(self, deadline: float, ready: Collection[object]) -> None:
        """Let the world go on to a true time, or until something is `ready` for the machine to do."""
        agenda = self._agenda
        while not ready:
            if not agenda or agenda[0][0] > deadline:
                if math.isinf(deadline):
                    raise RuntimeError("nothing will ever happen again")
                self.seconds = max(self.seconds, deadline)
                return
            at, _, act = heapq.heappop(agenda)
            if at > self.seconds:
                self.seconds = at
            act()

    def suspend(self, seconds: float) -> None:
        """The machine sleeps, the world does not."""
        if self.asleep:
            return
        before = self.asleep_since = self.seconds
        self.happen(self.seconds + seconds, ())
        self.frozen += self.seconds - before
        self.asleep_since = None

    def doze(self, seconds: float) -> None:
        """The machine sleeps in the middle of an instant: what happens meanwhile shows itself when it wakes."""
        self.seconds += seconds
        self.frozen += seconds


class MachineClock:
    """The Clock port over a timeline."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._shown, self._now = 0.0, timeline.epoch

    def now(self) -> datetime:
        """The wall clock, right or wrong."""
        shown = self._timeline.seconds + self._timeline.wrong
        if shown != self._shown:  # asked several times in every instant
            self._shown, self._now = shown, self._timeline.epoch + timedelta(seconds=shown)
        return self._now

    def boot(self) -> float:
        """Counts suspends and never jumps."""
        return self._timeline.seconds - self._timeline.booted_at

    def boot_id(self) -> str:
        """Another one after each power cut."""
        return f"boot {self._timeline.boots}"

    def seconds_until(self, at: datetime) -> float:
        """As the wall clock says."""
        return max(0.0, (at - self.now()).total_seconds())


class SimulatedLoop(asyncio.BaseEventLoop):
    """An event loop whose selector moves a timeline.

    A task that only looks every half second whether somebody has written to the store is left alone until somebody
    has: looking in between finds nothing by definition, and would be five million turns a month.
    """

    def __init__(self, timeline: Timeline) -> None:
        super().__init__()
        self.timeline = timeline
        self._selector = self
        self._clock_resolution = 1e-6
        self._onlookers: list[tuple[float, asyncio.TimerHandle]] = []
        self.set_exception_handler(lambda loop, context: None)

    def time(self) -> float:
        """The monotonic clock."""
        timeline = self.timeline
        since = timeline.asleep_since
        return (timeline.seconds if since is None else since) - timeline.frozen

    def call_soon(self, callback: Callable[..., Any], *args: Any, context: Any = None) -> asyncio.Handle:
        """As ever, without the questions that a program has to be asked whose threads may be anywhere."""
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def is_quiet_until(self, seconds: float) -> bool:
        """Whether the one who asks would be the first to go on, if it waited until this true time."""
        timeline, scheduled = self.timeline, self._scheduled
        if self._ready or timeline.asleep or not timeline.is_empty_until(seconds):
            return False
        while scheduled and scheduled[0]._cancelled:
            heapq.heappop(scheduled)._scheduled = False
        return not scheduled or seconds + _NEAR < timeline.seconds + scheduled[0]._when - self.time()

    def _run_once(self) -> None:
        """What is ready runs; where nothing is, time passes until something is."""
        ready, scheduled = self._ready, self._scheduled
        if not ready:
            while scheduled and scheduled[0]._cancelled:
                heapq.heappop(scheduled)._scheduled = False
            if not self._stopping:
                self._pass_time(scheduled[0]._when - self.time() if scheduled else math.inf)
        soon = self.time() + self._clock_resolution
        while scheduled and scheduled[0]._when < soon:
            handle = heapq.heappop(scheduled)
            handle._scheduled = False
            ready.append(handle)
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle._cancelled:
                handle._run()

    def _pass_time(self, seconds: float) -> None:
        """Nothing ever comes through a descriptor: the world goes on instead."""
        self.timeline.happen(self.timeline.seconds + max(0.0, seconds), self._ready)

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        """What would be done beside is done at once: there is one thread."""
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 it is the caller's
            done.set_exception(error)
        return done

    def _write_to_self(self) -> None:
        """Nobody sleeps in a selector."""

    def _process_events(self, event_list: list[Any]) -> None:
        """There are none."""

    def call_later(self, delay: float, callback: Callable[..., Any], *args: Any, context: Any = None) -> Any:
        """As ever, but for the look at the store."""
        if delay != NOTICE_COMMANDS_EVERY:
            return super().call_later(delay, callback, *args, context=context)
        handle = asyncio.TimerHandle(self.time() + delay, callback, args, self, context)
        self._onlookers = [each for each in self._onlookers if not each[1].cancelled()]
        self._onlookers.append((self.time(), handle))
        return handle

    def onlookers(self) -> tuple[object, ...]:
        """The looks at the store that are left alone now."""
        return tuple(handle for _, handle in self._onlookers if not handle.cancelled())

    def wake_onlookers(self) -> None:
        """Somebody wrote: each looks at its next half second."""
        onlookers, self._onlookers = self._onlookers, []
        for since, handle in onlookers:
            if handle.cancelled():
                continue
            looks = math.ceil((self.time() - since) / NOTICE_COMMANDS_EVERY + 1e-9)
            handle._when = max(since + looks * NOTICE_COMMANDS_EVERY, self.time())  # type: ignore[attr-defined]
            handle._scheduled = True  # type: ignore[attr-defined]
            heapq.heappush(self._scheduled, handle)  # type: ignore[attr-defined]
            # The loop may be waiting for something later: a timer that is set from outside would not end that.
            self.timeline.after(handle._when - self.time(), lambda: self.call_soon(int))  # type: ignore[attr-defined]
