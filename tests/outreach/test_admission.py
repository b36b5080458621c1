"""What keeps a letter back that is due: each limit by itself, its edge, and whom it concerns."""

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from inboxagent.outreach.admission import Bar, Traffic, bar, give_way, horizon, next_day
from inboxagent.outreach.company import company
from inboxagent.outreach.events import By, Event, Word
from inboxagent.outreach.fold import fold
from inboxagent.outreach.limits import Limits
from inboxagent.outreach.state import Conversation
from tests.fakes.people import MONDAY, enrolled, happened, mail

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)
FREE = Limits(per_day=0, gap=timedelta(0), person_gap=timedelta(0))
NOW = MONDAY + timedelta(days=3)


def sent(at: datetime, step: str = "one") -> tuple[Event, Event]:
    """A letter that went out."""
    intent = Event(at=at, word=Word.INTENT, because="due", step=step, message_id=f"<{at.timestamp()}@lind.example>")
    return intent, replace(intent, word=Word.SENT)


def person(address: str, *letters: datetime, name: str = "c1", more: tuple[Event, ...] = ()) -> Conversation:
    """Somebody who has got letters at these times."""
    events = [event for at in letters for event in sent(at)]
    return fold(name, [enrolled(address), *events, *more])


def ask(limits: Limits, whose: Conversation, *others: Conversation, now: datetime = NOW) -> Bar | None:
    traffic = Traffic().updated([whose, *others], horizon(limits, now))
    return bar(traffic, whose, limits, now, BERLIN)


ANNA = person("anna@firm.example")


def test_nothing_keeps_back_where_nothing_went() -> None:
    assert ask(Limits(), ANNA) is None


def test_a_day_is_a_day_of_hers() -> None:
    """Two letters at 23:30 and 0:30 in Berlin are two days; the bar ends at her midnight."""
    limits = replace(FREE, per_day=2)
    late, early = datetime(2026, 11, 4, 22, 30, tzinfo=NOW.tzinfo), datetime(2026, 11, 4, 23, 30, tzinfo=NOW.tzinfo)
    one = person("bo@other.example", late, early, name="c2")
    assert ask(limits, ANNA, one) is None
    two = person("cy@other.example", early + HOUR, name="c3")
    found = ask(limits, ANNA, one, two)
    assert found == Bar(
        until=datetime(2026, 11, 6, tzinfo=BERLIN), because="2 letters have gone today (per_day)", everybody=True
    )
    assert next_day(NOW, BERLIN) == found.until


def test_traffic_is_kept_up_person_by_person() -> None:
    """Who is looked at again stands for himself alone, and what no limit asks for is left out."""
    one, two = person("bo@other.example", NOW - HOUR, name="c2"), person("cy@other.example", NOW, name="c3")
    since = NOW - 2 * HOUR
    traffic = Traffic().updated([one, two], since)
    assert [gone.conversation_id for gone in traffic.letters] == ["c2", "c3"]
    again = traffic.updated([person("bo@other.example", NOW - 3 * HOUR, NOW - HOUR, NOW, name="c2")], since)
    assert sorted(gone.conversation_id for gone in again.letters) == ["c2", "c2", "c3"]
    assert horizon(Limits(person_gap=timedelta(days=30)), NOW) == NOW - timedelta(days=30)


@pytest.mark.parametrize(("word", "counts"), [("uncertain", True), ("deferred", False), ("refused", False)])
def test_what_nobody_knows_counts_as_gone(word: str, counts: bool) -> None:
    """A letter in doubt may have gone; one that the server has answered no to has not."""
    intent = sent(NOW - HOUR)[0]
    until = NOW if word == "deferred" else None
    ends = replace(intent, word=Word(word), until=until)
    other = person("bo@other.example", name="c2", more=(intent, ends))
    assert (ask(replace(FREE, per_day=1), ANNA, other) is not None) is counts


def test_an_intent_whose_result_is_missing_counts() -> None:
    other = person("bo@other.example", name="c2", more=(sent(NOW)[0],))
    assert ask(replace(FREE, gap=HOUR), ANNA, other) is not None


def test_an_hour_slides() -> None:
    limits = replace(FREE, per_hour=2)
    other = person("bo@other.example", NOW - 61 * HOUR / 60, NOW - 40 * HOUR / 60, name="c2")
    assert ask(limits, ANNA, other) is None
    other = person("bo@other.example", NOW - 59 * HOUR / 60, NOW - 40 * HOUR / 60, NOW - HOUR / 6, name="c2")
    found = ask(limits, ANNA, other)
    assert found is not None
    assert (found.until, found.everybody) == (NOW + 20 * HOUR / 60, True)


def test_the_gap_has_a_jitter_of_its_own_for_each_letter() -> None:
    """From the gap itself to a quarter more, the same whenever it is asked."""
    limits = replace(FREE, gap=timedelta(seconds=100))
    ends = []
    for second in range(60):
        at = NOW - timedelta(seconds=second)
        other = person("bo@other.example", at, name="c2")
        found = ask(limits, ANNA, other, now=at)
        assert found is not None
        assert found.everybody
        assert ask(limits, ANNA, other, now=at) == found
        ends.append((found.until - at).total_seconds())
    assert min(ends) >= 100
    assert max(ends) <= 125
    assert len(set(ends)) > 50
    assert max(ends) - min(ends) > 15


