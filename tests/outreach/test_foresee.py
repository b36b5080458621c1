"""What will happen when: the steps ahead, their letters, and what a hold does to them."""

from datetime import timedelta

import pytest

from inboxagent.outreach.events import By, Word
from inboxagent.outreach.fold import advance, begin
from inboxagent.outreach.model import Me
from inboxagent.outreach.preview import Coming, foresee, resumed
from inboxagent.outreach.sequence import Sequence, Step
from inboxagent.outreach.state import Conversation
from inboxagent.outreach.waits import Unit, Wait
from tests.fakes.people import MONDAY, enrolled, happened

MAYA = Me(name="Maya Lind", address="maya@lind.example")
WEEK = Wait(amount=1, unit=Unit.WEEK)
STEPS = (
    Step(word="one", wait=WEEK, letter="Dear {{ first_name }}, one."),
    Step(word="two", wait=WEEK, letter="Two.", subject="Something new"),
    Step(word="three", wait=WEEK, letter="Three."),
)
RULE = Sequence(name="proposal", title="", steps=STEPS)
BEGUN = begin("k7f2q", enrolled())


def ahead(conversation: Conversation = BEGUN, rule: Sequence = RULE, days: float = 0) -> list[Coming]:
    return list(foresee(conversation, rule, {}, MAYA, MONDAY + timedelta(days=days)))


def test_each_step_follows_the_one_before() -> None:
    assert [(each.step.word, (each.at - MONDAY).days) for each in ahead()] == [("one", 7), ("two", 14), ("three", 21)]
    assert ahead()[0].because == "1 week after Mon 2 Nov 09:00"


def test_the_letters_are_as_they_would_go() -> None:
    letters = [each.letter for each in ahead()]
    assert all(letters)
    assert [each.text for each in letters if each] == ["Dear Anna, one.", "Two.", "Three."]
    assert [each.subject for each in letters if each] == ["Re: Proposal", "Something new", "Re: Something new"]


def test_what_is_over_is_not_ahead() -> None:
    sent = advance(BEGUN, happened(Word.SENT, 7, step="one"))
    assert [each.step.word for each in ahead(sent, days=8)] == ["two", "three"]


def test_what_is_due_already_comes_now() -> None:
    assert ahead(days=30)[0].at == MONDAY + timedelta(days=30)


def test_a_dated_hold_moves_everything() -> None:
    held = advance(BEGUN, happened(Word.AUTO_REPLY, 1, until=MONDAY + timedelta(days=11)))
    assert [(each.at - MONDAY).days for each in ahead(held, days=2)] == [17, 24, 31]


@pytest.mark.parametrize("word", [Word.REPLY, Word.HELD, Word.STOPPED])
def test_nothing_is_ahead_until_she_acts(word: Word) -> None:
    resting = advance(BEGUN, happened(word, 1, by=By.HER))
    assert ahead(resting, days=2) == []
    assert [(each.at - MONDAY).days for each in ahead(resumed(resting, MONDAY + timedelta(days=3)), days=3)] == [
        10,
        17,
        24,
    ]


def test_after_an_opt_out_nothing_is_ahead_even_then() -> None:
    gone = advance(BEGUN, happened(Word.UNSUBSCRIBE, 1))
    assert ahead(resumed(gone, MONDAY + timedelta(days=3)), days=3) == []


def test_a_letter_that_cannot_be_written_says_why() -> None:
    lacking = Sequence(
        name="proposal", title="", steps=(Step(word="one", wait=WEEK, letter="{{ nothing }}"), *STEPS[1:])
    )
    one, two, _ = ahead(rule=lacking)
    assert (one.letter, one.fault) == (None, "no value for nothing")
    assert two.letter is not None
