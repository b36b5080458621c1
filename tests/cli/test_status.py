"""`status`: stopped before blind before braked before paused, and the exit code that watchers look at."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from inboxagent.agent.brake import BRAKE, LEAPT
from inboxagent.cli.documents import instant
from inboxagent.edge.system_lock import ProcessLock
from inboxagent.edge.system_state import make_state, remove_status, write_status
from inboxagent.outreach.events import Word
from inboxagent.outreach.stoppage import FACT, Stoppage, to_fact
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
        *("state", "since", "last_reading_at", "accounts", "uncertain", "set_aside", "sent_today", "next", "tasks")
    ]
    assert (status["state"], status["since"], status["last_reading_at"], status["next"]) == (
        "stopped",
        None,
        None,
        None,
    )
    (account,) = status["accounts"]
    assert list(account) == ["address", "state", "since", "last_reading_at", "because", "problems", "sending_stopped"]
    assert account["address"] == "maya@lind.example"
    assert "inboxagent run" in account["because"]


def test_a_server_that_takes_nothing_is_told_with_what_helps(daemon: Daemon) -> None:
    daemon.say()
    because = "she may not send under this address: 550 5.7.60; let your provider allow it"
    stoppage = Stoppage(since=ago(0.1), until=ago(-1), because=because)
    with daemon.desk.composition.store.transaction("a test") as ledger:
        ledger.remember(FACT, to_fact(stoppage))
    (account,) = daemon.desk.ask("status")["accounts"]
    assert account["sending_stopped"] == {"until": instant(stoppage.until), "because": because}
    assert because in " ".join(daemon.desk.run("status").stdout.split())


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


@pytest.mark.parametrize(("seconds", "state"), [(1_210, "ok"), (1_240, "blind")])  # 2 × 10 min of poll and 30 s
def test_an_overdue_reading_is_blindness(daemon: Daemon, seconds: int, state: str) -> None:
    daemon.desk.configure(poll="10 minutes")
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


def test_a_status_that_cannot_be_written_is_not_taken_for_the_last_one(daemon: Daemon) -> None:
    daemon.say()
    remove_status(daemon.desk.composition.status_path)
    (account,) = daemon.desk.ask("status", code=1)["accounts"]
    assert account["state"] == "blind"
    assert "cannot write how it is" in account["because"]


def test_rules_that_cannot_be_used_are_named(daemon: Daemon) -> None:
    desk = daemon.desk
    gone = str(desk.folder / "rules" / "gone.md")
    daemon.say(unusable_rules=[gone])
    (desk.folder / "rules" / "quick.md").write_text("broken")
    (account,) = desk.ask("status")["accounts"]
    assert account["problems"] == [
        f"{gone} cannot be used as it is",
        f"{desk.folder}/rules/quick.md cannot be used as it is",
    ]
    assert "what was good before stays in force" in " ".join(desk.run("status").stdout.split())


def test_a_rules_folder_that_is_missing_is_named_and_keeps_nothing_else_back(daemon: Daemon) -> None:
    desk = daemon.desk
    desk.enrol("k1")
    daemon.say()
    (desk.folder / "rules").rename(desk.folder / "elsewhere")
    status = desk.ask("status")
    assert (status["state"], status["next"]) == ("ok", None)
    assert f"there is no folder {desk.folder}/rules" in status["accounts"][0]["problems"][0]
    desk.run("resume", "k1", code=78)
    desk.run("pause", "k1")
    desk.run("resume", "k1", code=78)
    assert [each.word for each in desk.composition.store.conversations()[0].events] == [Word.ENROLLED, Word.HELD]
    desk.run("stop", "k1")


@pytest.mark.parametrize(
    ("code", "words"), [(77, "ended: no. Put that right, then start it with"), (0, "ended: no. Start it with")]
)
def test_how_the_last_one_ended_says_what_to_do(daemon: Daemon, code: int, words: str) -> None:
    daemon.say("stopped", because="no.", exit_code=code)
    daemon.lock.release()
    assert words in daemon.desk.ask("status", code=1)["accounts"][0]["because"]


def test_an_older_copy_of_the_state_brakes_until_she_has_looked(daemon: Daemon) -> None:
    daemon.say()
    desk = daemon.desk
    desk.enrol("k1")
    (journal,) = (desk.folder / "state").glob("*.journal")
    yesterday = journal.read_bytes()
    desk.enrol("k2")
    desk.enrol("k3")
    journal.write_bytes(yesterday)
    desk.run("pause", "k1")
    status = desk.ask("status", code=1)
    assert status["state"] == "braked"
    assert "older copy" in status["accounts"][0]["because"]
    assert "release --brake" in status["accounts"][0]["because"]
    assert "what is due goes out" in desk.run("release", "--brake").stdout
    assert desk.ask("status")["state"] == "ok"


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
    assert f"1 in {kept}" in " ".join(text.split())
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


def test_a_clock_that_leapt_is_a_brake(desk: Desk, daemon: Daemon) -> None:
    daemon.say()
    with desk.composition.store.transaction("a test") as ledger:
        ledger.remember(LEAPT, {"at": ago(0).isoformat(), "seconds": 2 * 86_400 + 0.4})
    status = desk.ask("status", code=1)
    assert status["state"] == "braked"
    assert "put forward by 2 days, 0:00:00" in status["accounts"][0]["because"]
    assert "inboxagent release --brake" in status["accounts"][0]["because"]
