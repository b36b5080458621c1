"""`pause`, `resume`, `stop`, `release`, `drop`: what she may change, what is so already, what is refused."""

from pathlib import Path

import pytest

from inboxagent.agent.brake import BRAKE, LEAPT, RELEASED
from inboxagent.outreach.events import By, Word
from tests.cli.desk import Desk, ago, event

REPLY = event(Word.REPLY, "he answered", by=By.HIM)
PAUSED = event(Word.HELD, "she paused it", by=By.HER)
AWAY = event(Word.AUTO_REPLY, "away", until=ago(-5))
STOPPED = event(Word.STOPPED, "she stopped it", by=By.HER)
OPTED_OUT = event(Word.UNSUBSCRIBE, "he wants no mail", by=By.HIM)
FINISHED = event(Word.FINISHED, "all steps are over")
INTENT = event(Word.INTENT, step="one", message_id="<t@lind.example>")
UNCERTAIN = event(Word.UNCERTAIN, step="one")

CHANGES = [
    # before, command, state afterwards, her event
    ([], "pause", "held", "held"),
    ([AWAY], "pause", "held", "held"),
    ([PAUSED], "pause", "held", None),
    ([REPLY], "pause", "answered", "held"),  # also where the rule would let it go on once she has answered
    ([PAUSED], "resume", "waiting", "resumed"),
    ([AWAY], "resume", "waiting", "resumed"),
    ([REPLY], "resume", "waiting", "resumed"),
    ([STOPPED], "resume", "waiting", "resumed"),
    ([], "stop", "stopped", "stopped"),
    ([REPLY], "stop", "stopped", "stopped"),
    ([FINISHED], "stop", "stopped", "stopped"),
    ([STOPPED], "stop", "stopped", None),
    ([INTENT, UNCERTAIN], "release", "waiting", "released"),
    ([INTENT, UNCERTAIN], "drop", "waiting", "dropped"),
    ([INTENT], "release", "waiting", "released"),  # the daemon died before it could say so
]

REFUSALS = [
    ([STOPPED], "pause", "k1 is stopped, so nothing goes out anyway: she stopped it"),
    ([FINISHED], "pause", "k1 is finished"),
    ([], "resume", "k1 is not on hold"),
    ([OPTED_OUT], "resume", "k1 is stopped for good: he wants no mail"),
    ([OPTED_OUT, STOPPED], "resume", "k1 is stopped for good"),
    ([FINISHED], "resume", "k1 is finished, no step is left"),
    ([INTENT, UNCERTAIN], "resume", "nobody knows yet what became of `one`"),
    ([], "release", "k1 has no uncertain letter; it is waiting"),
    ([REPLY], "drop", "k1 has no uncertain letter; it is answered: he answered"),
]


@pytest.mark.parametrize(("before", "command", "state", "word"), CHANGES)
def test_her_hand_changes_a_conversation(desk: Desk, before: list, command: str, state: str, word: str | None) -> None:
    events = desk.enrol("k1", *before).events
    result = desk.run(command, "k1@prospect.test")
    assert result.stdout.startswith("k1  Anna <k1@prospect.test>: ")
    shown = desk.ask("show", "k1")
    assert shown["state"] == state
    added = shown["events"][len(events) :]
    assert [each["event"] for each in added if each["by"] == "her"] == ([word] if word else [])


@pytest.mark.parametrize(("before", "command", "sentence"), REFUSALS)
def test_what_cannot_be_is_refused_and_changes_nothing(desk: Desk, before: list, command: str, sentence: str) -> None:
    events = desk.enrol("k1", *before).events
    assert sentence in desk.run(command, "k1", code=1).stderr
    assert len(desk.ask("show", "k1")["events"]) == len(events)


def test_resume_says_what_goes_out_when(desk: Desk) -> None:
    desk.enrol("k1", PAUSED)
    result = desk.run("resume", "k1")
    assert "`one` goes out on " in result.stdout
    assert "(2 days after " in result.stdout
    assert "No daemon is running" in result.stderr


def test_resume_may_set_the_wait(desk: Desk) -> None:
    desk.enrol("k1", PAUSED)
    conversation = desk.ask("resume", "k1", "--in", "5 hours")
    assert f"{ago(-5 / 24):%Y-%m-%dT%H:%M}" <= conversation["next"]["at"] <= f"{ago(-5.1 / 24):%Y-%m-%dT%H:%M}"


