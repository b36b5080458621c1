"""What `doctor` finds out about the clock of the machine."""

from datetime import timedelta
from pathlib import Path

import pytest

from inboxagent.cli import doctor_clock, doctor_mail
from inboxagent.cli.diagnosis import Grade
from inboxagent.cli.embedded import EmbeddedProvider
from tests.cli.desk import SECRET, Desk, ago


def timedatectl(folder: Path, monkeypatch: pytest.MonkeyPatch, says: str) -> None:
    """A program of that name which says so."""
    program = folder / "bin" / "timedatectl"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{says}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")


@pytest.mark.parametrize(
    ("says", "grade"),
    [("echo yes", Grade.OK), ("echo no", Grade.WARNING), ("echo No such bus >&2; exit 1", Grade.OK)],
)
def test_a_clock_that_nobody_keeps_is_warned_of(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, says: str, grade: Grade
) -> None:
    timedatectl(desk.folder, monkeypatch, says)
    (told,) = doctor_clock.clock(desk.composition)
    assert (told.grade, told.remedy) == (grade, None if grade is Grade.OK else "timedatectl set-ntp true")
    assert "(Europe/Stockholm)" in told.says


def test_without_the_program_the_time_alone_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(desk.folder))
    (told,) = doctor_clock.clock(desk.composition)
    assert told.grade is Grade.OK


@pytest.mark.parametrize(
    ("ahead", "warned"),
    [(timedelta(minutes=-9), 0), (timedelta(minutes=1), 0), (timedelta(minutes=9), 1), (timedelta(days=40), 0)],
)
def test_letters_from_the_future_say_that_the_clock_is_late(ahead: timedelta, warned: int) -> None:
    now = ago(0)
    assert len(doctor_clock.compare([ago(3), now + ahead], now)) == warned


def test_the_servers_clock_is_compared_by_itself(desk: Desk) -> None:
    people = dict.fromkeys(("maya@lind.example", "anna@prospect.test"), SECRET)
    with EmbeddedProvider(people, now=lambda: ago(-10 / 1440)) as provider:
        desk.configure(provider.imap_port, provider.submission_port)
        provider.deliver("maya@lind.example", b"From: anna@prospect.test\r\n\r\nHello.\r\n")
        told = [each for each in doctor_mail.imap(desk.composition) if each.about == "clock"]
        assert [(each.grade, "this machine's is late" in each.says) for each in told] == [(Grade.WARNING, True)]
