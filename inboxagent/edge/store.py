"""The account's memory on disk: TinyDB's tables and queries over one file that is replaced whole."""

import hashlib
import json
import os
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from tinydb import TinyDB, where
from tinydb.storages import Storage
from tinydb.table import Document, Table

from inboxagent.edge import store_file
from inboxagent.edge.store_file import PATIENCE, Image, Lock, Snapshot, Tables
from inboxagent.errors import StateDamaged
from inboxagent.outreach.events import Event, from_json, to_json
from inboxagent.outreach.state import Conversation, fold
from inboxagent.ports import Cursor, Ledger, Store


def open_store(state_dir: Path, address: str) -> Store:
    """The memory of the account with this address, in an existing folder. Raises StateUnwritable, StateDamaged."""
    path = state_dir / f"{file_stem(address)}.json"
    try:
        os.listdir(state_dir)
    except OSError as error:
        raise store_file.explain(path, error) from error
    store = TinyStore(path)
    store.generation()  # a damaged file is told now
    return store


def file_stem(address: str) -> str:
    """A file name without suffix that is safe everywhere and different for every address."""
    stem = urllib.parse.quote(address.lower(), safe="@+", errors="surrogateescape")
    return stem if len(stem) <= 200 else stem[:180] + hashlib.sha256(stem.encode()).hexdigest()[:20]


class TinyStore:
    """The Store port over one file. Any number of processes and threads may use it."""

    def __init__(self, path: Path, patience: float = PATIENCE) -> None:
        self._path = path
        self._lock = Lock(path.with_name(path.name + ".lock"), patience)
        self._snapshot = Snapshot(path)
        self._folds = _Folds()
        self._records = _Records(_Database(storage=_Committed, snapshot=self._snapshot), self._folds)

    def conversations(self) -> Sequence[Conversation]:
        """All of them, in the order of their enrolment."""
        return self._records.conversations()

    def conversation(self, conversation_id: str) -> Conversation | None:
        """The one with this id."""
        return self._records.conversation(conversation_id)

    def cursors(self) -> Mapping[str, Cursor]:
        """How far each mailbox has been judged."""
        return self._records.cursors()

    def suppression(self, address: str) -> str | None:
        """Why this address (or its domain) is never written to again; None where it is not suppressed."""
        return self._records.suppression(address)

    def fact(self, name: str) -> object | None:
        """A remembered JSON value about the account."""
        return self._records.fact(name)

    def generation(self) -> object:
        """Differs from an earlier answer if anybody wrote in between."""
        return self._snapshot.generation()

    @contextmanager
    def transaction(self, why: str) -> Iterator[Ledger]:
        """Exclusive, everything or nothing, durable when it returns; for one thread, and not inside itself."""
        with self._lock.hold(why):
            store_file.remove_leftover(self._path)
            image = store_file.read(self._path)
            draft = _Draft(image.tables)
            try:
                yield _TinyLedger(_Database(storage=lambda: draft), self._folds)
            finally:
                draft.close()
            if draft.changed:
                store_file.replace(self._path, Image(image.changes + 1, draft.tables))

    def close(self) -> None:
        """Let go of the file."""
        self._snapshot.close()


class _Table(Table):
    """No query cache: it never looks at the file, and hands out the same objects twice."""

    def __init__(self, storage: Storage, name: str, cache_size: int = 0, persist_empty: bool = False) -> None:
        super().__init__(storage, name, cache_size, persist_empty)


class _Database(TinyDB):
    table_class = _Table


class _Committed(Storage):
    """What the file holds, for reading."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def read(self) -> Tables:
        return self._snapshot.image().tables

    def write(self, data: Tables) -> NoReturn:
        raise RuntimeError("the store is written in a transaction only")


class _Draft(Storage):
    """What a transaction makes of it; nobody else sees this before it is on disk."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.changed = False
        self._open = True

    def read(self) -> Tables:
        if not self._open:
            raise RuntimeError("this transaction is over; begin another one")
        return self.tables

    def write(self, data: Tables) -> None:
        self.read()
        self.tables = data
        self.changed = True

    def close(self) -> None:
        self._open = False


