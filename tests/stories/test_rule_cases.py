"""Which test is about which hard case of the rules: when to send (62-72), what they say he meant, what they lack (75).

A case without a test fails here, and so does a test that no longer names its case.
"""

import re
from importlib import import_module

import pytest

CASES = {
    7: "stories.test_wish_days.test_case_7_colleagues_are_held_where_the_rule_says_so",
    8: "stories.test_wish_days.test_case_8_people_at_a_public_provider_are_no_company",
    30: "stories.test_wish_days.test_case_30_who_has_left_names_somebody",
    32: "stories.test_wish_days.test_case_32_a_receipt_of_a_service_desk",
    46: "stories.test_wish_days.test_case_46_a_no_is_not_for_ever_where_the_rule_says_so",
    47: "stories.test_wish_days.test_case_47_not_now_in_may",
    50: "stories.test_wish_days.test_case_50_a_promise_and_the_step_for_those_who_forget_it",
    60: "stories.test_wish_days.test_case_60_a_copy_to_him_counts_by_rule",
    62: "outreach.test_schedule.test_sunday_night_becomes_monday_in_the_window_with_minutes_from_a_hash",
    63: "outreach.test_schedule.test_the_zone_is_the_prospects",
    64: "outreach.test_workdays.test_a_letter_never_leaves_on_a_holiday_of_either",
    65: "outreach.test_workdays.test_her_absence_moves_it_behind",
    66: "stories.test_wish_days.test_case_66_two_sequences_on_one_morning",
    67: "stories.test_limits.test_a_day_is_full",
    68: "stories.test_limits.test_a_day_is_full",
    69: "cli.test_run.test_an_edited_file_is_taken_by_the_running_daemon_and_a_broken_one_is_not",
    70: "stories.test_limits.test_the_clock_jumps_back",
    71: "outreach.test_schedule.test_the_first_step_obeys_the_window_too",
    72: "stories.test_rule_days.test_the_last_step_hands_on_to_another_sequence",
    75: "stories.test_rule_days.test_who_lacks_what_the_next_sequence_needs_is_not_even_enrolled",
}


def test_no_case_is_missing() -> None:
    assert CASES.keys() >= {*range(62, 73), 75}


@pytest.mark.parametrize("number", CASES)
def test_a_case_has_its_test(number: int) -> None:
    module, _, name = CASES[number].rpartition(".")
    told = f"{name} {getattr(import_module(f'tests.{module}'), name).__doc__ or ''}"
    assert re.search(rf"[Cc]ases?[ _](?:\d+, )*{number}(?!\d)", told), f"{name} does not say which case it is"
