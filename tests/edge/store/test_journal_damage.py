"""Damage is named and refused, a torn end is cut; nothing is repaired by guessing (R1 to R4)."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from inboxagent.edge.store import JournalStore, lines, open_store
from inboxagent.edge.store.journal import Journal
from inboxagent.edge.store.mounts import kind_of, network_file_system
from inboxagent.edge.store.repair import Damage, Rescue, find_damage
from inboxagent.errors import StateDamaged, StateUnwritable
from inboxagent.outreach.events import Word
from inboxagent.ports import REWOUND
from tests.fakes.people import enrolled, happened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal of several kinds of lines, cleanly closed."""
    path = tmp_path / "maya@lind.example.journal"
    store = JournalStore(path)
    with store.transaction("begin") as ledger:
        ledger.enrol("c1", enrolled())
        ledger.enrol("c2", enrolled("bart@prospect.test"))
        ledger.remember("n", 0)
    with store.transaction("more") as ledger:
        ledger.append("c1", happened(Word.REPLY))
    with store.transaction("and more") as ledger:
        ledger.remember("n", 1)
        ledger.append("c2", happened(Word.NOTE))
    store.close()
    return path


def save_rest(path: Path, rest: Path) -> list[Damage]:
    """Save what is whole; what is not."""
    rescue = Rescue(path)
    rescue.save(rest)
    return rescue.losses


def contents(path: Path) -> list[object]:
    """Everything a store says."""
    store = JournalStore(path)
    return [list(store.conversations()), dict(store.cursors()), store.fact("n")]


def states(path: Path) -> list[list[object]]:
    """What the store said after each transaction, from nothing on."""
    whole = path.read_bytes()
    ends = [len(whole) - len(rest) for rest in _suffixes(whole)]
    found = []
    for end in ends:
        path.write_bytes(whole[:end])
        state = contents(path)
        if state not in found:
            found.append(state)
    path.write_bytes(whole)
    return found


def _suffixes(whole: bytes) -> list[bytes]:
    all_lines = whole.splitlines(keepends=True)
    return [b"".join(all_lines[count:]) for count in range(1, len(all_lines) + 1)]


def test_a_file_cut_anywhere_opens_to_some_state_that_was(path: Path) -> None:
    whole, legal = path.read_bytes(), states(path)
    first = whole.index(b"\n") + 1
    for length in range(first, len(whole)):
        path.write_bytes(whole[:length])
        assert contents(path) in legal
    for length in range(first):
        path.write_bytes(whole[:length])
        with pytest.raises(StateDamaged):
            JournalStore(path).conversations()


def test_a_changed_byte_is_found_wherever_it_is(path: Path) -> None:
    whole = path.read_bytes()
    mark = len(whole) - len(whole.splitlines(keepends=True)[-1])
    for place in range(mark):
        for bit in (0x01, 0x40):
            damaged = bytearray(whole)
            damaged[place] ^= bit
            path.write_bytes(damaged)
            with pytest.raises(StateDamaged, match=path.name):
                JournalStore(path).conversations()
            assert find_damage(path)


def test_a_missing_doubled_or_moved_line_is_found(path: Path) -> None:
    all_lines = path.read_bytes().splitlines(keepends=True)
    for place in range(1, len(all_lines) - 1):
        path.write_bytes(b"".join(all_lines[:place] + all_lines[place + 1 :]))
        with pytest.raises(StateDamaged, match=f"line {place + 1}" if place > 3 else path.name):
            JournalStore(path).conversations()
        assert find_damage(path)


def test_damage_is_refused_by_writers_and_left_alone(path: Path) -> None:
    damaged = path.read_bytes().replace(b"Anna", b"Anne", 1)
    path.write_bytes(damaged)
    with pytest.raises(StateDamaged, match="line 2 "):
        open_store(path.parent, "maya@lind.example")
    with pytest.raises(StateDamaged, match="line 2 "), JournalStore(path).transaction("repair by guessing"):
        pytest.fail("entered")
    assert path.read_bytes() == damaged


