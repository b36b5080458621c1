"""`doctor`: what is wrong with the state, what helps, and saving what is whole of a damaged journal."""

import json
import os
import shutil
from pathlib import Path

import pytest

from inboxagent.edge.store import lines
from inboxagent.edge.system_lock import ProcessLock
from inboxagent.outreach.events import By, Word
from tests.cli.desk import Desk, event

WORST_LAST = ("ok", "warning", "problem")


@pytest.fixture
def journal(desk: Desk) -> Path:
    """The journal of two conversations."""
    desk.enrol("k1")
    desk.enrol("k2", event(Word.REPLY, "he answered", by=By.HIM))
    return desk.folder / "state" / "maya@lind.example.journal"


def grades(desk: Desk, code: int = 0) -> dict[str, str]:
    """How bad it is, by what was looked at; the worst where there are several."""
    found: dict[str, str] = {}
    for each in desk.ask("doctor", code=code):
        found[each["about"]] = max(
            found.get(each["about"], ""), each["grade"], key=["", "ok", "warning", "problem"].index
        )
    return found


def damage(journal: Path, conversation: str) -> bytes:
    """Flip a bit in the enrolment of a conversation, far from the end; the damaged journal."""
    content = bytearray(journal.read_bytes())
    content[content.index(b'"id":"%b"' % conversation.encode()) + 7] ^= 1
    journal.write_bytes(content)
    return bytes(content)


@pytest.mark.usefixtures("journal")
def test_a_sound_state_is_called_sound(desk: Desk) -> None:
    assert grades(desk) == dict.fromkeys(("state", "files", "disk", "owner", "journal"), "ok")
    assert "2 conversations" in desk.run("doctor").stdout
    assert "nothing to repair" in desk.run("doctor", "--repair").stderr


def test_without_any_state_there_is_nothing_wrong_but_no_folder(desk: Desk) -> None:
    result = desk.run("doctor")
    assert f"there is no folder {desk.folder / 'state'}" in " ".join(result.stdout.split())
    assert grades(desk)["state"] == "warning"
    assert not (desk.folder / "state").exists()


def test_a_damaged_line_is_named_and_nothing_is_changed(desk: Desk, journal: Path) -> None:
    damaged = damage(journal, "k1")
    result = desk.run("doctor", code=1)
    assert "damaged at line 2" in " ".join(result.stdout.split())
    assert "1 conversations, 0 suppressions" in result.stderr
    assert "inboxagent doctor --repair" in result.stderr
    assert journal.read_bytes() == damaged


def test_a_repair_saves_what_is_whole_keeps_the_rest_aside_and_puts_the_brake_on(desk: Desk, journal: Path) -> None:
    before = desk.ask("show", "k2")
    damaged = damage(journal, "k1")
    result = desk.run("doctor", "--repair", code=1)  # the brake is on now
    (aside,) = journal.parent.glob("*.damaged-*")
    assert aside.name in result.stderr
    assert aside.read_bytes() == damaged
    assert [each["id"] for each in desk.ask("list")] == ["k2"]
    assert desk.ask("show", "k2") == before
    assert grades(desk, code=1)["journal"] == "problem"  # the brake
    desk.run("release", "--brake")
    assert grades(desk)["journal"] == "ok"


def test_nothing_is_repaired_while_a_daemon_runs(desk: Desk, journal: Path) -> None:
    damaged = damage(journal, "k1")
    lock = ProcessLock(desk.composition.lock_path)
    lock.take()
    try:
        assert "another inboxagent is running" in desk.run("doctor", "--repair", code=75).stderr
    finally:
        lock.release()
    assert journal.read_bytes() == damaged


def test_a_torn_end_is_no_damage(desk: Desk, journal: Path) -> None:
    journal.write_bytes(journal.read_bytes() + b"j1 0123")
    assert grades(desk)["journal"] == "ok"


def test_a_newer_journal_is_told(desk: Desk, journal: Path) -> None:
    journal.write_bytes(lines.compose({"n": 0, "d": 0, "head": lines.SCHEMA + 1}))
    assert grades(desk, code=1)["journal"] == "problem"
    assert "newer inboxagent" in desk.run("doctor", code=1).stdout


def test_an_older_copy_that_was_put_back_is_told(desk: Desk, journal: Path) -> None:
    older = journal.with_name("older")
    shutil.copy(journal, older)
    desk.append("k1", event(Word.NOTE))
    desk.append("k1", event(Word.NOTE))
    shutil.move(older, journal)
    desk.append("k2", event(Word.NOTE))
    assert "release --brake" in desk.run("doctor", code=1).stdout


def test_files_that_others_may_read_are_told(desk: Desk, journal: Path) -> None:
    journal.chmod(0o644)
    assert grades(desk)["owner"] == "warning"
    assert f"chmod 600 {journal}" in " ".join(desk.run("doctor").stdout.split()).replace("- ", "-")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_files_of_another_user_are_told(desk: Desk, journal: Path) -> None:
    os.chown(journal, 65534, 65534)
    assert grades(desk, code=1)["owner"] == "problem"
    assert "65534" in desk.run("doctor", code=1).stdout


def test_the_ballast_that_was_used_up_is_told(desk: Desk, journal: Path) -> None:
    journal.with_name(journal.name + ".ballast").unlink()
    assert grades(desk)["disk"] == "warning"


def test_a_full_disk_and_a_network_file_system_are_told(
    desk: Desk, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.statvfs(journal.parent)
    values = list(real)
    values[4] = 10  # f_bavail
    monkeypatch.setattr(os, "statvfs", lambda path: os.statvfs_result(values))
    mounts = f"box:/x {journal.parent} nfs4 rw 0 0\n"
    monkeypatch.setattr(Path, "read_text", _mounts(mounts))
    found = {each["about"]: each for each in json.loads(desk.run("doctor", "--json", code=1).stdout)}
    assert found["disk"]["grade"] == found["files"]["grade"] == "problem"
    assert "nfs4" in found["files"]["says"]


def _mounts(mounts: str) -> object:
    real = Path.read_text

    def read_text(path: Path, *arguments: object, **options: object) -> str:
        return mounts if str(path) == "/proc/self/mounts" else real(path, *arguments, **options)  # type: ignore[arg-type]

    return read_text
