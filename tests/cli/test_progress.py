"""`note`, `hold`, `won`, `lost`, `list --forgotten`: calls, dates she sets, and nobody lost sight of."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from inboxagent.outreach.events import By, Word
from tests.cli.desk import Desk, ago, event

REPLY = event(Word.REPLY, "he answered", by=By.HIM)
PAUSED = event(Word.HELD, "she paused it", by=By.HER)
AWAY = event(Word.AUTO_REPLY, "away", until=ago(-5))
DEAD = event(Word.BOUNCE, "did not reach him", permanent=True)

SECOND = """\
---
sequence: Second
about: Another sequence.
language: en
{more}
---

## hello
wait: 2 days
subject: Hello

Hello.
"""


def day(days: int) -> str:
    """A day so many days from now, as she types it."""
    return f"{ago(-days):%Y-%m-%d}"


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def rules(folder: Path, **named: str) -> None:
    """Further rule files, each with these settings."""
    for name, more in named.items():
        (folder / "rules" / f"{name}.md").write_text(SECOND.format(more=more))


def hands_on(desk: Desk, settings: str) -> None:
    """The rule file says to which sequence it hands on."""
    path = desk.folder / "rules" / "quick.md"
    path.write_text(path.read_text().replace("language: en", f"language: en\n{settings}"))


def test_a_call_is_a_touch_and_the_wait_begins_anew(desk: Desk) -> None:
    desk.enrol("k1", days_ago=5)
    found = desk.ask("note", "k1", "called, wants a quote by Friday")
    assert (found["state"], found["touches"]) == ("waiting", 2)
    assert instant(found["next"]["at"]) > ago(-1.9)
    assert "2 of 4" in desk.run("list").stdout
    assert "The wait began anew: she noted: called, wants a quote by Friday." in " ".join(
        desk.run("why", "k1").stdout.split()
    )


@pytest.mark.parametrize("before", [[], [PAUSED], [AWAY], [REPLY]])
def test_a_call_may_set_the_next_date_wherever_it_stands(desk: Desk, before: list) -> None:
    desk.enrol("k1", *before)
    found = desk.ask("note", "k1", "called", "--next", day(10))
    assert (found["state"], found["court"]) == ("waiting", "his")
    assert found["next"]["step"] == "one"
    zone = desk.composition.home
    assert instant(found["next"]["at"]).astimezone(zone).date() == date.fromisoformat(day(10))


@pytest.mark.parametrize(
    ("before", "says"),
    [
        ([REPLY], "noted; it is still your turn"),
        ([PAUSED], "noted; it is held as before"),
        ([DEAD], "noted; it is stopped as before"),
        ([], "noted; the next wait begins now"),
    ],
)
def test_a_call_alone_changes_no_state(desk: Desk, before: list, says: str) -> None:
    state = desk.enrol("k1", *before).state
    assert says in desk.run("note", "k1", "called back").stdout
    assert desk.ask("show", "k1")["state"] == state


def test_a_date_that_she_set_outlives_the_next_call(desk: Desk) -> None:
    desk.enrol("k1")
    at = desk.ask("note", "k1", "called", "--next", day(10))["next"]["at"]
    assert "noted; the date that you set stands" in desk.run("note", "k1", "called again").stdout
    assert desk.ask("show", "k1")["next"]["at"] == at
    told = [each["says"] for each in desk.ask("why", "k1")["reasons"]]
    assert told[1:] == [
        "The wait began anew: she noted: called.",
        "It went on: she set the next date: called.",
        "The date that she set stands: she noted: called again.",
    ]


def test_the_summary_of_a_call_goes_on_with_him(desk: Desk) -> None:
    """A field that comes from her notes: what is missing is said, and once it is noted the sequence takes over."""
    rules(desk.folder, buyers="fields:\n  agreed: {required: true, from: note}")
    hands_on(desk, "won: buyers")
    desk.enrol("k1")
    assert "buyers cannot take over: he lacks agreed" in desk.run("won", "k1", code=1).stderr
    desk.run("note", "k1", "You get the plan by Friday.")
    desk.run("won", "k1")
    assert [each["sequence"] for each in desk.ask("list") if each["state"] == "waiting"] == ["buyers"]


def test_who_was_handed_on_is_not_resumed_beside_it(desk: Desk) -> None:
    rules(desk.folder, buyers="")
    hands_on(desk, "won: buyers")
    desk.enrol("k1")
    desk.run("won", "k1")
    (heir,) = (each["id"] for each in desk.ask("list") if each["state"] == "waiting")
    assert f"buyers has taken him over ({heir}, waiting); end that first" in desk.run("resume", "k1", code=1).stderr
    desk.run("stop", heir)
    assert desk.ask("resume", "k1")["state"] == "waiting"


def test_held_until_a_day_and_no_shorter_for_an_absence(desk: Desk) -> None:
    """Case 61: the later date wins, and both reasons are kept."""
    desk.enrol("k1", AWAY)
    found = desk.ask("hold", "k1", day(20))
    assert found["state"] == "held"
    assert instant(found["held_until"]) - ago(-20) < timedelta(days=1)
    assert desk.ask("hold", "k1", day(3))["held_until"] == found["held_until"]
    assert [each["event"] for each in desk.ask("show", "k1")["events"]] == ["enrolled", "auto_reply", "held", "held"]


@pytest.mark.parametrize(
    ("before", "words", "code", "said"),
    [
        ([REPLY], ("hold", "k1", "2031-01-01"), 1, "it is your turn in k1"),
        ([REPLY], ("hold", "k1", "2026-13-99"), 2, '"2026-13-99" is not a day'),
        ([DEAD], ("hold", "k1", "2031-01-01"), 1, "k1 is stopped"),
        ([DEAD], ("note", "k1", "called", "--next", "2031-01-01"), 1, "k1 is stopped"),
        ([], ("hold", "k1", "tomorrow"), 2, '"tomorrow" is not a day'),
        ([], ("note", "k1", "called", "--next", "2020-01-01"), 2, "2020-01-01 is over"),
        ([], ("note", "k1", " "), 2, "1 to 2000 characters"),
    ],
)
def test_what_cannot_be(desk: Desk, before: list, words: tuple[str, ...], code: int, said: str) -> None:
    events = desk.enrol("k1", *before).events
    assert said in desk.run(*words, code=code).stderr
    assert len(desk.ask("show", "k1")["events"]) == len(events)


@pytest.mark.parametrize(("command", "heir"), [("won", "buyers"), ("lost", "later")])
def test_the_end_hands_on(desk: Desk, command: str, heir: str) -> None:
    rules(desk.folder, buyers="", later="")
    hands_on(desk, "won: buyers\nlost: later")
    desk.enrol("k1", REPLY)
    assert desk.ask(command, "k1")["state"] == "stopped"
    one, two = desk.ask("list")
    assert (one["state"], two["sequence"], two["state"]) == ("stopped", heir, "waiting")
    assert two["next"]["step"] == "hello"


def test_how_it_ended_may_be_said_after_it_was_stopped(desk: Desk) -> None:
    rules(desk.folder, buyers="")
    hands_on(desk, "won: buyers")
    desk.enrol("k1")
    desk.run("stop", "k1")
    assert "buyers takes over" in desk.run("won", "k1").stdout
    assert "is stopped already" in desk.run("won", "k1").stdout
    assert [each["sequence"] for each in desk.ask("list") if each["state"] == "waiting"] == ["buyers"]


def test_nobody_is_a_prospect_and_a_customer_at_once(desk: Desk) -> None:
    rules(desk.folder, first="won: buyers", buyers="")
    hands_on(desk, "won: buyers")
    desk.enrol("k1", address="anna@prospect.test")
    desk.enrol("k2", address="anna@prospect.test", sequence="first")
    assert "k2 (first) is still open; end it first" in desk.run("won", "k1", code=1).stderr
    desk.run("stop", "k2")
    desk.run("won", "k1")
    assert [each["sequence"] for each in desk.ask("list") if each["state"] == "waiting"] == ["buyers"]


def test_who_is_forgotten(desk: Desk) -> None:
    desk.enrol("k1")
    desk.enrol("k2", REPLY)
    desk.enrol("k3", PAUSED)
    desk.enrol("k4", AWAY)
    desk.enrol("k5", event(Word.HELD, "`one` cannot be written"))
    desk.enrol("k6", event(Word.STOPPED, "she stopped it", by=By.HER))
    desk.enrol("k7", DEAD)
    desk.enrol("k8", event(Word.UNSUBSCRIBE, "he wants none", by=By.HIM))
    desk.enrol("k9", event(Word.FINISHED, "all steps are over"))
    desk.enrol("k10", event(Word.TASK, "due", step="ring"), REPLY)
    desk.enrol("k11", REPLY, address="k1@prospect.test")
    desk.enrol("k12", replace(PAUSED, at=ago(0.2)), REPLY)
    desk.enrol("k13", REPLY, replace(PAUSED, at=ago(-0.1)))
    assert [each["id"] for each in desk.ask("list", "--forgotten")] == ["k2", "k5", "k7", "k9", "k12"]
    for name in ("k2", "k5", "k7", "k9", "k12"):
        desk.run("stop", name)
    assert "Nobody is without a next date" in desk.run("list", "--forgotten").stderr