def test_a_clock_set_back_locks_nobody_out() -> None:
    other = person("bo@other.example", NOW + timedelta(days=300), name="c2")
    assert ask(Limits(person_per_week=1), ANNA, other) is None


def test_a_company_gets_so_many_a_day() -> None:
    limits = replace(FREE, company_per_day=1)
    colleague = person("bo@firm.example", NOW - HOUR, name="c2")
    found = ask(limits, ANNA, colleague)
    assert found is not None
    assert (found.until, found.everybody) == (next_day(NOW, BERLIN), False)
    assert found.because == "1 letters have gone to firm.example today (company_per_day)"
    assert ask(limits, ANNA, person("bo@firm.example", NOW - 25 * HOUR, name="c2")) is None
    assert ask(limits, ANNA, person("bo@sub.firm.example", NOW - HOUR, name="c2")) is None


def test_a_public_provider_is_no_company() -> None:
    limits = replace(FREE, company_per_day=1)
    assert ask(limits, person("anna@gmail.com"), person("bo@gmail.com", NOW - HOUR, name="c2")) is None


@pytest.mark.parametrize(
    ("address", "firm"),
    [
        ("a@Firm.Example", "firm.example"),
        ("a@firm.example.", "firm.example"),
        ("a@yahoo.co.uk", None),
        ("a@gmx.net", None),
        ("a@outlook.de", None),
        ("a@web.de", None),
        ("a@outlook-design.example", "outlook-design.example"),
        ("no address", None),
        ("@firm.example", None),
    ],
)
def test_company(address: str, firm: str | None) -> None:
    assert company(address) == firm


def test_the_gap_of_a_person_lies_between_sequences_only() -> None:
    limits = replace(FREE, person_gap=timedelta(days=1))
    mine = person("anna@firm.example", NOW - HOUR)
    assert ask(limits, mine) is None, "the steps of one sequence have their own waits"
    other = person("anna@firm.example", NOW - HOUR, name="c2")
    found = ask(limits, ANNA, other)
    assert found is not None
    assert (found.until, found.everybody) == (NOW + 23 * HOUR, False)
    assert ask(limits, ANNA, person("bo@firm.example", NOW - HOUR, name="c2")) is None


def test_her_own_mail_outside_the_thread_makes_a_gap() -> None:
    limits = replace(FREE, person_gap=timedelta(days=1))
    inside = replace(happened(Word.OWN_MAIL, 2.5), mail=mail(7))
    assert ask(limits, person("anna@firm.example", more=(inside,))) is None
    outside = happened(Word.OWN_MAIL, 2.5)
    assert ask(limits, person("anna@firm.example", more=(outside,))) is not None
    assert ask(limits, person("anna@firm.example", more=(outside,)), now=NOW + timedelta(days=1)) is None


def test_a_week_of_a_person_slides_and_counts_every_sequence() -> None:
    limits = replace(FREE, person_per_week=2)
    mine = person("anna@firm.example", NOW - timedelta(days=5))
    other = person("anna@firm.example", NOW - timedelta(days=2), name="c2")
    assert ask(limits, mine) is None
    found = ask(limits, mine, other)
    assert found is not None
    assert (found.until, found.everybody) == (NOW + timedelta(days=2), False)


def test_what_holds_everybody_back_is_told_first() -> None:
    limits = replace(FREE, per_hour=1, person_gap=timedelta(days=5))
    other = person("anna@firm.example", NOW - HOUR / 2, name="c2")
    found = ask(limits, ANNA, other)
    assert found is not None
    assert found.everybody


def test_a_week_counts_whatever_came_from_her_side_once() -> None:
    """A letter, a mail of hers that two conversations note, and a call: three touches."""
    limits = replace(FREE, person_per_week=3)
    hers = Event(at=NOW - HOUR, word=Word.OWN_MAIL, because="hers", by=By.HER, message_id="<h@lind.example>")
    one = person("anna@firm.example", NOW - 2 * HOUR, more=(hers,))
    two = person("anna@firm.example", name="c2", more=(hers,))
    assert ask(limits, one, two) is None
    call = Event(at=NOW - HOUR, word=Word.NOTE, because="a call", by=By.HER, text="called")
    found = ask(limits, one, person("anna@firm.example", name="c2", more=(hers, call)))
    assert found is not None
    assert "3 times within a week" in found.because


def test_a_call_keeps_the_distance_between_sequences_and_a_remark_does_not() -> None:
    limits = replace(FREE, person_gap=timedelta(days=1))
    call = Event(at=NOW - HOUR, word=Word.NOTE, because="a call", by=By.HER, text="called")
    other = person("anna@firm.example", name="c2", more=(call,))
    found = ask(limits, ANNA, other)
    assert found is not None
    assert found.until == NOW - HOUR + timedelta(days=1)
    assert ask(limits, ANNA, person("anna@firm.example", name="c2", more=(replace(call, text=None),))) is None


@pytest.mark.parametrize(
    ("hours", "until"),
    [([], None), ([2], 2), ([5, 2], 2), ([30], None), ([14], None)],  # 14 hours on it is tomorrow in Berlin
)
def test_a_letter_gives_way_to_one_of_a_higher_priority_on_the_same_day(hours: list[int], until: int | None) -> None:
    way = give_way([NOW + each * HOUR for each in hours], NOW, BERLIN)
    assert (way.until if way else None) == (NOW + until * HOUR if until else None)
    assert way is None or not way.everybody
