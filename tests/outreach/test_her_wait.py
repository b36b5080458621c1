"""`resume --in WAIT`, and a day that was named: the wait that she sets stands in for the step's own, once; before the
day that he, or she, named no letter goes, whatever happens meanwhile."""

from dataclasses import replace
from datetime import timedelta
from functools import reduce

import pytest

from inboxagent.outreach.decide import Send, Wait, decide
from inboxagent.outreach.events import By, Event, Word
from inboxagent.outreach.fold import advance, begin
from inboxagent.outreach.handing import Handed, hand_on
from inboxagent.outreach.hours import Hours
from inboxagent.outreach.model import Me
from inboxagent.outreach.rulebook import Rulebook
from inboxagent.outreach.sequence import Expiry, Sequence, Step
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


def test_a_hold_that_ends_before_the_day_that_she_named_does_not_move_it() -> None:
    held = advance(RESUMED, happened(Word.AUTO_REPLY, 3, until=MONDAY + timedelta(days=4)))
    assert next_at(advance(held, happened(Word.RESUMED, 4)), days=4).at == MONDAY + timedelta(days=5)
    late = advance(held, happened(Word.RESUMED, 6))  # the machine was off meanwhile
    assert isinstance(decide(late, TEN_DAYS, MONDAY + timedelta(days=6), MAYA), Send)


# -- the day before which no letter goes ----------------------------------------------------------------------------

INTENT = happened(Word.INTENT, 0.1, step="one", message_id="<2@lind.example>")
IN_DOUBT = reduce(advance, [INTENT, happened(Word.UNCERTAIN, 0.2)], begin("k7f2q", enrolled()))
HIS_DAY = MONDAY + timedelta(days=60)
HERS = happened(Word.RESUMED, 4, by=By.HER, until=HIS_DAY, message_id="<3@lind.example>")
NOT_NOW = happened(Word.NOT_NOW, 2, until=HIS_DAY)


def went_on(*before: Event, answer: Event = NOT_NOW, resumed: Event = HERS):
    """He wrote, then named a day, she answered, and the rule let it go on (`after_my_answer`)."""
    return reduce(advance, [*before, happened(Word.REPLY, 1), answer, resumed], begin("k7f2q", enrolled()))


@pytest.mark.parametrize(
    "between",
    [
        happened(Word.OWN_MAIL, 6, by=By.HER),
        happened(Word.NOTE, 6, by=By.HER, text="called"),
        happened(Word.SKIPPED, 6, by=By.HER, step="one", until=MONDAY + timedelta(days=6)),
        happened(Word.TASK, 6, step="one"),
        happened(Word.SENT, 6, step="one"),
        happened(Word.DELAYED, 6),
    ],
)
def test_nothing_in_between_ends_the_day_that_he_named(between: Event) -> None:
    """He asked for it while it was her turn; no letter goes before, whatever she does meanwhile."""
    waiting = next_at(advance(went_on(), between), days=7)
    assert waiting.at >= HIS_DAY
    assert waiting.step == ("two" if between.step else "one")


@pytest.mark.parametrize("word", [Word.DROPPED, Word.SENT])
def test_nor_does_what_becomes_of_a_letter_in_doubt(word: Word) -> None:
    doubt = went_on(INTENT, happened(Word.UNCERTAIN, 0.2))
    waiting = next_at(advance(doubt, happened(word, 6, step="one", message_id="<2@lind.example>")), days=7)
    assert (waiting.step, waiting.at) == ("two", HIS_DAY)
    assert waiting.because == NOT_NOW.because


def test_a_hold_that_ends_before_his_day_does_not_move_it() -> None:
    away = [happened(Word.AUTO_REPLY, 10, until=MONDAY + timedelta(days=20)), happened(Word.RESUMED, 20)]
    assert next_at(reduce(advance, away, went_on()), days=20).at == HIS_DAY