class _Folds:
    """Conversations by the events they were folded from, so that what did not change is not folded again."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[list[Any], Conversation]] = {}

    def conversation(self, document: Document) -> Conversation:
        """The conversation of a document. Raises StateDamaged where its events make none."""
        name, events = document["id"], document["events"]
        known = self._known.get(name)
        if known is None or known[0] != events:
            known = (events, _fold(name, events))
            self._known[name] = known
        return known[1]


def _fold(conversation_id: str, events: Sequence[Mapping[str, Any]]) -> Conversation:
    try:
        return fold(conversation_id, map(from_json, events))
    except (KeyError, ValueError, TypeError) as error:
        raise StateDamaged(f"Conversation {conversation_id} cannot be read: {error}") from error


class _Records:
    """The Records port over a TinyDB."""

    def __init__(self, database: TinyDB, folds: _Folds) -> None:
        self._folds = folds
        self._conversations = database.table("conversations")
        self._cursors = database.table("cursors")
        self._suppressions = database.table("suppressions")
        self._facts = database.table("facts")

    def conversations(self) -> Sequence[Conversation]:
        return [self._folds.conversation(document) for document in self._conversations.all()]

    def conversation(self, conversation_id: str) -> Conversation | None:
        document = self._document(conversation_id)
        return None if document is None else self._folds.conversation(document)

    def cursors(self) -> Mapping[str, Cursor]:
        return {each["mailbox"]: Cursor(each["uidvalidity"], each["next_uid"]) for each in self._cursors.all()}

    def suppression(self, address: str) -> str | None:
        entries = _entries(address)
        found = self._suppressions.search(where("address").one_of(entries))
        reasons = {each["address"]: str(each["because"]) for each in found}
        return next((reasons[entry] for entry in entries if entry in reasons), None)

    def fact(self, name: str) -> object | None:
        document = _one(self._facts, "name", name)
        return None if document is None else _copy(document["value"])

    def _document(self, conversation_id: str) -> Document | None:
        return _one(self._conversations, "id", conversation_id)


class _TinyLedger(_Records):
    """The Ledger port over the draft of a transaction."""

    def enrol(self, conversation_id: str, *events: Event) -> Conversation:
        if self._document(conversation_id) is not None:
            raise ValueError(f"conversation {conversation_id} exists already")
        conversation = fold(conversation_id, events)
        self._conversations.insert({"id": conversation_id, "events": [to_json(event) for event in events]})
        return conversation

    def append(self, conversation_id: str, *events: Event) -> Conversation:
        document = self._document(conversation_id)
        if document is None:
            raise KeyError(conversation_id)
        document["events"] = [*document["events"], *(to_json(event) for event in events)]
        self._conversations.update(document, doc_ids=[document.doc_id])
        return self._folds.conversation(document)

    def move_cursor(self, mailbox: str, cursor: Cursor | None) -> None:
        if cursor is None:
            self._cursors.remove(where("mailbox") == mailbox)
        elif self.cursors().get(mailbox) != cursor:
            place = {"mailbox": mailbox, "uidvalidity": cursor.uidvalidity, "next_uid": cursor.next_uid}
            self._cursors.upsert(place, where("mailbox") == mailbox)

    def suppress(self, address: str, because: str) -> None:
        if "@" not in address:
            raise ValueError(f"{address!r} is neither an address nor @domain")
        if _one(self._suppressions, "address", address.lower()) is None:
            self._suppressions.insert({"address": address.lower(), "because": because})

    def remember(self, name: str, value: object | None) -> None:
        if value is None:
            self._facts.remove(where("name") == name)
        else:
            self._facts.upsert({"name": name, "value": _copy(value)}, where("name") == name)


def _one(table: Table, key: str, value: str) -> Document | None:
    return next(iter(table.search(where(key) == value)), None)


def _entries(address: str) -> list[str]:
    """Under which entries an address may be suppressed, itself before its domain."""
    lowered = address.lower()
    return [lowered, lowered[lowered.rindex("@") :]] if "@" in lowered else [lowered]


def _copy(value: object) -> Any:
    """A JSON value that shares nothing with this one. Raises TypeError, ValueError where it is not one."""
    return json.loads(store_file.encode(value))
