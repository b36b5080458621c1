"""Which test is about which hard case of machine answers (21-38) and of what he says (46-54); those for later apart."""

from importlib import import_module

import pytest

from tests.stories.hard_cases import CASES

FOR_LATER = {35, 54}  # calendar answers and the mailto of List-Unsubscribe: nobody has asked for them yet
ELSEWHERE = {
    27: "stories.test_people_days.test_a_second_note_extends_and_never_shortens",
    28: "stories.test_people_days.test_an_absence_holds_all_conversations_with_him",
    29: "outreach.test_state.test_held_days_do_not_use_up_the_wait",
    38: "stories.test_never_again.test_an_autoresponder_that_never_rests_changes_one_thing_a_day",
    51: "stories.test_her_turn.test_a_question_waits_for_her_and_she_is_reminded_once",
}


def test_no_case_is_missing() -> None:
    told = {case.number for case in CASES} | ELSEWHERE.keys()
    assert told >= {*range(21, 39), *range(46, 55)} - FOR_LATER


@pytest.mark.parametrize("number", ELSEWHERE)
def test_a_case_has_its_test(number: int) -> None:
    module, _, name = ELSEWHERE[number].rpartition(".")
    assert callable(getattr(import_module(f"tests.{module}"), name))
