"""The store of schema 1 becomes a journal: nothing is lost, also where it dies half-way."""

import errno
import json
import os
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from inboxagent.edge.store import JournalStore, open_store
from inboxagent.errors import InboxagentError, StateDamaged
from inboxagent.outreach.events import Event, Word, to_json
from inboxagent.outreach.fold import fold
from inboxagent.ports import Cursor
from tests.fakes.people import enrolled, happened

ANNA = [enrolled(), happened(Word.REPLY, message_id="<r@prospect.test>")]
BART = [enrolled("bart@prospect.test"), happened(Word.NOTE, text="Grüße")]


def document(name: str, events: list[Event]) -> dict[str, Any]:
    return {"id": name, "events": [to_json(event) for event in events]}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A file of schema 1."""
    tables = {
        "conversations": {"1": document("c1", ANNA), "3": document("c3", BART)},
        "cursors": {"1": {"mailbox": "INBOX", "uidvalidity": 7, "next_uid": 42}},
        "suppressions": {"1": {"address": "@dead.test", "because": "it is gone"}},
        "facts": {"2": {"name": "sent", "value": {"files": True}}},
    }
    body = json.dumps({"changes": 9, "tables": tables}).encode() + b"\n"
    path = tmp_path / "maya@lind.example.json"
    path.write_bytes(b"inboxagent store 1 %08x\n" % zlib.crc32(body) + body)
    return path


def check(store: JournalStore) -> None:
    """Everything of the old file is there, and can be found."""
    assert list(store.conversations()) == [fold("c1", ANNA), fold("c3", BART)]
    assert store.conversation("c3") == fold("c3", BART)
    assert [each.id for each in store.find("message_id", "<r@prospect.test>")] == ["c1"]
    assert [each.id for each in store.find("address", "bart@prospect.test")] == ["c3"]
    assert [each.id for each in store.find("state", "answered")] == ["c1"]
    assert store.cursors() == {"INBOX": Cursor(7, 42)}
    assert store.suppression("x@dead.test") == "it is gone"
    assert store.fact("sent") == {"files": True}
    assert store.check() == []


def test_everything_is_taken_over_once(old: Path) -> None:
    content = old.read_bytes()
    check(open_store(old.parent, "maya@lind.example"))
    assert not old.exists()
    assert old.with_name(old.name + ".migrated").read_bytes() == content
    store = open_store(old.parent, "maya@lind.example")
    with store.transaction("go on") as ledger:
        ledger.enrol("c4", enrolled("cris@prospect.test"))
        ledger.append("c1", happened(Word.STOPPED))
    again = open_store(old.parent, "maya@lind.example")
    assert [each.id for each in again.conversations()] == ["c1", "c3", "c4"]


def test_a_damaged_one_is_refused_and_left_alone(old: Path) -> None:
    damaged = old.read_bytes().replace(b"Anna", b"Anne")
    old.write_bytes(damaged)
    with pytest.raises(StateDamaged, match=old.name):
        open_store(old.parent, "maya@lind.example")
    assert old.read_bytes() == damaged
    assert not list(old.parent.glob("*.journal"))


def test_an_unknown_one_is_refused(old: Path) -> None:
    old.write_bytes(old.read_bytes().replace(b"store 1 ", b"store 8 "))
    with pytest.raises(StateDamaged, match="schema 8, known: 1"):
        open_store(old.parent, "maya@lind.example")


@pytest.mark.parametrize("name", ["open", "pwrite", "fsync", "replace"])
def test_a_migration_that_fails_anywhere_is_done_the_next_time(
    old: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    real, calls = getattr(os, name), [0]
    for at in range(1, 30):
        calls[0] = 0

        def fail(*arguments: Any, at: int = at, **options: Any) -> Any:
            calls[0] += 1
            if calls[0] == at:
                raise OSError(errno.EIO, "Input/output error")
            return real(*arguments, **options)

        content = old.read_bytes()
        with monkeypatch.context() as patch:
            patch.setattr(os, name, fail)
            with suppress(InboxagentError):
                open_store(old.parent, "maya@lind.example")
        check(open_store(old.parent, "maya@lind.example"))
        if calls[0] < at:
            return
        for each in old.parent.glob("*.journal*"):
            each.unlink()
        old.write_bytes(content)
    pytest.fail("no end")
