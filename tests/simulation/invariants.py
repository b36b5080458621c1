"""The invariants, each a function named after the promise it guards; None where it holds, else what broke it.

Numbers are those of the list in which they were first written down. The judge calls each with itself and the case.
"""

from collections.abc import Callable, Mapping

from tests.simulation import at_a_commit, at_the_dot, at_the_machine, dates, in_the_end, never, taking_over, ties, told

Invariant = Callable[..., str | None]

INVARIANTS: Mapping[str, tuple[Invariant, ...]] = {
    "dot": (
        at_the_dot.i1_a_release_gives_another_id,
        at_the_dot.i1_no_letter_under_another_name,
        at_the_dot.i2_never_after_an_answer,
        at_the_dot.i2_look_between_recipient_and_dot,
        at_the_dot.i6_steps_in_order,
        dates.i7_the_wait_has_passed,
        dates.i7_inside_the_hours,
        dates.i7_only_if,
        at_the_dot.i7_limits,
        at_the_dot.i7_between_sequences,
        at_the_dot.i7_put_off,
        at_the_dot.i7_her_server_lets_it_go,
        at_the_dot.i7_brake,
        at_the_dot.i7_a_leap_asks_her,
        at_the_dot.i7_an_old_copy_asks_her,
        ties.i7_one_letter_at_a_time,
        ties.i7_priority,
        taking_over.i8_the_proposed_are_hers_to_enrol,
        taking_over.i8_the_place_is_taken,
        at_the_dot.i8_her_word,
        at_the_dot.i8_refused_is_hers,
        at_the_dot.i8_never_again,
        ties.i8_nobody_who_opted_out,
        ties.i8_company,
        at_the_dot.i8_never_again_after_a_restore,
        at_the_dot.i8_away,
        at_the_dot.i10_intent_before_dot,
        at_the_dot.i18_one_process,
        at_the_dot.letter_complete,
    ),
    "envelope": (never.nobody_of_the_suppressed,),
    "forgotten": (never.nothing_is_left,),
    "notice": (told.told_to_her_alone, told.told_once),
    "taken": (at_the_dot.i1_never_twice,),
    "reading": (at_a_commit.i11_no_intent_is_left_open,),
    "commit": (
        at_a_commit.i1_nobody_is_enrolled_twice,
        at_a_commit.i3_an_opt_out_is_remembered,
        ties.i8_no_public_company,
        at_a_commit.i3_nothing_is_rewritten,
        at_a_commit.i5_every_event_says_why,
        at_a_commit.i5_no_fault_of_ours,
        dates.i7_dates_agree,
        at_a_commit.i11_every_intent_ends_once,
        at_a_commit.i13_marked_sent_was_accepted,
        at_a_commit.i13_put_off_was_not_taken,
        at_a_commit.i14_verdict_is_the_truth,
        at_a_commit.i14_an_answer_counts_wherever_he_is_written_to,
        at_a_commit.i16_cursor_behind_verdicts,
        at_a_commit.law_1,
    ),
    "restart": (at_a_commit.i17_acknowledged_is_there,),
    "enrolled": (at_a_commit.p1_enrolment_sees_open_answers,),
    "release": (at_a_commit.i12_she_is_not_asked_what_sent_shows,),
    "drop": (at_a_commit.i12_she_is_not_asked_what_sent_shows,),
    "append": (at_a_commit.i21_copy_of_what_was_sent,),
    "fetch": (at_a_commit.p5_no_strangers_mail,),
    "bite": (at_the_machine.i22_what_goes_on_is_left_alone,),
    "hang": (at_the_machine.i22_what_hangs_is_ended,),
    "late stop": (at_the_machine.i23_it_stops_in_time,),
    "calm": (in_the_end.i9_sees_or_says_so,),
    "end": (
        in_the_end.i4_nothing_is_stuck,
        in_the_end.i12_evidence_is_used,
        in_the_end.i14_every_answer_is_noted,
        in_the_end.i21_one_copy_each,
        in_the_end.state_is_the_fold,
        told.told_in_the_end,
    ),
}
