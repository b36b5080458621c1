"""The hard cases of bounces, dates and letters, and the crash points, by name: for each the tests that show it.

Sections 3, 6 and 7 of the hard cases are 39 to 45 and 62 to 80; C1 to C23 are the points at which a process may die.
"""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]

CASES = {
    "Case 39": [
        "stories/test_doubt.py::test_a_report_that_his_address_is_dead",
        "stories/test_doubt.py::test_a_report_on_it",
    ],
    "Case 40": ["stories/test_doubt.py::test_a_delay_and_the_failure_in_the_end"],
    "Case 41": ["stories/test_doubt.py::test_the_mailbox_of_him_is_full_twice"],
    "Case 42": [
        "stories/test_server_says_no.py::test_two_policy_refusals_stop_the_day",
        "stories/test_server_says_no.py::test_two_policy_refusals_that_come_as_reports_stop_the_day",
    ],
    "Case 43": [
        "stories/test_doubt.py::test_backscatter",
        "stories/test_server_says_no.py::test_reports_that_name_no_letter_of_ours_stop_nobody",
    ],
    "Case 44": ["stories/test_doubt.py::test_refused_at_rcpt"],
    "Case 45": ["stories/test_server_says_no.py::test_the_quota_moves_everything_to_tomorrow_with_one_word_about_it"],
    "Case 62": [
        "outreach/test_schedule.py::test_sunday_night_becomes_monday_in_the_window_with_minutes_from_a_hash",
    ],
    "Case 63": [
        "outreach/test_schedule.py::test_the_zone_is_the_prospects",
        "outreach/test_decide.py::test_whose_hours_they_are",
    ],
    "Case 64": ["outreach/test_workdays.py::test_a_letter_never_leaves_on_a_holiday_of_either"],
    "Case 65": ["outreach/test_workdays.py::test_her_absence_moves_it_behind"],
    "Case 66": [
        "stories/test_wish_days.py::test_case_66_two_sequences_on_one_morning",
        "stories/test_server_says_no.py::test_two_sequences_of_one_person_keep_a_day_apart",
    ],
    "Case 67": ["stories/test_limits.py::test_a_day_is_full"],
    "Case 68": ["stories/test_limits.py::test_a_day_is_full"],
    "Case 69": [
        "cli/test_run.py::test_an_edited_file_is_taken_by_the_running_daemon_and_a_broken_one_is_not",
        "outreach/test_decide.py::test_the_next_step_of_an_edited_file",
        "stories/test_edited_days.py::test_a_longer_wait_moves_the_date_that_is_ahead",
    ],
    "Case 70": [
        "stories/test_limits.py::test_the_clock_jumps_back",
        "stories/test_limits.py::test_the_clock_is_put_forward_by_far",
    ],
    "Case 71": ["outreach/test_schedule.py::test_the_first_step_obeys_the_window_too"],
    "Case 72": ["stories/test_rule_days.py::test_the_last_step_hands_on_to_another_sequence"],
    "Case 73": ["stories/test_letter_days.py::test_it_answers_the_newest_letter_and_names_the_whole_thread"],
    "Case 74": [
        "stories/test_letter_days.py::test_his_reply_to_is_where_the_next_letter_goes",
        "stories/test_letter_days.py::test_the_copy_that_she_added_stays",
    ],
    "Case 75": [
        "stories/test_rule_days.py::test_who_lacks_what_the_next_sequence_needs_is_not_even_enrolled",
        "stories/test_letter_days.py::test_a_field_that_is_missing_is_never_left_blank",
        "stories/test_letter_days.py::test_a_field_with_a_fallback_is_filled",
    ],
    "Case 76": [
        "mail/test_letters.py::test_names_subjects_and_texts_of_any_script_come_back_as_they_were",
        "stories/test_enclosed_days.py::test_the_message_that_is_answered_is_quoted_where_the_rule_says_so",
    ],
    "Case 77": [
        "stories/test_doubt.py::test_exactly_one_copy_in_sent",
        "stories/test_doubt.py::test_a_letter_that_an_answer_proves_gets_its_copy",
        "stories/test_letter_days.py::test_a_server_that_files_its_own_is_learnt",
    ],
    "Case 78": ["cli/test_side_by_side.py::test_two_daemons_and_a_command_send_each_letter_once"],
    "Case 79": ["stories/test_doubt.py::test_a_copy_that_the_server_filed"],
    "Case 80": ["stories/test_enclosed_days.py::test_a_file_that_is_missing_keeps_the_letter_back"],
}

GOES_OUT = "stories/test_crash_points.py::test_killed_while_a_letter_goes_out"
POINTS = {
    "C1": ["stories/test_crash_points.py::test_killed_while_mailboxes_are_read"],
    "C2": ["stories/test_crash_points.py::test_killed_while_mailboxes_are_read"],
    "C3": [GOES_OUT],
    "C4": [GOES_OUT],
    "C5": [GOES_OUT],
    "C6": ["stories/test_crash_points.py::test_killed_after_the_look_found_an_answer"],
    "C7": [GOES_OUT],
    "C8": [GOES_OUT],
    "C9": ["cli/test_crash_points.py::test_killed_while_it_waits_for_the_answer_to_the_dot"],
    "C10": ["cli/test_crash_points.py::test_killed_while_it_waits_for_the_answer_to_the_dot", GOES_OUT],
    "C11": ["cli/test_crash_points.py::test_killed_between_the_250_and_its_record", GOES_OUT],
    "C12": [GOES_OUT],
    "C13": [GOES_OUT],
    "C14": [GOES_OUT],
    "C15": [GOES_OUT],
    "C16": ["stories/test_crash_points.py::test_killed_when_evidence_was_found"],
    "C17": ["cli/test_crash_points.py::test_killed_in_a_compaction"],
    "C18": ["cli/test_crash_points.py::test_a_command_is_killed"],
    "C19": ["cli/test_crash_points.py::test_a_command_is_killed"],
    "C20": ["edge/store/test_powercut.py::test_every_disk_a_power_cut_may_leave_opens_to_what_was_acknowledged"],
    "C21": ["stories/test_restored.py::test_letters_that_the_state_forgot_are_not_sent_again"],
    "C22": ["cli/test_side_by_side.py::test_two_daemons_and_a_command_send_each_letter_once"],
    "C23": [
        "stories/test_crash_points.py::test_suspended_between_body_and_dot",
        "stories/test_crash_points.py::test_suspended_after_the_dot",
    ],
}


def test_no_number_is_missing() -> None:
    assert list(CASES) == [f"Case {number}" for number in (*range(39, 46), *range(62, 81))]
    assert list(POINTS) == [f"C{number}" for number in range(1, 24)]


@pytest.mark.parametrize(("name", "test"), [(name, test) for name, tests in (CASES | POINTS).items() for test in tests])
def test_it_is_shown(name: str, test: str) -> None:
    """The test exists, and its first words say what it shows."""
    path, _, function = test.partition("::")
    tree = ast.parse((TESTS / path).read_text("utf-8"))
    shown = [each for each in tree.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
    (docstring,) = (ast.get_docstring(each) for each in shown if each.name == function)
    assert docstring is not None
    named = re.findall(r"\bC?\d+\b", docstring.partition(":")[0])
    assert name.removeprefix("Case ") in named
