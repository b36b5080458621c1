"""A rehearsal plays on the store's contents and leaves the store as it was."""

from inboxagent.edge.rehearsal import Rehearsal
from inboxagent.outreach.events import Word
from inboxagent.outreach.state import State
from inboxagent.ports import Cursor
from tests.fakes.people import enrolled, happened
from tests.fakes.store import MemoryStore


def filled() -> MemoryStore:
    store = MemoryStore()
    with store.transaction("a test") as ledger:
        ledger.enrol("k1", enrolled())
        ledger.move_cursor("INBOX", Cursor(1, 5))
        ledger.suppress("@old.test", "for long")
        ledger.remember("brake", {"due": 30})
    return store


def test_it_begins_with_what_is_known() -> None:
    rehearsal = Rehearsal(filled())
    assert [each.id for each in rehearsal.conversations()] == ["k1"]
    assert rehearsal.cursors() == {"INBOX": Cursor(1, 5)}
    assert rehearsal.suppression("anna@old.test") == "for long"
    assert rehearsal.fact("brake") == {"due": 30}


def test_its_changes_are_seen_in_it_and_nowhere_else() -> None:
    store = filled()
    rehearsal = Rehearsal(store)
    before = rehearsal.generation()
    with rehearsal.transaction("a test") as ledger:
        ledger.append("k1", happened(Word.REPLY))
        ledger.enrol("k2", enrolled("bart@prospect.test"))
        ledger.move_cursor("INBOX", Cursor(1, 9))
        ledger.move_cursor("Junk", None)
        ledger.suppress("Anna@prospect.test", "he asked")
        ledger.remember("brake", None)
    assert rehearsal.generation() != before
    assert [each.state for each in rehearsal.conversations()] == [State.ANSWERED, State.WAITING]
    assert rehearsal.cursors() == {"INBOX": Cursor(1, 9)}
    assert rehearsal.suppression("anna@prospect.test") == "he asked"
    assert rehearsal.fact("brake") is None
    assert [each.state for each in store.conversations()] == [State.WAITING]
    assert store.cursors() == {"INBOX": Cursor(1, 5)}
    assert store.suppression("anna@prospect.test") is None
    assert store.fact("brake") == {"due": 30}
