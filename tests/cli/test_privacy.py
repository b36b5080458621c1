"""`suppress`, `forget`, `export`: never again; nothing of him is left; everything about him."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from inboxagent.edge.store import JournalStore
from inboxagent.edge.system_lock import ProcessLock
from inboxagent.edge.system_state import set_aside
from inboxagent.mail.headers import Address
from inboxagent.outreach.events import By, Word
from inboxagent.ports import Fetched
from tests.cli.desk import Desk, ago, event
from tests.fakes.people import mail

WORDS = "We are moving to Lisbon, so not this year."
ANNA = "anna@prospect.test"


def everything_under(folder: Path) -> bytes:
    """All bytes of all files, names included."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return b"\n".join(path.name.encode() + b"\n" + path.read_bytes() for path in files).lower()


@pytest.fixture
def known(desk: Desk) -> Desk:
    """Anna has answered in her conversation and in Bart's, where she is in Cc; a message of hers was set aside."""
    copied = replace(mail(2, ago(0.5)), cc=(Address("Anna Berg", ANNA), Address("Cris", "cris@prospect.test")))
    answer = event(Word.REPLY, f'{ANNA} answered in the thread: "{WORDS}"', by=By.HIM, address=ANNA, text=WORDS)
    desk.enrol("k1", replace(answer, message_id=f"<1.{ANNA}>"), address=ANNA)
    desk.enrol(
        "k2",
        event(Word.OWN_MAIL, "she wrote", by=By.HER, message_id="<2@lind.example>", mail=copied),
        replace(answer, message_id=f"<2.{ANNA}>", mail=replace(mail(3), from_=Address("Anna Berg", ANNA))),
        address="bart@prospect.test",
    )
    with desk.composition.store.transaction("facts") as ledger:
        ledger.remember("copies", {"<3@lind.example>": {"letter": f"To: {ANNA}", "at": "2026-11-02T10:00:00Z"}})
        ledger.suppress(ANNA, f"{ANNA} wrote “{WORDS}”")
    raw = f"From: Anna <{ANNA}>\r\n\r\n{WORDS}\r\n".encode()
    fetched = Fetched(mailbox="INBOX", uidvalidity=1, uid=5, received_at=ago(1), size=len(raw), header=raw)
    set_aside(desk.composition.config.state, fetched, raw, "Traceback: a test")
    (desk.composition.config.state / "maya@lind.example.json.migrated").write_bytes(raw)
    return desk


def test_nothing_of_a_forgotten_person_is_left_but_a_hash(known: Desk) -> None:
    state = known.composition.config.state
    assert ANNA.encode() in everything_under(state)
    answer = known.ask("forget", "Anna@Prospect.test", "--yes")
    assert (answer["conversations"], answer["named_in"], answer["set_aside"]) == (1, 1, 1)
    left = everything_under(state)
    assert ANNA.encode() not in left
    assert b"lisbon" not in left
    assert known.composition.store.suppression(ANNA) == "nothing else is kept about it"
    assert [each["id"] for each in known.ask("list")] == ["k2"]
    kept = known.composition.store.conversation("k2")
    assert kept is not None
    assert kept.state == "answered"
    assert [each.because for each in kept.events][-1] == "by somebody whose data was erased"
    assert kept.latest is not None
    assert [each.address for each in kept.latest.cc] == ["cris@prospect.test"]
    words = ("--new", "--subject", "Hello", "--field", "project=it")
    assert f"{ANNA} is never to be written to" in known.run("enroll", "quick", ANNA, *words, code=1).stderr


def test_when_his_letters_went_is_still_counted(known: Desk) -> None:
    known.append("k1", event(Word.INTENT, step="one"), event(Word.SENT, step="one"))
    before = known.ask("status", code=1)["sent_today"]
    known.run("forget", ANNA, "--yes")
    assert known.ask("status", code=1)["sent_today"] == before == 1


def test_a_dry_run_erases_nothing(known: Desk) -> None:
    before = everything_under(known.composition.config.state)
    assert "Nothing was erased" in known.run("forget", ANNA, "--dry-run").stdout
    assert everything_under(known.composition.config.state) == before


def test_without_a_terminal_nothing_is_erased_unless_she_says_so(known: Desk) -> None:
    before = everything_under(known.composition.config.state)
    assert "nothing was changed; say --yes to do it" in known.run("forget", ANNA, code=1).stderr
    assert everything_under(known.composition.config.state) == before


def test_somebody_of_whom_nothing_is_known_can_be_forgotten(known: Desk) -> None:
    known.run("forget", "stranger@prospect.test", "--yes")
    assert known.composition.store.suppression("stranger@prospect.test") is not None
    assert known.composition.store.suppression("bart@prospect.test") is None