def test_a_torn_end_is_cut_by_the_next_writer_only(path: Path) -> None:
    before = contents(path)
    torn = path.read_bytes() + b'j1 12345678 {"n":99,"d":'
    path.write_bytes(torn)
    assert contents(path) == before
    assert JournalStore(path).check() == []
    assert path.read_bytes() == torn
    with JournalStore(path).transaction("look") as ledger:
        ledger.remember("alive", True)
    assert JournalStore(path).fact("alive") is True
    assert b'{"n":99' not in path.read_bytes()
    assert contents(path) == before


def test_half_a_transaction_is_none(path: Path) -> None:
    legal = states(path)
    all_lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(all_lines[:3]))  # the first transaction has three lines
    assert contents(path) == legal[0] == [[], {}, None]


def test_a_newer_schema_is_refused_and_left_alone(path: Path) -> None:
    content = lines.compose({"n": 0, "d": 0, "head": lines.SCHEMA + 1})
    path.write_bytes(content)
    for call in (lambda: JournalStore(path).conversations(), lambda: contents(path)):
        with pytest.raises(StateDamaged, match="newer"):
            call()
    with pytest.raises(StateDamaged, match="newer"), JournalStore(path).transaction("any"):
        pytest.fail("entered")
    assert path.read_bytes() == content


def test_damage_under_an_open_store_is_found_at_the_next_look(path: Path) -> None:
    store = JournalStore(path)
    store.conversations()
    with path.open("r+b") as file:
        file.seek(path.read_bytes().index(b"Anna"))
        file.write(b"Anne")
    with pytest.raises(StateDamaged, match="line 2 "):
        JournalStore(path).conversations()
    journal = Journal(path)
    with pytest.raises(StateDamaged):
        journal.catch_up()


def test_an_open_store_recovers_when_a_good_copy_is_put_back(path: Path) -> None:
    good = path.read_bytes()
    store = JournalStore(path)
    assert store.fact("n") == 1
    path.write_bytes(b"rubbish")
    with pytest.raises(StateDamaged):
        store.fact("n")
    path.write_bytes(good)
    assert store.fact("n") == 1


def test_what_is_whole_is_saved_and_what_is_not_is_named(path: Path, tmp_path: Path) -> None:
    before = JournalStore(path).conversation("c2")
    all_lines = path.read_bytes().splitlines(keepends=True)
    all_lines[1] = all_lines[1].replace(b"Anna", b"Anne", 1)  # the enrolment of c1
    path.write_bytes(b"".join(all_lines))
    damaged = path.read_bytes()
    rest = tmp_path / "rest.journal"
    problems = save_rest(path, rest)
    assert [each.line for each in problems] == [2, 5]
    assert "not saved" in problems[1].text
    saved = JournalStore(rest)
    assert saved.conversation("c1") is None
    assert saved.conversation("c2") == before
    assert saved.find("address", "bart@prospect.test") == [before]
    assert saved.fact("n") == 1
    assert saved.check() == []
    with saved.transaction("go on") as ledger:
        ledger.enrol("c3", enrolled())
    assert path.read_bytes() == damaged
    with pytest.raises(StateUnwritable, match="exists"):
        save_rest(path, rest)


def test_a_lost_change_in_the_middle_of_a_conversation_is_named(path: Path, tmp_path: Path) -> None:
    store = JournalStore(path)
    with store.transaction("more") as ledger:
        ledger.append("c1", happened(Word.RESUMED, 2))
    store.close()
    all_lines = path.read_bytes().splitlines(keepends=True)
    place = next(number for number, line in enumerate(all_lines) if b'"reply"' in line)
    all_lines[place] = all_lines[place].replace(b"reply", b"reply"[::-1], 1)
    path.write_bytes(b"".join(all_lines))
    problems = save_rest(path, tmp_path / "rest.journal")
    assert any("c1" in each.text and "lost" in each.text for each in problems)
    saved = JournalStore(tmp_path / "rest.journal").conversation("c1")
    assert saved is not None
    assert [event.word for event in saved.events] == [Word.ENROLLED, Word.RESUMED]


