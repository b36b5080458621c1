"""`resume --in WAIT`: the wait that she sets stands in for the step's own, once."""

from datetime import timedelta

import pytest

from inboxagent.outreach.decide import Wait, decide
from inboxagent.outreach.events import By, Event, Word
from inboxagent.outreach.fold import advance, begin
from inboxagent.outreach.hours import Hours
from inboxagent.outreach.model import Me
from inboxagent.outreach.sequence import Sequence, Step
from inboxagent.outreach.waits import Unit
from inboxagent.outreach.waits import Wait as Span
from tests.fakes.people import MONDAY, enrolled, happened

MAYA = Me(name="Maya Lind", address="maya@lind.example")
STEPS = tuple(Step(word=word, wait=Span(amount=10, unit=Unit.DAY), letter="Hello.") for word in ("one", "two"))
TEN_DAYS = Sequence(name="proposal", title="", steps=STEPS)
PAUSED = advance(begin("k7f2q", enrolled()), happened(Word.HELD, 1, by=By.HER))
RESUMED = advance(PAUSED, happened(Word.RESUMED, 2, by=By.HER, until=MONDAY + timedelta(days=5)))


def next_at(conversation, sequence=TEN_DAYS, days: float = 2):
    action = decide(conversation, sequence, MONDAY + timedelta(days=days), MAYA)
    assert isinstance(action, Wait)
    return action


def test_her_wait_stands_in_for_the_steps() -> None:
    assert next_at(RESUMED).at == MONDAY + timedelta(days=5)
    assert next_at(RESUMED).because == "the wait she set when she resumed it"


def test_without_one_the_steps_own_wait_runs_anew() -> None:
    anew = advance(PAUSED, happened(Word.RESUMED, 2, by=By.HER))
    assert next_at(anew).at == MONDAY + timedelta(days=12)


def test_it_keeps_to_the_hours() -> None:
    tuesdays = Sequence(name="proposal", title="", steps=STEPS, hours=Hours(days=frozenset({1})))
    waiting = next_at(RESUMED, tuesdays)
    assert waiting.at == MONDAY + timedelta(days=7, hours=15)  # midnight of the next Tuesday
    assert waiting.because == "the wait she set when she resumed it; would be Sat 7 Nov: only Tue"


def test_it_is_for_the_next_step_alone() -> None:
    sent = advance(RESUMED, happened(Word.SENT, 5, step="one"))
    assert next_at(sent, days=5).at == MONDAY + timedelta(days=15)


@pytest.mark.parametrize("touch", [happened(Word.OWN_MAIL, 3, by=By.HER), happened(Word.NOTE, 3, by=By.HER, text="-")])
def test_her_hand_before_the_date_she_named_leaves_it_alone(touch: Event) -> None:
    assert next_at(advance(RESUMED, touch), days=3).at == MONDAY + timedelta(days=5)


def test_her_own_mail_on_that_day_begins_the_steps_wait() -> None:
    wrote = advance(RESUMED, happened(Word.OWN_MAIL, 5, by=By.HER))
    assert next_at(wrote, days=5).at == MONDAY + timedelta(days=15)


def test_a_wait_of_the_rule_begins_anew_with_her_next_mail() -> None:
    """After `after_my_answer` she has named no date."""
    by_rule = happened(Word.RESUMED, 2, by=By.HER, until=MONDAY + timedelta(days=5), message_id="<2@lind.example>")
    resumed = advance(PAUSED, by_rule)
    assert next_at(resumed).because == "the time he has to answer her (after_my_answer)"
    assert next_at(advance(resumed, happened(Word.OWN_MAIL, 3, by=By.HER)), days=3).at == MONDAY + timedelta(days=13)


def test_a_dated_hold_does_not_use_it_up() -> None:
    held = advance(RESUMED, happened(Word.AUTO_REPLY, 3, until=MONDAY + timedelta(days=7)))
    back = advance(held, happened(Word.RESUMED, 7))
    assert next_at(back, days=7).at == MONDAY + timedelta(days=9)
