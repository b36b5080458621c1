"""The file under the store: locked by its writers, replaced whole, read by anybody at any time.

A line that says what the file is, with a checksum, then a line of JSON. The lock is a `flock` on a file beside it
that is never renamed or removed: the kernel frees it when its holder dies.
"""

import errno
import fcntl
import json
import os
import re
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inboxagent.errors import InboxagentError, StateDamaged, StateUnwritable, TryLater

SCHEMA = 1
PATIENCE = 15.0
"""How long a writer waits for another one, in seconds."""

Tables = dict[str, dict[str, Any]]
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


@dataclass(frozen=True, slots=True)
class Image:
    """What the file held at one moment; `changes` counts the transactions that made it."""

    changes: int = 0
    tables: Tables = field(default_factory=dict)


def explain(path: Path, error: OSError) -> InboxagentError:
    """The error to raise where the state at `path` could not be written, with what to do about it."""
    folder = path.parent
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return StateUnwritable(f"There is no folder {folder}. Make it: mkdir -p -m 700 {folder}")
    if error.errno in _NO_SPACE:
        return StateUnwritable(f"No space is left to write {path} ({error.strerror}). Free some; nothing was changed.")
    if error.errno in _FORBIDDEN:
        return StateUnwritable(f"{path} may not be written ({error.strerror}). Give user {os.geteuid()} the right to.")
    if error.errno == errno.EIO:
        return StateDamaged(f"The disk failed while {path} was written: {error.strerror}. Nothing was changed.")
    return StateUnwritable(f"{path} could not be written: {error.strerror}. Nothing was changed.")


class Lock:
    """Exclusive between threads and processes; its file says who holds it and why."""

    def __init__(self, path: Path, patience: float = PATIENCE) -> None:
        self._path = path
        self._patience = patience
        self._threads = threading.RLock()
        self._why: str | None = None

    @contextmanager
    def hold(self, why: str) -> Iterator[None]:
        """Hold the lock. Raises TryLater where it stays taken, StateUnwritable, RuntimeError where it is ours."""
        deadline = time.monotonic() + self._patience
        if not self._threads.acquire(timeout=self._patience):
            raise TryLater(f"Another thread ({self._why}) has held {self._path} for {self._patience:g} s.")
        try:
            if self._why is not None:
                raise RuntimeError(f"{why!r} begins inside the transaction {self._why!r}; use the ledger of that one")
            with self._file(deadline, why):
                self._why = why
                try:
                    yield
                finally:
                    self._why = None
        finally:
            self._threads.release()

    @contextmanager
    def _file(self, deadline: float, why: str) -> Iterator[None]:
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise explain(self._path, error) from error
        try:
            self._wait(descriptor, deadline)
            self._sign(descriptor, why)
            yield
        finally:
            os.close(descriptor)  # frees the lock

    def _wait(self, descriptor: int, deadline: float) -> None:
        pause = 0.001
        while not _take(descriptor):
            if time.monotonic() >= deadline:
                raise TryLater(f"{self._holder(descriptor)} has held {self._path} for {self._patience:g} s.")
            time.sleep(pause)
            pause = min(pause * 2, 0.05)

    def _sign(self, descriptor: int, why: str) -> None:
        # On a full disk the signature may be lost, the lock is not.
        with suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()} {' '.join(why.split())}\n".encode(errors="replace"), 0)

    def _holder(self, descriptor: int) -> str:
        pid, _, why = os.pread(descriptor, 1000, 0).decode(errors="replace").strip().partition(" ")
        return f"Process {pid} ({why})" if pid else "Another process"


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class Snapshot:
    """The file as a reader sees it, read again only where it was changed. For any number of threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._seen: tuple[tuple[int, ...], int, Image] | None = None

    def image(self) -> Image:
        """What the file holds now; not to be changed by the caller. Raises StateDamaged."""
        with self._lock:
            if self._seen is None or self._seen[0] != self._stamp():
                self._reload()
            return self._seen[2] if self._seen else Image()

    def generation(self) -> tuple[int, ...]:
        """Differs from an earlier one if the file was written in between."""
        changes = self.image().changes
        seen = self._seen
        return (changes, *seen[0]) if seen else (changes,)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        if self._seen is not None:
            os.close(self._seen[1])
            self._seen = None

    def _stamp(self) -> tuple[int, ...] | None:
        try:
            return _stamp(os.stat(self._path))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unreadable(self._path, error) from error

    def _reload(self) -> None:
        # The descriptor stays open, so that the next file cannot get the same inode number and look unchanged.
        self._forget()
        descriptor = _open(self._path)
        if descriptor is None:
            return
        try:
            self._seen = _stamp(os.fstat(descriptor)), descriptor, _parse(self._path, _content(self._path, descriptor))
        except InboxagentError:
            os.close(descriptor)
            raise


def read(path: Path) -> Image:
    """What the file holds now, the caller's own; empty where there is none yet. Raises StateDamaged."""
    descriptor = _open(path)
    if descriptor is None:
        return Image()
    try:
        return _parse(path, _content(path, descriptor))
    finally:
        os.close(descriptor)


def replace(path: Path, image: Image) -> None:
    """Make the file hold this image: durable on return; where it raises, nothing changed. For the lock's holder."""
    content = _serialise(image)
    try:
        _write_beside(path, content)
        os.replace(_beside(path), path)
    except OSError as error:
        remove_leftover(path)
        raise explain(path, error) from error
    _sync_folder(path)


def remove_leftover(path: Path) -> None:
    """Remove what a writer that died half-way left beside the file."""
    with suppress(OSError):
        _beside(path).unlink()


def _open(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path, error) from error


def _content(path: Path, descriptor: int) -> bytes:
    try:
        with open(descriptor, "rb", closefd=False) as file:
            return file.read()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> StateDamaged:
    return StateDamaged(f"{path} cannot be read: {error.strerror}.")


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ".new")


def _write_beside(path: Path, content: bytes) -> None:
    descriptor = os.open(_beside(path), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def _sync_folder(path: Path) -> None:
    try:
        descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StateDamaged(f"{path} was written, but its folder could not be synced: {error.strerror}.") from error


def _stamp(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _serialise(image: Image) -> bytes:
    body = encode({"changes": image.changes, "tables": image.tables}) + b"\n"
    return f"inboxagent store {SCHEMA} {zlib.crc32(body):08x}\n".encode() + body


def encode(value: object) -> bytes:
    """JSON as people read it; lone surrogates (bytes nobody could decode) are escaped. Raises TypeError, ValueError."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()


def _parse(path: Path, content: bytes) -> Image:
    head, _, body = content.partition(b"\n")
    fields = _HEAD.fullmatch(head)
    if fields is None:
        raise StateDamaged(f"{path} is damaged: its first line does not say what it is. {_REMEDY}")
    schema, checksum = int(fields[1]), fields[2].decode()
    if schema > SCHEMA:
        raise StateDamaged(f"{path} was written by a newer inboxagent (schema {schema}, known here: {SCHEMA}).")
    if f"{zlib.crc32(body):08x}" != checksum:
        raise StateDamaged(f"{path} is damaged: its checksum does not fit its contents. {_REMEDY}")
    return Image(**json.loads(body))


_HEAD = re.compile(rb"inboxagent store (\d{1,9}) ([0-9a-f]{8})")
_REMEDY = "Nothing is sent and nothing written until you put back a good copy."
