"""`run` in processes of its own: the lock, the signals, the log, the exit codes, and what a dry run leaves alone."""

import json
import os
import resource
import signal
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from inboxagent.cli.embedded import EmbeddedProvider
from inboxagent.cli.service import Service
from inboxagent.errors import StateDamaged
from inboxagent.ports import REWOUND
from tests.cli.desk import SECRET, Desk, running, until, write

ANNA = "anna@prospect.test"
BART = "bart@prospect.test"
PROJECT = ("--field", "project=the portal")


def status(desk: Desk) -> Any:
    return desk.ask("status", code=None)


def letters(provider: EmbeddedProvider, address: str) -> list[bytes]:
    return [each for each in provider.mail(address) if b"X-Inboxagent" in each]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def once(desk: Desk, *words: str, timeout: float = 180) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        desk.command("run", *words), capture_output=True, text=True, env=desk.shell(), timeout=timeout, check=False
    )


@pytest.fixture
def due(desk: Desk, provider: EmbeddedProvider) -> str:
    """Anna's conversation, whose first step is due."""
    desk.rule(wait="at once")
    write(provider, ANNA)
    conversation: str = desk.ask("enroll", "quick", ANNA, *PROJECT)["id"]
    return conversation


def test_once_reads_sends_what_is_due_and_ends(desk: Desk, provider: EmbeddedProvider, due: str) -> None:
    done = once(desk, "--once")
    assert (done.returncode, done.stdout) == (0, "")
    assert f" sent {due} {ANNA} " in done.stderr
    assert "step=one" in done.stderr
    assert "did the proposal" not in done.stderr
    assert SECRET not in done.stderr
    assert len(letters(provider, ANNA)) == 1
    assert len(provider.mail("maya@lind.example", "Sent")) == 2
    shown = desk.ask("show", due)
    assert (shown["touches"], shown["next"]["step"]) == (2, "two")
    assert (status(desk)["state"], status(desk)["sent_today"]) == ("stopped", 1)
    assert status(desk)["last_reading_at"] is not None


def test_once_spaces_what_is_due(desk: Desk, provider: EmbeddedProvider) -> None:
    desk.config.write_text(desk.config.read_text().replace('gap = "0 seconds"', 'gap = "1 second"'))
    desk.rule(wait="at once")
    for address in (ANNA, BART):
        write(provider, address)
        desk.run("enroll", "quick", address, *PROJECT)
    assert once(desk, "--once").returncode == 0
    sent_at = [
        each["at"]
        for one in desk.ask("list")
        for each in desk.ask("show", one["id"])["events"]
        if each["event"] == "sent"
    ]
    assert len(sent_at) == 2
    assert sent_at[0][:19] != sent_at[1][:19]


def test_once_with_nobody_enrolled_still_reads(desk: Desk, provider: EmbeddedProvider) -> None:
    assert once(desk, "--once").returncode == 0
    assert status(desk)["last_reading_at"] is not None


def test_a_dry_run_shows_the_letter_and_writes_nothing(desk: Desk, provider: EmbeddedProvider, due: str) -> None:
    before = contents(desk.folder / "state")
    result = desk.run("run", "--dry-run")
    assert f"{due}  now  one" in result.stdout
    assert "  | Hello, did the proposal for the portal arrive?" in result.stdout
    assert "nothing was sent, and nothing was written" in result.stderr
    assert contents(desk.folder / "state") == before
    assert letters(provider, ANNA) == []
    assert len(provider.mail("maya@lind.example", "Sent")) == 1


def test_a_dry_run_knows_of_the_answer_that_has_just_come(desk: Desk, provider: EmbeddedProvider, due: str) -> None:
    once(desk, "--once")  # the first reading ever only notes where the mailboxes stand
    desk.rule(wait="at once")
    provider.deliver("maya@lind.example", f"From: {ANNA}\r\nSubject: Yes\r\n\r\nYes.\r\n".encode())
    result = desk.run("run", "--dry-run")
    assert result.stdout.startswith("Nothing is due.\n")
    assert desk.ask("show", due)["state"] == "waiting"


def test_a_dry_run_says_what_stands_in_the_way(desk: Desk, provider: EmbeddedProvider, due: str) -> None:
    desk.run("pause", "--all")
    assert "so none of this would go out" in desk.run("run", "--dry-run").stderr


