"""Whom never to write to again, in a file beside the journal: keyed hashes, added and never removed.

It outlives a journal that is put back from an older copy, and a person of whom everything else was erased.
"""

import hmac
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from inboxagent.edge.store import disk

_DIGITS = 64


class Never:
    """The addresses and `@domain`s in one file, one hash (HMAC-SHA256) a line; what is torn counts as not written."""

    def __init__(self, path: Path, key: Callable[[], bytes]) -> None:
        """`key` is asked when there is something to hash."""
        self._path = path
        self._key = key
        self._seen = -1
        self._hashes: frozenset[bytes] = frozenset()

    def holds(self, entry: str) -> bool:
        """Whether this address or `@domain` was ever added. Raises StateDamaged, StateUnwritable."""
        self._catch_up()
        return bool(self._hashes) and self._hash(entry) in self._hashes

    @property
    def is_empty(self) -> bool:
        """Whether nobody was ever added. Raises StateDamaged, StateUnwritable."""
        self._catch_up()
        return not self._hashes

    def add(self, entries: Iterable[str]) -> None:
        """Add these; durable when it returns. Only for the holder of the journal's lock. Raises StateUnwritable."""
        fresh = [self._hash(entry) for entry in sorted(entries) if not self.holds(entry)]
        if not fresh:
            return
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                end = self._end(os.pread(descriptor, os.fstat(descriptor).st_size, 0))
                disk.write_all(descriptor, b"".join(each + b"\n" for each in fresh), end)
                disk.sync(descriptor)
            finally:
                os.close(descriptor)
            disk.sync_folder(self._path.parent)
        except OSError as error:
            raise disk.explain(self._path, error) from error

    def _end(self, content: bytes) -> int:
        """Where the last whole line ends."""
        return content.rfind(b"\n") + 1

    def _catch_up(self) -> None:
        try:
            content = self._path.read_bytes() if self._path.stat().st_size != self._seen else None
        except FileNotFoundError:
            content = b""
        except OSError as error:
            raise disk.explain(self._path, error) from error
        if content is not None:
            self._seen = len(content)
            self._hashes = frozenset(line for line in content.split(b"\n")[:-1] if len(line) == _DIGITS)

    def _hash(self, entry: str) -> bytes:
        return hmac.new(self._key(), entry.encode("utf-8", "surrogateescape"), "sha256").hexdigest().encode()
