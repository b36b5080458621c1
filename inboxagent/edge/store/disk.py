"""The few things done to files, so that every one of them is durable or undone, and every failure says what to do."""

import errno
import fcntl
import os
import sys
from contextlib import suppress
from pathlib import Path

from inboxagent.errors import InboxagentError, StateDamaged, StateUnwritable

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


class NoSpace(StateUnwritable):
    """The disk is full; what was there is as it was."""


def explain(path: Path, error: OSError) -> InboxagentError:
    """The error to raise where the state at `path` could not be written, with what to do about it."""
    folder = path.parent
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return StateUnwritable(f"There is no folder {folder}. Make it: mkdir -p -m 700 {folder}")
    if error.errno in _NO_SPACE:
        return NoSpace(f"No space is left to write {path} ({error.strerror}). Free some; nothing was changed.")
    if error.errno in _FORBIDDEN:
        return StateUnwritable(f"{path} may not be written ({error.strerror}). Give user {os.geteuid()} the right to.")
    if error.errno == errno.EIO:
        return StateDamaged(f"The disk failed while {path} was written: {error.strerror}. Nothing was changed.")
    return StateUnwritable(f"{path} could not be written: {error.strerror}. Nothing was changed.")


def written_later(path: Path, schema: int, known: int) -> StateDamaged:
    """The error to raise where a file is of a later version, with what to do about it."""
    return StateDamaged(
        f"{path} was written by a newer inboxagent (schema {schema}, known: {known}). Nothing was changed. Install "
        "that version again, or put back a backup that this one wrote: inboxagent restore FILE"
    )


class Descriptor:
    """A file that is open as long as this object lives, for reading unless `flags` say otherwise."""

    def __init__(self, path: Path, flags: int = os.O_RDONLY) -> None:
        self.number = -1
        self.number = os.open(path, flags | os.O_CLOEXEC)

    def __del__(self) -> None:
        if self.number >= 0:
            os.close(self.number)


def write_all(descriptor: int, content: bytes, offset: int) -> None:
    """Write all of it at this place, however little the system takes at once. Raises OSError."""
    left = memoryview(content)
    while left:
        written = os.pwrite(descriptor, left, offset)
        if written == 0:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        offset, left = offset + written, left[written:]


def sync(descriptor: int) -> None:
    """Wait until what was written is on the medium itself. Raises OSError, after which nobody knows what is there."""
    if sys.platform == "darwin":
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fsync(descriptor)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(path: Path) -> None:
    """Remove a file if it is there."""
    with suppress(OSError):
        path.unlink()


def beside(path: Path) -> Path:
    """Where a file is written before it takes the place of `path`."""
    return path.with_name(path.name + ".new")


def owner_problem(path: Path) -> str | None:
    """What is wrong with the owner of this file, if it exists: two users would lock each other out."""
    try:
        owner = path.stat().st_uid
    except OSError:
        return None
    if owner == os.geteuid():
        return None
    return f"{path} belongs to user {owner}, this is user {os.geteuid()}. Run it as that user."
