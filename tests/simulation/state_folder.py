"""The account's state as it lies in a folder, for what her operator does to files: backup, restore, another version.

Everything is done by the product's own code; what is ours is the way from a memory to files and back.
"""

import json
import shutil
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from inboxagent.edge.backup import put_back, read_backup, write_backup
from inboxagent.edge.store import JournalStore, file_stem, lines, open_store
from inboxagent.edge.store.records import CONVERSATIONS, CURSORS, FACTS, SUPPRESSIONS
from inboxagent.edge.system_state import make_state
from inboxagent.errors import StateDamaged
from inboxagent.outreach.events import to_json
from inboxagent.outreach.state import Conversation
from tests.fakes.store import Contents
from tests.simulation.manager import unit
from tests.simulation.post import HER

MEMORY = Path("/dev/shm")  # where there is one, nothing waits for a platter
STEM = file_stem(HER)
KEY = b"a secret that an account has got"


@contextmanager
def folder() -> Iterator[Path]:
    """A folder of its own, and nothing of it is left."""
    one = made("state")
    try:
        yield one
    finally:
        shutil.rmtree(one)


def made(prefix: str) -> Path:
    """A new folder, for whoever asks to remove."""
    return Path(tempfile.mkdtemp(prefix=prefix, dir=MEMORY if MEMORY.is_dir() else None))


def write_state(state: Path, contents: Contents) -> None:
    """A journal that remembers this, as the store writes it."""
    make_state(state)
    (state / "key").write_bytes(KEY)
    store = open_store(state, HER)
    with store.transaction("as it is") as ledger:
        for key, each in contents.conversations.items():
            ledger.enrol(key, *each.events)
        for name, cursor in contents.cursors.items():
            ledger.move_cursor(name, cursor)
        for address, because in contents.suppressions.items():
            ledger.suppress(address, because)
        for name, value in contents.facts.items():
            ledger.remember(name, value)
    store.close()


def read_state(state: Path, known: tuple[Contents, ...] = ()) -> Contents:
    """What is remembered there; a conversation that is as in something `known` is the same object."""
    store = open_store(state, HER)
    found = contents_of(store)
    store.close()
    for key, each in found.conversations.items():
        same: Iterator[Conversation] = (
            there.conversations[key] for there in known if there.conversations.get(key) == each
        )
        found.conversations[key] = next(same, each)
    return found


def contents_of(store: JournalStore, conversations: Mapping[str, Conversation] | None = None) -> Contents:
    """Everything that a journal remembers; `conversations` where somebody has read them already."""
    if conversations is None:
        conversations = {each.id: each for each in store.conversations()}
    return Contents(
        dict(conversations),
        dict(store.cursors()),
        dict(store.suppressions()),
        {each["name"]: each["value"] for each in store._table(FACTS)},
    )


def back_up(state: Path, at: datetime) -> bytes:
    """`inboxagent backup`."""
    file = state / "saved"
    write_backup(file, state, HER, state / "config.toml", at)
    saved = file.read_bytes()
    file.unlink()
    return saved


def journal_in(saved: bytes) -> bytes:
    """The journal of a backup."""
    with folder() as passing:
        (passing / "saved").write_bytes(saved)
        return read_backup(passing / "saved").journal


def restore(state: Path, saved: bytes, now: datetime) -> None:
    """`inboxagent restore`."""
    with folder() as passing:
        (passing / "saved").write_bytes(saved)
        put_back(read_backup(passing / "saved"), state, now)


def upgrade(state: Path) -> str | None:
    """The first version's file is opened by today's, which migrates and compacts it; what was lost on the way."""
    before = read_state(state)
    _write_first_version(state, before)
    for what in ("the migration", "the compaction"):
        store = open_store(state, HER)
        found = contents_of(store)
        if _remembered(found) != _remembered(before):
            return f"after {what} it is not what it was"
        store.compact(always=True)
        store.close()
    return None


def refuse_later_version(state: Path) -> str | None:
    """Today's version is put in the place of a later one, which has written already; what is wrong with its refusal."""
    journal = state / f"{STEM}.journal"
    good = journal.read_bytes()
    head, _, rest = good.partition(b"\n")
    known = lines.header(head + b"\n")
    assert known is not None
    later = lines.compose({**known, "head": lines.SCHEMA + 1}) + rest
    journal.write_bytes(later)
    try:
        open_store(state, HER).close()
    except StateDamaged as error:
        told = "inboxagent restore" in str(error) and error.exit_code in unit().stays_down
        return None if told and journal.read_bytes() == later else f"it is refused with {error}"
    else:
        return "a file of a later version is opened"
    finally:
        journal.write_bytes(good)


def _write_first_version(state: Path, contents: Contents) -> None:
    """The file of schema 1, and of what later versions keep beside it who is never to be written to: nothing else knows
    of whoever was forgotten, and no version removes what it does not know."""
    events = {key: [to_json(each) for each in one.events] for key, one in contents.conversations.items()}
    cursors = [(name, each.uidvalidity, each.next_uid) for name, each in contents.cursors.items()]
    tables = {
        CONVERSATIONS: [{"id": key, "events": each} for key, each in events.items()],
        CURSORS: [{"mailbox": name, "uidvalidity": valid, "next_uid": uid} for name, valid, uid in cursors],
        SUPPRESSIONS: [{"address": each, "because": why} for each, why in contents.suppressions.items()],
        FACTS: [{"name": name, "value": value} for name, value in contents.facts.items()],
    }
    numbered = {name: {str(n): each for n, each in enumerate(table, 1)} for name, table in tables.items()}
    body = json.dumps({"changes": 1, "tables": numbered}).encode() + b"\n"
    for each in state.glob(f"{STEM}.*"):
        if each.suffix != ".never":
            each.unlink()
    (state / f"{STEM}.json").write_bytes(b"inboxagent store 1 %08x\n" % zlib.crc32(body) + body)


def _remembered(contents: Contents) -> object:
    return contents.conversations, contents.cursors, contents.suppressions, contents.facts
