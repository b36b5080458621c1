"""What an edited rule file changes for how many people inside."""

from dataclasses import replace
from datetime import timedelta

from inboxagent.outreach.edits import compare
from inboxagent.outreach.events import Word
from inboxagent.outreach.fold import fold
from inboxagent.outreach.model import Me
from inboxagent.outreach.sequence import Sequence, Step
from inboxagent.outreach.state import Conversation
from inboxagent.outreach.waits import Unit, Wait
from tests.fakes.people import MONDAY, enrolled, happened

MAYA = Me(name="Maya Lind", address="maya@lind.example")


def step(word: str, days: int = 3, letter: str = "") -> Step:
    return Step(word=word, wait=Wait(amount=days, unit=Unit.DAY), letter=letter or f"A letter about {word}, in full.")


OLD = Sequence(name="proposal", title="", steps=(step("one"), step("two"), step("three")))
FRESH = fold("a", [enrolled("a@prospect.test")])
SECOND = fold("b", [enrolled("b@prospect.test"), happened(Word.SENT, 3, step="one")])
OVER = fold("c", [enrolled("c@prospect.test"), happened(Word.FINISHED, 9)])
PEOPLE: list[Conversation] = [FRESH, SECOND, OVER]


def edit(*steps: Step) -> dict[str, object]:
    found = compare(OLD, replace(OLD, steps=steps), PEOPLE, MAYA, MONDAY + timedelta(days=3.5))
    return {name: getattr(found, name) for name in found.__slots__ if getattr(found, name)}


def test_nothing_changed() -> None:
    assert edit(*OLD.steps) == {"inside": 2}
    assert compare(OLD, OLD, PEOPLE, MAYA, MONDAY).nothing


def test_a_changed_letter_counts_for_whoever_has_not_had_it() -> None:
    changed = edit(step("one", letter="Another one."), step("two"), step("three"))
    assert changed == {"inside": 2, "changed": ("one",), "other_letter": 1}


def test_a_longer_wait_moves_dates() -> None:
    """Case 69."""
    assert edit(step("one"), step("two", days=8), step("three")) == {"inside": 2, "other_date": 1}


def test_a_new_step_before_somebodys_place_is_not_sent_to_him() -> None:
    changed = edit(step("zero"), *OLD.steps)
    assert changed == {"inside": 2, "added": ("zero",), "other_letter": 1, "passed_by": 1}


def test_a_removed_step_is_passed_over() -> None:
    assert edit(step("one"), step("three")) == {"inside": 2, "removed": ("two",), "other_letter": 1}


def test_a_renamed_step_is_asked_about() -> None:
    renamed = edit(step("first", letter=OLD.steps[0].letter), step("two"), step("three"))
    assert renamed["renamed"] == (("one", "first"),)
