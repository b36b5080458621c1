"""`classify`: one answer a file, in step with whoever asks."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.desk import Desk

KEYS = [
    *("path", "kind", "intent", "because", "recipient", "recipients", "permanent", "original_message_id"),
    *("visible_text", "return_date", "contact_after"),
]

REPLY = b"From: Anna <anna@prospect.test>\r\nSubject: Re: Proposal\r\n\r\nYes, please.\r\n\r\n> Did it arrive?\r\n"
AWAY = b"From: anna@prospect.test\r\nAuto-Submitted: auto-replied\r\nSubject: Away\r\n\r\nI am away.\r\n"
BOUNCE = b"""\
From: MAILER-DAEMON@prospect.test
Subject: Undelivered
Content-Type: multipart/report; report-type=delivery-status; boundary=x

--x
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.prospect.test

Final-Recipient: rfc822; dora@prospect.test
Action: failed
Status: 5.1.1

--x
Content-Type: message/rfc822

Message-ID: <t@lind.example>
Subject: Proposal

--x--
"""


@pytest.fixture
def messages(tmp_path: Path) -> dict[str, str]:
    """Message files by name."""
    paths = {}
    for name, raw in {"reply": REPLY, "away": AWAY, "bounce": BOUNCE}.items():
        (tmp_path / f"{name}.eml").write_bytes(raw)
        paths[name] = str(tmp_path / f"{name}.eml")
    return paths


def test_each_file_gets_a_line_with_the_agreed_keys(desk: Desk, messages: dict[str, str]) -> None:
    result = desk.run("classify", "--json", *messages.values(), config=False)
    reply, away, bounce = map(json.loads, result.stdout.splitlines())
    assert list(reply) == KEYS
    assert (reply["path"], reply["kind"], reply["visible_text"]) == (messages["reply"], "reply", "Yes, please.")
    assert (away["kind"], away["permanent"]) == ("auto_reply", None)
    assert (bounce["kind"], bounce["recipient"], bounce["recipients"]) == (
        *("bounce", "dora@prospect.test"),
        ["dora@prospect.test"],
    )
    assert (bounce["permanent"], bounce["original_message_id"]) == (True, "<t@lind.example>")


def test_a_person_reads_a_sentence(desk: Desk, messages: dict[str, str]) -> None:
    lines = desk.run("classify", *messages.values(), config=False).stdout.splitlines()
    assert lines[0].startswith(f'{messages["reply"]}: reply: a person writes "Yes, please."')
    assert "bounce, dora@prospect.test is dead: " in lines[2]


def test_an_unreadable_file_does_not_stop_the_others(desk: Desk, messages: dict[str, str]) -> None:
    result = desk.run("classify", "--json", "none.eml", messages["reply"], config=False, code=1)
    assert len(result.stdout.splitlines()) == 1
    assert result.stderr == "inboxagent: none.eml: cannot be read: No such file or directory\n"


def test_a_pipe_stays_in_step(desk: Desk, messages: dict[str, str]) -> None:
    """Each path is answered before the next one is written."""
    command = [sys.executable, "-m", "inboxagent", "classify", "--json", "--stdin-paths"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, env=desk.shell(), **pipes) as process:  # type: ignore[call-overload]
        assert process.stdin is not None
        assert process.stdout is not None
        for path, kind in ((messages["reply"], "reply"), ("none.eml", "other"), (messages["away"], "auto_reply")):
            process.stdin.write(f"{path}\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline())
            assert (answer["path"], answer["kind"]) == (path, kind)
        process.stdin.close()
        assert process.wait(30) == 1


def test_files_or_paths_but_not_both_and_not_neither(desk: Desk, messages: dict[str, str]) -> None:
    desk.run("classify", config=False, code=2)
    desk.run("classify", "--stdin-paths", messages["reply"], config=False, code=2)
