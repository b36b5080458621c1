"""The unit of a user on her own systemd, which runs below a booted one: put in place and begun as she is told to."""

import json
import re
from collections.abc import Iterator

import pytest

from inboxagent.cli.embedded import EmbeddedProvider
from tests.cli.desk import ago
from tests.servers import systemd_box
from tests.servers.polling import until
from tests.servers.systemd_box import Box

MAYA = "maya@lind.example"
SECRET = "correct horse battery staple"
UNIT = "/home/maya/.config/systemd/user/inboxagent.service"


class Home:
    """Maya's shell, and her service."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self.words = box.log_in("maya")
        self.run("sh", "-c", "umask 077 && cat >password", input=f"{SECRET}\n")

    def run(self, *words: str, input: str | None = None) -> str:
        """A command of hers."""
        return self._box.run(*self.words, *words, input=input)

    def show(self, name: str) -> str:
        """A property of her service."""
        return self._box.show("inboxagent", name, [*self.words, "systemctl", "--user"])

    def journal(self) -> list[dict[str, str]]:
        """What her journal has of her service."""
        found = self.run("journalctl", "--user", "-u", "inboxagent", "-o", "json")
        return [json.loads(line) for line in found.splitlines()]

    def wait_state(self, state: str) -> None:
        """Until her `status` says so."""
        self._box.wait_state(state, self.words)


@pytest.fixture(scope="module")
def provider() -> Iterator[EmbeddedProvider]:
    with EmbeddedProvider({MAYA: SECRET}, now=lambda: ago(0)) as running:
        yield running


@pytest.fixture(scope="module")
def home(provider: EmbeddedProvider) -> Iterator[Home]:
    """Hers, once she has done what `init` and `service install` told her."""
    if reason := systemd_box.missing():
        pytest.skip(reason)
    with Box() as box:
        if box.why_not:
            pytest.skip(box.why_not)
        home = Home(box)
        places = (
            "--imap",
            f"127.0.0.1:{provider.imap_port}/none",
            "--smtp",
            f"127.0.0.1:{provider.submission_port}/none",
        )
        who = ("--address", MAYA, "--name", "Maya Lind", "--zone", "Europe/Stockholm")
        assert "inboxagent service install" in home.run(
            "inboxagent", "init", *who, *places, "--password-file", "password"
        )
        told = home.run("inboxagent", "service", "install")
        assert f"Written: {UNIT}\n" in told
        for command in re.findall(r"^    (systemctl --user .*)$", told, re.MULTILINE):
            home.run(*command.split())
        yield home
        home.run("systemctl", "--user", "stop", "inboxagent")
        assert (home.show("Result"), home.show("ActiveState")) == ("success", "inactive")


def test_it_is_ready_and_reads_and_her_commands_work_beside_it(home: Home) -> None:
    assert home.show("ActiveState") == "active"
    home.wait_state("ok")
    until(lambda: home.show("StatusText") == f"{MAYA}: ok", what="her systemd is told as well")
    enrol = ("enroll", "proposal", "anna@prospect.example", "--new", "--subject", "Portal")
    home.run("inboxagent", *enrol, "--field", "first_name=Anna")
    home.run("inboxagent", "pause", "--all")
    home.wait_state("paused")
    home.run("inboxagent", "resume", "--all")
    home.wait_state("ok")
    assert home.show("NRestarts") == "0"


def test_it_starts_with_the_machine(home: Home) -> None:
    assert home.run("systemctl", "--user", "is-enabled", "inboxagent").strip() == "enabled"


def test_her_journal_has_its_lines_with_priorities(home: Home) -> None:
    home.wait_state("ok")

    def priorities() -> dict[str, str]:
        return {line["MESSAGE"].split()[0]: line["PRIORITY"] for line in home.journal() if line["_COMM"] != "systemd"}

    until(lambda: {"started": "6", "seeing": "6"}.items() <= priorities().items(), what="her journal has its lines")


def test_a_crash_is_followed_by_a_restart_and_a_second_install_changes_nothing(home: Home) -> None:
    drop = UNIT + ".d/soon.conf"
    home.run("sh", "-c", f"mkdir -p {UNIT}.d && cat >{drop}", input="[Service]\nRestartSec=100ms\n")
    before = home.run("cat", UNIT)
    home.run("inboxagent", "service", "install")
    assert home.run("cat", UNIT) == before
    home.run("systemctl", "--user", "daemon-reload")
    home.wait_state("ok")
    home.run("systemctl", "--user", "kill", "--signal=KILL", "inboxagent")
    until(lambda: (home.show("NRestarts"), home.show("ActiveState")) == ("1", "active"), what="it is back")
    home.wait_state("ok")


def test_what_needs_her_is_not_tried_again_and_said_in_red(home: Home) -> None:
    config = "/home/maya/.config/inboxagent/config.toml"
    right = home.run("cat", config)
    home.run("sh", "-c", f"echo nonsense >>{config}")
    try:
        home.run("sh", "-c", "systemctl --user restart inboxagent || true")
        until(lambda: home.show("ActiveState") == "failed", what="it has failed")
        assert (home.show("ExecMainStatus"), home.show("NRestarts")) == ("78", "0")

        def last() -> tuple[str, bool]:
            line = [each for each in home.journal() if each["_COMM"] != "systemd"][-1]
            return line["PRIORITY"], "this is not TOML" in line["MESSAGE"]

        until(lambda: last() == ("3", True), what="it is said in red")
    finally:
        home.run("sh", "-c", f"cat >{config}", input=right)
        home.run("systemctl", "--user", "restart", "inboxagent")
        home.wait_state("ok")
