"""One account's agent with its lock, its servers and its status file, from start to stop."""

import asyncio
import os
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial

from inboxagent.agent.alerts import Alerts
from inboxagent.agent.cycle import Agent
from inboxagent.agent.reading import Reader
from inboxagent.agent.understanding import prepare
from inboxagent.cli.boundary import FAULT
from inboxagent.cli.composition import Composition
from inboxagent.cli.documents import conversation_document, event_document, instant
from inboxagent.cli.eventlog import observer, write
from inboxagent.config import Command
from inboxagent.daemon import Daemon, Health, Sight, interruptible, stop_signal
from inboxagent.edge.rehearsal import Rehearsal
from inboxagent.edge.system_hook import run_hook
from inboxagent.edge.system_lock import ProcessLock
from inboxagent.edge.system_notify import notify
from inboxagent.edge.system_state import make_state, read_status, remove_status, set_aside, write_status
from inboxagent.errors import InboxagentError, StateDamaged, StateUnwritable, TryLater
from inboxagent.outreach.decide import Send
from inboxagent.outreach.events import Word
from inboxagent.ports import Fetched, Observe

LAST_ERRANDS = 2.0  # seconds that her commands have when it ends. Systemd waits for 30: 20 at the dot, 5 for QUIT, 1
TOLD_TO_STOP = "it was told to stop"
Hook = Callable[[Mapping[str, object]], Coroutine[None, None, None]]
TOLD_HER = frozenset({"braked", "uncertain"})


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
        try:
            self._open(composition)
        except BaseException:
            self._lock.release()  # this process may begin anew
            raise

    def _open(self, composition: Composition) -> None:
        self._read_before = (read_status(composition.status_path) or {}).get("last_reading_at")
        self.ended_because = "all is done"
        self._errands: set[asyncio.Future[None]] = set()
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
            command=self._hook("on_alert", alerts.on_alert),
        )
        self._agent = Agent(
            self._account,
            self._mailbox,
            self._transport,
            self._store,
            composition.clock,
            observe,
            partial(set_aside, composition.config.state),
            self._beat,
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
            warn=self._alerts.stopped,
            beat=self._beat,
        )
        loading = asyncio.create_task(asyncio.to_thread(prepare))
        try:
            await daemon.run()
        finally:
            await loading
        self.ended_because = TOLD_TO_STOP

    def _observer(self) -> Observe:
        log = observer(self._store)

        def observe(word: str, fields: Mapping[str, object]) -> None:
            self._beat()
            log(word, fields)
            if word == Word.REPLY and (hook := self._hook("on_reply", self._composition.config.alerts.on_reply)):
                self._soon(hook(self._reply(str(fields["conversation"]))))
            elif word in TOLD_HER:
                because = str(fields.get("because") or f"{fields.get('due')} letters fell due at once")
                self._soon(self._alerts.tell(word, word, because))

        return observe

    def _hook(self, name: str, command: Command | None) -> Hook | None:
        if command is None:
            return None

        async def run(document: Mapping[str, object]) -> None:
            if trouble := await run_hook(command.words, document):
                write("hook_failed", {"hook": name, "because": trouble})

        return run

    def _reply(self, conversation_id: str) -> dict[str, object]:
        """What `on_reply` is told of an answer: who, where, and his new words."""
        conversation = self._store.conversation(conversation_id)
        assert conversation is not None
        latest = next(event for event in reversed(conversation.events) if event.word is Word.REPLY)
        return {**conversation_document(conversation, None), "answer": event_document(latest)}

    def _soon(self, errand: Coroutine[None, None, None]) -> None:
        """Do something beside the cycle, which waits for nobody."""
        task = asyncio.ensure_future(errand)
        self._errands.add(task)
        task.add_done_callback(self._done)

    def _done(self, errand: asyncio.Future[None]) -> None:
        self._errands.discard(errand)
        if not errand.cancelled() and (error := errand.exception()) is not None:
            write("hook_failed", {"because": explain(error)})

    async def _alarm(self, health: Health) -> None:
        await self._alerts.blind(health.since, health.because)

    async def run_once(self, stop: asyncio.Event) -> None:
        """One reading of every mailbox, then what is due, spaced as the limits say. Raises `Unreachable`."""
        async with stop_signal(stop) as stopping:
            await interruptible(self._once(stop), stopping)
        if stop.is_set():
            self.ended_because = TOLD_TO_STOP

    async def _once(self, stop: asyncio.Event) -> None:
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
        self._composition.rules()  # what has become of them by now is said with the rest
        self._write(health.sight, health.since, health.because)
        if health.sight is Sight.OK:  # before the first reading it would keep the start waiting
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
        if self._exit_code:
            self._soon(self._alerts.tell("ended", self.ended_because, self.ended_because))
        if self._errands:
            await asyncio.wait(self._errands, timeout=LAST_ERRANDS)
        await asyncio.gather(self._mailbox.close(), self._transport.close())
        with suppress(StateDamaged):
            self._lock.check()
            self._write("stopped", self._composition.clock.now(), self.ended_because)
        because = None if told else self.ended_because
        write("ended", {"address": self._composition.config.me.address, "because": because})
        self._store.close()
        self._lock.release()


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