def test_a_running_daemon_meets_a_store_without_him(known: Desk) -> None:
    other = known.composition.store
    assert len(other.conversations()) == 2
    known.run("forget", ANNA, "--yes")
    assert [each.id for each in other.conversations()] == ["k2"]
    with other.transaction("on") as ledger:
        ledger.append("k2", event(Word.NOTE))
    assert ANNA.encode() not in everything_under(known.composition.config.state)


def test_a_journal_that_is_put_back_brings_no_permission_to_write(desk: Desk) -> None:
    desk.enrol("k1", address=ANNA)
    path = next(desk.composition.config.state.glob("*.journal"))
    backup = path.read_bytes()
    desk.run("forget", ANNA, "--yes")
    desk.run("suppress", "emil@prospect.test")
    desk.run("suppress", "acme.test")
    path.write_bytes(backup)
    store = JournalStore(path)
    assert store.conversation("k1") is not None
    for address in (ANNA, "emil@prospect.test", "somebody@acme.test"):
        assert store.suppression(address) is not None
    assert store.suppression("else@prospect.test") is None


def test_a_torn_line_of_the_hashes_is_written_over(desk: Desk) -> None:
    desk.run("suppress", "emil@prospect.test")
    path = next(desk.composition.config.state.glob("*.never"))
    path.write_bytes(path.read_bytes() + b"0123456789")
    desk.run("suppress", "fay@prospect.test")
    assert [len(line) for line in path.read_bytes().split(b"\n")] == [64, 64, 0]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_domain_stops_whoever_is_there(desk: Desk) -> None:
    desk.enrol("k1", address="a@acme.test")
    desk.enrol("k2", address="b@mail.acme.test")
    assert desk.ask("suppress", "ACME.test", "--because", "they asked for it")["stopped"] == ["k1"]
    assert [each["state"] for each in desk.ask("list")] == ["stopped", "waiting"]
    assert desk.ask("show", "k1")["events"][-1]["event"] == "suppressed"
    assert "for good" in desk.run("resume", "k1", code=1).stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("gmail.com", 1, "gmail.com is a public mail provider"),
        ("nonsense", 2, '"nonsense" is neither an address nor a domain'),
        ("two words@acme.test", 2, "is neither"),
    ],
)
def test_what_cannot_be_suppressed(desk: Desk, words: str, code: int, said: str) -> None:
    assert said in desk.run("suppress", words, code=code).stderr


def test_she_herself_cannot_be_suppressed(desk: Desk) -> None:
    config = desk.config.read_text()
    desk.config.write_text(config.replace("zone =", 'aliases = ["me@maya.example"]\nzone =', 1))
    for whom, whose in (
        ("Maya@lind.example", "an address of yours"),
        ("maya+list@lind.example", "an address of yours"),
        ("me@maya.example", "an address of yours"),
        ("lind.example", "your own domain"),
        ("@maya.example", "your own domain"),
    ):
        assert f" is {whose}" in desk.run("suppress", whom, code=1).stderr
        assert desk.composition.store.suppression(whom.lower()) is None
    desk.run("suppress", "colleague@lind.example")
    assert "an address of yours" in desk.run("forget", "maya@lind.example", "--yes", code=1).stderr


def test_the_first_reason_stays(desk: Desk) -> None:
    desk.run("suppress", "emil@prospect.test", "--because", "he said so")
    assert desk.ask("suppress", "emil@prospect.test", "--because", "another")["because"] == "he said so"


def test_everything_about_a_person_is_exported(known: Desk) -> None:
    exported = json.loads(known.run("export", ANNA).stdout)
    assert exported["addresses"] == [ANNA]
    assert [each["id"] for each in exported["conversations"]] == ["k1"]
    assert exported["conversations"][0]["fields"] == {"project": "the portal"}
    assert WORDS in json.dumps(exported["conversations"])
    assert [each["id"] for each in exported["named_in"]] == ["k2"]
    assert len(exported["set_aside"]) == 1
    assert WORDS in exported["suppressed"][ANNA]
    assert "nothing is kept" in known.run("export", "nobody@prospect.test", code=1).stderr


def test_nobody_is_erased_while_his_letter_is_on_the_wire(known: Desk) -> None:

    known.append("k1", event(Word.INTENT, step="one", message_id="<t@lind.example>"))
    lock = ProcessLock(known.composition.lock_path)
    lock.take()
    try:
        assert "this very moment" in known.run("forget", ANNA, "--yes", code=1).stderr
    finally:
        lock.release()
    known.run("forget", ANNA, "--yes")
