"""What lies in the state folder beside the store: the key, messages that were set aside, how the daemon is."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from inboxagent.errors import StateDamaged, StateUnwritable

if TYPE_CHECKING:
    from inboxagent.ports import Fetched

KEY_LENGTH = 32


def make_state(folder: Path) -> None:
    """Make the folder, for its owner alone, where it is missing. Raises StateUnwritable."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StateUnwritable(f"the state folder {folder} cannot be made: {error.strerror}") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StateUnwritable(f"the state folder {folder} may not be written to by user {os.geteuid()}")


def message_id_key(folder: Path) -> bytes:
    """The 32 secret bytes behind the Message-IDs; made once. Raises StateUnwritable, StateDamaged."""
    import secrets

    path = folder / "key"
    if not path.exists():
        with _explained(path), _beside(path, secrets.token_bytes(KEY_LENGTH)) as made, suppress(FileExistsError):
            os.link(made, path)  # never replaces: whoever was first has made the key
        _sync_folder(folder)
    with _explained(path):
        key = path.read_bytes()
    if len(key) != KEY_LENGTH:
        raise StateDamaged(f"{path} should hold {KEY_LENGTH} bytes and holds {len(key)}; restore it from a backup")
    return key


def set_aside(folder: Path, fetched: "Fetched", raw: bytes, why: str) -> None:
    """Keep a message that our own code failed on, with the traceback beside it. Raises StateUnwritable."""
    kept = folder / "set-aside"
    with _explained(kept):
        kept.mkdir(exist_ok=True, mode=0o700)
        path = _unused(kept, f"{fetched.received_at:%Y%m%dT%H%M%SZ}-{fetched.uid}", raw)
        place = f"mailbox {fetched.mailbox}, UID {fetched.uid}, UIDVALIDITY {fetched.uidvalidity}\n\n"
        write_whole(path.with_suffix(".txt"), (place + why).encode("utf-8", "surrogateescape"))
        write_whole(path, raw)


def find_set_aside(folder: Path, words: Iterable[str]) -> list[Path]:
    """The messages that were set aside and contain any of these words, in any case. Raises StateUnwritable."""
    wanted = [word.lower().encode("utf-8", "surrogateescape") for word in words]
    with _explained(folder / "set-aside"):
        kept = sorted((folder / "set-aside").glob("*.eml"))
        return [path for path in kept if any(word in _content(path) for word in wanted)]


def _content(path: Path) -> bytes:
    """The message and why it was set aside, lower-case."""
    why = path.with_suffix(".txt")
    return b"".join(each.read_bytes() for each in (path, why) if each.exists()).lower()


def remove_set_aside(path: Path) -> None:
    """Remove a message that was set aside, with its traceback. Raises StateUnwritable."""
    with _explained(path):
        path.with_suffix(".txt").unlink(missing_ok=True)
        path.unlink(missing_ok=True)


def count_set_aside(folder: Path) -> int:
    """How many messages were set aside and have not been removed."""
    return sum(1 for _ in (folder / "set-aside").glob("*.eml"))


def write_status(path: Path, status: Mapping[str, object]) -> None:
    """Say how the daemon is, in a file that is always whole. Raises StateUnwritable."""
    with _explained(path):
        write_whole(path, json.dumps(status).encode())


def remove_status(path: Path) -> None:
    """Take back what was said last, where it can be."""
    with suppress(OSError):
        path.unlink()


def read_status(path: Path) -> dict[str, object] | None:
    """What the daemon said last; None where it never did, or nobody can read it."""
    try:
        status = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return status if isinstance(status, dict) else None


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file (mode 0600) by one with this content: readers see the old or the new one. Raises OSError."""
    with _beside(path, content) as made:
        os.replace(made, path)


@contextmanager
def _beside(path: Path, content: bytes) -> Iterator[Path]:
    """A durable temporary file in the same folder, removed afterwards unless it was renamed."""
    import tempfile  # costly, and most commands write no file of their own

    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _unused(folder: Path, stem: str, raw: bytes) -> Path:
    """Where to keep the message: the same place for the same bytes, another one for others with that name."""
    number = 1
    while True:
        path = folder / (f"{stem}.eml" if number == 1 else f"{stem}-{number}.eml")
        if not path.exists() or path.read_bytes() == raw:
            return path
        number += 1


def _sync_folder(folder: Path) -> None:
    with _explained(folder):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StateUnwritable(f"{path} cannot be read or written: {error.strerror}") from error
