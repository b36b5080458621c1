"""Going through a journal's bytes: whole transactions, up to the first line that is not whole or not in its place.

Such an end was never acknowledged (R1) unless a later line says that it was on disk (R2): then it is damage, which is
named and never guessed away.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from inboxagent.edge.store import disk, lines
from inboxagent.edge.store.lines import Header
from inboxagent.errors import StateDamaged

BLOCK = 1 << 18
"""How many bytes are read at once."""


Entry = tuple[Header, int, int, bool]
"""What a line says, its offset and length, and whether it removes its document."""


def entries(path: Path, file: BinaryIO, end: int, newest: int) -> Iterator[list[Entry]]:
    """The lines of whole transactions of the journal `file`, from `end` on, where `newest` was the last number.

    Each list ends with a transaction. Raises StateDamaged, OSError.
    """
    file.seek(end)
    offset, begun, complete = end, list[Entry](), list[Entry]()
    while batch := file.readlines(BLOCK):
        headers = lines.headers(batch)
        for header, line in zip(headers, batch, strict=False):
            part, parts = header.get("of", (1, 1))
            if "head" in header:
                fits = offset == 0 and _is_known(path, header)
            else:
                fits = header["d"] == newest < header["n"] and part == len(begun) + 1 and end > 0
            if not fits:
                break
            length = len(line)
            begun.append((header, offset, length, line[-6:] == b"\tnull\n"))
            offset += length
            if part == parts:
                complete += begun
                end, newest = offset, header["n"]
                begun.clear()
        else:
            fits = len(headers) == len(batch)
        if complete:
            yield complete
            complete = []
        if not fits:
            _judge(path, file, end, offset, newest)
            return


def _is_known(path: Path, head: Header) -> bool:
    if head["head"] > lines.SCHEMA:
        raise disk.written_later(path, head["head"], lines.SCHEMA)
    return True


def _judge(path: Path, file: BinaryIO, end: int, offset: int, newest: int) -> None:
    """Whether a bad line at `offset` begins a torn end, or is damage to what was once on disk (R2)."""
    if end == 0:
        raise StateDamaged(f"{path} is damaged: it does not begin as a journal does.")
    file.seek(offset)
    whole = (found for line in file for found in (lines.header(line), *lines.swallowed(line)) if found)
    if any(found["d"] > newest for found in whole):
        raise StateDamaged(
            f"{path} is damaged, {place(file, offset)}. Nothing is sent and nothing written until it is put right: put "
            "back a copy of it that is newer than the damage, or save what is whole: inboxagent doctor --repair"
        )


def place(file: BinaryIO, offset: int) -> str:
    """An offset as people find it."""
    file.seek(0)
    number, left = 1, offset
    while left > 0 and (block := file.read(min(BLOCK, left))):
        number, left = number + block.count(b"\n"), left - len(block)
    return f"line {number} (byte {offset})"
