"""The flag that stops all sending: a file `PAUSED` in any of some folders. Needs no configuration, store or network."""

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from inboxagent.errors import StateUnwritable

FLAG = "PAUSED"
RUNTIME = Path("/run/inboxagent")


def find_flags(folders: Iterable[Path]) -> list[Path]:
    """The flags that are up. A folder that may not be looked into is somebody else's and has none."""
    flags = (folder / FLAG for folder in folders)
    return [flag for flag in flags if os.path.lexists(flag)]


def raised_at(flag: Path) -> datetime | None:
    """Since when a flag is up; None where it has gone."""
    try:
        return datetime.fromtimestamp(flag.lstat().st_mtime, UTC)
    except OSError:
        return None


def raise_flag(folder: Path, words: str) -> Path:
    """Put the flag up and return it; the folder is made where it is missing. Raises StateUnwritable."""
    flag = folder / FLAG
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(flag, os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, f"{words}\n".encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if os.path.lexists(flag):  # it is the name that counts, not what is inside
            return flag
        raise StateUnwritable(f"{flag} cannot be written: {error.strerror}") from error
    return flag


def lower_flag(flag: Path) -> None:
    """Take a flag down, if it is still there. Raises StateUnwritable."""
    try:
        flag.unlink(missing_ok=True)
    except OSError as error:
        raise StateUnwritable(f"{flag} cannot be removed, so everything stays paused: {error.strerror}") from error
