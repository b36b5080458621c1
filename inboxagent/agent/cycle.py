"""One account's agent: its reader, its sender and its copies, wired; and the cycle that the daemon repeats."""

from collections.abc import Callable, Sequence
from datetime import datetime

from inboxagent.agent.account import Account
from inboxagent.agent.copies import Copies
from inboxagent.agent.planning import Planned, Planner
from inboxagent.agent.reading import Reader
from inboxagent.agent.reminding import Reminding
from inboxagent.agent.sending import Sender
from inboxagent.agent.understanding import SetAside
from inboxagent.agent.writing import Writer
from inboxagent.outreach.stoppage import Stoppage
from inboxagent.ports import Clock, Mailbox, Observe, Reading, Store, Transport


class Agent:
    """Reads, understands, decides and sends for one account. Only one process may run it (the account's lock)."""

    def __init__(
        self,
        account: Account,
        mailbox: Mailbox,
        transport: Transport,
        store: Store,
        clock: Clock,
        observe: Observe,
        set_aside: SetAside,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        """`beat` hears that a reading goes on."""
        self._copies = Copies(mailbox, store, clock, observe)
        self._reader = Reader(account, mailbox, store, clock, observe, set_aside, beat)
        self._reminding = Reminding(account, transport, store, clock, observe)
        self._planner = Planner(account, store, clock, observe)
        writer = Writer(account, mailbox, store, clock)
        self._sender = Sender(
            account, self._reader, transport, store, clock, observe, self._copies, self._planner, writer
        )

    def recover(self) -> None:
        """What a cycle has to settle first: a send that an earlier process, or a failed write, left open."""
        self._sender.recover()

    async def read(self) -> Reading:
        """Read all watched mailboxes to their end; raises `Unreachable` where that fails."""
        reading = await self._reader.read()
        await self._copies.file()
        return reading

    async def deliver(self, halted: Callable[[], bool] = lambda: False) -> datetime | None:
        """Send what is due until `halted` says so, and tell her what waits for her; returns when to come back at the
        latest. Only after `read`."""
        times = [await self._sender.deliver(halted), self._copies.next_at(), self._reader.next_at()]
        if not halted():
            times.append(await self._reminding.remind())
        return min((at for at in times if at is not None), default=None)

    def stopped(self) -> Stoppage | None:
        """What keeps the whole account from sending now: what her server said, and until when."""
        return self._sender.stopped()

    def plan(self) -> Sequence[Planned]:
        """What `deliver` would do now, the oldest promise first."""
        return self._planner.plan()
