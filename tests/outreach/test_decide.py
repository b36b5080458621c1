"""The one next thing to do: every action, edited rule files, windows, retries, holds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from inboxagent.outreach.decide import Finish, Hold, Rest, Resume, Send, Wait, decide, next_step, outlook, zone_of
from inboxagent.outreach.events import By, Event, Word
from inboxagent.outreach.fold import fold
from inboxagent.outreach.hours import Hours
from inboxagent.outreach.model import Me
from inboxagent.outreach.sequence import Sequence, Step
from inboxagent.outreach.state import Conversation
from inboxagent.outreach.waits import Unit
from inboxagent.outreach.waits import Wait as Span
from tests.fakes.people import MONDAY, enrolled, happened, mail

HOME = Me(name="Maya Lind", address="maya@lind.example")
OFFICE = Hours(days=frozenset(range(5)), between=((9 * 60, 12 * 60), (14 * 60, 17 * 60)))


def sequence(words: str = "nudge question last", days: int = 3, hours: Hours = Hours()) -> Sequence:  # noqa: B008
    """Steps with these words, each so many days after the touch before it."""
    wait = Span(amount=days, unit=Unit.DAY)
    steps = tuple(Step(word=word, wait=wait, letter="Hello.") for word in words.split())
    return Sequence(name="proposal", title="Proposal", steps=steps, hours=hours)


def intent(step: str, days: float) -> Event:
    """An intent so many days after Monday."""
    return happened(Word.INTENT, days, step=step, message_id=f"<{step}@lind.example>", mail=mail(2), attempt=0)


def after(*events: Event, start: str | None = None) -> Conversation:
    """Anna's conversation after these events."""
    first = enrolled()
    assert first.enrolment is not None
    return fold("c1", [replace(first, enrolment=replace(first.enrolment, start=start)), *events])


def sent(*steps: str) -> list[Event]:
    """These steps went, a day apart."""
    return [
        event
        for day, step in enumerate(steps, 1)
        for event in (intent(step, day), happened(Word.SENT, day, step=step, message_id=f"<{step}@lind.example>"))
    ]


def at(days: float) -> datetime:
    """So many days after Monday 09:00."""
    return MONDAY + timedelta(days=days)


UNTIL = at(2)
HELD = happened(Word.HELD, 0.5, until=UNTIL)


@pytest.mark.parametrize(
    ("events", "days", "action"),
    [
        ([], 0, Wait(at=at(3), step="nudge", because="3 days after Mon 2 Nov 09:00")),
        ([], 3, Send(step=sequence().steps[0], attempt=0, due_at=at(3), because="3 days after Mon 2 Nov 09:00")),
        ([], 9, Send(step=sequence().steps[0], attempt=0, due_at=at(3), because="3 days after Mon 2 Nov 09:00")),
        (sent("nudge"), 1, Wait(at=at(4), step="question", because="3 days after Tue 3 Nov 09:00")),
        (sent("nudge", "question", "last"), 3, Finish(because="all steps of proposal are over and no answer came")),
        ([happened(Word.REPLY)], 9, Rest(because="a test of reply")),
        ([happened(Word.STOPPED)], 9, Rest(because="a test of stopped")),
        ([happened(Word.UNSUBSCRIBE)], 9, Rest(because="a test of unsubscribe")),
        ([*sent("nudge", "question", "last"), happened(Word.FINISHED, 3)], 9, Rest(because="a test of finished")),
        ([HELD], 1, Rest(because="a test of held", until=UNTIL)),
        ([HELD], 2, Resume(because="held until Wed 04 Nov 2026 09:00 UTC, and that has come")),
        ([HELD, happened(Word.HELD)], 9, Rest(because="a test of held")),
        ([happened(Word.HELD)], 99, Rest(because="a test of held")),
        ([intent("nudge", 3)], 9, Rest(because="nobody knows yet what became of `nudge`")),
        ([intent("nudge", 3), happened(Word.UNCERTAIN, 3)], 9, Rest(because="nobody knows yet what became of `nudge`")),
    ],
)
def test_every_action(events: list[Event], days: float, action: object) -> None:
    assert decide(after(*events), sequence(), at(days), HOME) == action


def test_without_a_readable_rule_nothing_is_done_but_holds_end() -> None:
    assert decide(after(), None, at(9), HOME) == Rest(because="there is no readable rule file `proposal`")
    assert isinstance(decide(after(HELD), None, at(9), HOME), Resume)


