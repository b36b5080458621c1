"""The life of a conversation: the whole transition table, the two laws, holds, and whose turn it is."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import reduce
from itertools import product

import pytest

from inboxagent.outreach.events import By, Event, Word
from inboxagent.outreach.fold import advance, begin, fold
from inboxagent.outreach.state import TRANSITIONS, Conversation, State
from tests.fakes.people import MONDAY, enrolled, happened, mail

# What each event makes of each state where it counts fully: a dead address, her own command. `.` is no change.
TABLE = """
              waiting   held      finished  answered  stopped
reply         answered  answered  answered  .         .
not_now       held      .         answered  .         .
promise       held      .         answered  .         .
refusal       stopped   stopped   stopped   stopped   .
finished      finished  .         .         .         .
resumed       .         waiting   .         waiting   waiting
bounce        stopped   stopped   stopped   stopped   .
refused       stopped   stopped   stopped   stopped   .
unsubscribe   stopped   stopped   stopped   stopped   .
suppressed    stopped   stopped   stopped   stopped   .
stopped       stopped   stopped   stopped   stopped   .
won           stopped   stopped   stopped   stopped   .
lost          stopped   stopped   stopped   stopped   .
task          .         .         .         .         .
done          .         .         .         .         .
skipped       .         .         .         .         .
held          held      .         .         .         .
auto_reply    held      .         .         .         .
enrolled      .         .         .         .         .
intent        .         .         .         .         .
sent          .         .         .         .         .
deferred      .         .         .         .         .
uncertain     .         .         .         .         .
released      .         .         .         .         .
dropped       .         .         .         .         .
own_mail      .         .         .         .         .
delayed       .         .         .         .         .
note          .         .         .         .         .
proposed      .         .         .         .         .
"""

INTENT = happened(Word.INTENT, 0.1, step="nudge", message_id="<2@lind.example>", mail=mail(2), text="A letter.")
WAYS = {
    State.WAITING: [],
    State.HELD: [happened(Word.HELD, 0.5, until=MONDAY + timedelta(days=3))],
    State.FINISHED: [happened(Word.FINISHED, 0.5)],
    State.ANSWERED: [happened(Word.REPLY, 0.5, message_id="<r@prospect.test>")],
    State.STOPPED: [happened(Word.STOPPED, 0.5, by=By.HER)],
}


def reach(state: State) -> Conversation:
    """A conversation in this state, reached in the plainest way."""
    conversation = fold("c1", [enrolled(), *WAYS[state]])
    assert conversation.state is state
    return conversation


def rows() -> Iterator[tuple[State, Word, State]]:
    """Every cell of the table."""
    head, *lines = TABLE.strip().splitlines()
    for line in lines:
        word, *cells = line.split()
        for state, cell in zip(head.split(), cells, strict=True):
            yield State(state), Word(word), State(state if cell == "." else cell)


def variants() -> list[Event]:
    """Every word, by everybody, with and without a verdict on the address and a date."""
    dates = (None, MONDAY + timedelta(days=3))
    return [
        happened(word, 5, by=by, permanent=permanent, until=until, step="nudge")
        for word, by, permanent, until in product(Word, (By.AGENT, By.HER), (None, False, True), dates)
    ]


def lives(depth: int) -> Iterator[tuple[Conversation, Event, Conversation]]:
    """Every step of every life up to so many events: before, event, after."""
    words = [happened(word, 1, by=By.HER, permanent=True, step="nudge") for word in Word if word is not Word.INTENT]
    words += [INTENT, happened(Word.RESUMED), happened(Word.RESUMED, 4), happened(Word.BOUNCE, permanent=False)]
    words += [happened(Word.REFUSED, permanent=False), WAYS[State.HELD][0]]
    level = [begin("c1", enrolled())]
    for _ in range(depth):
        steps = [(before, event, advance(before, event)) for before in level for event in words]
        yield from steps
        level = [after for _, _, after in steps]


def test_the_table_here_names_every_pair() -> None:
    assert len(list(rows())) == len(State) * len(Word)
    assert {(state, word) for state, word, _ in rows()} == set(product(State, Word))


@pytest.mark.parametrize(("state", "word", "expected"), list(rows()))
def test_every_event_in_every_state(state: State, word: Word, expected: State) -> None:
    event = happened(word, 5, by=By.HER, permanent=True, message_id="<e@prospect.test>")
    after = advance(reach(state), event)
    assert after.state is expected
    assert after.events[-1] == event
    assert "<e@prospect.test>" in after.judged


def test_the_law_names_nothing_that_changes_nothing() -> None:
    told: dict[tuple[State, Word], State] = {
        (state, word): after for state, word, after in rows() if after is not State.HELD
    }
    assert all(told[pair] is after for pair, after in TRANSITIONS.items())
    assert {pair for pair, after in told.items() if after is not pair[0]} <= set(TRANSITIONS)


@pytest.mark.parametrize("word", [Word.BOUNCE, Word.REFUSED])
@pytest.mark.parametrize("permanent", [None, False])
@pytest.mark.parametrize("state", State)
def test_an_address_that_may_live_stops_nothing(state: State, word: Word, permanent: bool | None) -> None:
    after = advance(reach(state), happened(word, permanent=permanent))
    held = state is State.WAITING and word is Word.REFUSED  # a refused letter waits for her
    assert after.state is (State.HELD if held else state)
    assert not after.final


@pytest.mark.parametrize("ending", [Word.UNSUBSCRIBE, Word.SUPPRESSED, Word.REFUSAL, Word.BOUNCE, Word.REFUSED])
@pytest.mark.parametrize("state", State)
def test_law_1_nothing_leaves_stopped_for_good(state: State, ending: Word) -> None:
    ended = advance(reach(state), happened(ending, permanent=ending in (Word.BOUNCE, Word.REFUSED) or None))
    assert ended.final
    for event in variants():
        after = advance(ended, event)
        assert after.state is State.STOPPED
        assert after.final


def test_what_she_stopped_she_may_resume() -> None:
    stopped = reach(State.STOPPED)
    assert not stopped.final
    assert advance(stopped, happened(Word.RESUMED, by=By.HER)).state is State.WAITING


def test_a_passing_fault_does_not_make_her_own_stop_final() -> None:
    stopped = advance(reach(State.STOPPED), happened(Word.BOUNCE))
    assert advance(stopped, happened(Word.RESUMED, by=By.HER)).state is State.WAITING


def test_law_2_only_a_date_or_her_command_leads_back_to_waiting() -> None:
    for before, event, after in lives(3):
        if before.state is State.WAITING or after.state is not State.WAITING:
            continue
        her_command = event.word is Word.RESUMED and event.by is By.HER
        date = before.held_until
        date_has_come = event.word is Word.RESUMED and date is not None and date <= event.at
        known_now = before.uncertain and not after.uncertain and not before.holds
        assert her_command or date_has_come or known_now, (before.events, event)


@pytest.mark.parametrize("state", [State.ANSWERED, State.STOPPED, State.FINISHED])
def test_the_agent_cannot_resume_what_waits_for_her(state: State) -> None:
    resumed = happened(Word.RESUMED, 9, by=By.AGENT)
    assert advance(reach(state), resumed).state is state
    assert advance(reach(state), resumed).clock_at == reach(state).clock_at
    paused = advance(reach(State.HELD), happened(Word.HELD, by=By.HER))
    assert advance(paused, resumed).state is State.HELD


def test_the_agent_cannot_resume_before_the_date() -> None:
    held = reach(State.HELD)
    assert advance(held, happened(Word.RESUMED, 2.9)).state is State.HELD
    assert advance(held, happened(Word.RESUMED, 3)).state is State.WAITING


def test_every_life_folds_as_it_was_lived() -> None:
    for _, _, after in lives(2):
        assert fold("c1", after.events) == after
        assert reduce(advance, after.events[1:], begin("c1", after.events[0])) == after


def test_what_is_true_in_every_life() -> None:
    for before, event, after in lives(3):
        assert after.events == (*before.events, event)
        assert after.ids >= before.ids
        assert after.judged >= before.judged
        assert after.touches >= before.touches
        assert after.passed[: len(before.passed)] == before.passed
        assert len(set(after.passed)) == len(after.passed)
        assert not (after.final and after.state is not State.STOPPED)
        if after.state in (State.WAITING, State.HELD):
            assert (after.state is State.HELD) == bool(after.holds or after.uncertain)
        assert not (after.uncertain and after.pending is None)
        moves_by_itself = after.state in (State.WAITING, State.FINISHED) or (
            after.state is State.HELD and after.held_until is not None
        )
        assert after.court == ("his" if moves_by_itself else "hers")


def test_a_conversation_begins_with_what_was_known() -> None:
    event = enrolled()
    conversation = begin("c1", event)
    assert conversation.state is State.WAITING
    assert conversation.because == "she enrolled the thread"
    assert conversation.touches == 1
    assert conversation.latest == mail(1)
    assert conversation.clock_at == MONDAY
    assert conversation.ids == {"<1@lind.example>"}
    assert "<0@prospect.test>" in conversation.judged


def test_without_a_touch_the_wait_runs_from_the_enrolment() -> None:
    event = enrolled()
    assert event.enrolment is not None
    new = replace(event, enrolment=replace(event.enrolment, last_touch_at=None, touches=0, latest=None, thread=()))
    assert begin("c1", new).clock_at == event.at


@pytest.mark.parametrize("event", [happened(Word.REPLY), happened(Word.ENROLLED)])
def test_nothing_else_begins_a_conversation(event: Event) -> None:
    with pytest.raises(ValueError, match="enrolled"):
        begin("c1", event)
    with pytest.raises(ValueError):
        fold("c1", [])


# -- holds ------------------------------------------------------------------------------------------------------


def test_the_latest_date_ends_the_hold() -> None:
    sooner, later = MONDAY + timedelta(days=3), MONDAY + timedelta(days=8)
    for first, second in ((sooner, later), (later, sooner)):
        held = fold("c1", [enrolled(), happened(Word.HELD, until=first), happened(Word.AUTO_REPLY, 2, until=second)])
        assert held.held_until == later
        assert held.court == "his"


def test_a_hold_without_a_date_waits_for_her_whatever_else_holds() -> None:
    dated = happened(Word.AUTO_REPLY, until=MONDAY + timedelta(days=3))
    for events in ([dated, happened(Word.HELD)], [happened(Word.HELD), dated]):
        held = fold("c1", [enrolled(), *events])
        assert held.held_until is None
        assert held.court == "hers"


def test_held_days_do_not_use_up_the_wait() -> None:
    held = fold("c1", [enrolled(), happened(Word.AUTO_REPLY, 2, until=MONDAY + timedelta(days=9))])
    resumed = advance(held, happened(Word.RESUMED, 9))
    assert resumed.clock_at == MONDAY + timedelta(days=7)
    assert resumed.holds == ()


@pytest.mark.parametrize("word", [Word.NOT_NOW, Word.PROMISE])
def test_where_he_named_the_day_the_held_days_use_up_the_wait(word: Word) -> None:
    held = fold("c1", [enrolled(), happened(word, 2, until=MONDAY + timedelta(days=60), step="again")])
    assert (held.state, held.held_until, held.court) == (State.HELD, MONDAY + timedelta(days=60), "his")
    resumed = advance(held, happened(Word.RESUMED, 60))
    assert (resumed.clock_at, resumed.not_before, resumed.again) == (MONDAY, held.holds[0], "again")


def test_what_he_asks_for_after_an_answer_changes_nothing_until_she_resumes() -> None:
    answered = advance(reach(State.ANSWERED), happened(Word.NOT_NOW, 2, until=MONDAY + timedelta(days=9)))
    assert (answered.state, answered.court) == (State.ANSWERED, "hers")
    assert advance(answered, happened(Word.RESUMED, 9)).state is State.ANSWERED


def test_her_resume_begins_the_wait_anew() -> None:
    for state in (State.HELD, State.ANSWERED, State.STOPPED):
        resumed = advance(reach(state), happened(Word.RESUMED, 6, by=By.HER))
        assert resumed.clock_at == MONDAY + timedelta(days=6)
        assert resumed.because == "a test of resumed"


def test_a_hold_of_what_is_answered_is_kept_for_when_it_goes_on() -> None:
    answered = advance(reach(State.ANSWERED), happened(Word.AUTO_REPLY, 2, until=MONDAY + timedelta(days=9)))
    assert answered.state is State.ANSWERED
    assert answered.held_until == MONDAY + timedelta(days=9)
    assert answered.because == reach(State.ANSWERED).because, "what he answered"
    assert advance(answered, happened(Word.RESUMED, 3, by=By.HER)).holds == ()


@pytest.mark.parametrize("state", [State.FINISHED, State.STOPPED])
def test_what_is_over_is_not_held(state: State) -> None:
    assert advance(reach(state), happened(Word.AUTO_REPLY, 2, until=MONDAY + timedelta(days=9))).holds == ()


# -- a send -----------------------------------------------------------------------------------------------------


def test_a_letter_that_went_is_a_touch() -> None:
    sent = fold("c1", [enrolled(), INTENT, happened(Word.SENT, 0.2, step="nudge", message_id="<2@lind.example>")])
    assert (sent.touches, sent.passed, sent.pending) == (2, ("nudge",), None)
    assert sent.clock_at == MONDAY + timedelta(days=0.2)
    assert sent.latest == mail(2)
    assert sent.letters == ("A letter.",)
    assert "<2@lind.example>" in sent.ids


def test_a_letter_nobody_knows_about_holds_until_it_is_known() -> None:
    uncertain = fold("c1", [enrolled(), INTENT, happened(Word.UNCERTAIN, 0.2)])
    assert uncertain.state is State.HELD
    assert uncertain.held_until is None
    assert uncertain.court == "hers"
    assert uncertain.passed == ()
    outcomes = {Word.SENT: ("nudge",), Word.DROPPED: ("nudge",), Word.RELEASED: ()}
    for word, passed in outcomes.items():
        after = advance(uncertain, happened(word, 3, step="nudge"))
        assert after.state is State.WAITING
        assert after.pending is None
        assert after.passed == passed


def test_her_resume_does_not_make_an_uncertain_letter_certain() -> None:
    uncertain = fold("c1", [enrolled(), INTENT, happened(Word.UNCERTAIN, 0.2), happened(Word.REPLY, 0.3)])
    resumed = advance(uncertain, happened(Word.RESUMED, 1, by=By.HER))
    assert resumed.state is State.HELD
    assert resumed.pending is not None


def test_a_released_step_is_another_attempt() -> None:
    once = fold("c1", [enrolled(), INTENT, happened(Word.UNCERTAIN, 0.2), happened(Word.RELEASED, 1, step="nudge")])
    assert once.attempts == {"nudge": 1}
    twice = reduce(advance, [INTENT, happened(Word.UNCERTAIN, 2), happened(Word.RELEASED, 3, step="nudge")], once)
    assert twice.attempts == {"nudge": 2}


def test_a_dropped_letter_may_have_gone_so_the_wait_runs_from_its_try() -> None:
    dropped = fold("c1", [enrolled(), INTENT, happened(Word.UNCERTAIN, 0.2), happened(Word.DROPPED, 5, step="nudge")])
    assert dropped.clock_at == INTENT.at


def test_put_off_letters_are_counted_until_one_goes() -> None:
    until = MONDAY + timedelta(days=1)
    events = [
        enrolled(),
        INTENT,
        happened(Word.DEFERRED, 0.2, until=until),
        INTENT,
        happened(Word.DEFERRED, 0.4, until=until),
    ]
    off = fold("c1", events)
    assert (off.deferrals, off.deferred_since, off.state) == (2, MONDAY + timedelta(days=0.2), State.WAITING)
    went = reduce(advance, [INTENT, happened(Word.SENT, 2, step="nudge")], off)
    assert (went.deferrals, went.deferred_since, went.retry_at) == (0, None, None)


def test_her_own_mail_moves_the_clock_and_is_answered_to() -> None:
    after = advance(reach(State.WAITING), happened(Word.OWN_MAIL, 2, mail=mail(3, MONDAY + timedelta(days=2))))
    assert after.clock_at == MONDAY + timedelta(days=2)
    assert after.touches == 2
    assert after.latest is not None
    assert after.latest.message_id == "<3@lind.example>"
    assert "<3@lind.example>" in after.ids


def test_an_older_mail_seen_late_is_not_answered_to() -> None:
    late = happened(Word.OWN_MAIL, 1, mail=mail(3, MONDAY - timedelta(days=9)))
    after = advance(reach(State.WAITING), replace(late, at=MONDAY - timedelta(days=9)))
    assert after.latest == mail(1)
    assert after.clock_at == MONDAY


def test_a_late_delivery_moves_the_clock() -> None:
    after = advance(reach(State.WAITING), happened(Word.DELAYED, 2))
    assert after.clock_at == MONDAY + timedelta(days=2)


def test_soft_bounces_are_counted_until_she_resumes() -> None:
    bounced = reduce(advance, [happened(Word.BOUNCE), happened(Word.BOUNCE, 2)], reach(State.WAITING))
    assert bounced.soft_bounces == 2
    assert advance(bounced, happened(Word.RESUMED, 3, by=By.HER)).soft_bounces == 0


@pytest.mark.parametrize(
    ("state", "court"),
    [(State.WAITING, "his"), (State.HELD, "his"), (State.FINISHED, "his"), (State.ANSWERED, "hers")],
)
def test_whose_turn_it_is(state: State, court: str) -> None:
    assert reach(state).court == court
    assert reach(State.STOPPED).court == "hers"
