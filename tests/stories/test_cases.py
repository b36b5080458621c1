"""Which test is about which hard case of the mailbox: matching (1-20, 25), her own hand (55-61), reading (81-87).

A case without a test fails here, and so does a test that no longer names its case.
"""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
FOR_LATER = {57, 58, 59}  # folders and drafts as commands: nobody has asked for them yet

CASES = {
    1: "stories/test_matching_days.py::test_an_answer_to_her_own_letter",
    2: "stories/test_matching_days.py::test_an_answer_that_names_only_the_follow_up",
    3: "stories/test_matching_days.py::test_her_letter_stands_in_the_middle_of_references",
    4: "stories/test_matching_days.py::test_a_new_mail_of_his_in_any_mailbox",
    5: "stories/test_matching_days.py::test_a_newsletter_from_his_address",
    6: "stories/test_forwarded_days.py::test_a_private_address_is_proposed",
    7: "stories/test_forwarded_days.py::test_a_colleague_is_named_as_one",
    8: "stories/test_matching_days.py::test_a_colleague_at_a_public_provider_stops_nobody_else",
    9: "stories/test_matching_days.py::test_other_domains_of_a_company_are_not_guessed",
    10: "stories/test_forwarded_days.py::test_he_forwards_it_and_jane_writes_anew",
    11: "stories/test_matching_days.py::test_an_answer_in_which_she_is_only_a_blind_copy",
    12: "stories/test_matching_days.py::test_two_in_one_thread_are_one_conversation",
    13: "stories/test_matching_days.py::test_one_person_in_two_threads",
    14: "stories/test_matching_days.py::test_a_subject_alone_is_no_evidence",
    15: "stories/test_mailbox_days.py::test_moved_by_a_filter_before_we_looked",
    16: "stories/test_matching_days.py::test_an_answer_within_the_second_of_the_dot",
    17: "stories/test_matching_days.py::test_our_own_letter_coming_back",
    18: "stories/test_matching_days.py::test_two_answers_without_a_message_id",
    19: "stories/test_matching_days.py::test_a_forged_answer_pauses_and_suppresses_only_him",
    20: "stories/test_matching_days.py::test_a_wrong_date_in_his_answer",
    25: "stories/test_matching_days.py::test_an_absence_note_that_is_a_mail_of_its_own",
    55: "stories/test_her_hand.py::test_she_answers_him_from_her_phone",
    56: "stories/test_her_hand.py::test_she_writes_about_something_else",
    60: "stories/test_her_hand.py::test_she_writes_to_a_group_in_which_he_is_a_copy",
    61: "stories/test_her_hand.py::test_an_absence_and_her_own_hold",
    81: "stories/test_mailbox_days.py::test_blind_means_silent",
    82: "stories/test_mailbox_days.py::test_nothing_new_is_nothing_read",
    83: "edge/test_imap_idle.py::test_a_server_that_does_not_answer_done_is_left",
    84: "servers/test_main_job.py::test_her_mailbox_is_left_as_it_was",
    85: "stories/test_mailbox_days.py::test_thousands_of_old_mails_are_history",
    86: "edge/test_imap_answers.py::test_sent_by_its_mark_then_by_its_name",
    87: "stories/test_mailbox_days.py::test_mail_of_others_stays_unread",
}


def test_no_case_is_missing() -> None:
    asked = {*range(1, 21), 25, *range(55, 62), *range(81, 88)}
    assert CASES.keys() == asked - FOR_LATER


@pytest.mark.parametrize("number", CASES)
def test_the_test_of_a_case_names_it(number: int) -> None:
    path, _, name = CASES[number].partition("::")
    tree = ast.parse((TESTS / path).read_text())
    functions = (each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))
    docstring = next((ast.get_docstring(each) or "" for each in functions if each.name == name), None)
    assert docstring is not None, f"{CASES[number]} is gone"
    named = re.match(r"Cases? ([\d, ]+)", docstring)
    assert named, f"{CASES[number]} does not say which case it is"
    assert number in map(int, re.findall(r"\d+", named[1]))
