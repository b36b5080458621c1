"""Until when what he writes holds a conversation: business mornings on the calendar of both, never a guess."""

from datetime import UTC, date, datetime

import pytest

from inboxagent.outreach.fold import fold
from inboxagent.outreach.holds import Holder
from inboxagent.outreach.hours import Hours
from inboxagent.outreach.model import Me
from inboxagent.outreach.sequence import Sequence
from inboxagent.outreach.waits import Unit, Wait
from inboxagent.outreach.workdays import Quiet
from tests.fakes.people import enrolled

HER = Me(name="Maya Lind", address="maya@lind.example", zone="Europe/Berlin", country="DE-BE")
HOURS = Hours(days=frozenset(range(4)), between=((510, 690),), quiet=(Quiet(first=(12, 23), last=(1, 6)),))
RULE = Sequence(name="proposal", title="", steps=(), hours=HOURS, not_now=Wait(amount=6, unit=Unit.WEEK))
NOW = datetime(2026, 11, 4, 12, tzinfo=UTC)
HELD = Holder(fold("c1", [enrolled()]), RULE, HER, NOW)


def shown(at: datetime) -> str:
    return f"{at.astimezone(HELD.zone):%a %d %b %Y %H:%M}"


@pytest.mark.parametrize(
    ("day", "until"),
    [
        (date(2027, 2, 1), "Mon 01 Feb 2027 08:30"),
        (date(2027, 5, 1), "Mon 03 May 2027 08:30"),  # a Saturday
        (date(2027, 3, 8), "Tue 09 Mar 2027 08:30"),  # a holiday in Berlin
        (date(2026, 12, 24), "Thu 07 Jan 2027 08:30"),  # quiet weeks
        (date(2026, 11, 13), "Mon 16 Nov 2026 08:30"),  # a Friday, on which the rule sends nothing
    ],
)
def test_the_first_fitting_morning_from_the_day_he_asks_for(day: date, until: str) -> None:
    end, because = HELD.until_asked(day)
    assert shown(end) == until
    assert because.startswith("held to the first business day from ")


def test_without_a_day_it_is_the_rules_span() -> None:
    end, because = HELD.until_asked(None)
    assert (shown(end), because) == ("Wed 16 Dec 2026 08:30", "he names no day, so held 6 weeks")


def test_a_promise_has_its_last_day_to_itself() -> None:
    end, because = HELD.until_promised(date(2026, 11, 10))
    assert shown(end) == "Wed 11 Nov 2026 08:30"
    assert because == "he promises to answer by Tue 10 Nov 2026, so held to the business day after"


def test_without_a_rule_file_the_morning_is_midnight_and_the_span_three_months() -> None:
    plain = Holder(HELD.conversation, None, HER, NOW)
    assert shown(plain.until_asked(date(2027, 5, 1))[0]) == "Mon 03 May 2027 00:00"
    assert plain.until_asked(None)[1] == "he names no day, so held 3 months"