@pytest.mark.parametrize(
    ("words", "passed", "expected"),
    [
        ("nudge question last", "", "nudge"),
        ("nudge question last", "nudge", "question"),
        ("nudge question last", "nudge question", "last"),
        ("nudge question last", "nudge question last", None),
        # inserted before, between, behind
        ("early nudge question", "nudge", "question"),
        ("nudge between question", "nudge", "between"),
        ("nudge between question", "nudge question", None),
        ("nudge question last more", "nudge question last", "more"),
        # deleted: it moves to the next one
        ("nudge last", "nudge question", "last"),
        ("question last", "nudge", "last"),
        ("last", "nudge question", None),
        ("other another", "nudge", "another"),
        # renamed: a word is a step's identity
        ("nudge ask last", "nudge question", "ask"),
        # reordered: nothing goes twice
        ("question nudge last", "nudge", "last"),
        ("last question nudge", "nudge question", None),
        ("question last nudge", "nudge question", "last"),
    ],
)
def test_the_next_step_of_an_edited_file(words: str, passed: str, expected: str | None) -> None:
    """Case 69: what was sent is remembered by its word, and never sent again."""
    step = next_step(after(*sent(*passed.split())), sequence(words))
    assert (step.word if step else None) == expected


@pytest.mark.parametrize(
    ("start", "expected"), [("question", "question"), ("nudge", "nudge"), ("deleted", "nudge"), (None, "nudge")]
)
def test_she_may_start_later(start: str | None, expected: str) -> None:
    step = next_step(after(start=start), sequence())
    assert step is not None
    assert step.word == expected


def test_a_longer_wait_in_the_edited_file_moves_the_date() -> None:
    """Case 69."""
    assert decide(after(), sequence(days=8), at(5), HOME) == Wait(
        at=at(8), step="nudge", because="8 days after Mon 2 Nov 09:00"
    )


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        ("2026-11-05 08:59", "2026-11-05 09:00"),
        ("2026-11-05 09:00", "2026-11-05 09:00"),
        ("2026-11-05 11:59", None),
        ("2026-11-05 12:00", "2026-11-05 14:00"),
        ("2026-11-05 16:59", None),
        ("2026-11-05 17:00", "2026-11-06 09:00"),
        ("2026-11-07 10:00", "2026-11-09 09:00"),
        ("2026-12-24 03:00", "2026-12-24 09:00"),
    ],
)
def test_due_in_the_past_but_not_outside_the_window(now: str, opens: str | None) -> None:
    """The daemon was down; what is due waits for the next window, spread by at most a quarter of it."""
    now_at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    conversation = fold("c1", [enrolled(at=MONDAY - timedelta(days=1))])
    action = decide(conversation, sequence(hours=OFFICE), now_at, HOME)
    if opens is None:
        assert isinstance(action, Send)
        return
    opening = datetime.fromisoformat(opens).replace(tzinfo=UTC)
    assert isinstance(action, Wait)
    assert opening <= action.at < opening + timedelta(minutes=45)


@pytest.mark.parametrize(
    ("hours_zone", "his", "expected"),
    [
        ("prospect", "America/New_York", "America/New_York"),
        ("prospect", "", "UTC"),
        ("me", "America/New_York", "UTC"),
        ("Europe/Berlin", "America/New_York", "Europe/Berlin"),
    ],
)
def test_whose_hours_they_are(hours_zone: str, his: str, expected: str) -> None:
    """Case 63."""
    first = enrolled()
    assert first.enrolment is not None
    person = replace(first.enrolment.prospect, fields={"zone": his})
    conversation = fold("c1", [replace(first, enrolment=replace(first.enrolment, prospect=person))])
    assert zone_of(conversation, sequence(hours=Hours(zone=hours_zone)), HOME).key == expected


# -- put off -----------------------------------------------------------------------------------------------------


def deferred(days: float, until: float) -> list[Event]:
    """A try at that time, put off until then."""
    return [intent("nudge", days), happened(Word.DEFERRED, days, until=at(until), step="nudge")]


def test_what_was_put_off_waits_for_its_time() -> None:
    conversation = after(*deferred(3, 3.5))
    assert decide(conversation, sequence(), at(3.2), HOME) == Wait(
        at=at(3.5), step="nudge", because="the server put it off until Thu 05 Nov 21:00 UTC"
    )
    assert isinstance(decide(conversation, sequence(), at(3.5), HOME), Send)


def test_a_retry_respects_the_window() -> None:
    action = decide(after(*deferred(3, 3.5)), sequence(hours=OFFICE), at(3.2), HOME)
    assert isinstance(action, Wait)
    assert action.at == at(4)


