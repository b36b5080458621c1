"""A store that counts, for power cuts: each change is told when it is acknowledged, and its parts must fit together."""

from collections.abc import Sequence
from pathlib import Path

from inboxagent.edge.store import JournalStore
from inboxagent.errors import InboxagentError

# Change number n: the fact n, an event of c1, and every now and then a person more, all in one transaction.
_PROGRAM = """
import sys
from pathlib import Path
from inboxagent.edge.store import JournalStore, disk
from inboxagent.outreach.events import Word
from tests.fakes.people import enrolled, happened
if {unsynced}:
    disk.sync = lambda descriptor: None
path = Path(sys.argv[1]) / "a.journal"
store = JournalStore(path)
for n in range(1, {changes} + 1):
    with store.transaction("count") as ledger:
        if n == 1:
            ledger.enrol("c1", enrolled())
        ledger.remember("n", n)
        ledger.append("c1", happened(Word.NOTE, n, text="x" * (n * 211 % 1500)))
        if n % 3 == 0:
            ledger.enrol(f"c{{n}}", enrolled(f"p{{n}}@prospect.test"))
            ledger.remember("third", None if n % 2 else n)
    print(n, flush=True)
    if n in {compactions}:
        store.compact(always=True)
    if n == {closing}:
        store.close()
        store = JournalStore(path)
"""


def journal_program(changes: int, compactions: Sequence[int] = (), closing: int = 0, *, unsynced: bool = False) -> str:
    """A program that makes so many changes; compacts after some of them, and closes and opens the store after one."""
    return _PROGRAM.format(changes=changes, compactions=tuple(compactions), closing=closing, unsynced=unsynced)


def look(folder: Path) -> int | None:
    """The number of the last change in a journal; -1 where its parts do not fit together."""
    if not (folder / "a.journal").exists():
        return 0
    store = JournalStore(folder / "a.journal")
    try:
        number = store.fact("n") or 0
        conversation = store.conversation("c1")
        people, third = len(store.conversations()), store.fact("third")
        damage = store.check()
    except InboxagentError:
        return None
    assert isinstance(number, int)
    last = number - number % 3
    fits = [
        len(conversation.events if conversation else ()) == (number + 1 if number else 0),
        people == (1 + number // 3 if number else 0),
        third == (None if last % 2 or not last else last),
        damage == [],
    ]
    return number if all(fits) else -1
