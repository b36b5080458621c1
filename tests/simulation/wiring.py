"""One account's wiring, as `Composition` does it, over the ports of a simulated world."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from inboxagent.agent.account import Account
from inboxagent.cli.composition import Composition
from inboxagent.config import Alerting, Config, Sending, Server, Watching
from inboxagent.edge.system_state import read_status
from inboxagent.outreach.outbox import Envelope
from inboxagent.outreach.rulebook import Rulebook
from inboxagent.ports import Store
from tests.simulation import memo
from tests.simulation.post import HER
from tests.simulation.process import Process
from tests.simulation.smtp import SimulatedTransport
from tests.simulation.world import World

NOBODY = Server(host="simulated.test", port=1, security="tls", username=HER, secret=None)


class SimulatedRules:
    """Her rule files as `Composition` has them."""

    unusable: tuple[Path, ...] = ()

    def __init__(self, world: World) -> None:
        self._rules = world.rules

    def __call__(self) -> Rulebook:
        return self._rules()

    def stamp(self) -> object:
        """They are not edited here."""
        return None

    def hers(self) -> frozenset[str]:
        """None of them is bound to a folder."""
        return frozenset()


class SimulatedComposition(Composition):
    """One account's wiring, over the ports of its world."""

    rules: Any = None
    store: Any = None

    def __init__(self, world: World, process: Process, state: Path) -> None:
        me = world.account.me
        config = Config(
            path=state / "config.toml",
            me=me,
            imap=NOBODY,
            watching=Watching(poll=timedelta(seconds=world.poll)),
            smtp=NOBODY,
            sending=Sending(),
            limits=world.limits,
            alerts=Alerting(to=HER),
            rules=state,
            rules_named=False,
            state=state,
        )
        super().__init__(config, lambda _: None)
        self._world, self._process = world, process
        self.clock: Any = world.clock
        self.rules = SimulatedRules(world)
        self.store: Store = world.machine.store(process)

    def account(self, *, dry: bool = False) -> Account:
        """As the world has it."""
        return self._world.account

    def mailbox(self) -> Any:
        """Her mailboxes in that world."""
        return self._world.machine.mailbox(self._process)

    def transport(self) -> Any:
        """Her submission server in that world."""
        return SimulatedTransport(self._process, self._world.submission, self._dot)

    def _dot(self, envelope: Envelope, message: bytes, recipient_at: float) -> None:
        if envelope.forward_paths == (HER,):
            self._world.judge.counts["alerts"] += 1
            self._world.judge.notices.begins(self._process, envelope, memo.parse(message))
            return
        self._world.log(f"dot {memo.parse(message).message_id}")
        self._world.judge.dot(self._process, envelope, message, recipient_at)

    def remember_rules(self) -> None:
        """With each report of the run: whether it sees, as its status file says."""
        status = read_status(self.status_path)
        if status is not None and status["sight"] == "ok":
            self._world.judge.reading_ok_at = self._process.looked_at
            self._process.begins("reading")
