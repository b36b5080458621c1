"""One account with everything that hangs on its configuration, each made when it is first asked for."""

import os
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from inboxagent.config import Config, Server, find_config, load_config, state_home
from inboxagent.edge.system import SystemClock
from inboxagent.edge.system_identity import become_owner
from inboxagent.edge.system_pause import RUNTIME, find_flags
from inboxagent.edge.system_state import make_state
from inboxagent.outreach.state import Conversation, State

# What costs time is imported where it is used: a command pays for what it does.
if TYPE_CHECKING:
    from inboxagent.agent.account import Account
    from inboxagent.edge.imap import ImapMailbox
    from inboxagent.edge.rulefolders import RuleFiles
    from inboxagent.edge.smtp import SmtpTransport
    from inboxagent.outreach.decide import Wait
    from inboxagent.outreach.letter import Enclosures
    from inboxagent.outreach.rulebook import Rulebook
    from inboxagent.ports import Clock, Store

HER_RULES = "her_rules"
"""The fact that names the sequences which people are inside of and which were read from her folder."""


def compose(config: str | None, tell: Callable[[str], None] = lambda _: None) -> "Composition":
    """The account of the configuration that was named, or found. `tell` hears of broken rule files."""
    return Composition(load_config(locate(config), os.environ), tell)


def locate(config: str | None) -> Path:
    """The configuration that was named, or found; root becomes the service's user where it is the service's."""
    path = find_config(config, os.environ)
    become_owner(path, os.environ)
    return path


def pause_folders(state: Path | None, environ: Mapping[str, str] = os.environ) -> list[Path]:
    """Where a flag `PAUSED` stops everything; the first one is hers for certain."""
    folders = [state_home(environ), RUNTIME, *([state] if state else [])]
    return list(dict.fromkeys(folders))


