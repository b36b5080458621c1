"""A file of every schema that was ever written opens, and remembers what it did; one of a later version is left alone.

The files beside (fixtures/) were written by the code of their day. Who raises `lines.SCHEMA` adds one:
`python -m tests.edge.store.fixtures FOLDER`.
"""

import shutil
from pathlib import Path

import pytest

from inboxagent.edge.store import JournalStore, file_stem, lines, open_store
from inboxagent.errors import StateDamaged
from inboxagent.outreach.events import Event, Word, from_json
from inboxagent.outreach.fold import fold
from inboxagent.ports import Cursor
from tests.edge.store.fixtures import ADDRESS, FOLDER, remembered
from tests.fakes.people import happened

FIXTURES = sorted(FOLDER.glob("schema-*.*"))
TOLD = remembered()
EVENTS = {key: [from_json(each) for each in events] for key, events in TOLD["conversations"].items()}


@pytest.fixture(params=FIXTURES, ids=lambda each: each.stem)
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A state folder as some version left it."""
    shutil.copy(request.param, tmp_path / f"{file_stem(ADDRESS)}{request.param.suffix}")
    return tmp_path


def check(store: JournalStore, events: dict[str, list[Event]]) -> None:
    """Everything is there, and can be found."""
    assert list(store.conversations()) == [fold(key, each) for key, each in events.items()]
    assert [each.id for each in store.find("message_id", "<a1@lind.example>")] == ["k1"]
    assert [each.id for each in store.find("address", "bart@prospect.test")] == ["k2"]
    assert [each.id for each in store.find("state", "stopped")] == ["k3"]
    assert store.cursors() == {name: Cursor(*each) for name, each in TOLD["cursors"].items()}
    assert store.suppressions() == TOLD["suppressions"]
    assert (store.fact("sent"), store.fact("passing")) == (TOLD["facts"]["sent"], None)
    assert store.check() == []


def test_there_is_a_file_of_every_schema() -> None:
    written = {int(each.stem.split("-")[1]) for each in FIXTURES}
    assert written == set(range(1, lines.SCHEMA + 1))
    newest = (FOLDER / f"schema-{lines.SCHEMA}.journal").read_bytes()
    assert f'"head":{lines.SCHEMA}'.encode() in newest.partition(b"\n")[0]


def test_it_remembers_what_it_did(state: Path) -> None:
    check(open_store(state, ADDRESS), EVENTS)


def test_it_goes_on_and_is_compacted(state: Path) -> None:
    store, note = open_store(state, ADDRESS), happened(Word.NOTE, 9)
    with store.transaction("go on") as ledger:
        ledger.append("k4", note)
    store.compact(always=True)
    store.close()
    check(open_store(state, ADDRESS), {**EVENTS, "k4": [*EVENTS["k4"], note]})


def test_whom_never_to_write_to_outlives_the_file_once_the_new_version_has_written(state: Path) -> None:
    """Suppressions of a version that kept no file of its own for them."""
    store = open_store(state, ADDRESS)
    with store.transaction("go on") as ledger:
        ledger.remember("alive", True)
    store.close()
    for each in state.glob("*.journal*"):
        each.unlink()
    store = open_store(state, ADDRESS)
    assert store.suppression("cris@dead.test") is not None
    assert store.suppression("anybody@gone.test") is not None
    assert store.suppression("anna@prospect.test") is None


@pytest.mark.parametrize("fixture", ["schema-1.json", f"schema-{lines.SCHEMA}.journal"])
def test_one_of_a_later_version_is_refused_with_the_remedy_and_left_alone(tmp_path: Path, fixture: str) -> None:
    head, _, rest = (FOLDER / fixture).read_bytes().partition(b"\n")
    later = head.replace(b"store 1 ", b"store 3 ") + b"\n"
    if b"head" in head:
        later = lines.compose({"n": 0, "d": 0, "head": lines.SCHEMA + 1})
    path = (tmp_path / file_stem(ADDRESS)).with_name(file_stem(ADDRESS) + Path(fixture).suffix)
    path.write_bytes(later + rest)
    with pytest.raises(StateDamaged, match=r"newer inboxagent.*[Ii]nstall that version again") as refused:
        open_store(tmp_path, ADDRESS)
    assert refused.value.exit_code == 74
    assert path.read_bytes() == later + rest
    assert [each for each in tmp_path.iterdir() if each != path and each.suffix != ".lock"] == []
