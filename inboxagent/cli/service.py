"""One account's agent with its lock, its servers and its status file, from start to stop."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial

from inboxagent.agent.alerts import Alerts
from inboxagent.agent.cycle import Agent
from inboxagent.agent.reading import Reader, prepare
from inboxagent.cli.boundary import FAULT
from inboxagent.cli.composition import Composition
from inboxagent.cli.documents import instant
from inboxagent.cli.eventlog import observer, write
from inboxagent.daemon import Daemon, Health, Sight
from inboxagent.edge.rehearsal import Rehearsal
from inboxagent.edge.system import SystemClock
from inboxagent.edge.system_lock import ProcessLock
from inboxagent.edge.system_notify import Pulse, notify, watchdog_seconds
from inboxagent.edge.system_state import make_state, read_status, remove_status, set_aside, write_status
from inboxagent.errors import NEED_HER, InboxagentError, StateDamaged, StateUnwritable, TryLater
from inboxagent.outreach.decide import Send
from inboxagent.ports import Fetched, Observe

BEGIN_ANEW_AFTER = 30.0  # seconds, as RestartSec= in the units


class Service:
    """The agent of one account while this process runs it."""

    def __init__(self, composition: Composition, beat: Callable[[], None]) -> None:
        """Opens what can be opened without the network. Raises what the configuration or the state is to blame for.

        `beat` hears of everything that goes on.
        """
        self._composition = composition
        self._beat = beat
        make_state(composition.config.state)
        composition.keeps_rules = True
        composition.rules()
        self._lock = ProcessLock(composition.lock_path)
        self._lock.take()
        self._read_before = (read_status(composition.status_path) or {}).get("last_reading_at")
        self.ended_because = "all is done"
        self._exit_code = 0
        self._began_at = composition.clock.now()
        self._health = Health(sight=Sight.BLIND, since=self._began_at, because="no reading yet")
        self.report(self._health)
        self._store = composition.store
        self._account = composition.account()
        self._mailbox = composition.mailbox()
        self._transport = composition.transport()
        observe = self._observer()
        alerts = composition.config.alerts
        self._alerts = Alerts(
            self._account,
            self._transport,
            self._store,
            composition.clock,
            observe,
            to=alerts.to,
            blind_after=alerts.blind_after,
        )
        self._agent = Agent(
            self._account,
            self._mailbox,
            self._transport,
            self._store,
            composition.clock,
            observe,
            partial(set_aside, composition.config.state),
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Watch and send until `stop`."""
        write("started", {"address": self._composition.config.me.address, "pid": os.getpid()})
        poll = self._composition.config.watching.poll.total_seconds()
        daemon = Daemon(
            self._agent,
            self._mailbox,
            self._store,
            self._composition.clock,
            poll=poll,
            stop=stop,
            report=self.report,
            watched=self._composition.rules.stamp,
            alarm=self._alarm,
            beat=self._beat,
        )
        loading = asyncio.create_task(asyncio.to_thread(prepare))
        try:
            await daemon.run()
        finally:
            await loading
        self.ended_because = "it was told to stop"

    def _observer(self) -> Observe:
        log = observer(self._store)

        def observe(word: str, fields: Mapping[str, object]) -> None:
            self._beat()
            log(word, fields)

        return observe

    async def _alarm(self, health: Health) -> None:
        await self._alerts.blind(health.since, health.because)

    async def run_once(self, stop: asyncio.Event) -> None:
        """One reading of every mailbox, then what is due, spaced as the limits say. Raises `Unreachable`."""
        self._agent.recover()
        await self._read()
        come_back_at = await self._agent.deliver(stop.is_set)
        while come_back_at is not None and self._more_is_due(come_back_at) and not stop.is_set():
            await self._rest(come_back_at, stop)
            await self._read()
            come_back_at = await self._agent.deliver(stop.is_set)

    async def _read(self) -> None:
        await self._agent.read()
        now = self._composition.clock.now()
        self.report(Health(sight=Sight.OK, since=self._began_at, last_reading_at=now))

    def _more_is_due(self, come_back_at: datetime) -> bool:
        """Whether a letter only waits for the gap after the one before; not for tomorrow's limit."""
        soon = self._composition.clock.now() + 2 * self._composition.config.limits.gap
        due = any(isinstance(each.action, Send) for each in self._agent.plan())
        return due and come_back_at <= soon and not self._account.paused()

    async def _rest(self, until: datetime, stop: asyncio.Event) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), self._composition.clock.seconds_until(until))

    def report(self, health: Health) -> None:
        """Say how the daemon is, for `status`, and log what has changed. Raises StateDamaged where its lock is gone."""
        self._lock.check()
        if health.sight is not self._health.sight or health.because != self._health.because:
            fields = {"address": self._composition.config.me.address, "because": health.because or None}
            write("seeing" if health.sight is Sight.OK else "blind", fields)
            notify(os.environ, f"STATUS={fields['address']}: {health.sight} {health.because}".strip())
        self._health = health
        self._write(health.sight, health.since, health.because)
        with suppress(StateUnwritable, TryLater):  # next time will do
            self._composition.remember_rules()

    def fail(self, error: BaseException) -> None:
        """Say why it cannot go on."""
        self.ended_because = explain(error)
        self._exit_code = code_of(error)

    def _write(self, sight: str, since: datetime, because: str) -> None:
        status = {
            "pid": os.getpid(),
            "told_at": instant(self._composition.clock.now()),
            "sight": str(sight),
            "since": instant(since),
            "last_reading_at": instant(self._health.last_reading_at) or self._read_before,
            "because": because,
            "exit_code": self._exit_code,
            "unusable_rules": [str(path) for path in self._composition.rules.unusable],
        }
        try:
            write_status(self._composition.status_path, status)
        except StateUnwritable as error:  # a full disk stops sending, not reading
            write("status_unwritable", {"because": str(error)})
            remove_status(self._composition.status_path)  # nobody is to take the old one for how it is

    async def close(self, *, told: bool) -> None:
        """Say goodbye to the servers and let the lock go. `told`: why it ends is said elsewhere, so not in the log."""
        await asyncio.gather(self._mailbox.close(), self._transport.close())
        with suppress(StateDamaged):
            self._lock.check()
            self._write("stopped", self._composition.clock.now(), self.ended_because)
        because = None if told else self.ended_because
        write("ended", {"address": self._composition.config.me.address, "because": because})
        self._store.close()
        self._lock.release()


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


def code_of(error: BaseException) -> int:
    """The exit code that an error means."""
    return error.exit_code if isinstance(error, InboxagentError) else FAULT


def explain(error: BaseException) -> str:
    """What a log may say of an error: the text of one that is not ours may hold what is nobody's business."""
    return str(error) if isinstance(error, InboxagentError) else type(error).__name__


async def rehearse(composition: Composition) -> Rehearsal:
    """Read every mailbox; what is known then, in memory only. Nothing is written, only IMAP is connected to."""
    account, mailbox = composition.account(dry=True), composition.mailbox()
    store = Rehearsal(composition.store)
    try:
        await Reader(account, mailbox, store, composition.clock, observer(store), _forget).read()
    finally:
        await mailbox.close()
    return store


def _forget(fetched: Fetched, raw: bytes, why: str) -> None:
    """A dry run sets nothing aside."""
