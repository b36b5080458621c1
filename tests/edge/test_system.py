"""The machine: clock, signals, passwords, the lock, the flags, and what lies in the state folder."""

import asyncio
import multiprocessing
import os
import resource
import signal
import stat
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from inboxagent.edge import system
from inboxagent.edge.system import SystemClock, stop_on_signals
from inboxagent.edge.system_lock import ProcessLock, holder, is_held
from inboxagent.edge.system_pause import find_flags, lower_flag, raise_flag, raised_at
from inboxagent.edge.system_secrets import read_credential, read_password_file, run_password_command
from inboxagent.edge.system_state import (
    count_set_aside,
    make_state,
    message_id_key,
    read_status,
    set_aside,
    write_status,
)
from inboxagent.errors import ConfigError, StateDamaged, StateUnwritable, TryLater
from inboxagent.ports import Fetched

SECRET = "correct horse battery staple"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# -- clock and signals


def test_the_clock_is_aware_and_never_waits_below_zero() -> None:
    clock = SystemClock()
    assert clock.now().tzinfo is UTC
    assert clock.seconds_until(clock.now() - timedelta(hours=1)) == 0
    assert 3590 < clock.seconds_until(clock.now() + timedelta(hours=1)) <= 3600


def test_the_boot_clock_goes_on() -> None:
    clock = SystemClock()
    first = clock.boot()
    assert clock.boot() >= first > 0


def test_a_boot_has_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system names none it holds for this process alone."""
    named = SystemClock().boot_id()
    assert named == SystemClock().boot_id() != ""
    monkeypatch.setattr(system, "_BOOT_ID", tmp_path / "missing")
    assert SystemClock().boot_id() == SystemClock().boot_id() not in ("", named)


async def test_a_stop_signal_sets_the_event() -> None:
    stop = asyncio.Event()
    before = signal.getsignal(signal.SIGTERM)
    stop_on_signals(stop)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(stop.wait(), 60)
    assert signal.getsignal(signal.SIGTERM) == before  # a second one ends the process


def test_a_thread_that_waits_for_somebody_does_not_hold_up_the_end() -> None:
    waits = "import threading; threading.Thread(target=threading.Event().wait).start()"
    ends = "from inboxagent.edge.system import leave_soon; leave_soon(0.1)"
    ended = subprocess.run([sys.executable, "-c", f"{waits}; {ends}"], timeout=180, check=False)
    assert ended.returncode == 0


# -- passwords


def test_the_first_line_of_the_command_is_the_password() -> None:
    assert run_password_command((sys.executable, "-c", f"print('{SECRET}'); print('more')")) == SECRET
    assert run_password_command(f"echo '{SECRET}' | cat") == SECRET


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("sh", "-c", f"echo '{SECRET}'; echo '{SECRET}' >&2; exit 3"), "(sh) failed: exit code 3"),
        (f"echo '{SECRET}'; exit 4", "(echo) failed: exit code 4"),
        (f"PASSWORD='{SECRET}' false", "(a shell command) failed: exit code 1"),
        (("sh", "-c", "kill -9 $$"), "(sh) failed: killed by signal 9"),
        (("/nonexistent/pass", SECRET), "(/nonexistent/pass) cannot be started: No such file or directory"),
        (("true", SECRET), "(true) printed an empty first line"),
        (("printf", r"\377\376 " + SECRET), "(printf) printed something that is not text"),
    ],
)
def test_a_command_that_fails_is_named_and_tells_no_secret(
    words: tuple[str, ...] | str, sentence: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        run_password_command(words)
    assert sentence in str(caught.value)
    seen = (
        str(caught.value) + repr(caught.value.__cause__) + repr(caught.value.__context__) + "".join(capfd.readouterr())
    )
    assert SECRET not in seen


def test_a_command_that_hangs_is_given_up() -> None:
    told: list[str] = []
    begun = time.monotonic()
    for words in (("sleep", "60"), "sleep 60; echo never"):  # a shell leaves its child behind
        with pytest.raises(ConfigError, match=r"\(sleep\) did not end within 0\.05 s"):
            run_password_command(words, patience=0.05, quiet=0.01, waiting=told.append)
    assert told == ["waiting for the password command (sleep), at most 0.05 s in all …"] * 2
    assert time.monotonic() - begun < 30


def test_a_command_that_is_slow_is_waited_for() -> None:
    told: list[str] = []
    slow = f"sleep 0.2; echo '{SECRET}'"
    assert run_password_command(slow, quiet=0.01, waiting=told.append) == SECRET
    assert len(told) == 1


def test_a_credential_is_what_systemd_hands_over(tmp_path: Path) -> None:
    (tmp_path / "password").write_text(f"{SECRET}\n")
    handed = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert read_credential("password", handed) == SECRET
    with pytest.raises(ConfigError, match='the credential "other" cannot be read: No such file'):
        read_credential("other", handed)
    with pytest.raises(
        ConfigError, match=r"handed over by systemd, to the service alone; .*begin the command with sudo"
    ):
        read_credential("password", {})


def test_the_first_line_of_the_file_is_the_password(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_bytes(f"{SECRET}\r\nmore\n".encode())
    assert read_password_file(path) == SECRET
    path.write_text("\n")
    with pytest.raises(ConfigError, match="empty first line"):
        read_password_file(path)
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_password_file(tmp_path / "none")


# -- the lock


HOLD = """
import sys, pathlib
from inboxagent.edge.system_lock import ProcessLock
ProcessLock(pathlib.Path(sys.argv[1])).take()
print("held", flush=True)
sys.stdin.read()
"""


def hold(path: Path) -> subprocess.Popen[str]:
    """A process of its own that holds the lock until it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "maya.lock"
    with hold(path) as process:
        assert is_held(path)
        assert holder(path) == process.pid
        with pytest.raises(TryLater, match=f"as process {process.pid}") as caught:
            ProcessLock(path).take(patience=0.05)
        assert caught.value.exit_code == 75
        process.kill()
    assert not is_held(path)  # the kernel freed it
    lock = ProcessLock(path)
    lock.take(patience=0)
    assert holder(path) == os.getpid()
    lock.release()
    assert not is_held(path)