def test_a_daemon_sends_sees_answers_and_stops_politely(desk: Desk, provider: EmbeddedProvider, due: str) -> None:
    with running(desk) as daemon:
        until(lambda: letters(provider, ANNA), "the letter has arrived")
        until(lambda: status(desk)["state"] == "ok", "the daemon is well")
        provider.deliver("maya@lind.example", f"From: {ANNA}\r\nSubject: Yes\r\n\r\nYes, please.\r\n".encode())
        until(lambda: desk.ask("show", due)["state"] == "answered", "the answer is seen")
        daemon.send_signal(signal.SIGTERM)
        out, log = daemon.communicate(timeout=60)
    assert (daemon.returncode, out) == (0, "")
    words = [line.split()[1] for line in log.splitlines()]
    assert [word for word in words if word in ("started", "seeing", "sent", "reply", "ended")] == [
        *("started", "seeing", "sent", "reply", "ended")
    ]
    assert "Yes, please" not in log
    assert status(desk)["accounts"][0]["because"] == (
        "no daemon is running; the last one ended: it was told to stop. Start it with: inboxagent run"
    )


def test_what_she_does_beside_it_is_seen_at_once(desk: Desk, provider: EmbeddedProvider) -> None:
    desk.configure(provider.imap_port, provider.submission_port, poll="1 hour")
    with running(desk):
        until(lambda: status(desk)["state"] == "ok", "the daemon is well")
        desk.rule(wait="at once")
        write(provider, ANNA)
        result = desk.run("enroll", "quick", ANNA, *PROJECT)
        assert "No daemon is running" not in result.stderr
        until(lambda: letters(provider, ANNA), "the letter has arrived")


def test_in_an_idle_moment_the_journal_is_made_short(desk: Desk, provider: EmbeddedProvider) -> None:
    desk.configure(provider.imap_port, provider.submission_port, poll="1 hour")
    store = desk.composition.store
    for _ in range(3):
        with store.transaction("much that nobody needs any more") as ledger:
            ledger.remember("much", os.urandom(1_500_000).hex())
    journal = desk.folder / "state" / "maya@lind.example.journal"
    assert journal.stat().st_size > 9_000_000
    with running(desk):
        until(lambda: journal.stat().st_size < 4_000_000, "the journal is short")
    assert store.fact("much") is not None


def test_a_second_one_is_told_who_runs(desk: Desk, provider: EmbeddedProvider) -> None:
    with running(desk) as daemon:
        until(lambda: status(desk)["state"] == "ok", "the daemon is well")
        for words in ([], ["--once"]):
            second = once(desk, *words)
            assert second.returncode == 75
            assert f"as process {daemon.pid}" in second.stderr


def test_killed_in_the_middle_it_can_be_started_again(desk: Desk, provider: EmbeddedProvider, due: str) -> None:
    with running(desk) as daemon:
        until(lambda: letters(provider, ANNA), "the letter has arrived")
        os.kill(daemon.pid, signal.SIGKILL)
        daemon.wait(60)
    assert "the last one was killed, or crashed" in desk.run("status", code=1).stdout.replace("\n             ", " ")
    assert once(desk, "--once").returncode == 0
    assert len(letters(provider, ANNA)) == 1


def test_a_server_that_is_away_is_waited_for(desk: Desk) -> None:
    with running(desk) as daemon:
        until(lambda: "127.0.0.1:1" in json.dumps(status(desk)), "it says whom it cannot reach")
        assert status(desk)["state"] == "blind"
        assert daemon.poll() is None
    assert daemon.returncode == 0


def test_once_with_a_server_away_is_code_69(desk: Desk) -> None:
    done = once(desk, "--once")
    assert done.returncode == 69
    assert done.stderr.splitlines()[-1].startswith("inboxagent: 127.0.0.1:1 ")
    assert done.stderr.count("127.0.0.1:1 ") == 1


