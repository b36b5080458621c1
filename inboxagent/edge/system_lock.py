"""One process per account: a lock for life, which the kernel frees when its holder dies."""

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path

from inboxagent.edge.store.disk import explain
from inboxagent.errors import StateDamaged, TryLater

PATIENCE = 1.0
"""Seconds: somebody who only asks whether the lock is free holds it for an instant."""


class ProcessLock:
    """An exclusive `flock` on a file that is never removed; the file holds the pid of the holder."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def take(self, patience: float = PATIENCE) -> None:
        """Take the lock until `release` or the end of the process.

        Raises TryLater with the holder's pid, StateUnwritable.
        """
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise explain(self._path, error) from error
        deadline = time.monotonic() + patience
        while not _lock(descriptor):
            if time.monotonic() >= deadline:
                os.close(descriptor)
                raise TryLater(f"{_words(self._path)}; only one may run for this account")
            time.sleep(0.02)
        self._descriptor = descriptor
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            self.release()
            raise explain(self._path, error) from error

    def check(self) -> None:
        """Raise StateDamaged where the file is not the one that was locked: others may hold that one by now."""
        if self._descriptor is not None and not _is_same(self._path, self._descriptor):
            raise StateDamaged(
                f"{self._path} was removed or replaced while inboxagent was running, so another one may run by now; "
                "whoever removes the state folder removes what has been sent and answered"
            )

    def release(self) -> None:
        """Let the lock go; nothing happens where it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock on this file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not _lock(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def holder(path: Path) -> int | None:
    """The pid that the file holds, of the process that took the lock last."""
    with suppress(OSError, ValueError):
        return int(path.read_text())
    return None


def _lock(descriptor: int, kind: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_same(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except OSError:
        return False


def _words(path: Path) -> str:
    pid = holder(path)
    return f"another inboxagent is running, as process {pid}" if pid else "another inboxagent is running"
