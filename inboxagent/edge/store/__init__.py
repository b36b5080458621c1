"""The account's memory on disk: TinyDB's documents, tables and queries over a journal of our own."""

import os
from pathlib import Path

from inboxagent.edge.store import disk
from inboxagent.edge.store.account import JournalStore, file_stem
from inboxagent.edge.store.migrate import migrate

__all__ = ["JournalStore", "file_stem", "open_store"]


def open_store(state_dir: Path, address: str) -> JournalStore:
    """The memory of the account with this address, in an existing folder.

    A store of an earlier version is migrated. Raises StateUnwritable, StateDamaged, TryLater.
    """
    stem = file_stem(address)
    path = state_dir / f"{stem}.journal"
    try:
        os.listdir(state_dir)
    except OSError as error:
        raise disk.explain(path, error) from error
    migrate(state_dir / f"{stem}.json", path)
    store = JournalStore(path)
    store.open()
    return store
