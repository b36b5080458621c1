"""When a deferred letter is tried again, and when it is given up."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from inboxagent.outreach.outbox import GIVE_UP_AFTER, Outcome, Phase, back_off, gives_up
from inboxagent.outreach.replies import read_break
from tests.outreach.test_replies import DAY, HOUR, MINUTE, OUTCOMES, read


def pauses(outcome: Outcome, tries: int = 7) -> list[timedelta]:
    return [back_off(outcome, number) for number in range(1, tries + 1)]


def test_an_unreachable_server_is_tried_after_1_5_15_60_minutes_then_hourly() -> None:
    outcome = read_break(Phase.CONNECT, "refused")
    assert pauses(outcome, 6) == [MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, HOUR, HOUR]


def test_a_log_in_that_is_away_is_tried_from_five_minutes_on() -> None:
    assert pauses(read("auth", "454 4.7.0 later"), 4) == [5 * MINUTE, 15 * MINUTE, HOUR, HOUR]


def test_a_day_stays_a_day() -> None:
    assert set(pauses(read("rcpt", "550 5.4.5 enough"))) == {DAY}


def test_a_greylisted_letter_doubles_from_15_minutes_to_4_hours() -> None:
    waits = pauses(read("rcpt", "451 4.7.1 greylisted"), 7)
    assert waits == [15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 4 * HOUR, 4 * HOUR]


@given(OUTCOMES, st.integers(-5, 10**6))
def test_a_pause_never_shrinks(outcome: Outcome, tries: int) -> None:
    assert (outcome.retry_after or MINUTE) <= back_off(outcome, tries) <= back_off(outcome, tries + 1) <= DAY


def test_a_letter_gives_up_after_three_days() -> None:
    greylisted = read("rcpt", "451 4.7.1 greylisted")
    assert not gives_up(greylisted, 100, GIVE_UP_AFTER - MINUTE)
    assert gives_up(greylisted, 1, GIVE_UP_AFTER)


def test_a_refusal_that_says_nothing_gives_up_after_three_tries() -> None:
    silent = read("rcpt", "550 5.5.0 error")
    assert [gives_up(silent, tries, HOUR) for tries in (1, 2, 3, 4)] == [False, False, True, True]


def test_what_concerns_the_account_never_gives_a_letter_up() -> None:
    assert not gives_up(read_break(Phase.CONNECT, "refused"), 1_000, 30 * DAY)
