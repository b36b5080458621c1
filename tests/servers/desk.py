"""Maya's desk: a config of her own for one lab, her mail program, and the command line as she types it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import Any

from imapclient import IMAPClient

from tests.servers.lab import WIRE, Lab
from tests.servers.polling import until

RULE = """\
---
sequence: Quick
about: Three letters within seconds, to try the whole way out.
language: en
tone: brief
send:
  days: Mon-Sun
  between: 0:00-24:00
fields:
  first_name: {required: true}
---

## one
wait: 2 seconds

Dear {{ first_name }}, did the proposal arrive?

## two
wait: 3 seconds

Dear {{ first_name }}, which part is unclear?

## three
wait: 3 seconds

Dear {{ first_name }}, shall I close the file?
"""

CONFIG = """\
rules = "rules"
state = "state"

[me]
name = "Maya Lind"
address = "{address}"
zone = "Europe/Stockholm"

[imap]
host = "localhost"
port = {imaps_port}
security = "tls"
username = "{address}"
password_file = "password"
ca_file = "{ca_file}"
poll = "{poll}"

[smtp]
host = "localhost"
port = {submission_port}
security = "starttls"
ca_file = "{ca_file}"

[limits]
gap = "0 seconds"
"""


class Desk:
    """One consultant in the lab, with a folder of her own."""

    def __init__(self, lab: Lab, folder: Path, *, rule: str = RULE, poll: str = "2 seconds") -> None:
        self.lab = lab
        self.folder = folder
        self.address = lab.new_user("maya", "consultant.test")
        self.config = folder / "config.toml"
        (folder / "rules").mkdir()
        (folder / "rules" / "quick.md").write_text(rule)
        password = folder / "password"
        password.write_text(f"{lab.password}\n")
        password.chmod(0o600)
        ports = {"imaps_port": lab.imaps_port, "submission_port": lab.submission_port}
        self.config.write_text(CONFIG.format(address=self.address, ca_file=lab.cafile, poll=poll, **ports))

    # -- her mail program --------------------------------------------------------------------------------------

    def write(self, recipient: str, subject: str = "The proposal", words: str = "Here it is.", **fields: str) -> str:
        """She writes from her own mail program, which files the copy in Sent; returns the Message-ID."""
        letter = EmailMessage()
        letter["From"], letter["To"], letter["Subject"] = f"Maya Lind <{self.address}>", recipient, subject
        letter["Date"], letter["Message-ID"] = formatdate(), make_msgid(domain="consultant.test")
        for name, value in fields.items():
            letter[name.replace("_", "-")] = value
        letter.set_content(words)
        self.lab.submit(self.address, recipient, letter)
        self.file(letter, "Sent")
        return str(letter["Message-ID"])

    def file(self, message: EmailMessage, mailbox: str) -> None:
        """Put a message into one of her mailboxes."""
        with self.imap() as client:
            client.append(mailbox, message.as_bytes(policy=WIRE), flags=[b"\\Seen"])

    def imap(self) -> IMAPClient:
        """Her mailboxes, as another program sees them."""
        client = IMAPClient(self.lab.host, self.lab.imap_port, ssl=False, timeout=60)
        client.login(self.address, self.lab.password)
        return client

    # -- the command line --------------------------------------------------------------------------------------

    def run(self, *arguments: str, code: int | None = 0) -> subprocess.CompletedProcess[str]:
        """One command to its end; `code` None takes any exit code."""
        done = subprocess.run(
            self._command(*arguments), capture_output=True, text=True, timeout=180, env=self._environment(), check=False
        )
        assert code is None or done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def ask(self, *arguments: str, code: int | None = 0) -> Any:
        """One command with `--json`, its answer parsed."""
        return json.loads(self.run(*arguments, "--json", code=code).stdout)

    def enroll(self, address: str, *arguments: str) -> str:
        """Enrol somebody in the quick sequence; returns the conversation's id."""
        self.run("enroll", "quick", address, "--field", "first_name=Anna", *arguments)
        return str(next(each["id"] for each in self.ask("list") if each["prospect"]["address"] == address))

    def show(self, conversation_id: str) -> Any:
        """The conversation as JSON."""
        return self.ask("show", conversation_id)

    def wait_state(self, conversation_id: str, state: str, within: float = 90) -> Any:
        """The conversation as soon as it is in this state."""

        def look() -> Any:
            shown = self.show(conversation_id)
            return shown if shown["state"] == state else None

        return until(look, within, what=f"{conversation_id} is {state}")

    def logged(self, word: str) -> int:
        """How often the daemons have logged this event word so far."""
        log = self.folder / "daemon.log"
        return log.read_text().count(f" {word} ") if log.exists() else 0

    @contextmanager
    def daemon(self) -> Iterator[subprocess.Popen[bytes]]:
        """`run`, from its first reading on, stopped politely at the end where it still lives."""
        log = (self.folder / "daemon.log").open("ab")
        process = subprocess.Popen(self._command("run"), stdout=log, stderr=log, env=self._environment())
        try:
            until(lambda: self.ask("status", code=None)["state"] == "ok", what="the daemon has read everything")
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.wait(60)
            log.close()

    def _command(self, *arguments: str) -> list[str]:
        command, *rest = arguments
        return [sys.executable, "-m", "inboxagent", command, "--config", str(self.config), *rest]

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ}
        return {**kept, "HOME": str(self.folder)}
