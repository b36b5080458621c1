"""Her machine: the processes on it, what ends them, what starts them again."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from inboxagent.agent.cycle import Agent
from inboxagent.daemon import Daemon, Health, Sight
from inboxagent.edge.system_notify import Pulse
from inboxagent.errors import InboxagentError
from inboxagent.ports import Fetched, Store
from tests.fakes.store import Contents
from tests.simulation import memo
from tests.simulation.disk import kind_of
from tests.simulation.imap import SimulatedMailbox
from tests.simulation.manager import Watchdog, unit
from tests.simulation.people import DAY, HOUR
from tests.simulation.process import Process, ProcessDiedError
from tests.simulation.smtp import Filing, SimulatedTransport

if TYPE_CHECKING:
    from tests.simulation.world import World

SLACK = 120.0  # seconds that a watchdog may come late: after a sleep it looks within a minute, and asks once more
BITTEN, KILLED = "the watchdog", "SIGKILL"


class Machine:
    """What runs. `holder` is the daemon that has the account's lock."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.holder: Process | None = None
        self._daemon: asyncio.Task[None] | None = None
        self._stop: asyncio.Event | None = None
        self._running: Process | None = None
        self._down_until = 0.0

    # -- a process -------------------------------------------------------------------------------------------------

    def process(self, name: str) -> Process:
        """A new process."""
        made = Process(name, self.world.timeline, self.world.weather)
        made.fetched = lambda fetched: self.world.judge.fetches(made, fetched)
        return made

    def mailbox(self, process: Process) -> SimulatedMailbox:
        """Its own connection."""
        return SimulatedMailbox(process, self.world.server, files_sent=self.world.filing is Filing.KNOWN)

    def disconnect(self, mailbox: SimulatedMailbox) -> None:
        """The connection is closed."""
        if mailbox._told in self.world.server.listeners:
            self.world.server.listeners.remove(mailbox._told)

    def store(self, process: Process) -> Store:
        """Its view of the state."""
        return self.world.disk.store(process, self._acknowledged)

    def _acknowledged(self, process: Process, before: Contents, after: Contents, why: str) -> None:
        self.world.judge.commits(process, before, after, why)
        if kind_of(why) == "mail":
            self.world.weather.instants.hears(before, after)

    # -- the daemon ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """The daemon is started, unless it runs or the machine is off."""
        if self.world.over or self.holder is not None or self.world.timeline.seconds < self._down_until:
            return
        self._launch()

    def second_instance(self) -> None:
        """Somebody starts it once more: the lock is taken, so it ends at once."""
        if self.holder is None:
            return
        self.world.weather.note("second instance", self.holder.place)
        if not self.lock_holds():
            self._launch()

    def lock_holds(self) -> bool:
        """The kernel keeps a lock for the process that has it."""
        return True

    def _launch(self) -> None:
        process = self.process("daemon")
        process.died = lambda effect: self._died(process, effect)
        process.hangs = lambda call: self._hangs(process, call)
        self.holder = self._running = process
        self._stop = asyncio.Event()
        self.world.judge.restarts()
        self._daemon = self.world.loop.create_task(self._serve(process, self._stop))

    async def _serve(self, process: Process, stop: asyncio.Event) -> None:
        world = self.world
        mailbox, store = self.mailbox(process), self.store(process)
        transport = SimulatedTransport(
            process, world.submission, lambda envelope, message, at: self._dot(process, envelope, message, at)
        )
        beat = self._watched(process)
        agent = Agent(world.account, mailbox, transport, store, world.clock, lambda *_: beat(), self._set_aside, beat)
        daemon = Daemon(
            *(agent, mailbox, store, world.clock),
            poll=world.poll,
            stop=stop,
            report=lambda health: self._health(process, health),
            beat=beat,
        )
        try:
            await daemon.run()
        except ProcessDiedError:
            pass
        except InboxagentError as error:
            self._ended_by(error)
        except Exception as error:  # noqa: BLE001 whatever it is, it is a fault of ours
            world.judge.complain("the_daemon_lives", f"{type(error).__name__}: {error}")
        finally:
            self.disconnect(mailbox)
        if self.holder is process and not process.frozen:
            self.holder = None
            process.dead = True
            self._start_later(world.surprise.uniform(1.0, 60.0))

    def _health(self, process: Process, health: Health) -> None:
        if health.sight is Sight.OK:
            self.world.judge.reading_ok_at = process.looked_at
            self.world.judge.check("reading", process)
            process.begins("reading")

    def _set_aside(self, fetched: Fetched, raw: bytes, why: str) -> None:
        self.world.judge.complain("set_aside", why)

    def _dot(self, process: Process, envelope: object, message: bytes, recipient_at: float) -> None:
        self.world.log(f"dot {memo.parse(message).message_id}")
        self.world.judge.dot(process, envelope, message, recipient_at)  # type: ignore[arg-type]

    # -- its ends --------------------------------------------------------------------------------------------------

    def _ended_by(self, error: InboxagentError) -> None:
        self.world.judge.counts[f"exit {error.exit_code}"] += 1
        if error.exit_code in unit().stays_down:
            self._start_later(self.world.surprise.uniform(HOUR, DAY))

    def _died(self, process: Process, effect: str) -> None:
        self.world.log(f"died at {effect}")
        if self.holder is process:
            self.holder = None
            self._start_later(unit().restart if effect == BITTEN else self.world.surprise.uniform(1.0, 60.0))

    def _start_later(self, seconds: float) -> None:
        self.world.timeline.after(seconds, self.start)

    def ask_to_stop(self) -> None:
        """SIGTERM."""
        if self._stop is not None and self.holder is not None:
            self.world.weather.note("asked to stop", self.holder.place)
            self._stop.set()
            self._once_passed(self.world.loop.time(), unit().stop, self.holder, self._kill)

    def _kill(self, process: Process) -> None:
        """SIGKILL, to what has not ended in time."""
        self.world.judge.check("late stop", process)
        self._put_down(process, KILLED)

    def _put_down(self, process: Process, how: str) -> None:
        self.world.weather.note(how, "frozen" if process.frozen else process.place)
        process.end(how)
        if process is self._running and self._daemon is not None:
            self._daemon.cancel()

    # -- its watchdog ----------------------------------------------------------------------------------------------

    def _watched(self, process: Process) -> Callable[[], None]:
        """What a daemon calls as it goes on: the product's pulse, which feeds the watchdog."""
        watchdog = Watchdog(self.world.loop, process, unit().watchdog, lambda: self._bite(process))
        pulse = Pulse(watchdog.feed, self.world.clock.boot, unit().watchdog / 4)
        pulse.join(process)
        return lambda: None if process.frozen else pulse.beat(process)

    def _bite(self, process: Process) -> None:
        self.world.judge.check("bite", process)
        self._put_down(process, BITTEN)

    def _hangs(self, process: Process, call: str) -> None:
        self.world.weather.note("frozen at" if process.frozen else "hung at", f"{call}, {process.place}")
        self.world.log(f"hangs at {call}")
        since = self.world.loop.time()
        if self.world.weather.on("restart") and self.world.surprise.random() < 0.3:
            self.world.timeline.after(self.world.surprise.uniform(1.0, 60.0), self.ask_to_stop)  # she does not wait
        self._once_passed(since, unit().watchdog + SLACK, process, lambda _: self._should_be_over(process, since))

    def _should_be_over(self, process: Process, since: float) -> None:
        if process.hung_at == since:
            self.world.judge.check("hang", process)

    def _once_passed(self, since: float, seconds: float, process: Process, act: Callable[[Process], None]) -> None:
        """Do something to a process that still lives so many seconds of the machine's own clock after `since`."""
        left = since + seconds - self.world.loop.time()
        if process.dead:
            return
        if self.world.timeline.asleep or left > 0.0:
            self.world.timeline.after(max(left, 1.0), lambda: self._once_passed(since, seconds, process, act))
        else:
            act(process)

    # -- worse -----------------------------------------------------------------------------------------------------

    def crash(self, *, power: bool) -> None:
        """Whatever runs ends here, with or without the machine."""
        process, task, surprise = self._running, self._daemon, self.world.surprise
        if process is not None and not process.dead:
            process.end("power cut" if power else "kill")
            if task is not None:
                task.cancel()
        if power:
            self.world.disk.lose_power(surprise)
            self.world.timeline.boot()
            self._down_until = self.world.timeline.seconds + surprise.uniform(30.0, 6 * HOUR)
            self.world.timeline.at(self._down_until, self.start)

    def end(self) -> None:
        """The month is over."""
        if self._running is not None:
            self._running.end("the end of the world")
