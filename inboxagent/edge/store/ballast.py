"""A small file whose only use is to be deleted: on a full disk, it makes room for her `pause` and `stop`."""

import os
from contextlib import suppress
from pathlib import Path

from inboxagent.edge.store import disk

SIZE = 256 * 1024


class Ballast:
    """The ballast beside a journal."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._looked = False

    def load(self) -> None:
        """Put it there, once, if it is missing and there is plenty of room; a disk without room is no fault here."""
        if self._looked:
            return
        self._looked = True
        new = disk.beside(self._path)
        try:
            if self._path.exists() or not self._room():
                return
            new.write_bytes(os.urandom(SIZE))  # a file system may store zeros in no room at all
            new.chmod(0o600)
            new.replace(self._path)
        except OSError:
            disk.remove(new)

    def drop(self) -> bool:
        """Give the room up; False where there was none to give."""
        try:
            self._path.unlink()
        except OSError:
            return False
        with suppress(OSError):
            disk.sync_folder(self._path.parent)
        return True

    def _room(self) -> bool:
        status = os.statvfs(self._path.parent)
        return status.f_bavail * status.f_frsize > 20 * SIZE
