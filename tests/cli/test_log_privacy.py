"""The log of everything that can happen in a day, in each of its forms: no secret, no letter text."""

import os
import subprocess

import pytest

from inboxagent.cli.embedded import EmbeddedProvider
from tests.cli.desk import SECRET, Desk, write

ANNA, BART = "anna@prospect.test", "bart@prospect.test"
GONE = "gone@prospect.test"
TOKEN = "ya29.a-token-of-hers"
OF_HERS = ("did the proposal for", "the glass portal")
OF_HIS = ("purple giraffe", "beach with no signal", "the budget of 77 thousand")
ANSWERS = {
    ANNA: ("Re: The proposal", "", "Yes, but the purple giraffe must go. No, thank you to the budget of 77 thousand."),
    BART: ("Away", "Auto-Submitted: auto-replied\r\n", "I am at a beach with no signal until 24 December 2031."),
}


def run_once(desk: Desk, form: str, code: int = 0) -> str:
    """What `run --once` says at its most talkative, on both outputs."""
    log = desk.folder / "log"
    words = desk.command("run", "--once", *(["--log-json"] if form == "json" else []))
    words.insert(words.index("run"), "--debug")
    with log.open("w") as file:
        status = os.fstat(file.fileno())
        journal = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"} if form == "journal" else {}
        done = subprocess.run(
            words, stdout=file, stderr=file, env={**desk.shell(), **journal}, check=False, timeout=180
        )
    assert done.returncode == code, log.read_text()
    return log.read_text()


def answer(provider: EmbeddedProvider, address: str) -> None:
    subject, fields, text = ANSWERS[address]
    letter = provider.mail(address)[-1]
    (message_id,) = [line[12:] for line in letter.decode().splitlines() if line.lower().startswith("message-id: ")]
    head = f"From: {address}\r\nTo: maya@lind.example\r\nSubject: {subject}\r\nIn-Reply-To: {message_id}\r\n{fields}"
    provider.deliver("maya@lind.example", f"{head}\r\n{text}\r\n".encode())


@pytest.mark.parametrize("form", ["person", "journal", "json"])
def test_a_day_is_told_without_a_word_of_the_letters(desk: Desk, provider: EmbeddedProvider, form: str) -> None:
    desk.rule(wait="at once")
    for each in (ANNA, BART, GONE):
        write(provider, each)
        desk.run("enroll", "quick", each, "--field", "project=the glass portal")
    told = run_once(desk, form)
    for each in (ANNA, BART):
        answer(provider, each)
    told += run_once(desk, form)
    for word in ("sent", "reply", "auto_reply"):
        assert word in told
    assert "bounce" in told or "refused" in told
    assert [words for words in (SECRET, *OF_HERS, *OF_HIS) if words in told] == []


@pytest.mark.parametrize("way", ["password", "token"])
def test_what_is_refused_is_told_without_the_secret(desk: Desk, provider: EmbeddedProvider, way: str) -> None:
    secret, code = {"password": ("a wrong password", 77), "token": (TOKEN, 69)}[way]  # tokens are not taken there
    asked = f'{way}_command = "echo {secret}; echo {secret} >&2"'
    desk.config.write_text(desk.config.read_text().replace('password_file = "password"', asked))
    for form in ("person", "journal", "json"):
        told = run_once(desk, form, code)
        assert "refuses the log-in" in told or "takes no access tokens" in told
        assert secret not in told