def test_what_takes_over_after_the_last_step_waits_from_his_day_on() -> None:
    later, doubt = replace(TEN_DAYS, name="later"), went_on(INTENT, happened(Word.UNCERTAIN, 0.2))
    over = advance(doubt, happened(Word.DROPPED, 6, step="one"))
    handed = hand_on(over, "later", Rulebook(sequences={"later": later}), (over,), MONDAY + timedelta(days=6))
    assert isinstance(handed, Handed)
    assert next_at(begin("heir", handed.event), later).at == HIS_DAY + timedelta(days=10)


def test_a_new_answer_of_his_ends_it_once_she_has_answered_that() -> None:
    again = [happened(Word.REPLY, 6), replace(HERS, at=MONDAY + timedelta(days=7), until=MONDAY + timedelta(days=9))]
    assert next_at(reduce(advance, again, went_on()), days=8).at == MONDAY + timedelta(days=9)


@pytest.mark.parametrize("until", [None, MONDAY + timedelta(days=9)])
def test_a_command_of_hers_ends_it(until) -> None:
    commanded = advance(went_on(), happened(Word.RESUMED, 6, by=By.HER, until=until))
    assert next_at(commanded, days=7).at == (until or MONDAY + timedelta(days=16))


def test_the_day_that_she_named_outlives_what_she_writes_to_him() -> None:
    """He wrote before it, and the time he has to answer her is over before it."""
    hers = happened(Word.RESUMED, 0.5, by=By.HER, until=HIS_DAY)
    mine = replace(HERS, until=MONDAY + timedelta(days=8))
    talked = went_on(hers, answer=happened(Word.NOTE, 2), resumed=mine)
    again = [happened(Word.REPLY, 5), replace(mine, at=MONDAY + timedelta(days=6), until=MONDAY + timedelta(days=9))]
    for each in (talked, reduce(advance, again, talked)):
        assert next_at(each, days=7).at == HIS_DAY


def test_nor_does_a_letter_that_proves_to_have_gone_end_it() -> None:
    """She released it, named a day, and then its copy turned up."""
    released = advance(IN_DOUBT, happened(Word.RELEASED, 1, by=By.HER, step="one"))
    named = advance(released, happened(Word.RESUMED, 2, by=By.HER, until=HIS_DAY))
    proven = advance(named, happened(Word.SENT, 3, step="one", message_id="<2@lind.example>"))
    assert next_at(proven, days=4).at == HIS_DAY


def test_a_wait_that_was_set_is_for_one_letter_also_where_its_step_is_gone() -> None:
    """Found by the simulation, seed 840090: she released `one`, which may have gone, and took it out of the file."""
    intent = happened(Word.INTENT, 6, step="one", message_id="<1@lind.example>")
    released = reduce(advance, (intent, happened(Word.UNCERTAIN, 6), happened(Word.RELEASED, 7, by=By.HER)), RESUMED)
    assert isinstance(decide(released, TEN_DAYS, MONDAY + timedelta(days=8), MAYA), Send)
    without = Sequence(name="proposal", title="", steps=STEPS[1:])
    assert next_at(released, without, days=8).at == MONDAY + timedelta(days=16)


def test_nothing_is_passed_over_before_the_day_that_was_named() -> None:
    """Found by the simulation, seed 840330: the window opened on that very day, which seemed to be the wait's own."""
    over = Step(word="one", wait=STEPS[0].wait, letter="Hello.", expires=Expiry(day=MONDAY.date()))
    mondays = Sequence(name="proposal", title="", steps=(over, STEPS[1]), hours=Hours(days=frozenset({0})))
    a_week_on = MONDAY + timedelta(days=6, hours=15)  # midnight, when the window opens
    named = advance(PAUSED, happened(Word.RESUMED, 2, by=By.HER, until=a_week_on))
    wrote = advance(named, happened(Word.OWN_MAIL, 3, by=By.HER))
    by_rule = happened(Word.RESUMED, 3, by=By.HER, until=MONDAY + timedelta(days=5), message_id="<2@lind.example>")
    waiting = next_at(advance(advance(wrote, happened(Word.REPLY, 3)), by_rule), mondays, days=4)
    assert (waiting.skips, waiting.at) == (True, a_week_on)
