"""The machine's clock and its stop signals."""

import time
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

# Linux counts suspends on a clock of its own; elsewhere the monotonic clock is the nearest there is.
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class SystemClock:
    """The Clock port over the machine's clocks."""

    def now(self) -> datetime:
        """The wall clock, aware, UTC."""
        return datetime.now(UTC)

    def boot(self) -> float:
        """Seconds since boot, suspends included; never goes back."""
        return time.clock_gettime(_BOOT)

    def boot_id(self) -> str:
        """Linux names each boot; elsewhere it holds for this process alone."""
        try:
            return _BOOT_ID.read_text("ascii").strip()
        except OSError:
            return _this_process()

    def seconds_until(self, at: datetime) -> float:
        """How long to wait until the wall clock shows `at`; never below 0."""
        return max(0.0, (at - self.now()).total_seconds())


@cache
def _this_process() -> str:
    from secrets import token_hex  # late: on Linux nobody asks

    return token_hex(8)


def stop_on_signals(stop: "asyncio.Event") -> None:
    """Have SIGTERM and SIGINT set `stop`, in the running loop. A second one ends the process at once, as it used to."""
    # Only a daemon needs these, and most commands are over before asyncio would be imported.
    import asyncio
    import signal

    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT)

    def set_once() -> None:
        stop.set()
        for each in signals:
            loop.remove_signal_handler(each)

    for each in signals:
        loop.add_signal_handler(each, set_once)


def leave_soon(seconds: float = 1.0) -> None:
    """End this process with 0 within so many seconds, once everything is written and closed: a thread that still waits
    for a name server or a password command would keep it for half a minute, and nobody could use what it gets."""
    import os
    import threading

    timer = threading.Timer(seconds, os._exit, (0,))
    timer.daemon = True
    timer.start()
