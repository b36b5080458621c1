"""The lock of the writers: a `flock` on a file of its own that is never renamed or removed.

The kernel frees it when its holder dies. Its text says who holds it and why, and up to which change the journal was
written: a second witness, by which a journal that was put back from an old backup is known.
"""

import fcntl
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from inboxagent.edge.store import disk
from inboxagent.errors import StateUnwritable, TryLater

PATIENCE = 15.0
"""How long a writer waits for another one, in seconds."""

_WIDTH = 240  # always the same size: a file that does not grow costs the next fsync nothing
_NOTE = re.compile(r"(\d+) (\d+) (.*)")


class Lock:
    """Exclusive between threads and processes. `witness` is the newest change that was seen on disk, by anybody."""

    def __init__(self, path: Path, patience: float = PATIENCE) -> None:
        self._path = path
        self.patience = patience
        self._threads = threading.RLock()
        self._descriptor = -1
        self._why: str | None = None
        # To be signed with the next transaction: a second file that is written after an fsync makes the next one slow.
        self._known = 0
        self.witness = 0

    @contextmanager
    def hold(self, why: str) -> Iterator[None]:
        """Hold the lock. Raises TryLater where it stays taken, StateUnwritable, RuntimeError where it is ours."""
        deadline = time.monotonic() + self.patience
        if not self._threads.acquire(timeout=self.patience):
            raise TryLater(f"Another thread ({self._why}) has held {self._path} for {self.patience:g} s.")
        try:
            if self._why is not None:
                raise RuntimeError(f"{why!r} begins inside the transaction {self._why!r}; use the ledger of that one")
            with self._file(deadline, why):
                yield
        finally:
            self._threads.release()

    def testify(self, change: int) -> None:
        """Let the next signature say that this change is on disk."""
        self._known = change

    @property
    def owes_a_signature(self) -> bool:
        """Whether something was written that no signature has told of."""
        return self._known > self.witness

    def notice(self, change: int) -> None:
        """The holder found this change on disk: sign for it where whoever made it has not come to do so."""
        if change > self.witness:
            self.witness = change
            self._sign()

    @contextmanager
    def _file(self, deadline: float, why: str) -> Iterator[None]:
        self._descriptor = self._open()
        if not _take(self._descriptor):
            self._wait(deadline)
        try:
            self.witness = max(self._read_witness(), self._known)
            self._why = why
            self._sign()
            yield
        finally:
            self._why = None
            os.close(self._descriptor)  # frees the lock

    def _read_witness(self) -> int:
        try:
            note = _NOTE.match(os.pread(self._descriptor, _WIDTH, 0).decode(errors="replace"))
        except OSError as error:
            raise disk.explain(self._path, error) from error
        return int(note[2]) if note else 0

    def _open(self) -> int:
        if problem := disk.owner_problem(self._path):
            raise StateUnwritable(problem)
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise disk.explain(self._path, error) from error

    def _wait(self, deadline: float) -> None:
        """Queue up in the kernel, which is fair; asking again and again is not."""
        turn = _Turn(self._descriptor)
        if not turn.wait(deadline - time.monotonic()):
            raise TryLater(f"{_holder(self._path)} has held {self._path} for {self.patience:g} s.")

    def _sign(self) -> None:
        why = " ".join((self._why or "").split())
        note = f"{os.getpid()} {self.witness} {why}".encode(errors="replace")[: _WIDTH - 1]
        # On a full disk the signature may be lost, the lock is not.
        with suppress(OSError):
            os.pwrite(self._descriptor, note.ljust(_WIDTH - 1) + b"\n", 0)


class _Turn:
    """A thread that waits for the lock. Once it is given up, the descriptor is its to close."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._guard = threading.Lock()
        self._taken = threading.Event()
        self._given_up = False
        threading.Thread(target=self._run, name="store lock", daemon=True).start()

    def wait(self, seconds: float) -> bool:
        """True when the lock is ours, False when it was given up."""
        self._taken.wait(max(seconds, 0))
        with self._guard:
            self._given_up = not self._taken.is_set()
            return not self._given_up

    def _run(self) -> None:
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        with self._guard:
            if self._given_up:
                os.close(self._descriptor)
            else:
                self._taken.set()


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(path: Path) -> str:
    note = _NOTE.match(path.read_text(errors="replace"))
    return f"Process {note[1]} ({note[3].strip()})" if note else "Another process"
