"""What an answer about the whole account stops, and for how long."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from inboxagent.outreach.outbox import Fate, Outcome, Phase, Scope
from inboxagent.outreach.replies import TABLE, read_break, read_reply
from inboxagent.outreach.stoppage import Stoppage, from_fact, remedy, stop, stop_for_policy, to_fact

NOW = datetime(2026, 11, 5, 15, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
MINUTE = timedelta(minutes=1)
TOMORROW = datetime(2026, 11, 6, tzinfo=BERLIN)


def in_a_row(outcome: Outcome, times: int) -> list[Stoppage]:
    """The stoppages of a server that goes on saying the same; the time of the first stays."""
    found: list[Stoppage] = []
    for _ in range(times):
        found.append(stop(outcome, found[-1] if found else None, NOW, BERLIN))
    assert {each.since for each in found} == {NOW}
    return found


def test_an_unreachable_server_is_asked_after_1_5_15_60_minutes_and_hourly() -> None:
    waits = [each.until - NOW for each in in_a_row(read_break(Phase.CONNECT, "connection refused"), 6)]
    assert waits == [MINUTE, 5 * MINUTE, 15 * MINUTE, 60 * MINUTE, 60 * MINUTE, 60 * MINUTE]


def test_a_reached_quota_stops_for_a_day() -> None:
    found = in_a_row(read_reply(Phase.DATA, 550, "5.4.5 Daily user sending quota exceeded."), 2)
    assert [each.until - NOW for each in found] == [timedelta(days=1)] * 2
    assert "per_day" in found[0].because


@pytest.mark.parametrize(
    ("phase", "code", "text", "words"),
    [
        (Phase.MAIL, 550, "5.7.60 SMTP; Client does not have permissions to send as this sender", "address of [me]"),
        (Phase.MAIL, 553, "5.7.1 Sender address rejected: not owned by user", "address of [me]"),
        (Phase.RCPT, 550, "5.7.1 Relaying denied", "587"),
        (Phase.MAIL, 530, "5.7.0 Authentication required", "app password"),
        (Phase.AUTH, 535, "5.7.8 Username and Password not accepted", "app password"),
        (Phase.AUTH, 550, "5.7.30 Basic authentication is not supported", "OAuth"),
    ],
)
def test_a_wrong_configuration_stops_until_tomorrow_and_says_what_helps(
    phase: Phase, code: int, text: str, words: str
) -> None:
    outcome = read_reply(phase, code, text)
    found = stop(outcome, None, NOW, BERLIN)
    assert (outcome.fatal, found.until) == (True, TOMORROW)
    assert words in found.because
    assert text.split(" ", 1)[1][:20] in found.because


def test_every_answer_that_only_she_can_mend_has_a_remedy() -> None:
    for row in TABLE:
        if row.scope is Scope.ACCOUNT and row.fate is Fate.REFUSED:
            outcome = Outcome(fate=row.fate, scope=row.scope, phase=Phase.MAIL, text="x", means=row.means, fatal=True)
            assert not remedy(outcome).startswith("ask your provider"), row.means


def test_without_a_line_or_its_encryption_it_says_where_to_look() -> None:
    assert "nothing is ever sent unencrypted" in remedy(read_break(Phase.TLS, "no STARTTLS"))
    assert "host, port and security of [smtp]" in remedy(read_break(Phase.CONNECT, "refused"))
    assert remedy(read_break(Phase.DATA, "the line was lost")) == ""


def test_the_second_policy_refusal_within_a_day_stops_the_rest_of_it() -> None:
    assert stop_for_policy([NOW], NOW, BERLIN) is None
    assert stop_for_policy([NOW - timedelta(hours=25), NOW], NOW, BERLIN) is None
    found = stop_for_policy([NOW - timedelta(hours=23), NOW], NOW, BERLIN)
    assert found is not None
    assert found.until == TOMORROW


def test_as_a_fact_and_back() -> None:
    found = in_a_row(read_break(Phase.CONNECT, "refused"), 3)[-1]
    assert from_fact(to_fact(found)) == found
    assert from_fact(None) is None


def test_the_fact_of_an_older_version() -> None:
    found = from_fact({"until": NOW.isoformat(), "because": "x"})
    assert found == Stoppage(since=NOW, until=NOW, because="x", tries=1)
