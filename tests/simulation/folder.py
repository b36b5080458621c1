"""A folder as a power cut leaves it: the names that were synced, and of each file the bytes that were."""

import os
import shutil
from pathlib import Path


class Folder:
    """What of a real folder is on the medium. A name that was not synced may be missing, or name the file before."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept = path.with_name(
            f"{path.name} on the medium"
        )  # a second name keeps a file that another one has replaced
        self._kept.mkdir()
        self._bytes: dict[int, int] = {}  # by inode
        self._inodes: dict[str, int] = {}  # by name

    def sync(self, descriptor: int) -> None:
        """fsync of a file."""
        found = os.fstat(descriptor)
        self._bytes[found.st_ino] = found.st_size

    def sync_names(self) -> None:
        """fsync of the folder."""
        files = [each for each in self._path.iterdir() if each.is_file()]
        self._inodes = {each.name: each.stat().st_ino for each in files}
        for each in files:
            self._keep(each)

    def sync_all(self, path: Path) -> None:
        """A file that somebody puts there, and sees to it that it stays."""
        self._bytes[path.stat().st_ino] = path.stat().st_size
        self._inodes[path.name] = path.stat().st_ino
        self._keep(path)

    def synced(self, path: Path) -> int:
        """How many bytes of this file are on the medium."""
        return self._bytes.get(path.stat().st_ino, 0) if path.exists() else 0

    def lose_power(self, path: Path) -> None:
        """The name is what was synced last: this file, the one before, or none."""
        inode = self._inodes.get(path.name)
        if inode is None:
            path.unlink(missing_ok=True)
        elif not path.exists() or path.stat().st_ino != inode:
            again = self._kept / "again"
            os.link(self._kept / str(inode), again)
            os.replace(again, path)

    def remove(self) -> None:
        """Nothing is left of what was kept."""
        shutil.rmtree(self._kept)

    def _keep(self, path: Path) -> None:
        kept = self._kept / str(path.stat().st_ino)
        if not kept.exists():
            os.link(path, kept)
