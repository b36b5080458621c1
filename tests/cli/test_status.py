"""`status`: stopped before blind before braked before paused, and the exit code that watchers look at."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from inboxagent.agent.sending import BRAKE
from inboxagent.cli.documents import instant
from inboxagent.edge.system_lock import ProcessLock
from inboxagent.edge.system_state import make_state, write_status
from inboxagent.outreach.events import Word
from tests.cli.desk import CONFIG, Desk, ago, event


@pytest.fixture
def daemon(desk: Desk) -> Iterator["Daemon"]:
    """Something that holds the lock and says how it is, as a daemon does."""
    running = Daemon(desk)
    yield running
    running.lock.release()


class Daemon:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        make_state(desk.folder / "state")
        self.lock = ProcessLock(desk.composition.lock_path)
        self.lock.take()

    def say(self, sight: str = "ok", read_seconds_ago: float | None = 0, **more: Any) -> None:
        read_at = None if read_seconds_ago is None else instant(ago(read_seconds_ago / 86_400))
        status = {"pid": os.getpid(), "sight": sight, "since": instant(ago(1)), "last_reading_at": read_at, **more}
        write_status(self.desk.composition.status_path, status)

    def brake(self) -> None:
        with self.desk.composition.store.transaction("a test") as ledger:
            ledger.remember(BRAKE, {"at": ago(0).isoformat(), "due": 30})


def test_without_a_daemon_it_is_stopped(desk: Desk) -> None:
    status = desk.ask("status", code=1)
    assert list(status) == [
        *("state", "since", "last_reading_at", "accounts", "uncertain", "set_aside", "sent_today", "next")
    ]
    assert (status["state"], status["since"], status["last_reading_at"], status["next"]) == (
        "stopped",
        None,
        None,
        None,
    )
    (account,) = status["accounts"]
    assert list(account) == ["address", "state", "since", "last_reading_at", "because"]
    assert account["address"] == "maya@lind.example"
    assert "inboxagent run" in account["because"]


def test_a_daemon_that_reads_is_ok(daemon: Daemon) -> None:
    daemon.say()
    status = daemon.desk.ask("status")
    assert status["state"] == "ok"
    assert status["last_reading_at"] > status["since"]
    text = daemon.desk.run("status").stdout
    assert text.startswith("maya@lind.example  ok since ")
    assert "s ago" in text


def test_a_status_of_an_earlier_daemon_proves_nothing(daemon: Daemon) -> None:
    daemon.say(pid=1)
    assert daemon.desk.ask("status", code=1)["state"] == "blind"


def test_a_daemon_without_a_reading_is_blind(daemon: Daemon) -> None:
    assert daemon.desk.ask("status", code=1)["state"] == "blind"
    daemon.say("blind", None, because="imap.lind.example refuses the connection")
    (account,) = daemon.desk.ask("status", code=1)["accounts"]
    assert (account["state"], account["because"]) == ("blind", "imap.lind.example refuses the connection")


@pytest.mark.parametrize(("seconds", "state"), [(31, "ok"), (33, "blind")])  # 2 × 1 s of poll and 30 s
def test_an_overdue_reading_is_blindness(daemon: Daemon, seconds: int, state: str) -> None:
    daemon.say(read_seconds_ago=seconds)
    assert daemon.desk.ask("status", code=None)["state"] == state


def test_the_worst_is_said_first(daemon: Daemon) -> None:
    desk = daemon.desk
    daemon.say()
    desk.run("pause", "--all")
    assert desk.ask("status")["state"] == "paused"
    daemon.brake()
    assert desk.ask("status", code=1)["state"] == "braked"
    daemon.say("blind")
    assert desk.ask("status", code=1)["state"] == "blind"
    daemon.lock.release()
    assert desk.ask("status", code=1)["state"] == "stopped"


def test_a_released_brake_brakes_no_more(daemon: Daemon) -> None:
    daemon.say()
    daemon.brake()
    daemon.desk.run("release", "--brake")
    assert daemon.desk.ask("status")["state"] == "ok"


def test_what_waits_for_her_is_counted(desk: Desk) -> None:
    desk.enrol("k1", event(Word.INTENT, step="one"), event(Word.UNCERTAIN, step="one"))
    desk.enrol("k2", event(Word.SENT, step="one"), event(Word.SENT, step="two", days=3))
    desk.enrol("k3")
    kept = desk.folder / "state" / "set-aside"
    kept.mkdir()
    (kept / "x.eml").touch()
    status = desk.ask("status", code=1)
    assert (status["uncertain"], status["set_aside"], status["sent_today"]) == (1, 1, 1)
    assert (status["next"]["id"], status["next"]["step"]) == ("k3", "one")
    text = desk.run("status", code=1).stdout
    assert "k1; `why ID` tells more" in text
    assert f"1 in {kept}" in text
    assert "one to k3@prospect.test (k3)" in text


def test_several_accounts_are_as_well_as_the_worst(daemon: Daemon, tmp_path: Path) -> None:
    daemon.say()
    other = tmp_path / "other.toml"
    text = CONFIG.format(imap_port=1, smtp_port=1, poll="1 minute").replace("maya@lind", "maya@studio")
    other.write_text(text)
    status = daemon.desk.ask("status", "--config", str(other), code=1)
    assert status["state"] == "stopped"
    states = {each["address"]: each["state"] for each in status["accounts"]}
    assert states == {"maya@lind.example": "ok", "maya@studio.example": "stopped"}
