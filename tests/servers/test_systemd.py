"""The units on a real systemd: installed, started, ready, crashed, hung, stopped; her commands beside them."""

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from inboxagent.cli.embedded import EmbeddedProvider
from inboxagent.errors import NEED_HER
from tests.cli.desk import ago
from tests.servers import systemd_box
from tests.servers.polling import until
from tests.servers.systemd_box import ROOT, Box

UNITS = ["inboxagent.service", "inboxagent@.service", "user/inboxagent.service"]
MAYA = "maya@lind.example"
SECRET = "correct horse battery staple"
CONFIG = """\
[me]
name = "Maya Lind"
address = "maya@lind.example"
zone = "Europe/Stockholm"

[imap]
host = "127.0.0.1"
port = {imap_port}
security = "none"
credential = "password"
poll = "1 second"

[smtp]
host = "127.0.0.1"
port = {smtp_port}
security = "none"
"""


@pytest.mark.parametrize("name", UNITS)
def test_systemd_finds_nothing_wrong_with_a_unit(name: str, tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("not installed: systemd-analyze")
    text = (ROOT / "systemd" / name).read_text()
    for program in ("/usr/bin/inboxagent", "%h/.local/bin/inboxagent"):
        text = text.replace(program, "/bin/true")
    unit = tmp_path / Path(name).name.replace("@.", "@maya.")
    unit.write_text(text)
    said = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout + said.stderr) == (0, "")
    if not name.startswith("user/"):
        words = ["systemd-analyze", "security", "--offline=yes", "--threshold=15", unit]
        exposed = subprocess.run(words, capture_output=True, text=True, check=False)
        assert exposed.returncode == 0, exposed.stdout[-300:]


@pytest.mark.parametrize("name", UNITS)
def test_what_may_pass_is_tried_for_ever(name: str) -> None:
    assert "\nStartLimitIntervalSec=0\n" in (ROOT / "systemd" / name).read_text()


@pytest.mark.parametrize("name", UNITS)
def test_the_units_and_the_code_agree_what_needs_her(name: str) -> None:
    line = f"RestartPreventExitStatus={' '.join(map(str, sorted(NEED_HER)))}\n"
    assert line in (ROOT / "systemd" / name).read_text()


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    if reason := systemd_box.missing():
        pytest.skip(reason)
    with Box() as booted:
        if booted.why_not:
            pytest.skip(booted.why_not)
        assert "sudo inboxagent init" in booted.run("inboxagent", "service", "install", "--system")
        booted.write("/etc/inboxagent/password", f"{SECRET}\n")
        booted.run("systemctl", "daemon-reload")
        yield booted


@pytest.fixture
def provider(box: Box) -> Iterator[EmbeddedProvider]:
    with EmbeddedProvider({MAYA: SECRET}, now=lambda: ago(0)) as running:
        configure(box, running.imap_port, running.submission_port)
        yield running
        box.run("systemctl", "stop", "inboxagent")
        box.run("systemctl", "reset-failed", code=None)


def configure(box: Box, imap_port: int, smtp_port: int) -> None:
    box.write("/etc/inboxagent/config.toml", CONFIG.format(imap_port=imap_port, smtp_port=smtp_port))


def restarts(box: Box) -> int:
    return int(box.show("inboxagent", "NRestarts"))


def test_it_starts_is_ready_reads_and_stops(box: Box, provider: EmbeddedProvider) -> None:
    box.run("systemctl", "start", "inboxagent")
    assert box.show("inboxagent", "ActiveState") == "active"
    box.wait_state("ok")
    until(lambda: box.show("inboxagent", "StatusText") == f"{MAYA}: ok", what="systemd is told as well")
    box.run("systemctl", "stop", "inboxagent")
    assert (box.show("inboxagent", "Result"), box.show("inboxagent", "ActiveState")) == ("success", "inactive")


def test_root_may_begin_with_init_there(box: Box, provider: EmbeddedProvider) -> None:
    box.run("rm", "/etc/inboxagent/config.toml")
    places = ("--imap", f"127.0.0.1:{provider.imap_port}/none", "--smtp", f"127.0.0.1:{provider.submission_port}/none")
    who = ("--address", MAYA, "--name", "Maya Lind", "--zone", "Europe/Stockholm", "--credential", "password")
    box.run("inboxagent", "init", "--config", "/etc/inboxagent/config.toml", *who, *places)
    assert box.run("stat", "-c", "%U:%G %a", "/etc/inboxagent/config.toml").strip() == "root:inboxagent 640"
    box.run("systemctl", "start", "inboxagent")
    box.wait_state("ok")


def test_her_commands_act_as_its_user(box: Box, provider: EmbeddedProvider) -> None:
    enrol = ["inboxagent", "enroll", "proposal", "anna@prospect.example", "--new", "--subject", "Portal"]
    box.run(*enrol, "--field", "first_name=Anna")
    owners = box.run("sh", "-c", "stat -c %U /var/lib/inboxagent /var/lib/inboxagent/*").split()
    assert set(owners) == {"inboxagent"}
    box.run("systemctl", "start", "inboxagent")
    box.wait_state("ok")
    box.run("inboxagent", "pause", "--all")
    box.wait_state("paused")
    box.run("inboxagent", "resume", "--all")
    box.wait_state("ok")
    assert box.run("inboxagent", "run", "--once", code=75) == ""


