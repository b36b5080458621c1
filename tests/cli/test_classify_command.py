"""`classify`: one answer a file, in step with whoever asks."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.desk import Desk

KEYS = [
    *("path", "kind", "intent", "because", "recipient", "recipients", "permanent", "original_message_id"),
    *("visible_text", "return_date", "contact_after", "promised_until", "successor"),
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


def test_a_person_reads_the_verdict_its_evidence_and_what_was_cut(desk: Desk, messages: dict[str, str]) -> None:
    lines = desk.run("classify", *messages.values(), config=False).stdout.splitlines()
    assert lines[:6] == [
        *(messages["reply"], "  reply", '  because: a person writes "Yes, please."'),
        *("      Yes, please.", "    - > Did it arrive?", ""),
    ]
    assert lines[6:9] == [messages["away"], "  auto_reply", '  because: field "Auto-Submitted: auto-replied"']
    assert "  bounce, dora@prospect.test is dead" in lines


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (AWAY.replace(b"I am away.", b"I am away until 13.3.2026."), "auto_reply, back on Sat 14 Mar 2026"),
        (
            AWAY.replace(b"I am away.", b"I left the company; ask ben@prospect.test."),
            "write to ben@prospect.test instead",
        ),
        (
            REPLY.replace(b"Yes, please.", b"I will get back to you by Friday."),
            "he promises to answer, until Fri 6 Mar",
        ),
        (REPLY.replace(b"Yes, please.", b"Not now, in May please."), "not_now, to be written to from Fri 1 May 2026"),
        (REPLY.replace(b"Yes, please.", b"Not interested."), "reply, he declines"),
        (BOUNCE.replace(b"5.1.1", b"5.2.2"), "bounce, dora@prospect.test was not reached, but may be later"),
        (BOUNCE.replace(b"failed", b"delayed"), "delayed, dora@prospect.test is still being tried"),
    ],
)
def test_what_the_verdict_says_in_words(desk: Desk, tmp_path: Path, raw: bytes, said: str) -> None:
    (tmp_path / "one.eml").write_bytes(b"Date: Tue, 3 Mar 2026 10:00:00 +0000\r\n" + raw)
    verdict = desk.run("classify", str(tmp_path / "one.eml"), config=False).stdout.splitlines()[1]
    assert said in verdict


def test_of_a_long_quotation_the_beginning_is_shown(desk: Desk, tmp_path: Path) -> None:
    quoted = b"".join(b"> line %d\r\n" % number for number in range(50))
    (tmp_path / "long.eml").write_bytes(b"From: anna@prospect.test\r\n\r\nYes.\r\n" + quoted)
    lines = desk.run("classify", str(tmp_path / "long.eml"), config=False).stdout.splitlines()
    assert lines[-3:] == ["    - > line 19", "    - … and 30 more lines that are not his", ""]
    assert len(lines) == 26


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
        assert process.wait(180) == 1


def test_files_or_paths_but_not_both_and_not_neither(desk: Desk, messages: dict[str, str]) -> None:
    desk.run("classify", config=False, code=2)
    desk.run("classify", "--stdin-paths", messages["reply"], config=False, code=2)
