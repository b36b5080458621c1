"""A pytest plugin for TinyDB's own test suite: every TinyDB that keeps its documents itself gets a journal instead."""

import tempfile
from pathlib import Path
from typing import Any

import tinydb
from tinydb.storages import JSONStorage, MemoryStorage

from inboxagent.edge.store.tables import JournalDB, JournalTable

_real = tinydb.TinyDB


class TinyDB(JournalDB):
    """TinyDB as its suite opens it; a storage or table class of the suite's own is left to the real one."""

    default_storage_class: Any = JSONStorage

    def __new__(cls, *arguments: Any, storage: Any = JSONStorage, **options: Any) -> Any:
        if storage not in (JSONStorage, MemoryStorage) or cls.table_class is not JournalTable:
            return _real(*arguments, storage=storage, **options)
        return super().__new__(cls)

    def __init__(self, path: Any = None, storage: Any = None, **options: Any) -> None:
        super().__init__(Path(path or Path(tempfile.mkdtemp()) / "memory.journal"))


tinydb.TinyDB = TinyDB  # type: ignore[misc]