@pytest.mark.parametrize("way", ["LoadCredentialEncrypted", "SetCredentialEncrypted"])
def test_an_encrypted_credential_is_for_the_service_and_for_root_at_its_commands(
    box: Box, provider: EmbeddedProvider, way: str
) -> None:
    lock = ("systemd-creds", "encrypt", "--with-key=host", "--name=password")
    drop = "/etc/systemd/system/inboxagent.service.d/locked.conf"
    if way == "LoadCredentialEncrypted":
        box.run(*lock, "-", "/etc/inboxagent/password.cred", input=f"{SECRET}\n")
        line = f"{way}=password:/etc/inboxagent/password.cred\n"
    else:
        line = box.run(*lock, "--pretty", "-", "-", input=f"{SECRET}\n")
    box.write(drop, f"[Service]\nLoadCredential=\n{line}")
    box.run("systemctl", "daemon-reload")
    try:
        assert "Nothing is due." in box.run("inboxagent", "run", "--once", "--dry-run")
        box.run("systemctl", "start", "inboxagent")
        box.wait_state("ok")
        box.write(drop, f"[Service]\nLoadCredential=\n{way}=password:nonsense\n")
        refused = box.call("inboxagent", "run", "--once", "--dry-run")
        assert (refused.returncode, f"({way}= of the unit): it cannot be decrypted" in refused.stderr) == (78, True)
        assert box.call("inboxagent", "list").returncode == 0  # needs no password
    finally:
        box.run("rm", drop)
        box.run("systemctl", "daemon-reload")


def test_the_journal_has_its_lines_with_priorities(box: Box, provider: EmbeddedProvider) -> None:
    box.run("systemctl", "start", "inboxagent")
    box.wait_state("ok")

    def lines() -> list[dict[str, str]]:
        return [json.loads(line) for line in box.run("journalctl", "-u", "inboxagent", "-o", "json").splitlines()]

    def priorities() -> dict[str, str]:
        return {line["MESSAGE"].split()[0]: line["PRIORITY"] for line in lines() if line["_COMM"] != "systemd"}

    until(lambda: {"started": "6", "seeing": "6"}.items() <= priorities().items(), what="the journal has its lines")
    assert SECRET not in json.dumps(lines())


def test_a_crash_is_followed_by_a_restart(box: Box, provider: EmbeddedProvider) -> None:
    box.write("/etc/systemd/system/inboxagent.service.d/soon.conf", "[Service]\nRestartSec=100ms\n")
    box.run("systemctl", "daemon-reload")
    box.run("systemctl", "start", "inboxagent")
    box.wait_state("ok")
    box.run("systemctl", "kill", "--signal=KILL", "inboxagent")
    until(lambda: restarts(box) == 1 and box.show("inboxagent", "ActiveState") == "active", what="it is back")
    box.wait_state("ok")


def test_what_may_pass_is_tried_again_however_often_it_has_failed(box: Box) -> None:
    """A full disk ends it with 73; systemd, left to itself, would give it up after five times."""
    drop = "/etc/systemd/system/inboxagent.service.d/full.conf"
    box.write(drop, "[Service]\nRestartSec=100ms\nExecStart=\nExecStart=/bin/sh -c 'exit 73'\n")
    box.run("systemctl", "daemon-reload")
    try:
        box.run("systemctl", "start", "--no-block", "inboxagent")
        until(lambda: restarts(box) > 6, what="it has been tried more than six times")
    finally:
        box.run("rm", drop)
        box.run("systemctl", "daemon-reload")
        box.run("systemctl", "stop", "inboxagent")


def test_what_needs_her_is_not_tried_again(box: Box, provider: EmbeddedProvider) -> None:
    box.write("/etc/inboxagent/password", "wrong\n")
    try:
        box.run("systemctl", "start", "inboxagent")
        until(lambda: box.show("inboxagent", "ActiveState") == "failed", what="it has failed")
        assert (box.show("inboxagent", "ExecMainStatus"), restarts(box)) == ("77", 0)
    finally:
        box.write("/etc/inboxagent/password", f"{SECRET}\n")


def test_a_cycle_that_hangs_is_ended_by_the_watchdog_and_waiting_is_not(box: Box, provider: EmbeddedProvider) -> None:
    drop = "[Service]\nRestartSec=100ms\nWatchdogSec=5s\nWatchdogSignal=SIGKILL\n"
    box.write("/etc/systemd/system/inboxagent.service.d/soon.conf", drop)
    box.run("systemctl", "daemon-reload")
    box.run("systemctl", "start", "inboxagent")
    box.wait_state("ok")
    began = box.show("inboxagent", "WatchdogTimestampMonotonic")
    fed = 6_000_000  # microseconds: longer than the watchdog waits
    until(
        lambda: int(box.show("inboxagent", "WatchdogTimestampMonotonic")) > int(began) + fed,
        what="it was fed all along",
    )
    assert restarts(box) == 0
    box.run("systemctl", "stop", "inboxagent")
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes the line and never says a word
        configure(box, silent.getsockname()[1], 1)
        box.run("systemctl", "start", "inboxagent")
        until(lambda: restarts(box) >= 1, what="the watchdog has ended it")
    until(lambda: "Watchdog timeout" in box.run("journalctl", "-u", "inboxagent"), what="the journal says why")
