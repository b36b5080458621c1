"""The same random changes on the journal and on SQLite give the same contents, whoever opens it and whenever."""

import json
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tinydb import where

from inboxagent.edge.store.compaction import compact
from inboxagent.edge.store.journal import Journal
from inboxagent.edge.store.storage import JournalStorage
from inboxagent.edge.store.tables import JournalDB

scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.0, 1.0, 1.5]) | st.text(max_size=4)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner))
fields = st.dictionaries(st.sampled_from("abc"), values, max_size=3)
tables = st.sampled_from(["one", "two"])


class Oracle:
    """Documents in SQLite, as TinyDB would have them."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect(":memory:")
        self._connection.execute("CREATE TABLE documents (name TEXT, id INTEGER, text TEXT, PRIMARY KEY (name, id))")

    def put(self, table: str, number: int, document: Any) -> None:
        self._connection.execute("REPLACE INTO documents VALUES (?, ?, ?)", (table, number, json.dumps(document)))

    def remove(self, table: str, number: int) -> None:
        self._connection.execute("DELETE FROM documents WHERE name = ? AND id = ?", (table, number))

    def contents(self, table: str) -> dict[int, str]:
        rows = self._connection.execute("SELECT id, text FROM documents WHERE name = ? ORDER BY id", (table,))
        return {number: json.dumps(json.loads(text), sort_keys=True) for number, text in rows}

    def numbers(self, table: str) -> list[int]:
        return list(self.contents(table))

    def document(self, table: str, number: int) -> Any:
        return json.loads(self.contents(table)[number])

    def close(self) -> None:
        self._connection.close()


class JournalAgainstSqlite(RuleBasedStateMachine):
    """Two databases in one journal, as two processes have it, and the oracle."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "a.journal"
        self.databases = [self.fresh(), self.fresh()]
        self.oracle = Oracle()
        self.highest = {"one": 0, "two": 0}

    def fresh(self) -> JournalDB:
        return JournalDB(storage=JournalStorage(Journal(self.path)))

    @rule(who=st.integers(0, 1), table=tables, documents=st.lists(fields, min_size=1, max_size=3))
    def insert(self, who: int, table: str, documents: list[Any]) -> None:
        numbers = self.databases[who].table(table).insert_multiple(documents)
        for number, document in zip(numbers, documents, strict=True):
            assert number > self.highest[table]
            self.highest[table] = number
            self.oracle.put(table, number, document)

    @rule(who=st.integers(0, 1), table=tables, changes=fields, pick=st.integers(0, 5))
    def update(self, who: int, table: str, changes: Any, pick: int) -> None:
        for number in self.oracle.numbers(table)[pick : pick + 1]:
            self.databases[who].table(table).update(changes, doc_ids=[number])
            self.oracle.put(table, number, {**self.oracle.document(table, number), **changes})

    @rule(who=st.integers(0, 1), table=tables, items=st.lists(values, max_size=2), pick=st.integers(0, 5))
    def extend(self, who: int, table: str, items: list[Any], pick: int) -> None:
        def add(document: Any) -> None:
            document["list"] = [*document.get("list", []), *items]

        for number in self.oracle.numbers(table)[pick : pick + 1]:
            self.databases[who].table(table).update(add, doc_ids=[number])
            expected = self.oracle.document(table, number)
            add(expected)
            self.oracle.put(table, number, expected)

    @rule(who=st.integers(0, 1), table=tables, pick=st.integers(0, 5))
    def remove(self, who: int, table: str, pick: int) -> None:
        for number in self.oracle.numbers(table)[pick : pick + 1]:
            self.databases[who].table(table).remove(doc_ids=[number])
            self.oracle.remove(table, number)

    @rule(who=st.integers(0, 1), table=tables, value=scalars)
    def remove_where(self, who: int, table: str, value: Any) -> None:
        for number in self.databases[who].table(table).remove(where("a") == value):
            assert self.oracle.document(table, number)["a"] == value
            self.oracle.remove(table, number)

    @rule(who=st.integers(0, 1), documents=st.lists(st.tuples(tables, fields), max_size=4), fails=st.booleans())
    def transaction(self, who: int, documents: list[tuple[str, Any]], fails: bool) -> None:
        database, written = self.databases[who], []
        try:
            with database.storage.exclusive():  # type: ignore[attr-defined]
                for table, document in documents:
                    written.append((table, database.table(table).insert(document), document))
                if fails:
                    raise InterruptedError
        except InterruptedError:
            return
        for table, number, document in written:
            self.highest[table] = number
            self.oracle.put(table, number, document)

    @rule(who=st.integers(0, 1))
    def compact(self, who: int) -> None:
        compact(self.databases[who].storage.journal)  # type: ignore[attr-defined]

    @rule(who=st.integers(0, 1))
    def open_again(self, who: int) -> None:
        self.databases[who].close()
        self.databases[who] = self.fresh()

    @rule(garbage=st.binary(max_size=30))
    def tear(self, garbage: bytes) -> None:
        if self.path.exists():
            with self.path.open("ab") as file:
                file.write(garbage.replace(b"\n", b""))

    @invariant()
    def same_contents(self) -> None:
        for database in getattr(self, "databases", ()):
            for table in ("one", "two"):
                documents = {each.doc_id: json.dumps(each, sort_keys=True) for each in database.table(table)}
                assert dict(sorted(documents.items())) == self.oracle.contents(table)

    def teardown(self) -> None:
        for database in getattr(self, "databases", ()):
            database.close()
        if hasattr(self, "oracle"):
            self.oracle.close()
            self.folder.cleanup()


JournalAgainstSqlite.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestJournalAgainstSqlite = JournalAgainstSqlite.TestCase