@pytest.mark.parametrize(
    ("tries", "days", "action"),
    [
        ([(3, 3.1), (5.8, 5.9)], 5.9, Send),
        ([(3, 3.1), (5.9, 6.0)], 6.0, Hold),
        # put off once, and nobody tried for a week: that is no refusal
        ([(3, 3.1)], 10, Send),
    ],
)
def test_three_days_of_trying_are_enough(tries: list[tuple[float, float]], days: float, action: type) -> None:
    events = [event for tried, until in tries for event in deferred(tried, until)]
    assert isinstance(decide(after(*events), sequence(), at(days), HOME), action)


@pytest.mark.parametrize(
    "event",
    [
        happened(Word.OWN_MAIL, 6.1, mail=mail(7, at(6.1))),
        happened(Word.RESUMED, 6.1, by=By.HER),
    ],
)
def test_a_wait_that_begins_anew_forgets_what_was_put_off(event: Event) -> None:
    off = [*deferred(3, 3.1), *deferred(5.9, 6.0)]
    action = decide(after(*off, event), sequence(), at(9.2), HOME)
    assert isinstance(action, Send)


@pytest.mark.parametrize("word", [Word.RELEASED, Word.DROPPED])
def test_a_letter_in_doubt_after_three_days_of_trying(word: Word) -> None:
    """Her word about it is about it; the next try or the next step is not given up for its sake."""
    off = [*deferred(3, 3.1), *deferred(5.9, 6.0), intent("nudge", 6.05), happened(Word.UNCERTAIN, 6.1, step="nudge")]
    action = decide(after(*off, happened(word, 6.2, step="nudge")), sequence(), at(9.1), HOME)
    assert isinstance(action, Send)
    expected = ("nudge", 1) if word is Word.RELEASED else ("question", 0)
    assert (action.step.word, action.attempt) == expected


@pytest.mark.parametrize("word", [Word.RELEASED, Word.DROPPED])
def test_her_word_without_the_name_of_the_step(word: Word) -> None:
    """Whoever writes the event may leave the step out: it is the one that is in doubt."""
    doubt = [intent("nudge", 3), happened(Word.UNCERTAIN, 3.1), happened(word, 3.2)]
    step = next_step(after(*doubt), sequence())
    assert step is not None
    assert (step.word, dict(after(*doubt).attempts)) == (
        ("nudge", {"nudge": 1}) if word is Word.RELEASED else ("question", {})
    )


# -- holds -------------------------------------------------------------------------------------------------------


def resumed(days: float) -> Event:
    """The hold ends by itself."""
    return happened(Word.RESUMED, days, by=By.AGENT)


@pytest.mark.parametrize(
    ("events", "due"),
    [
        # one day of three was over when the hold began
        ([happened(Word.HELD, 1, until=at(11)), resumed(11)], 13),
        # it ended while nobody looked
        ([happened(Word.HELD, 1, until=at(11)), resumed(20)], 13),
        # two holds that overlap
        ([happened(Word.HELD, 1, until=at(5)), happened(Word.HELD, 2, until=at(11)), resumed(11)], 13),
        # she wrote on the sixth day of it: the wait is hers, from the end of the hold
        ([happened(Word.HELD, 1, until=at(11)), happened(Word.OWN_MAIL, 6), resumed(11)], 14),
        # she wrote after its end, before anybody looked
        ([happened(Word.HELD, 1, until=at(5)), happened(Word.OWN_MAIL, 6), resumed(8)], 9),
        # she ended it herself: the wait runs anew
        ([happened(Word.HELD, 1), happened(Word.RESUMED, 4, by=By.HER)], 7),
    ],
)
def test_held_days_do_not_use_up_the_wait(events: list[Event], due: float) -> None:
    """Case 29."""
    action = decide(after(*events), sequence(), at(8.5), HOME)
    assert isinstance(action, Wait | Send)
    assert (action.at if isinstance(action, Wait) else action.due_at) == at(due)


# -- what comes next, for those who ask --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "days", "expected"),
    [
        ([], 0, ("nudge", 3)),
        ([], 9, ("nudge", 9)),
        ([happened(Word.HELD, 1, until=at(11))], 2, ("nudge", 13)),
        ([happened(Word.HELD, 1, until=at(11))], 15, ("nudge", 15)),
        ([happened(Word.HELD, 1)], 2, None),
        ([happened(Word.REPLY)], 2, None),
        ([intent("nudge", 3), happened(Word.UNCERTAIN, 3)], 4, None),
        (sent("nudge", "question", "last"), 4, None),
    ],
)
def test_outlook(events: list[Event], days: float, expected: tuple[str, float] | None) -> None:
    found = outlook(after(*events), sequence(), at(days), HOME)
    assert (found and (found.step, found.at)) == (expected and (expected[0], at(expected[1])))