class Composition:
    """The wiring of one account."""

    def __init__(self, config: Config, tell: Callable[[str], None]) -> None:
        self.config = config
        self.clock: Clock = SystemClock()
        self.keeps_rules = False  # the daemon does, so that a broken file leaves its last good version in force
        self._tell = tell
        self._mark: object = None
        self._letters_left: dict[object, int] = {}  # shared by all who are at the same place
        self._inside: dict[str, str] = {}  # the sequence by conversation, while it is not over

    @cached_property
    def home(self) -> ZoneInfo:
        """Her zone."""
        return ZoneInfo(self.config.me.zone)

    @cached_property
    def store(self) -> "Store":
        """The account's memory; its folder is made where it is missing."""
        from inboxagent.edge.store import open_store

        make_state(self.config.state)
        return open_store(self.config.state, self.config.me.address)

    @property
    def has_store(self) -> bool:
        """Whether there is a memory yet; asking makes none."""
        return any(self.config.state.glob(f"{self._stem}.*"))

    @cached_property
    def rules(self) -> "RuleFiles":
        """The rulebook in force, each time it is called."""
        from inboxagent.edge.rulefolders import RuleFiles
        from inboxagent.edge.shipped import find

        named_in = self.config.path if self.config.rules_named else None
        return RuleFiles(
            self.config.rules,
            find("rules"),
            self._tell,
            named_in=named_in,
            is_bound=self._is_bound,
            kept=self.config.state / "rules",
            keeps=self.keeps_rules,
        )

    @cached_property
    def enclosures(self) -> "Enclosures":
        """What lies beside her rule files."""
        from inboxagent.edge.enclosures import enclosures_in
        from inboxagent.edge.shipped import find

        return enclosures_in(self.config.rules, find("rules"))

    @cached_property
    def rulebook(self) -> "Rulebook":
        """The rulebook as this command finds it; only the files that it asks for are read."""
        return self.rules.on_demand()

    def _is_bound(self, sequence: str) -> bool:
        """Whether it was read from her folder at any time, and has people inside."""
        return sequence in self._remembered() and sequence in self._inhabited()

    def _remembered(self) -> frozenset[str]:
        remembered = self.store.fact(HER_RULES) if self.has_store else None
        return frozenset(remembered) if isinstance(remembered, list) else frozenset()

    def remember_rules(self) -> None:
        """Remember which sequences are hers while somebody is inside: should such a file vanish, at any time, none of
        that name that ships takes its place. Raises StateUnwritable, TryLater."""
        self.rules()
        if not (known := self.rules.hers() | self._remembered()):
            return
        wanted = sorted(known & self._inhabited())
        if wanted != (self.store.fact(HER_RULES) or []):
            with self.store.transaction("her rules are remembered") as ledger:
                ledger.remember(HER_RULES, wanted or None)

    def _inhabited(self) -> frozenset[str]:
        """The sequences that somebody is inside of. Asked in every cycle, so that only what was written since is read;
        who is forgotten meanwhile counts until this process ends."""
        written, mark = self.store.changed(self._mark)
        for each in written:
            if each.state in (State.STOPPED, State.FINISHED):
                self._inside.pop(each.id, None)
            else:
                self._inside[each.id] = each.enrolment.sequence
        self._mark = mark  # now that all of them have been read
        return frozenset(self._inside.values())

    @property
    def lock_path(self) -> Path:
        """The lock of the one process that may run for this account."""
        return self._beside_store("lock")

    @property
    def status_path(self) -> Path:
        """Where that process says how it is."""
        return self._beside_store("status")

    def _beside_store(self, suffix: str) -> Path:
        return self.config.state / f"{self._stem}.{suffix}"

    @property
    def _stem(self) -> str:
        from inboxagent.edge.store import file_stem

        return file_stem(self.config.me.address)

    def flags(self) -> list[Path]:
        """The flags `PAUSED` that are up."""
        return find_flags(pause_folders(self.config.state))

    def next_of(self, conversation: Conversation, now: datetime | None = None) -> "Wait | None":
        """The step that comes next if nothing happens; one that is due comes `now`."""
        resting = conversation.state is State.HELD and conversation.held_until is None
        if resting or conversation.state not in (State.WAITING, State.HELD):
            return None
        from inboxagent.outreach.decide import outlook

        sequence = self.rulebook.sequences.get(conversation.enrolment.sequence)
        return outlook(conversation, sequence, now or self.clock.now(), self.config.me)

    def letters_left(self, conversation: Conversation) -> int:
        """How many steps of its sequence are letters that may still go."""
        if conversation.state in (State.FINISHED, State.STOPPED):
            return 0
        from inboxagent.outreach.decide import steps_left
        from inboxagent.outreach.sequence import Do

        enrolment = conversation.enrolment
        alike = (enrolment.sequence, enrolment.start, conversation.again, conversation.passed)
        if alike not in self._letters_left:
            sequence = self.rulebook.sequences.get(enrolment.sequence)
            left = () if sequence is None else steps_left(conversation, sequence)
            self._letters_left[alike] = sum(step.do is Do.MAIL for step in left)
        return self._letters_left[alike]

    def stuck(self, conversation: Conversation) -> str:
        """Why nothing comes next though it is waiting: its rule file is at its end, or gone, or broken."""
        from inboxagent.outreach.decide import decide

        sequence = self.rulebook.sequences.get(conversation.enrolment.sequence)
        return decide(conversation, sequence, self.clock.now(), self.config.me).because

    def earliest(self, conversations: Iterable[Conversation]) -> "tuple[Conversation, Wait] | None":
        """Whose step comes next of all, and which."""
        ahead = [(each, wait) for each in conversations if (wait := self.next_of(each)) is not None]
        return min(ahead, key=lambda pair: pair[1].at, default=None)

    def account(self, *, dry: bool = False) -> "Account":
        """What the agent is told. A dry one has no key for Message-IDs of its own, and makes none."""
        from inboxagent.agent.account import Account
        from inboxagent.edge.system_state import message_id_key

        make_state(self.config.state)
        return Account(
            me=self.config.me,
            key=b"" if dry else message_id_key(self.config.state),
            rules=self.rules,
            paused=lambda: next((f"the flag {flag} is up" for flag in self.flags()), None),
            limits=self.config.limits,
            unsubscribing=self.config.sending.unsubscribing,
            enclosures=self.enclosures,
            remind_to=self.config.alerts.to,
        )

    def mailbox(self) -> "ImapMailbox":
        """Her mailboxes; connects when first asked something."""
        from inboxagent.cli.login import login_of
        from inboxagent.edge.imap import ImapMailbox

        server, watching = self.config.imap, self.config.watching
        login = login_of(self.config, server)
        assert server.username is not None
        assert login is not None
        return ImapMailbox(
            host=server.host,
            port=server.port,
            security=server.security,
            username=server.username,
            password=login.password,
            token=login.token,
            ca_file=_ca_file(server),
            mailboxes=watching.mailboxes or "all",
            sent=watching.sent,
        )

    def transport(self) -> "SmtpTransport":
        """Her submission server; connects when there is a letter."""
        from inboxagent.cli.login import login_of
        from inboxagent.edge.smtp import SmtpTransport

        server = self.config.smtp
        login = login_of(self.config, server)
        return SmtpTransport(
            server.host,
            server.port,
            server.security,
            ca_file=_ca_file(server),
            username=server.username if login else None,
            password=login.password if login else None,
            token=login.token if login else None,
            split_body=self.config.sending.split_body,
        )


def _ca_file(server: Server) -> str | None:
    return None if server.ca_file is None else str(server.ca_file)
