"""One account with everything that hangs on its configuration, each made when it is first asked for."""

import os
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from inboxagent.config import Command, Config, Secret, Server, find_config, load_config, state_home
from inboxagent.edge.system import SystemClock
from inboxagent.edge.system_pause import RUNTIME, find_flags
from inboxagent.edge.system_state import make_state
from inboxagent.outreach.state import Conversation, State

# What costs time is imported where it is used: a command pays for what it does.
if TYPE_CHECKING:
    from inboxagent.agent.account import Account
    from inboxagent.edge.imap import ImapMailbox
    from inboxagent.edge.rulefiles import RuleFiles
    from inboxagent.edge.smtp import SmtpTransport
    from inboxagent.outreach.decide import Wait
    from inboxagent.outreach.rulebook import Rulebook
    from inboxagent.ports import Store


def compose(config: str | None, tell: Callable[[str], None] = lambda _: None) -> "Composition":
    """The account of the configuration that was named, or found. `tell` hears of broken rule files."""
    return Composition(load_config(find_config(config, os.environ), os.environ), tell)


def pause_folders(state: Path | None, environ: Mapping[str, str] = os.environ) -> list[Path]:
    """Where a flag `PAUSED` stops everything; the first one is hers for certain."""
    folders = [state_home(environ), RUNTIME, *([state] if state else [])]
    return list(dict.fromkeys(folders))


class Composition:
    """The wiring of one account."""

    def __init__(self, config: Config, tell: Callable[[str], None]) -> None:
        self.config = config
        self.clock = SystemClock()
        self._tell = tell

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

    @cached_property
    def rules(self) -> "RuleFiles":
        """The rulebook in force, each time it is called."""
        from inboxagent.edge.rulefiles import RuleFiles
        from inboxagent.edge.shipped import find

        return RuleFiles(self.config.rules, find("rules"), self._tell)

    @cached_property
    def rulebook(self) -> "Rulebook":
        """The rulebook as it was when this command first asked."""
        return self.rules()

    @property
    def lock_path(self) -> Path:
        """The lock of the one process that may run for this account."""
        return self._beside_store("lock")

    @property
    def status_path(self) -> Path:
        """Where that process says how it is."""
        return self._beside_store("status")

    def _beside_store(self, suffix: str) -> Path:
        from inboxagent.edge.store import file_stem

        return self.config.state / f"{file_stem(self.config.me.address)}.{suffix}"

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
        return outlook(conversation, sequence, now or self.clock.now(), self.home)

    def stuck(self, conversation: Conversation) -> str:
        """Why nothing comes next though it is waiting: its rule file is at its end, or gone, or broken."""
        from inboxagent.outreach.decide import decide

        sequence = self.rulebook.sequences.get(conversation.enrolment.sequence)
        return decide(conversation, sequence, self.clock.now(), self.home).because

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
        )

    def mailbox(self) -> "ImapMailbox":
        """Her mailboxes; connects when first asked something."""
        from inboxagent.edge.imap import ImapMailbox

        server, watching = self.config.imap, self.config.watching
        assert server.username is not None
        assert server.secret is not None
        return ImapMailbox(
            host=server.host,
            port=server.port,
            security=server.security,
            username=server.username,
            password=_password(server.secret),
            ca_file=_ca_file(server),
            mailboxes=watching.mailboxes or "all",
            sent=watching.sent,
        )

    def transport(self) -> "SmtpTransport":
        """Her submission server; connects when there is a letter."""
        from inboxagent.edge.smtp import SmtpTransport

        server = self.config.smtp
        login = server.username is not None and server.secret is not None
        return SmtpTransport(
            server.host,
            server.port,
            server.security,
            ca_file=_ca_file(server),
            username=server.username if login else None,
            password=_password(server.secret) if login and server.secret else None,
        )


def _ca_file(server: Server) -> str | None:
    return None if server.ca_file is None else str(server.ca_file)


def _password(secret: Secret) -> Callable[[], str]:
    from inboxagent.edge.system_secrets import read_password_file, run_password_command

    if isinstance(secret, Command):
        words = secret.words
        return lambda: run_password_command(words)
    path = secret.path
    return lambda: read_password_file(path)