@pytest.mark.parametrize("age", [1, 2])
def test_an_old_backup_put_back_is_noticed_once(path: Path, age: int) -> None:
    all_lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(all_lines[: 4 if age == 2 else -3]))
    store = JournalStore(path)
    with store.transaction("the first after it"):
        pass
    assert store.fact(REWOUND) is not None
    with store.transaction("she has looked") as ledger:
        ledger.remember(REWOUND, None)
    again = JournalStore(path)
    with again.transaction("the next"):
        pass
    assert again.fact(REWOUND) is None


def test_an_idle_moment_signs_for_the_very_last_change(path: Path) -> None:
    store = JournalStore(path)
    with store.transaction("one") as ledger:
        ledger.remember("n", 5)
    older = path.read_bytes()
    with store.transaction("the last") as ledger:
        ledger.remember("n", 6)
    assert not store.compact()
    path.write_bytes(older)
    with JournalStore(path).transaction("the first after it"):
        pass
    assert JournalStore(path).fact(REWOUND) is not None


def test_a_journal_that_vanished_is_noticed(path: Path) -> None:
    path.unlink()
    store = JournalStore(path)
    with store.transaction("the first after it"):
        pass
    assert store.fact(REWOUND) is not None


def test_nothing_is_noticed_where_nothing_was_put_back(path: Path) -> None:
    store = JournalStore(path)
    with store.transaction("any") as ledger:
        ledger.remember("n", 2)
    assert store.compact(always=True)
    with JournalStore(path).transaction("another") as ledger:
        ledger.remember("n", 3)
    assert JournalStore(path).fact(REWOUND) is None


def test_another_users_journal_is_not_written(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(path, 65534, 65534)
    with pytest.raises(StateUnwritable, match="65534"), JournalStore(path).transaction("any"):
        pytest.fail("entered")


def test_network_file_systems_are_known(tmp_path: Path) -> None:
    mounts = ["/dev/vda / ext4 rw 0 0", "box:/x /home nfs4 rw 0 0", "tmpfs /home/me/my\\040disk tmpfs rw 0 0"]
    assert kind_of(Path("/var/lib"), mounts) is None
    assert kind_of(Path("/home/me/state"), mounts) == "nfs4"
    assert kind_of(Path("/home/me/my disk/state"), mounts) is None
    assert kind_of(Path("/homely"), mounts) is None
    kinds: Callable[[Path], str | None] = network_file_system
    assert kinds(tmp_path) is None


def test_compaction_keeps_everything_and_ids_are_never_given_twice(path: Path) -> None:
    before = contents(path)
    store = JournalStore(path)
    for number in range(40):  # longer than any chain of lines
        with store.transaction("note") as ledger:
            ledger.append("c1", happened(Word.NOTE, number))
            ledger.remember("gone", number)
    with store.transaction("remove") as ledger:
        ledger.remember("gone", None)
    after = contents(path)
    other = JournalStore(path)
    assert other.conversation("c1") is not None
    assert store.compact(always=True)
    assert contents(path) == after != before
    assert other.find("message_id", "<1@lind.example>") == list(other.conversations())
    assert path.read_bytes().count(b"\n") == 1 + 2 + 1
    head = lines.header(path.read_bytes().splitlines(keepends=True)[0])
    assert head is not None
    assert head["ids"]["facts"] > 1
    assert store.check() == []
    assert not store.compact()
    with other.transaction("go on") as ledger:
        assert ledger.append("c1", happened(Word.STOPPED)).events[-1] == happened(Word.STOPPED)
    found = store.conversation("c1")
    assert found is not None
    assert replace(found, events=()).state == "stopped"
