"""Maya's desk for tests of the command line: a folder with a configuration, and commands as she types them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from inboxagent.cli.commands import commands
from inboxagent.cli.composition import Composition, compose
from inboxagent.cli.embedded import EmbeddedProvider
from inboxagent.outreach.events import By, Event, Word
from inboxagent.outreach.state import Conversation
from tests.fakes.people import enrolled

SECRET = "correct horse battery staple"

CONFIG = """\
rules = "rules"
state = "state"

[me]
name = "Maya Lind"
address = "maya@lind.example"
zone = "Europe/Stockholm"

[imap]
host = "127.0.0.1"
port = {imap_port}
security = "none"
password_file = "password"
poll = "{poll}"

[smtp]
host = "127.0.0.1"
port = {smtp_port}
security = "none"

[limits]
gap = "0 seconds"
brake = 3
"""

RULE = """\
---
sequence: Quick
about: Two letters for the tests.
language: en
tone: brief
send:
  days: {days}
fields:
  project: {{required: true}}
---

## one
wait: {wait}

Hello, did the proposal for {{{{ project }}}} arrive?

## two
wait: 3 days

Hello, which part of {{{{ project }}}} is unclear?
"""


class Desk:
    """Her folder, her store, her commands."""

    def __init__(self, folder: Path) -> None:
        self.days_ago = 0.0  # the provider's clock
        self.folder = folder
        self.config = folder / "config.toml"
        (folder / "rules").mkdir()
        password = folder / "password"
        password.write_text(f"{SECRET}\n")
        password.chmod(0o600)
        self.configure()
        self.rule()

    def configure(self, imap_port: int = 1, smtp_port: int = 1, poll: str = "1 second") -> None:
        """Write the configuration; at port 1 nobody answers."""
        self.config.write_text(CONFIG.format(imap_port=imap_port, smtp_port=smtp_port, poll=poll))

    def rule(self, wait: str = "2 days", days: str = "Mon-Sun") -> None:
        """Write the sequence `quick`."""
        (self.folder / "rules" / "quick.md").write_text(RULE.format(wait=wait, days=days))

    @property
    def environment(self) -> dict[str, str | None]:
        """What her shell has set, and nothing of this machine's."""
        known = ("INBOXAGENT_CONFIG", "CONFIGURATION_DIRECTORY", "STATE_DIRECTORY", "XDG_CONFIG_HOME", "XDG_STATE_HOME")
        return {**dict.fromkeys(known), "HOME": str(self.folder / "home"), "COLUMNS": "100"}

    def run(self, *words: str, code: int | None = 0, config: bool = True, input: str | None = None) -> Result:
        """A command in this process; `code` None takes any exit code."""
        named = ["--config", str(self.config)] if config else []
        result = CliRunner().invoke(commands, [*words, *named], env=self.environment, input=input)
        assert code is None or result.exit_code == code, f"{words}: {result.exit_code}\n{result.output}"
        return result

    def ask(self, *words: str, code: int | None = 0) -> Any:
        """The JSON answer of a command."""
        return json.loads(self.run(*words, "--json", code=code).stdout)

    def command(self, *words: str) -> list[str]:
        """The words for a process of its own."""
        return [sys.executable, "-m", "inboxagent", *words, "--config", str(self.config)]

    def shell(self) -> dict[str, str]:
        """The environment for a process of its own."""
        given = {name: value for name, value in self.environment.items() if value is not None}
        return {"PATH": os.environ["PATH"], "PYTHONPATH": os.getcwd(), **given}

    # -- her store

    @property
    def composition(self) -> Composition:
        """Her account, opened anew."""
        return compose(str(self.config))

    def enrol(
        self, conversation_id: str, *events: Event, address: str = "", days_ago: float = 1, sequence: str = "quick"
    ) -> Conversation:
        """Put a conversation into the store as if she had enrolled it so many days ago."""
        first = enrolled(address or f"{conversation_id}@prospect.test", ago(days_ago))
        assert first.enrolment is not None
        enrolment = replace(
            first.enrolment,
            sequence=sequence,
            prospect=replace(first.enrolment.prospect, fields={"project": "the portal"}),
        )
        with self.composition.store.transaction("a test") as ledger:
            return ledger.enrol(conversation_id, replace(first, enrolment=enrolment), *events)

    def append(self, conversation_id: str, *events: Event) -> Conversation:
        """Let more happen in a conversation."""
        with self.composition.store.transaction("a test") as ledger:
            return ledger.append(conversation_id, *events)


def ago(days: float) -> datetime:
    """So many days before now."""
    return datetime.now(UTC) - timedelta(days=days)  # noqa: TID251 these tests live in real time


def event(word: Word, because: str = "a test", *, days: float = 0, **fields: Any) -> Event:
    """Something that happened so many days ago."""
    fields.setdefault("by", By.AGENT)
    return Event(at=ago(days), word=word, because=because, **fields)


def until(check: Callable[[], Any], what: str, within: float = 90.0) -> Any:
    """The first true answer; fails when it does not come, which a busy machine may take its time for."""
    end = time.monotonic() + within
    while not (answer := check()):
        assert time.monotonic() < end, f"waited {within} s in vain until {what}"
        time.sleep(0.02)
    return answer


def write(provider: EmbeddedProvider, to: str, subject: str = "The proposal") -> str:
    """She writes from another program, which files the copy in Sent; the Message-ID."""
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = "Maya Lind <maya@lind.example>", to, subject
    letter["Date"] = format_datetime(ago(0))
    letter["Message-ID"] = make_msgid(domain="lind.example")
    letter.set_content("Here it is.")
    provider.deliver("maya@lind.example", letter.as_bytes(), "Sent")
    return str(letter["Message-ID"])


@contextmanager
def running(desk: Desk, *words: str) -> Iterator[subprocess.Popen[str]]:
    """`run` as a process of its own, stopped at the end where it still lives."""
    process = subprocess.Popen(
        desk.command("run", *words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=desk.shell()
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
