"""TinyDB over the journal, through its documented points: a Table class and a TinyDB that joins it with the storage.

A document is copied when it is touched and written only where it was changed; nothing is cached; ids are never given
twice.
"""

import marshal
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from tinydb import TinyDB
from tinydb.queries import QueryLike
from tinydb.storages import Storage
from tinydb.table import Table

from inboxagent.edge.store.journal import Journal
from inboxagent.edge.store.storage import JournalStorage, View


class Overlay(MutableMapping[int, Any]):
    """One table for an updater to change: nothing of it counts before `settle`."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._touched: dict[int, tuple[Any, Any]] = {}

    def __getitem__(self, number: int) -> Any:
        if number not in self._touched:
            document = self._view[str(number)]
            before = marshal.loads(marshal.dumps(document))  # noqa: S302 - of our own making, and twice as fast as JSON
            self._touched[number] = (before, document)
        now = self._touched[number][1]
        if now is None:
            raise KeyError(number)
        return now

    def __setitem__(self, number: int, document: Any) -> None:
        self._touched[number] = (self._before(number), document)

    def __delitem__(self, number: int) -> None:
        if number not in self:
            raise KeyError(number)
        self._touched[number] = (self._before(number), None)

    def __iter__(self) -> Iterator[int]:
        before = self._view.numbers()
        known = set(before)
        yield from (number for number in before if number in self)
        yield from (number for number in list(self._touched) if number not in known and number in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, number: object) -> bool:
        if number in self._touched:
            return self._touched[number][1] is not None
        return str(number) in self._view

    def clear(self) -> None:
        """Remove every document."""
        for number in list(self):
            del self[number]

    def settle(self) -> None:
        """Hand what was changed to the transaction. Raises TypeError, ValueError for what JSON cannot say."""
        self._view.storage.settle(self._view.name, self._touched)

    def _before(self, number: int) -> Any:
        if number in self._touched:
            return self._touched[number][0]
        return self._view.get(str(number))


class JournalTable(Table):
    """A TinyDB table whose every change is a transaction of the journal, or part of the one that is open."""

    _storage: JournalStorage

    def __init__(self, storage: Storage, name: str, cache_size: int = 0, persist_empty: bool = False) -> None:
        # A cache would never look at the file, and hand out the same objects twice.
        super().__init__(storage, name, cache_size=0, persist_empty=False)

    def insert(self, document: Mapping[str, Any]) -> int:
        with self._storage.exclusive():
            return super().insert(document)

    def insert_multiple(self, documents: Iterable[Mapping[str, Any]]) -> list[int]:
        with self._storage.exclusive():
            return super().insert_multiple(documents)

    def upsert(self, document: Mapping[str, Any], cond: QueryLike | None = None) -> list[int]:
        with self._storage.exclusive():
            return super().upsert(document, cond)

    def _get_next_id(self) -> int:
        return self._storage.next_id(self.name)

    def _read_table(self) -> Any:
        self._storage.catch_up()
        return View(self._storage, self.name)

    def _update_table(self, updater: Callable[[Any], None]) -> None:
        with self._storage.exclusive():
            overlay = Overlay(View(self._storage, self.name))
            updater(overlay)
            overlay.settle()


class JournalDB(TinyDB):
    """A TinyDB in a journal: `JournalDB(path)`."""

    table_class = JournalTable

    def __init__(self, path: Path | str | None = None, storage: JournalStorage | None = None) -> None:
        opened = storage if storage is not None else JournalStorage(Journal(Path(path or "")))
        super().__init__(storage=lambda: opened)

    def drop_tables(self) -> None:
        """Remove every document, in one transaction."""
        self._storage.write({})
        self._tables.clear()
