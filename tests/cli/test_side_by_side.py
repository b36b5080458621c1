"""Several processes at once on one account: one of them sends, whoever came first, and each letter goes once."""

import json
import signal
import subprocess
from collections import Counter
from contextlib import ExitStack

from inboxagent.cli.embedded import EmbeddedProvider
from tests.cli.desk import SECRET, Desk, ago, until, write

PEOPLE = [f"p{number}@prospect.test" for number in range(3)]


def test_two_daemons_and_a_command_send_each_letter_once(desk: Desk) -> None:
    """Case 78, C22: two services and `run --once` begin together, while she enrols and asks; one lock, one send."""
    everybody = dict.fromkeys(["maya@lind.example", *PEOPLE], SECRET)
    with EmbeddedProvider(everybody, now=lambda: ago(0)) as provider, ExitStack() as ended:
        desk.configure(provider.imap_port, provider.submission_port)
        desk.rule(wait="at once")
        for address in PEOPLE[:2]:
            write(provider, address)
            desk.run("enroll", "quick", address, "--field", "project=the portal")
        write(provider, PEOPLE[2])
        daemons = [start(desk, ended, "run"), start(desk, ended, "run")]
        once = start(desk, ended, "run", "--once")
        enrolling = start(desk, ended, "enroll", "quick", PEOPLE[2], "--field", "project=the portal")
        assert enrolling.wait(180) == 0
        until(lambda: len(ended_codes(daemons)) >= 1, "one of the daemons, if not both, has given way")
        if once.wait(180) == 0:  # it was first: both daemons may have given way
            until(lambda: len(ended_codes(daemons)) == 2 or is_running(desk), "both have given way, or one watches")
            if len(ended_codes(daemons)) == 2:
                daemons.append(start(desk, ended, "run"))
        until(lambda: len(arrived(provider)) == len(PEOPLE), "all letters have gone")
        until(lambda: len(provider.mail("maya@lind.example", "Sent")) == 2 * len(PEOPLE), "all copies are filed")
        (living,) = (each for each in daemons if each.poll() is None)
        assert set(ended_codes(daemons)) | {once.returncode} <= {0, 75}
        assert [desk.run("list").exit_code, desk.run("status", code=None).exit_code] == [0, 0]
        third = subprocess.run(desk.command("run", "--once"), env=desk.shell(), capture_output=True, text=True)
        assert (third.returncode, f"process {living.pid}" in third.stderr) == (75, True)
        living.send_signal(signal.SIGTERM)
        assert living.wait(60) == 0
        assert Counter(arrived(provider)) == dict.fromkeys(PEOPLE, 1)
        copies = Counter(message_id(each) for each in provider.mail("maya@lind.example", "Sent"))
        assert (len(copies), set(copies.values())) == (2 * len(PEOPLE), {1})


def start(desk: Desk, ended: ExitStack, *words: str) -> "subprocess.Popen[bytes]":
    """A process that is killed at the end where it still lives."""
    process = subprocess.Popen(
        desk.command(*words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=desk.shell()
    )
    ended.callback(process.wait)
    ended.callback(process.kill)
    return process


def is_running(desk: Desk) -> bool:
    return bool(json.loads(desk.run("status", "--json", code=None).stdout)["state"] != "stopped")


def ended_codes(processes: "list[subprocess.Popen[bytes]]") -> list[int]:
    return [each.returncode for each in processes if each.poll() is not None]


def arrived(provider: EmbeddedProvider) -> list[str]:
    """Who has got a letter of ours, as often as that happened."""
    return [each.recipient for each in provider.accepted]


def message_id(raw: bytes) -> bytes:
    return next(line for line in raw.splitlines() if line.lower().startswith(b"message-id:"))
