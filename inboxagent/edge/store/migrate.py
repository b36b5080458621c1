"""From the file of schema 1, replaced whole at each change, to the journal. Nothing is lost if it dies half-way."""

import json
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from inboxagent.edge.store import disk, lines
from inboxagent.edge.store.journal import Journal
from inboxagent.edge.store.lock import Lock
from inboxagent.edge.store.records import SHAPES, Folds
from inboxagent.errors import StateDamaged

_HEAD = re.compile(rb"inboxagent store (\d{1,9}) ([0-9a-f]{8})")


def migrate(old: Path, path: Path) -> bool:
    """Make a journal at `path` of the store at `old`, which is kept under another name; False where there is none.

    Raises StateDamaged where the old store is not whole, and then nothing was changed.
    """
    if path.exists() or not old.exists():
        return False
    journal = Journal(path, SHAPES)
    with Lock(old.with_name(old.name + ".lock")).hold("migration"), journal.lock.hold("migration"):
        if path.exists() or not old.exists():
            return False
        journal.replace(_lines(_read(old)))
        journal.lock.testify(journal.newest)
        with suppress(OSError):
            old.replace(old.with_name(old.name + ".migrated"))
            disk.sync_folder(path.parent)
    journal.close()
    return True


def _read(old: Path) -> dict[str, dict[str, Any]]:
    head, _, body = old.read_bytes().partition(b"\n")
    fields = _HEAD.fullmatch(head)
    if fields is None or f"{zlib.crc32(body):08x}".encode() != fields[2]:
        raise StateDamaged(f"{old} is damaged: its checksum does not fit its contents. Put back a good copy.")
    if int(fields[1]) != 1:
        raise disk.written_later(old, int(fields[1]), 1)
    tables: dict[str, dict[str, Any]] = json.loads(body)["tables"]
    return tables


def _lines(tables: dict[str, dict[str, Any]]) -> Iterator[bytes]:
    folds, number = Folds(), 0
    yield lines.compose({"n": 0, "d": 0, "head": lines.SCHEMA})
    for name, documents in tables.items():
        for key, document in documents.items():
            header = {"n": number + 1, "d": number, "t": name, "k": int(key), "x": folds.describe(name, document)}
            yield lines.compose(header, lines.encode(document))
            number += 1