def test_the_log_tells_the_time_of_her_zone(desk: Desk) -> None:
    text = desk.config.read_text().replace("Europe/Stockholm", "Asia/Kathmandu")  # a quarter of an hour aside
    desk.config.write_text(text)
    before = datetime.now(ZoneInfo("Asia/Kathmandu"))  # noqa: TID251 these tests live in real time
    at = datetime.strptime(once(desk, "--once").stderr.split()[0], "%H:%M:%S").time()  # noqa: DTZ007 a time of day
    seconds = (datetime.combine(before, at) - before.replace(tzinfo=None)).total_seconds() % 86_400
    assert seconds < 600 or seconds > 86_398


def fill_the_disk() -> None:
    """No file may grow."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def test_a_full_disk_is_the_same_sentence_for_everybody(desk: Desk, provider: EmbeddedProvider) -> None:
    write(provider, ANNA)
    lock = desk.composition.lock_path
    for words in ([], ["--once"]):
        done = subprocess.run(
            desk.command("run", *words), capture_output=True, text=True, env=desk.shell(), preexec_fn=fill_the_disk
        )
        assert done.returncode == 73
        assert done.stderr == (
            f"inboxagent: No space is left to write {lock} (File too large). Free some; nothing was changed.\n"
        )


def test_a_state_folder_that_is_taken_away_ends_it(desk: Desk, provider: EmbeddedProvider) -> None:
    with running(desk) as daemon:
        until(lambda: status(desk)["state"] == "ok", "the daemon is well")
        (desk.folder / "state").rename(desk.folder / "taken")
        _, told = daemon.communicate(timeout=60)
    assert daemon.returncode == 74
    assert told.splitlines()[-1].startswith(f"inboxagent: {desk.composition.lock_path} was removed or replaced")
    assert not (desk.folder / "state").exists()


def test_her_rules_that_vanish_stay_in_force_and_none_that_ships_steps_in(
    desk: Desk, provider: EmbeddedProvider
) -> None:
    """`proposal` ships, too."""
    desk.rule(wait="at once")
    hers = desk.folder / "rules" / "proposal.md"
    (desk.folder / "rules" / "quick.md").rename(hers)
    write(provider, ANNA)
    desk.run("pause", "--all")
    desk.run("enroll", "proposal", ANNA, *PROJECT)
    with running(desk) as daemon:
        first = until(lambda: status(desk)["last_reading_at"], "it has read the mailboxes")
        until(lambda: status(desk)["last_reading_at"] != first, "it has planned by the rules, and begun anew")
        hers.unlink()
        until(lambda: str(hers) in json.dumps(status(desk)), "it is told")
        desk.run("resume", "--all")
        (letter,) = until(lambda: letters(provider, ANNA), "the letter has arrived")
        assert b"did the proposal for the portal arrive?" in letter
        daemon.send_signal(signal.SIGTERM)
        _, told = daemon.communicate(timeout=60)
    assert f'rule_broken because="{hers}: cannot be read' in told
    (listed,) = desk.ask("list")
    assert (listed["state"], listed["next"]["step"]) == ("waiting", "two"), "after a restart it is in force, too"
    assert f'rule_broken because="{hers}: cannot be read' in once(desk, "--once").stderr


def test_commands_know_the_rule_that_has_gone_under_the_daemon(desk: Desk, provider: EmbeddedProvider) -> None:
    """No sequence that ships has the name."""
    write(provider, ANNA)
    conversation = desk.ask("enroll", "quick", ANNA, *PROJECT)["id"]
    hers = desk.folder / "rules" / "quick.md"
    with running(desk):
        until(lambda: status(desk)["state"] == "ok", "the daemon is well")
        hers.rename(desk.folder / "elsewhere.md")
        assert "no readable rule file" not in desk.run("why", conversation).stdout
        assert desk.ask("show", conversation)["next"]["step"] == "one"
        assert status(desk)["accounts"][0]["problems"] == [f"{hers} cannot be used as it is"]


def test_a_rule_that_goes_before_any_daemon_has_read_it_is_in_force(desk: Desk, provider: EmbeddedProvider) -> None:
    desk.rule(wait="at once")
    write(provider, ANNA)
    desk.run("enroll", "quick", ANNA, *PROJECT)
    (desk.folder / "rules" / "quick.md").unlink()
    done = once(desk, "--once")
    assert "rule_broken" in done.stderr
    assert len(letters(provider, ANNA)) == 1


def test_an_edited_file_is_taken_by_the_running_daemon_and_a_broken_one_is_not(
    desk: Desk, provider: EmbeddedProvider
) -> None:
    """Case 69."""
    write(provider, ANNA)
    desk.run("enroll", "quick", ANNA, *PROJECT)
    rule = desk.folder / "rules" / "quick.md"
    good = rule.read_text()
    with running(desk) as daemon:
        until(lambda: status(desk)["state"] == "ok", "the daemon is well")
        rule.write_text(good.replace("wait: 2 days", "wait: 2 dais"))
        until(lambda: "cannot be used as it is" in json.dumps(status(desk)), "status turns yellow")
        assert desk.ask("list")[0]["next"]["step"] == "one", "the last good version stays in force"
        assert letters(provider, ANNA) == []
        rule.write_text(good.replace("wait: 2 days", "wait: at once"))
        until(lambda: letters(provider, ANNA), "the changed wait is obeyed")
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(60) == 0


@pytest.mark.parametrize("words", [[], ["--once"], ["--dry-run"]])
def test_a_password_that_cannot_be_had_ends_it(desk: Desk, provider: EmbeddedProvider, words: list[str]) -> None:
    text = desk.config.read_text()
    desk.config.write_text(text.replace('password_file = "password"', 'password_command = "exit 7"'))
    done = once(desk, *words)
    assert done.returncode == 78
    assert "exit code 7" in done.stderr


@pytest.mark.parametrize("words", [[], ["--once"], ["--dry-run"]])
def test_a_refused_log_in_ends_it(desk: Desk, provider: EmbeddedProvider, words: list[str]) -> None:
    (desk.folder / "password").write_text(f"{SECRET} but wrong\n")
    done = once(desk, *words)
    assert done.returncode == 77
    assert SECRET not in done.stderr


def test_a_broken_rule_file_is_logged_and_stops_nobody(desk: Desk, provider: EmbeddedProvider, due: str) -> None:
    (desk.folder / "rules" / "other.md").write_text("nothing of a rule file")
    done = once(desk, "--once")
    assert done.returncode == 0
    assert " rule_broken because=" in done.stderr
    assert len(letters(provider, ANNA)) == 1


def test_several_accounts_run_side_by_side(desk: Desk, provider: EmbeddedProvider, due: str) -> None:
    other = desk.folder / "other.toml"
    text = desk.config.read_text().replace("maya@lind.example", "anna@prospect.test")
    other.write_text(text.replace('state = "state"', 'state = "other"'))
    with running(desk, "--config", str(other)) as daemon:
        both = ("--config", str(other))
        until(lambda: desk.ask("status", *both, code=None)["state"] == "ok", "both daemons are well")
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(60) == 0


def other_account(desk: Desk, password: str = SECRET) -> tuple[str, str]:
    """The words that name a second account, Anna's, beside Maya's."""
    (desk.folder / "hers").write_text(f"{password}\n")
    (desk.folder / "hers").chmod(0o600)
    text = desk.config.read_text().replace("maya@lind.example", "anna@prospect.test")
    other = desk.folder / "other.toml"
    other.write_text(text.replace('state = "state"', 'state = "other"').replace('"password"', '"hers"'))
    return "--config", str(other)


def test_an_account_that_cannot_go_on_disturbs_no_other(desk: Desk, provider: EmbeddedProvider, due: str) -> None:
    both = other_account(desk, "wrong")
    with running(desk, *both) as daemon:
        until(lambda: letters(provider, ANNA), "Maya's letter has arrived")
        told = until(
            lambda: [each for each in desk.ask("status", *both, code=1)["accounts"] if each["state"] == "stopped"],
            "the other one has ended",
        )
        assert [each["address"] for each in told] == [ANNA]
        assert "refuses the log-in" in told[0]["because"]
        until(lambda: status(desk)["state"] == "ok", "Maya's is well")
        daemon.send_signal(signal.SIGTERM)
        _, log = daemon.communicate(timeout=60)
        assert daemon.returncode == 77
    assert " failed because=" in log


def test_a_broken_configuration_beside_a_good_one_is_said_and_disturbs_nobody(
    desk: Desk, provider: EmbeddedProvider, due: str
) -> None:
    broken = desk.folder / "broken.toml"
    broken.write_text("nonsense")
    done = once(desk, "--once", "--config", str(broken))
    assert done.returncode == 78
    assert "this is not TOML" in done.stderr
    assert len(letters(provider, ANNA)) == 1


def test_the_log_as_json_is_an_object_a_line_without_secrets_and_letters(
    desk: Desk, provider: EmbeddedProvider, due: str
) -> None:
    with running(desk, "--log-json") as daemon:
        until(lambda: letters(provider, ANNA), "the letter has arrived")
        answer = b"From: anna@prospect.test\r\nTo: maya@lind.example\r\nSubject: x\r\n\r\nZanzibar suits me.\r\n"
        provider.deliver("maya@lind.example", answer)
        until(lambda: desk.ask("list")[0]["state"] == "answered", "the answer is noted")
        daemon.send_signal(signal.SIGTERM)
        _, log = daemon.communicate(timeout=60)
    records = [json.loads(line) for line in log.splitlines()]
    assert {"started", "seeing", "sent", "reply", "ended"} <= {record["event"] for record in records}
    sent = next(record for record in records if record["event"] == "sent")
    assert (sent["address"], sent["level"], sent["step"]) == (ANNA, "info", "one")
    assert all(datetime.fromisoformat(record["at"]).tzinfo for record in records)
    for hidden in (SECRET, "Zanzibar", "did the proposal", "the portal"):
        assert hidden not in log


def test_her_commands_are_told_of_answers_and_of_the_end(desk: Desk, provider: EmbeddedProvider, due: str) -> None:
    told, alerted = desk.folder / "told", desk.folder / "alerted"
    hooks = f'[alerts]\non_reply = "cat >{told}.new; mv {told}.new {told}"\non_alert = ["tee", "{alerted}"]\n'
    desk.config.write_text(f"{desk.config.read_text()}\n{hooks}")
    with running(desk):
        until(lambda: letters(provider, ANNA), "the letter has arrived")
        answer = b"From: anna@prospect.test\r\nTo: maya@lind.example\r\nSubject: x\r\n\r\nFriday suits me.\r\n"
        provider.deliver("maya@lind.example", answer)
        until(told.exists, "the command was told")
        document = json.loads(told.read_text())
    assert (document["id"], document["state"], document["prospect"]["address"]) == (due, "answered", ANNA)
    assert document["answer"]["text"] == "Friday suits me."
    assert not alerted.exists()
    (desk.folder / "password").write_text("wrong\n")
    assert once(desk).returncode == 77
    assert json.loads(alerted.read_text())["alert"] == "ended"
    alerted.unlink()
    assert once(desk).returncode == 77
    assert not alerted.exists()  # at most once a day for one cause


def test_a_command_of_hers_that_fails_is_logged_and_harms_nobody(
    desk: Desk, provider: EmbeddedProvider, due: str
) -> None:
    desk.config.write_text(f'{desk.config.read_text()}\n[alerts]\non_alert = "exit 3"\n')
    (desk.folder / "password").write_text("wrong\n")
    done = once(desk, "--once")
    assert done.returncode == 77
    assert 'hook_failed hook=on_alert because="it ended with 3"' in done.stderr


def test_an_account_whose_state_cannot_be_opened_is_not_left_locked(
    desk: Desk, provider: EmbeddedProvider, due: str
) -> None:
    key = desk.folder / "state" / "key"
    key.write_bytes(b"too short")
    for _ in range(2):  # the second time it is not told of a daemon that runs: itself
        with pytest.raises(StateDamaged, match="should hold 32 bytes"):
            Service(desk.composition, lambda: None)
    key.unlink()
    assert once(desk, "--once").returncode == 0


def test_she_is_told_of_the_brake_once_by_mail(desk: Desk, provider: EmbeddedProvider, due: str) -> None:
    with desk.composition.store.transaction("a test") as ledger:
        ledger.remember(REWOUND, {"found": 1, "written": 2})
    for _ in range(2):
        assert once(desk, "--once").returncode == 0
    (told,) = (each for each in provider.mail("maya@lind.example") if b"has put the brake on" in each)
    assert b"an older copy of the state was put back" in told
    assert b"inboxagent release --brake" in told
    assert letters(provider, ANNA) == []
