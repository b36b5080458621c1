"""Making the journal short again: each document in one line, in a file beside that takes its place (R7)."""

from collections.abc import Iterator

from inboxagent.edge.store import lines
from inboxagent.edge.store.journal import Journal
from inboxagent.edge.store.lines import Header

WORTH_BYTES = 8_000_000


def is_worth_it(journal: Journal) -> bool:
    """Whether more than half of a journal of some size is of no use any more."""
    return journal.end > WORTH_BYTES and 2 * sum(table.dead for table in journal.tables.values()) > journal.end


def compact(journal: Journal, why: str = "compaction") -> None:
    """Rewrite the journal. Raises as the Store port says; where it raises, the journal is as it was."""
    with journal.writing(why), journal.guard:
        journal.replace(whole(journal))
        journal.lock.testify(journal.newest)


def whole(journal: Journal) -> Iterator[bytes]:
    """The lines of the file that holds just what the journal holds now."""
    number = max(journal.newest, journal.lock.witness)
    ids = {name: table.highest for name, table in journal.tables.items() if table.highest}
    yield lines.compose({"n": number, "d": number, "head": lines.SCHEMA, "ids": ids})
    for name, table in list(journal.tables.items()):
        for key in list(table.rows):
            values, content = journal.whole(name, key)
            header: Header = {"n": number + 1, "d": number, "t": name, "k": key, "x": values}
            yield lines.compose(header, content)
            number += 1
