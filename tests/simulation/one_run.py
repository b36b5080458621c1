"""`inboxagent run` with several accounts under systemd, and what befalls one of them."""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random

from inboxagent.cli import accounts
from inboxagent.cli.composition import Composition
from inboxagent.cli.service import Service
from inboxagent.errors import ConfigError, InboxagentError, LoginRefused, StateDamaged, StateUnwritable
from tests.simulation.machine import SLACK
from tests.simulation.manager import Watchdog, unit
from tests.simulation.people import DAY, HOUR
from tests.simulation.process import Process, ProcessDiedError
from tests.simulation.weather import Weather
from tests.simulation.wiring import SimulatedComposition
from tests.simulation.world import World


class Trouble(Weather):
    """What the failing account has at the moment: one of `KINDS`, or nothing."""

    now = ""

    def breaks_line(self, process: Process, call: str, back: bool) -> str | None:
        """No server, no log-in, or a fault of ours."""
        if self.now == "wrong password":
            raise LoginRefused("the password is wrong")
        if self.now == "fault of ours":
            raise RuntimeError("what nobody has thought of")
        return "the server cannot be reached" if self.now == "blind" else super().breaks_line(process, call, back)

    def obstructs(self, process: Process) -> Exception | None:
        """A journal that cannot be trusted."""
        return StateDamaged("the journal is damaged") if self.now == "damaged" else None

    def spoils(self, process: Process) -> Exception | None:
        """A full disk."""
        return StateUnwritable("no space is left") if self.now == "disk full" else None

    def stalls(self, process: Process, call: str) -> bool:
        """A call that never comes back, and that nobody loses patience with."""
        return self.now == "hangs" and call.startswith(("headers", "after")) and process.hung_at is None


KINDS = ("wrong password", "blind", "disk full", "braked", "damaged", "fault of ours", "wrong configuration", "hangs")