def test_asking_never_makes_a_lock(tmp_path: Path) -> None:
    assert not is_held(tmp_path / "none.lock")
    assert list(tmp_path.iterdir()) == []


def test_a_lock_without_a_folder_cannot_be_taken(tmp_path: Path) -> None:
    with pytest.raises(StateUnwritable):
        ProcessLock(tmp_path / "none" / "maya.lock").take()


def test_a_lock_that_was_removed_or_replaced_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "maya.lock"
    lock = ProcessLock(path)
    lock.take()
    lock.check()
    path.unlink()
    with pytest.raises(StateDamaged, match="was removed or replaced") as caught:
        lock.check()
    assert caught.value.exit_code == 74
    path.touch()
    with pytest.raises(StateDamaged):
        lock.check()
    lock.release()
    lock.check()


def test_a_lock_on_a_full_disk_is_not_taken(tmp_path: Path) -> None:
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, usual[1]))  # no file may grow: as on a full disk
    try:
        with pytest.raises(StateUnwritable, match="No space is left to write") as caught:
            ProcessLock(tmp_path / "maya.lock").take()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert caught.value.exit_code == 73
    assert not is_held(tmp_path / "maya.lock")


# -- the flags


def test_a_flag_anywhere_counts(tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b", Path("/proc/1/root/none")]
    assert find_flags(folders) == []
    flag = raise_flag(folders[1], "for the tests")
    assert raise_flag(folders[1], "again") == flag
    assert find_flags(folders) == [flag]
    since = raised_at(flag)
    assert since is not None
    assert abs(since - SystemClock().now()) < timedelta(minutes=1)
    lower_flag(flag)
    lower_flag(flag)
    assert find_flags(folders) == []
    assert raised_at(flag) is None


def test_a_flag_that_leads_nowhere_counts(tmp_path: Path) -> None:
    (tmp_path / "PAUSED").symlink_to(tmp_path / "nowhere")
    assert find_flags([tmp_path]) == [tmp_path / "PAUSED"]


def test_a_flag_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateUnwritable, match="cannot be written"):
        raise_flag(tmp_path / "file", "x")


# -- the state folder


def fetched(uid: int = 7) -> Fetched:
    at = datetime(2026, 11, 24, 9, 12, tzinfo=UTC)
    return Fetched(mailbox="INBOX", uidvalidity=3, uid=uid, received_at=at, size=9, header=b"Subject: x\r\n\r\n")


def test_the_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "state"
    make_state(folder)
    make_state(folder)
    assert mode(folder) == 0o700


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateUnwritable, match="cannot be made") as caught:
        make_state(tmp_path / "file" / "state")
    assert caught.value.exit_code == 73


def ask_key(folder: str) -> bytes:
    return message_id_key(Path(folder))


def test_everybody_gets_the_same_key(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        keys = set(pool.map(ask_key, [str(tmp_path)] * 8))
    assert keys == {message_id_key(tmp_path)}
    assert len(keys.pop()) == 32
    assert mode(tmp_path / "key") == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_a_damaged_key_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"short")
    with pytest.raises(StateDamaged, match="holds 5"):
        message_id_key(tmp_path)


def test_a_message_is_set_aside_with_its_traceback(tmp_path: Path) -> None:
    set_aside(tmp_path, fetched(), b"From: x\r\n\r\n\xff", "Traceback: ValueError: \udcff")
    assert count_set_aside(tmp_path) == 1
    kept = tmp_path / "set-aside" / "20261124T091200Z-7.eml"
    assert kept.read_bytes() == b"From: x\r\n\r\n\xff"
    assert b"ValueError" in kept.with_suffix(".txt").read_bytes()
    assert b"mailbox INBOX, UID 7, UIDVALIDITY 3" in kept.with_suffix(".txt").read_bytes()
    assert (mode(kept), mode(kept.parent)) == (0o600, 0o700)


def test_the_same_message_is_set_aside_once_and_another_one_beside_it(tmp_path: Path) -> None:
    for raw in (b"one", b"one", b"two", b"three"):
        set_aside(tmp_path, fetched(), raw, "why")
    assert count_set_aside(tmp_path) == 3
    assert count_set_aside(tmp_path / "none") == 0


def test_the_status_is_always_whole(tmp_path: Path) -> None:
    path = tmp_path / "maya.status"
    assert read_status(path) is None
    write_status(path, {"sight": "ok"})
    write_status(path, {"sight": "blind"})
    assert read_status(path) == {"sight": "blind"}
    assert mode(path) == 0o600
    assert list(tmp_path.iterdir()) == [path]
    path.write_text("[1, ")
    assert read_status(path) is None
    with pytest.raises(StateUnwritable):
        write_status(tmp_path / "none" / "status", {})
