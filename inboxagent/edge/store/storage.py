"""TinyDB's Storage over the journal: the lock spans read, decide and write; what is handed out is fresh."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tinydb.storages import Storage

from inboxagent.edge.store import lines
from inboxagent.edge.store.journal import Change, Journal

Describe = Callable[[str, Any], Mapping[str, Any]]
"""The index values of a document of a table."""


def describe_nothing(table: str, document: Any) -> Mapping[str, Any]:
    """For tables without look-ups of their own."""
    return {}


class Draft:
    """What a transaction has changed so far: by table and id the document before and now; None where there is none."""

    def __init__(self) -> None:
        self.changed: dict[str, dict[int, tuple[Any, Any]]] = {}
        self.highest: dict[str, int] = {}
        self.values: dict[tuple[str, int], Mapping[str, Any]] = {}
        self.words: dict[tuple[str, str, str], set[int]] = {}

    def of(self, table: str) -> dict[int, tuple[Any, Any]]:
        """The changed documents of one table."""
        return self.changed.setdefault(table, {})

    def change(self, table: str, number: int, before: Any, now: Any, values: Mapping[str, Any]) -> None:
        """Note a change with its index values; `before` is forgotten where an earlier one is known."""
        changed = self.of(table)
        first = changed[number][0] if number in changed else before
        changed[number] = (first, now)
        self.values[table, number] = values
        for name, found in values.items():
            for word in found if isinstance(found, list) else ():
                self.words.setdefault((table, name, word), set()).add(number)


class JournalStorage(Storage):
    """The whole database as TinyDB sees it. Inside `exclusive` it shows and collects what that transaction changes."""

    def __init__(
        self, journal: Journal, describe: Describe = describe_nothing, spare: Callable[[], bool] | None = None
    ) -> None:
        self.journal = journal
        self.over = False  # set when a transaction is, so that nothing is read or written by mistake afterwards
        self.describe = describe
        self._spare = spare
        self._mine = threading.local()

    @property
    def draft(self) -> Draft | None:
        """The transaction that this thread is in."""
        return getattr(self._mine, "draft", None)

    @contextmanager
    def exclusive(self, why: str = "a change") -> Iterator[Draft]:
        """Alone among all writers; the outermost one writes, and nothing is changed when it raises."""
        self._refuse_if_over()
        if self.draft is not None:
            yield self.draft
            return
        with self.journal.writing(why):
            self._mine.draft = draft = Draft()
            try:
                yield draft
                changes = self._changes(draft)
            finally:
                self._mine.draft = None
            if changes:
                self.journal.commit(changes, self._spare)

    def read(self) -> dict[str, Any] | None:
        """Every table that has a document; documents are parsed when they are asked for."""
        self.catch_up()
        names = {name for name in self.journal.tables if self.journal.count(name)}
        names |= self.draft.changed.keys() if self.draft else set()
        tables = {name: View(self, name) for name in sorted(names)}
        return {name: view for name, view in tables.items() if len(view)} or None

    def write(self, data: dict[str, dict[str, Any]]) -> None:
        """Make the database hold just this: what differs is written as one transaction."""
        with self.exclusive():
            for name in {*self.journal.tables, *data}:
                before = {int(key): document for key, document in View(self, name).items()}
                now = {int(key): document for key, document in data.get(name, {}).items()}
                numbers = dict.fromkeys([*before, *now])
                self.settle(name, {number: (before.get(number), now.get(number)) for number in numbers})

    def close(self) -> None:
        """Let go of the journal."""
        self.journal.close()

    def catch_up(self) -> None:
        """Take note of what others wrote; inside a transaction there is nobody else."""
        self._refuse_if_over()
        if self.draft is None:
            self.journal.catch_up()

    def _refuse_if_over(self) -> None:
        if self.over:
            raise RuntimeError("this transaction is over; begin another one")

    def document(self, table: str, number: int) -> Any:
        """A document, fresh; None where there is none."""
        if self.draft is not None and number in self.draft.of(table):
            now = self.draft.of(table)[number][1]
            return None if now is None else lines.copy(now)
        return self.journal.document(table, number)

    def find(self, table: str, name: str, word: str) -> Iterator[tuple[int, Any]]:
        """Documents that have this word among their index values, in the order of their ids."""
        for number, document in self.candidates(table, name, word):
            if word in self.describe(table, document).get(name, ()):
                yield number, document

    def candidates(self, table: str, name: str, word: str) -> Iterator[tuple[int, Any]]:
        """Documents that may have this word among their index values: all that do, and now and then another one."""
        self.catch_up()
        numbers: Iterable[int] = self.journal.find(table, name, word)
        if self.draft is not None and (fresh := self.draft.words.get((table, name, word))):
            numbers = sorted({*numbers, *fresh})
        for number in numbers:
            document = self.document(table, number)
            if document is not None:
                yield number, document

    def replace(self, table: str, number: int, before: Any, now: Any) -> None:
        """Put a document in the place of one that was read in this transaction; neither is to be changed afterwards.

        The short way for what is known to be JSON: nothing is read, copied or compared again.
        """
        self._refuse_if_over()
        if self.draft is None:
            raise RuntimeError("a document is replaced inside a transaction only")
        self.draft.change(table, number, before, now, self.describe(table, now))

    def next_id(self, table: str) -> int:
        """An id that was never given before, in any process."""
        known = self.journal.tables.get(table)
        highest = max(known.highest if known else 0, self.draft.highest.get(table, 0) if self.draft else 0)
        if self.draft is not None:
            self.draft.highest[table] = highest + 1
        return highest + 1

    def settle(self, table: str, touched: Mapping[int, tuple[Any, Any]]) -> None:
        """Hand documents, before and now, to the transaction as far as they differ; None where there is none.

        Raises TypeError, ValueError for what JSON cannot say, and then none of them counts.
        """
        assert self.draft is not None
        settled = {number: (before, lines.copy(now)) for number, (before, now) in touched.items()}
        for number, (before, now) in settled.items():
            if not lines.same(before, now):
                self.draft.change(table, number, before, now, {} if now is None else self.describe(table, now))

    def _changes(self, draft: Draft) -> list[Change]:
        return [
            Change(
                table=table,
                number=number,
                old=old,
                new=new,
                values=draft.values[table, number],
                words_before={} if old is None or new is None else self.describe(table, old),
            )
            for table, changed in draft.changed.items()
            for number, (old, new) in changed.items()
            if not lines.same(old, new)
        ]


class View(Mapping[str, Any]):
    """One table as TinyDB reads it: ids as text, every document parsed anew when it is asked for."""

    def __init__(self, storage: JournalStorage, name: str) -> None:
        self.storage = storage
        self.name = name
        self._changed = storage.draft.of(name) if storage.draft else {}

    def __getitem__(self, key: object) -> Any:
        number = _number(key)
        document = None if number is None else self.storage.document(self.name, number)
        if document is None:
            raise KeyError(key)
        return document

    def __contains__(self, key: object) -> bool:
        number = _number(key)
        if number is None:
            return False
        if number in self._changed:
            return self._changed[number][1] is not None
        return self.storage.journal.row(self.name, number) is not None

    def __iter__(self) -> Iterator[str]:
        return map(str, self.numbers())

    def __len__(self) -> int:
        return len(self.numbers()) if self._changed else self.storage.journal.count(self.name)

    def numbers(self) -> list[int]:
        """The ids, in the order in which the documents came."""
        before = self.storage.journal.numbers(self.name)
        if not self._changed:
            return before
        known = set(before)
        kept = [number for number in before if number not in self._changed or self._changed[number][1] is not None]
        return kept + [number for number, (_, now) in self._changed.items() if number not in known and now is not None]


def _number(key: object) -> int | None:
    """A document id from the text that TinyDB makes of it; None for what cannot be one."""
    text = str(key)
    return int(text) if text.removeprefix("-").isdecimal() else None
