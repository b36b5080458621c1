"""`backup` and `restore`: whole while others write, and nothing that happened since happens again."""

import shutil
import stat
import tarfile
import threading
from pathlib import Path

import pytest

from inboxagent.cli.embedded import EmbeddedProvider
from inboxagent.edge.store.repair import find_damage
from inboxagent.outreach.events import Word
from tests.cli.desk import SECRET, Desk, event, running, write

ANNA, BART = "anna@prospect.test", "bart@prospect.test"
STOP = b"From: bart@prospect.test\r\nTo: maya@lind.example\r\nMessage-ID: <s@x.test>\r\n\r\nunsubscribe\r\n"


@pytest.fixture
def saved(desk: Desk, provider: EmbeddedProvider) -> Path:
    """A backup of the day on which both were enrolled and nothing had gone out."""
    for address in (ANNA, BART):
        write(provider, address)
        desk.run("enroll", "quick", address, "--field", "project=the portal")
    desk.run("backup", str(desk.folder / "saved"))
    return desk.folder / "saved"


def letters(provider: EmbeddedProvider, address: str) -> int:
    return sum(b"X-Inboxagent" in each for each in provider.mail(address))


@pytest.mark.parametrize("lost", [False, True])
def test_what_went_out_since_is_not_sent_again_and_who_opted_out_stays_so(
    desk: Desk, provider: EmbeddedProvider, saved: Path, lost: bool
) -> None:
    provider.deliver("maya@lind.example", STOP)
    desk.rule(wait="at once")
    desk.run("run", "--once")
    assert (letters(provider, ANNA), letters(provider, BART)) == (1, 0)
    if lost:
        shutil.rmtree(desk.folder / "state")
    said = desk.run("restore", str(saved), "--yes").stdout
    assert "Nothing goes out yet." in said
    assert ("what was there is kept in" in said) is not lost
    if not lost:
        assert desk.composition.store.suppression(BART) is not None
    desk.run("run", "--once")
    stood = {each["prospect"]["address"]: each for each in desk.ask("list")}
    assert (stood[ANNA]["touches"], stood[BART]["state"]) == (2, "stopped")
    assert desk.composition.store.suppression(BART) is not None
    desk.run("release", "--brake")
    desk.run("run", "--once")
    assert (letters(provider, ANNA), letters(provider, BART)) == (1, 0)


def test_the_brake_is_on_until_she_has_looked(desk: Desk, provider: EmbeddedProvider, saved: Path) -> None:
    shutil.rmtree(desk.folder / "state")
    desk.rule(wait="at once")
    desk.run("restore", str(saved), "--yes")
    desk.run("run", "--once")
    assert letters(provider, ANNA) == 0
    desk.run("release", "--brake")
    desk.run("run", "--once")
    assert letters(provider, ANNA) == 1


def test_a_backup_is_whole_while_others_write(desk: Desk, tmp_path: Path) -> None:
    desk.enrol("busy")
    stop = threading.Event()

    def keep_writing() -> None:
        while not stop.is_set():
            desk.append("busy", event(Word.NOTE, "x" * 2000))

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        for number in range(5):
            desk.run("backup", str(tmp_path / f"{number}.saved"))
    finally:
        stop.set()
        writer.join()
    for number in range(5):
        with tarfile.open(tmp_path / f"{number}.saved") as archive:
            journal = archive.extractfile("journal")
            assert journal is not None
            (tmp_path / "x.journal").write_bytes(journal.read())
        assert find_damage(tmp_path / "x.journal") == []


def test_a_backup_is_hers_alone_and_holds_no_password(desk: Desk, saved: Path) -> None:
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    with tarfile.open(saved) as archive:
        contents = {each.name: archive.extractfile(each).read() for each in archive}  # type: ignore[union-attr]
    assert {"inboxagent.json", "journal", "key", "config.toml"} <= contents.keys()
    assert not any(SECRET.encode() in content for content in contents.values())


@pytest.mark.parametrize("lost", [False, True])
def test_who_was_erased_is_never_written_to_after_a_restore(
    desk: Desk, provider: EmbeddedProvider, tmp_path: Path, lost: bool
) -> None:
    write(provider, ANNA)
    desk.run("enroll", "quick", ANNA, "--field", "project=the portal")
    desk.run("forget", ANNA, "--yes")
    desk.run("backup", str(tmp_path / "saved"))
    desk.run("forget", BART, "--yes")
    if lost:
        shutil.rmtree(desk.folder / "state")
    desk.run("restore", str(tmp_path / "saved"), "--yes")
    assert desk.composition.store.suppression(ANNA) is not None
    assert (desk.composition.store.suppression(BART) is None) is lost  # what nobody has kept nobody knows


def test_what_is_no_backup_is_refused(desk: Desk, tmp_path: Path, saved: Path) -> None:
    (tmp_path / "other").write_bytes(b"nothing")
    assert "is not a whole backup" in desk.run("restore", str(tmp_path / "other"), "--yes", code=1).stderr
    (tmp_path / "cut").write_bytes(saved.read_bytes()[:-200])
    assert "is not a whole backup" in desk.run("restore", str(tmp_path / "cut"), "--yes", code=1).stderr
    desk.config.write_text(desk.config.read_text().replace("maya@", "nora@"))
    assert "is of maya@lind.example" in desk.run("restore", str(saved), "--yes", code=1).stderr


def test_nothing_is_put_back_unasked_or_under_a_running_daemon(
    desk: Desk, provider: EmbeddedProvider, saved: Path
) -> None:
    assert "nothing was changed" in desk.run("restore", str(saved), code=1).stderr
    with running(desk) as daemon:
        assert daemon.stderr is not None
        daemon.stderr.readline()
        assert "another inboxagent is running" in desk.run("restore", str(saved), "--yes", code=75).stderr
