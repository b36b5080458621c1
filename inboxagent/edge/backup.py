"""One file with everything that is remembered of an account, written while it runs, and put back so that nothing that
happened since can happen again."""

import io
import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from inboxagent.edge.store import file_stem, open_store
from inboxagent.edge.system_state import make_state, message_id_key, write_whole
from inboxagent.errors import Refused, StateDamaged, StateUnwritable
from inboxagent.ports import REWOUND

ABOUT, JOURNAL, KEY, NEVER, CONFIG = "inboxagent.json", "journal", "key", "never", "config.toml"
FORM = 1
ASIDE = "set-aside"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """What a backup file holds."""

    address: str
    at: datetime
    journal: bytes
    key: bytes
    never: bytes
    set_aside: dict[str, bytes]


def write_backup(path: Path, state: Path, address: str, config: Path, at: datetime) -> int:
    """Write the backup (mode 0600) and return its size in bytes; no password is in it.

    The journal is copied while nobody else may write; the key, by which letters of later are known, is made where there
    is none yet. Raises StateUnwritable, StateDamaged, TryLater.
    """
    store = open_store(state, address)
    with store.transaction("a backup"):
        journal = _read(state / f"{file_stem(address)}.journal")
        never = _read(state / f"{file_stem(address)}.never")
    store.close()
    about = {"form": FORM, "address": address, "at": at.isoformat()}
    members = {ABOUT: json.dumps(about).encode(), JOURNAL: journal, KEY: message_id_key(state)}
    members |= {NEVER: never, CONFIG: _read(config)}
    members |= {f"{ASIDE}/{each.name}": _read(each) for each in sorted((state / ASIDE).glob("*.*"))}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime = len(content), 0o600, int(at.timestamp())
            archive.addfile(entry, io.BytesIO(content))
    with _explained(path):
        write_whole(path, packed.getvalue())
    return len(packed.getvalue())


def read_backup(path: Path) -> Backup:
    """What the file holds. Raises Refused where it is no backup, or one of a later version."""
    try:
        with tarfile.open(path, mode="r:gz") as archive:
            # By their names alone: nothing of the archive is ever a path.
            members = {each.name: _content(archive, each) for each in archive if each.isfile()}
        about = json.loads(members[ABOUT])
        if about["form"] > FORM:
            raise Refused(f"{path} was written by a later version of inboxagent; put that one back first")
        return Backup(
            address=str(about["address"]),
            at=datetime.fromisoformat(about["at"]),
            journal=members[JOURNAL],
            key=members[KEY],
            never=members[NEVER],
            set_aside={Path(name).name: content for name, content in members.items() if name.startswith(f"{ASIDE}/")},
        )
    except (OSError, tarfile.TarError, EOFError, KeyError, ValueError, TypeError) as error:
        raise Refused(f"{path} is not a whole backup: {error}") from error


def put_back(backup: Backup, state: Path, now: datetime) -> Path | None:
    """Put the backup in the place of what is remembered, which is kept in a folder of its own, the answer.

    Whoever is suppressed now stays so, and the brake is on: the next reading finds in Sent what went out since. Nobody
    else may run. Raises StateUnwritable, StateDamaged.
    """
    make_state(state)
    suppressed, never = _suppressed(state, backup.address), _never(state, backup)
    kept = _move_aside(state, backup.address, now)
    with _explained(state):
        write_whole(state / f"{file_stem(backup.address)}.journal", backup.journal)
        write_whole(state / "key", backup.key)
        write_whole(state / f"{file_stem(backup.address)}.never", never)
        for name, content in backup.set_aside.items():
            (state / ASIDE).mkdir(exist_ok=True, mode=0o700)
            write_whole(state / ASIDE / name, content)
    store = open_store(state, backup.address)
    with store.transaction("a backup was put back") as ledger:
        for address, because in suppressed.items():
            ledger.suppress(address, because)
        ledger.remember(REWOUND, {"backup": backup.at.isoformat()})
    store.close()
    return kept


def _suppressed(state: Path, address: str) -> dict[str, str]:
    """Who must never be written to, as far as what is there now can be read."""
    if not (state / f"{file_stem(address)}.journal").exists():
        return {}
    try:
        store = open_store(state, address)
    except StateDamaged:  # a reason to put a backup back; what the mailboxes say of opt-outs is read again
        return {}
    suppressions = dict(store.suppressions())
    store.close()
    return suppressions


def _never(state: Path, backup: Backup) -> bytes:
    """The hashes of the backup, and those that are there now as far as they were made with the same key."""
    now = _read(state / f"{file_stem(backup.address)}.never") if _read(state / "key") == backup.key else b""
    return b"".join(each + b"\n" for each in dict.fromkeys([*backup.never.split(), *now.split()]))


def _move_aside(state: Path, address: str, now: datetime) -> Path | None:
    stem = file_stem(address)
    names = (f"{stem}.journal", f"{stem}.json", f"{stem}.never", "key")
    present = [state / each for each in names if (state / each).exists()]
    if not present:
        return None
    kept = state / f"before-restore-{now:%Y%m%dT%H%M%SZ}"
    with _explained(kept):
        kept.mkdir(mode=0o700, exist_ok=True)
        for each in present:
            if each.name == "key":  # another account may share it
                write_whole(kept / each.name, each.read_bytes())
            else:
                each.rename(kept / each.name)
    return kept


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    return b"" if file is None else file.read()


def _read(path: Path) -> bytes:
    """The content of a file; empty where there is none."""
    with _explained(path):
        return path.read_bytes() if path.exists() else b""


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StateUnwritable(f"{path} cannot be read or written: {error.strerror}") from error
