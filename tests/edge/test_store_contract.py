"""What every Store promises; the fake of the tests passes the same suite as the one on disk."""

import itertools
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from inboxagent.edge.store import JournalStore
from inboxagent.errors import TryLater
from inboxagent.outreach.erasure import person_of
from inboxagent.outreach.events import Word
from inboxagent.outreach.fold import fold
from inboxagent.outreach.state import State
from inboxagent.ports import Cursor, Store
from tests.fakes.people import enrolled, happened, mail
from tests.fakes.store import Memory, MemoryStore

Open = Callable[..., Store]


@pytest.fixture(params=["journal", "memory"])
def open_again(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Opens the same state once more, as another process would."""
    if request.param == "memory":
        memory = Memory()
        return lambda patience=15.0: MemoryStore(memory, patience)
    return lambda patience=15.0: JournalStore(tmp_path / "maya@lind.example.journal", patience)


@pytest.fixture
def store(open_again: Open) -> Store:
    return open_again()


def test_a_new_store_knows_nothing(store: Store) -> None:
    assert list(store.conversations()) == []
    assert store.conversation("c1") is None
    assert store.cursors() == {}
    assert store.suppression("anna@prospect.test") is None
    assert store.fact("sent") is None


def test_what_a_transaction_wrote_is_there_for_everybody(store: Store, open_again: Open) -> None:
    with store.transaction("enrol") as ledger:
        ledger.enrol("c1", enrolled(), happened(Word.REPLY, message_id="<r@prospect.test>"))
        ledger.move_cursor("INBOX", Cursor(7, 42))
        ledger.suppress("Emil@Prospect.test", "he wrote “stop”")
        ledger.remember("sent", {"mailbox": "Sent", "files": True})
    for each in (store, open_again()):
        found = each.conversation("c1")
        assert found is not None
        assert found.state is State.ANSWERED
        assert found.enrolment == enrolled().enrolment
        assert each.cursors() == {"INBOX": Cursor(7, 42)}
        assert each.suppression("emil@prospect.test") == "he wrote “stop”"
        assert each.fact("sent") == {"mailbox": "Sent", "files": True}


def test_events_are_added_to_the_end(store: Store) -> None:
    events = [enrolled(), happened(Word.OWN_MAIL, mail=mail(2)), happened(Word.HELD, 2), happened(Word.RESUMED, 3)]
    with store.transaction("enrol") as ledger:
        ledger.enrol("c1", events[0])
    with store.transaction("more") as ledger:
        after = ledger.append("c1", events[1], events[2])
        assert after == fold("c1", events[:3])
        assert ledger.append("c1", events[3]) == ledger.conversation("c1")
    assert store.conversation("c1") == fold("c1", events)


def test_conversations_come_in_the_order_of_their_enrolment(store: Store) -> None:
    for number in (3, 1, 2):
        with store.transaction("enrol") as ledger:
            ledger.enrol(f"c{number}", enrolled(f"p{number}@prospect.test"))
    with store.transaction("touch the first") as ledger:
        ledger.append("c3", happened(Word.HELD))
    assert [each.id for each in store.conversations()] == ["c3", "c1", "c2"]


def test_an_exception_changes_nothing(store: Store, open_again: Open) -> None:
    with store.transaction("enrol") as ledger:
        ledger.enrol("c1", enrolled())
        ledger.remember("kept", [1])
    before = store.generation()
    with suppress(ZeroDivisionError), store.transaction("fails") as ledger:
        ledger.append("c1", happened(Word.REPLY))
        ledger.enrol("c2", enrolled())
        ledger.move_cursor("INBOX", Cursor(1, 1))
        ledger.suppress("@prospect.test", "a test")
        ledger.remember("kept", None)
        raise ZeroDivisionError
    for each in (store, open_again()):
        assert [found.state for found in each.conversations()] == [State.WAITING]
        assert each.cursors() == {}
        assert each.suppression("anna@prospect.test") is None
        assert each.fact("kept") == [1]
    assert store.generation() == before


def test_an_id_is_enrolled_once(store: Store) -> None:
    with store.transaction("enrol") as ledger:
        ledger.enrol("c1", enrolled())
        with pytest.raises(ValueError, match="c1"):
            ledger.enrol("c1", enrolled("bart@prospect.test"))
    with store.transaction("again") as ledger, pytest.raises(ValueError, match="c1"):
        ledger.enrol("c1", enrolled("bart@prospect.test"))
    found = store.conversation("c1")
    assert found is not None
    assert found.addresses == {"anna@prospect.test"}


def test_a_conversation_begins_with_its_enrolment(store: Store) -> None:
    with store.transaction("wrong") as ledger, pytest.raises(ValueError, match="enrolled"):
        ledger.enrol("c1", happened(Word.REPLY))
    assert list(store.conversations()) == []


def test_nothing_is_added_to_a_conversation_that_does_not_exist(store: Store) -> None:
    with store.transaction("wrong") as ledger, pytest.raises(KeyError):
        ledger.append("nobody", happened(Word.REPLY))


def test_a_ledger_sees_its_own_changes_and_others_do_not(store: Store, open_again: Open) -> None:
    other = open_again()
    with store.transaction("enrol") as ledger:
        ledger.enrol("c1", enrolled())
        ledger.suppress("@prospect.test", "a test")
        ledger.move_cursor("INBOX", Cursor(1, 5))
        ledger.remember("n", 1)
        assert [each.id for each in ledger.conversations()] == ["c1"]
        assert ledger.suppression("x@prospect.test") == "a test"
        assert ledger.cursors() == {"INBOX": Cursor(1, 5)}
        assert ledger.fact("n") == 1
        for each in (store, other):
            assert list(each.conversations()) == []
            assert each.fact("n") is None
    assert len(other.conversations()) == 1


def test_a_transaction_sees_what_others_wrote_before_it(store: Store, open_again: Open) -> None:
    list(store.conversations())
    with open_again().transaction("enrol") as ledger:
        ledger.enrol("c1", enrolled())
    with store.transaction("stop") as ledger:
        assert ledger.append("c1", happened(Word.STOPPED)).state is State.STOPPED


def test_a_ledger_is_of_no_use_afterwards(store: Store) -> None:
    with store.transaction("enrol") as ledger:
        ledger.enrol("c1", enrolled())
    with pytest.raises(RuntimeError):
        ledger.append("c1", happened(Word.REPLY))
    with pytest.raises(RuntimeError):
        ledger.fact("n")


def test_a_transaction_does_not_begin_inside_another(store: Store) -> None:
    with store.transaction("outer") as ledger:
        with pytest.raises(RuntimeError, match="outer"), store.transaction("inner"):
            pytest.fail("entered")
        ledger.enrol("c1", enrolled())
    with store.transaction("next"):
        pass
    assert store.conversation("c1") is not None


def test_cursors_move_and_are_forgotten(store: Store) -> None:
    with store.transaction("read") as ledger:
        ledger.move_cursor("INBOX", Cursor(1, 5))
        ledger.move_cursor("Entwürfe", Cursor(2, 9))
    with store.transaction("read on") as ledger:
        ledger.move_cursor("INBOX", Cursor(1, 6))
        ledger.move_cursor("Entwürfe", None)
        ledger.move_cursor("never there", None)
    assert store.cursors() == {"INBOX": Cursor(1, 6)}


def test_suppressions_of_addresses_and_domains(store: Store) -> None:
    with store.transaction("suppress") as ledger:
        ledger.suppress("@Dead.test", "the company is gone")
        ledger.suppress("emil@dead.test", "he said so")
        ledger.suppress("EMIL@dead.test", "a later reason")
    assert store.suppression("Emil@DEAD.test") == "he said so"
    assert store.suppression("somebody@dead.test") == "the company is gone"
    assert store.suppression("Emil+work@dead.test") == "he said so"
    assert store.suppression("emil@sub.dead.test") is None
    assert store.suppression("emil@undead.test") is None
    with store.transaction("wrong") as ledger, pytest.raises(ValueError, match="no-address"):
        ledger.suppress("no-address", "a test")


def test_facts_are_replaced_and_removed(store: Store) -> None:
    with store.transaction("one") as ledger:
        ledger.remember("seen", {"at": None, "list": [1, 2.5, True, "ä"]})
        ledger.remember("flag", True)
    with store.transaction("two") as ledger:
        ledger.remember("flag", False)
        ledger.remember("never there", None)
    assert store.fact("seen") == {"at": None, "list": [1, 2.5, True, "ä"]}
    assert store.fact("flag") is False
    with store.transaction("three") as ledger:
        ledger.remember("flag", None)
    assert store.fact("flag") is None


def test_what_is_handed_out_can_be_changed_without_harm(store: Store) -> None:
    value = {"list": [1]}
    with store.transaction("remember") as ledger:
        ledger.remember("value", value)
        value["list"].append(2)
    handed_out = store.fact("value")
    assert isinstance(handed_out, dict)
    assert handed_out == {"list": [1]}
    handed_out["list"].append(3)
    assert store.fact("value") == {"list": [1]}
    with store.transaction("look") as ledger:
        assert ledger.fact("value") == {"list": [1]}


def test_the_generation_tells_of_every_change_by_anybody(store: Store, open_again: Open) -> None:
    other = open_again()
    seen = [store.generation()]
    for number in range(20):
        with (store, other)[number % 2].transaction("count") as ledger:
            ledger.remember("n", number)
        seen.append(store.generation())
        assert store.generation() == seen[-1]
    assert all(one != another for one, another in itertools.combinations(seen, 2))


def test_what_a_store_wrote_itself_is_told_from_what_others_wrote(store: Store, open_again: Open) -> None:
    other = open_again()
    for number in range(3):
        mine, theirs = store.others(), other.others()
        with store.transaction("count") as ledger:
            ledger.remember("n", number)
        assert store.others() == mine
        assert other.others() != theirs
        with other.transaction("count") as ledger:
            ledger.remember("m", number)
        with store.transaction("at once, before anybody asks") as ledger:
            ledger.remember("o", number)
        assert store.others() != mine


def test_a_transaction_that_only_looks_changes_no_generation(store: Store) -> None:
    with store.transaction("remember") as ledger:
        ledger.remember("n", 1)
    before = store.generation()
    with store.transaction("look") as ledger:
        assert ledger.fact("n") == 1
    assert store.generation() == before


def test_bytes_that_nobody_could_decode_survive(store: Store, open_again: Open) -> None:
    message_id = b"<caf\xe9@prospect.test>".decode("ascii", "surrogateescape")
    with store.transaction("enrol") as ledger:
        ledger.enrol("c\N{LINE SEPARATOR}1", enrolled(), happened(Word.REPLY, message_id=message_id))
    found = open_again().conversation("c\N{LINE SEPARATOR}1")
    assert found is not None
    assert message_id in found.judged


def test_somebody_who_waits_too_long_is_told_for_whom(store: Store, open_again: Open) -> None:
    impatient = open_again(patience=0.05)
    told: list[str] = []

    def try_to_write() -> None:
        with pytest.raises(TryLater) as raised, impatient.transaction("impatient"):
            pytest.fail("entered")
        told.append(str(raised.value))

    with store.transaction("a long enrolment"):
        thread = threading.Thread(target=try_to_write)
        thread.start()
        thread.join(60)
    assert len(told) == 1
    assert "a long enrolment" in told[0]


def test_threads_lose_no_update(store: Store, open_again: Open) -> None:
    other = open_again()

    def count(mine: Store) -> None:
        for _ in range(25):
            with mine.transaction("count") as ledger:
                ledger.remember("n", (ledger.fact("n") or 0) + 1)  # type: ignore[operator]
            assert isinstance(store.fact("n"), int)

    threads = [threading.Thread(target=count, args=(each,)) for each in (store, store, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert store.fact("n") == 75


def test_conversations_are_found_by_address_message_id_and_state(store: Store, open_again: Open) -> None:
    with store.transaction("enrol") as ledger:
        ledger.enrol("c1", enrolled())
        ledger.enrol("c2", enrolled("bart@prospect.test"), happened(Word.REPLY, message_id="<r@prospect.test>"))
        ledger.enrol("c3", enrolled(), happened(Word.STOPPED))
        assert [each.id for each in ledger.find("address", "Anna@prospect.test")] == ["c1", "c3"]
    with store.transaction("a letter") as ledger:
        ledger.append("c1", happened(Word.INTENT, message_id="<2@lind.example>"))
        assert [each.id for each in ledger.find("message_id", "<2@lind.example>")] == ["c1"]
        assert [each.id for each in ledger.find("state", "waiting")] == ["c1"]
    for each in (store, open_again()):
        assert [found.id for found in each.find("address", "anna@prospect.test")] == ["c1", "c3"]
        assert [found.id for found in each.find("message_id", "<r@prospect.test>")] == ["c2"]
        assert [found.id for found in each.find("message_id", "<2@lind.example>")] == ["c1"]
        assert [found.id for found in each.find("message_id", "<0@prospect.test>")] == ["c1", "c2", "c3"]
        assert [found.id for found in each.find("state", "answered")] == ["c2"]
        assert [found.id for found in each.find("id", "c3")] == ["c3"]
        assert list(each.find("address", "nobody@prospect.test")) == []
        with pytest.raises(ValueError, match="colour"):
            each.find("colour", "blue")


def test_a_state_that_was_left_is_not_found(store: Store) -> None:
    with store.transaction("enrol") as ledger:
        ledger.enrol("c1", enrolled())
    with store.transaction("answer") as ledger:
        ledger.append("c1", happened(Word.REPLY))
        assert list(ledger.find("state", "waiting")) == []
    assert list(store.find("state", "waiting")) == []
    assert [each.id for each in store.find("state", "answered")] == ["c1"]


def test_an_urgent_transaction_is_one_like_any_other(store: Store) -> None:
    with store.transaction("pause", urgent=True) as ledger:
        ledger.enrol("c1", enrolled())
    assert store.conversation("c1") is not None


def test_a_person_who_is_erased_leaves_nothing_but_that_nobody_writes_to_him(store: Store, open_again: Open) -> None:
    anna, bart = "anna@prospect.test", "bart@prospect.test"
    reply = happened(Word.REPLY, message_id="<r@prospect.test>", address=anna, text="Her words.")
    with store.transaction("enrol") as ledger:
        ledger.enrol("c1", enrolled(anna))
        ledger.enrol("c2", enrolled(bart), reply)
        ledger.enrol("c3", enrolled("cris@prospect.test"))
        ledger.remember("owed", {"one": {"to": anna}, "two": {"to": bart}})
        ledger.remember("said", f"no {anna} here")
        ledger.suppress(anna, "she said so")
    with store.transaction("erase") as ledger:
        ledger.erase(person_of("Anna@prospect.test", ledger.conversations()))
        assert ledger.suppression(anna) is not None
    for each in (store, open_again()):
        assert [found.id for found in each.conversations()] == ["c2", "c3"]
        assert each.conversation("c1") is None
        assert [found.id for found in each.find("message_id", "<r@prospect.test>")] == ["c2"]
        told = each.conversations()[0].events[-1]
        assert (told.word, told.text, told.address) == (Word.REPLY, None, None)
        assert each.fact("owed") == {"two": {"to": bart}}
        assert each.fact("said") is None
        assert each.suppression(anna) not in (None, "she said so")
        assert each.suppression(bart) is None
    with store.transaction("on") as ledger:
        assert ledger.append("c2", happened(Word.RESUMED)).state is State.ANSWERED
        ledger.enrol("c4", enrolled("dora@prospect.test"))
    assert [found.id for found in open_again().conversations()] == ["c2", "c3", "c4"]


def test_what_changed_since_a_mark_is_told(store: Store, open_again: Open) -> None:
    other = open_again()
    with store.transaction("enrol") as ledger:
        ledger.enrol("c1", enrolled())
        ledger.enrol("c2", enrolled("bart@prospect.test"))
    everybody, mark = other.changed()
    assert [each.id for each in everybody] == ["c1", "c2"]
    nobody, mark = other.changed(mark)
    assert list(nobody) == []
    with store.transaction("a note") as ledger:
        ledger.append("c2", happened(Word.NOTE))
        ledger.enrol("c3", enrolled("cris@prospect.test"))
        ledger.remember("n", 1)
    changed, mark = other.changed(mark)
    assert [(each.id, len(each.events)) for each in changed] == [("c2", 2), ("c3", 1)]
    with store.transaction("something else") as ledger:
        ledger.remember("n", 2)
    assert list(other.changed(mark)[0]) == []