class Run:
    """`inboxagent run --config … --config …` under systemd."""

    def __init__(self, worlds: Sequence[World], folder: Path) -> None:
        self.worlds, self.folder = worlds, folder
        self.struck: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self._healthy = worlds[-1]
        self._task: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()
        self._all: Process | None = None  # the process itself, of which each account has its share
        self._shares: list[Process] = []
        self._down = False  # it ended with a status that needs her
        self._asked = False  # it was told to stop, to be started anew
        self._watchdog: Watchdog | None = None

    @contextmanager
    def on_the_machine(self) -> Iterator[None]:
        """The service manager and the clock are those of the simulated machine; nothing is logged."""
        log, names = logging.getLogger("inboxagent"), ("SystemClock", "notify", "watchdog_seconds")
        before = {name: getattr(accounts, name) for name in names}
        was_disabled, log.disabled = log.disabled, True
        stand_in = (lambda: self._healthy.clock, self._notify, lambda environ: unit().watchdog)
        for name, value in zip(names, stand_in, strict=True):
            setattr(accounts, name, value)
        try:
            yield
        finally:
            log.disabled = was_disabled
            for name, value in before.items():
                setattr(accounts, name, value)

    def _notify(self, environ: object, *assignments: str) -> None:
        self.counts.update(assignments)
        if "WATCHDOG=1" in assignments and self._watchdog is not None:
            self._watchdog.feed()

    # -- its life --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """It is started, unless it runs, or needs her."""
        if self._task is None and not self._down and not self._healthy.over:
            self._stop, self._asked = asyncio.Event(), False
            self._all = Process("run", self._healthy.timeline, self._healthy.weather)
            self._watchdog = Watchdog(self._healthy.loop, self._all, unit().watchdog, self._bite, len(self.worlds))
            self._shares = []
            self._task = self._healthy.loop.create_task(self._serve(self._all))

    async def _serve(self, process: Process) -> None:
        openers = [partial(self._open, each) for each in self.worlds]
        status = 0
        try:
            await accounts.serve(openers, self._run, self._stop, again=len(openers) > 1)
        except (InboxagentError, ProcessDiedError, asyncio.CancelledError) as error:
            status = getattr(error, "exit_code", 0)
        except Exception:  # noqa: BLE001 planted, in the failing account
            status = 70
        if self._all is process:
            self._end()
            self._down = status in unit().stays_down and not self._asked
            self.counts[f"exit {status}"] += 1
            self._healthy.timeline.after(unit().restart, self.start)

    async def _run(self, service: Service) -> None:
        await service.run(self._stop)

    def _open(self, world: World) -> Composition:
        if isinstance(world.weather, Trouble) and world.weather.now == "wrong configuration":
            raise ConfigError("the configuration is wrong")
        share = world.machine.process("daemon")
        share.hangs = lambda call: self._hangs(world, share)
        self._shares.append(share)
        world.machine.holder = share
        world.judge.restarts()
        return SimulatedComposition(world, share, self.folder / str(self.worlds.index(world)))

    def _hangs(self, world: World, share: Process) -> None:
        self.counts["hangs"] += 1
        since = world.loop.time()
        # The account beside may feed once more for what this one did before, if only by looking at its store.
        world.timeline.after(unit().watchdog / 4 + 1.0, world.loop.wake_onlookers)
        world.timeline.after(1.25 * unit().watchdog + SLACK, lambda: self._should_be_over(world, share, since))

    def _should_be_over(self, world: World, share: Process, since: float) -> None:
        if not share.dead and share.hung_at == since:
            world.judge.check("hang", share)

    def _bite(self) -> None:
        if not any(each.hung_at is not None for each in self._shares if not each.dead):
            self._healthy.judge.complain("i22_what_goes_on_is_left_alone", "the watchdog ends a run that goes on")
        self.counts["bitten"] += 1
        task = self._task
        self._end()
        if task is not None:
            task.cancel()
        for lock in self.folder.glob("*/*.lock"):
            lock.unlink()  # the kernel frees what a dead process held
        self._healthy.timeline.after(unit().restart, self.start)

    def _end(self) -> None:
        """Nothing of it has any effect any more."""
        if self._all is not None:
            self._all.dead = True
        for each in self._shares:
            each.dead = True
        for world in self.worlds:
            world.machine.holder = None
        self._task = self._all = None

    # -- what befalls it -------------------------------------------------------------------------------------------

    def plan_trouble(self, failing: World) -> None:
        """Each kind of failure once, for some hours, in an order of the seed's own; an operator mends it."""
        chance = Random(f"{failing.seed}/trouble")
        kinds = chance.sample(KINDS, len(KINDS))
        for number, kind in enumerate(kinds):
            begins = (1.5 + number * 0.75) * DAY + chance.uniform(0.0, 6 * HOUR)
            failing.timeline.at(begins, partial(self._fail, failing, kind))
            failing.timeline.at(begins + chance.uniform(0.5, 3.0) * HOUR, partial(self._mend, failing, kind))

    def _fail(self, failing: World, kind: str) -> None:
        assert isinstance(failing.weather, Trouble)
        self.struck[kind] += 1
        failing.weather.now = kind
        if kind == "braked":
            failing.disk.put_back(failing.disk.contents)
            failing.judge.restores(failing.disk.contents, forgotten=False)
        if kind == "wrong configuration":
            self._restart()
        failing.people[0].say("One thing more: it is urgent.\n", linked=False)  # there is something to read

    def _mend(self, failing: World, kind: str) -> None:
        assert isinstance(failing.weather, Trouble)
        failing.weather.now = ""
        if self._down:
            self._healthy.judge.complain("i25_no_account_disturbs_another", f"{kind}: both accounts have ended")
        if kind == "braked":
            failing.her.shell.release_brake()
        if kind in ("wrong password", "damaged", "wrong configuration"):
            self._restart()

    def _restart(self) -> None:
        """`systemctl restart`."""
        self._down, self._asked = False, True
        self._stop.set()
        self.start()