@pytest.mark.parametrize(
    ("wait", "sentence"),
    [
        ("5 huors", '--in: "huors" is not a unit of time; did you mean "hours"?'),
        ("soon", "--in: "),
        ("0.5 days", "--in: "),
    ],
)
def test_a_wait_that_is_none_is_a_usage_error(desk: Desk, wait: str, sentence: str) -> None:
    desk.enrol("k1", PAUSED)
    assert sentence in desk.run("resume", "k1", "--in", wait, code=2).stderr


@pytest.mark.parametrize(
    "words", [["pause"], ["pause", "k1", "--all"], ["resume"], ["resume", "--all", "--in", "1 day"], ["release"]]
)
def test_which_conversation_has_to_be_said(desk: Desk, words: list[str]) -> None:
    assert desk.run(*words, code=2).stderr.startswith("inboxagent: ")


def test_a_change_in_json_is_the_conversation_as_it_is_now(desk: Desk) -> None:
    desk.enrol("k1")
    assert desk.ask("pause", "k1")["state"] == "held"
    assert desk.ask("stop", "k1")["state"] == "stopped"


def test_a_released_letter_gets_a_new_message_id_and_a_dropped_one_is_over(desk: Desk) -> None:
    desk.enrol("k1", INTENT, UNCERTAIN)
    desk.enrol("k2", INTENT, UNCERTAIN)
    assert desk.ask("release", "k1")["next"]["step"] == "one"
    assert desk.ask("drop", "k2")["next"]["step"] == "two"
    known = desk.composition.store.conversation("k1")
    assert known is not None
    assert known.attempts == {"one": 1}


# -- everything


def test_pause_all_needs_neither_configuration_nor_state(desk: Desk, tmp_path: Path) -> None:
    flag = tmp_path / "home/.local/state/inboxagent/PAUSED"
    result = desk.run("pause", "--all", config=False)
    assert "Everything is paused" in result.stdout
    assert flag.exists()
    assert "The pause is over" in desk.run("resume", "--all", config=False).stdout
    assert not flag.exists()
    assert "Nothing was paused" in desk.run("resume", "--all", config=False).stdout


def test_pause_all_works_with_a_broken_configuration_and_state(desk: Desk) -> None:
    desk.config.write_text("not = [toml")
    (desk.folder / "state").write_text("not a folder")
    desk.run("pause", "--all")
    assert (desk.folder / "home/.local/state/inboxagent/PAUSED").exists()


def test_the_agent_sees_the_flag_wherever_it_is(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(desk.folder / "xdg"))
    account = desk.composition.account()
    assert account.paused() is None
    for flag in (desk.folder / "xdg/inboxagent/PAUSED", desk.folder / "state/PAUSED"):
        flag.parent.mkdir(parents=True, exist_ok=True)
        flag.touch()
        assert account.paused() == f"the flag {flag} is up"
        flag.unlink()


def test_pause_all_that_cannot_be_kept_is_an_error(desk: Desk) -> None:
    (desk.folder / "home").write_text("a file")
    result = desk.run("pause", "--all", config=False, code=73)
    assert "PAUSED cannot be written" in result.stderr
    assert result.stdout == ""


def test_the_brake_is_released(desk: Desk) -> None:
    assert "the brake is not on" in desk.run("release", "--brake", code=1).stderr
    store = desk.composition.store
    with store.transaction("a test") as ledger:
        ledger.remember(BRAKE, {"at": ago(0).isoformat(), "due": 30})
    assert "30 letters go out" in desk.run("release", "--brake").stdout
    released = store.fact(RELEASED)
    assert (store.fact(BRAKE), isinstance(released, dict) and released["due"]) == (None, 30)


def test_a_clock_that_leapt_is_released_as_well(desk: Desk) -> None:
    store = desk.composition.store
    with store.transaction("a test") as ledger:
        ledger.remember(LEAPT, {"at": ago(0).isoformat(), "seconds": 86_400.0})
    assert "what is due goes out" in desk.run("release", "--brake").stdout
    assert (store.fact(LEAPT), store.fact(RELEASED)) == (None, None)
