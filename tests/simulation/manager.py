"""The service manager of her machine, as far as the unit file asks for it: what systemd does with what runs."""

import configparser
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.simulation.process import Process
from tests.simulation.timeline import SimulatedLoop

SHIPPED = Path(__file__).parents[2] / "systemd" / "inboxagent.service"
_SPANS = {"": 1.0, "s": 1.0, "min": 60.0, "h": 3_600.0}
PROBE = 1.0  # seconds: who looks every half second has looked
PROBES = 10


@dataclass(frozen=True, slots=True)
class Unit:
    """What systemd.service(5) calls WatchdogSec, RestartSec, TimeoutStopSec (seconds), and who is not restarted."""

    watchdog: float
    restart: float
    stop: float
    stays_down: frozenset[int]


@cache
def unit(path: Path = SHIPPED) -> Unit:
    """What the unit file that ships says."""
    settings = configparser.ConfigParser(interpolation=None, strict=False)
    settings.read(path)
    service = settings["Service"]
    assert (service["Type"], service["Restart"]) == ("notify", "on-failure")
    assert settings["Unit"]["StartLimitIntervalSec"] == "0"  # however often it has failed, it is started again
    return Unit(
        *(_seconds(service[name]) for name in ("WatchdogSec", "RestartSec", "TimeoutStopSec")),
        frozenset(map(int, service["RestartPreventExitStatus"].split())),
    )


def _seconds(span: str) -> float:
    found = re.fullmatch(r"(\d+)([a-z]*)", span)
    assert found is not None, span
    return int(found[1]) * _SPANS[found[2]]


class Watchdog:
    """Bites what has not fed it for `limit` seconds of the clock that stands still while the machine is suspended.

    A task that only looks every half second is left alone by the simulated loop. So it is woken once in each of its
    rests, when the watchdog would bite: if that look feeds, every look of this rest would have, of all `accounts`.
    """

    def __init__(
        self, loop: SimulatedLoop, process: Process, limit: float, bite: Callable[[], None], accounts: int = 1
    ) -> None:
        self._loop = loop
        self._process = process
        self._limit = limit
        self._bite = bite
        self._accounts = accounts
        self._fed_at = loop.time()
        self._trusted: tuple[object, ...] = ()
        loop.timeline.after(limit, self._look)

    def feed(self) -> None:
        """`WATCHDOG=1`."""
        self._fed_at = self._loop.time()

    def _look(self) -> None:
        if self._process.dead:
            return
        timeline, left = self._loop.timeline, self._fed_at + self._limit - self._loop.time()
        looking = self._loop.onlookers()
        if timeline.asleep:
            timeline.after(60.0, self._look)
        elif left > 0.0:
            timeline.after(max(left, PROBE), self._look)
        elif looking == self._trusted and len(looking) == self._accounts:
            self.feed()
            timeline.after(self._limit, self._look)
        else:
            self._probe(PROBES, self._fed_at)

    def _probe(self, left: int, before: float) -> None:
        self._loop.wake_onlookers()
        self._loop.timeline.after(PROBE, lambda: self._judge(left - 1, before))

    def _judge(self, left: int, before: float) -> None:
        """Whether the look has fed it; beside an account that is begun anew every half minute, not each one does."""
        if self._process.dead:
            return
        if self._loop.timeline.asleep:
            self._loop.timeline.after(60.0, lambda: self._judge(left, before))
        elif self._fed_at == before and left:
            self._loop.timeline.after(PROBE, lambda: self._probe(left, before))
        elif self._fed_at == before:
            self._bite()
        else:
            self._trusted = self._loop.onlookers()
            self._loop.timeline.after(self._limit, self._look)
