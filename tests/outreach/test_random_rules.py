"""Random rule files, people and clocks, compared with a second, naive calendar."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inboxagent.mail.headers import Address
from inboxagent.outreach import decide as deciding
from inboxagent.outreach import schedule, workdays
from inboxagent.outreach.decide import decide
from inboxagent.outreach.events import Event, Word, from_json, to_json
from inboxagent.outreach.fold import fold
from inboxagent.outreach.model import Enrolment, Mail, Me, Prospect
from inboxagent.outreach.sequence import Sequence
from inboxagent.outreach.state import Conversation
from inboxagent.outreach.workdays import Absence
from inboxagent.rules.parse import parse_rule
from tests.fakes.naive_calendar import NaiveCalendar

COUNTRIES = ("", "DE", "DE-BE", "SE", "ES", "US-NY", "SA", "NZ")
ZONES = (
    *("", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"),
    "America/Havana",
)
DAYS = ("Mon-Thu", "Tue", "Mon-Fri", "Sat, Sun", "every day", "Sun-Thu", "Mon, Wed, Fri")
WINDOWS = (
    *("8:30-11:30, 13:30-16:30", "0:00-24:00", "0:00-4:00", "9:00-9:10", "2:00-3:00", "22:00-24:00"),
    "1:15-2:45, 6:00-7:00",
)
QUIET = ("", "23 Dec - 6 Jan", "1 Aug - 15 Aug, 24 Dec", "29 Feb - 3 Mar")
HOLIDAYS = ("[me, prospect]", "[prospect]", "[DE-BE, prospect]", "none", "[me]")
AT = ("", "Tue 9:00-10:00", "8:30-9:00", "Mon-Wed")
UNITS = ("seconds", "minutes", "hours", "days", "business days", "weeks", "months")
WAITS = (
    st.builds("{} {}".format, st.integers(1, 3) | st.integers(2, 40), st.sampled_from(UNITS))
    | st.just("at once")
    | st.sampled_from(("until next 15 Jan, 15 Apr or 15 Sep", "until next 29 Feb", "until {{ start_date }} - 2 weeks"))
    | st.builds("until {{{{ start_date }}}} {} {} business days".format, st.sampled_from("+-"), st.integers(2, 30))
)
PACES = st.sampled_from((1, 1, 1.5, 0.5, 0.1, 2.25))
FIRST_DAY, SECONDS = datetime(2026, 1, 1, tzinfo=UTC), 3 * 365 * 24 * 3600
CLOCKS_ARE_SET = ("2026-03-29T01", "2026-10-25T01", "2026-03-08T06", "2026-11-01T05", "2026-04-04T15", "2026-10-03T15")
INSTANTS = st.integers(0, SECONDS).map(lambda seconds: FIRST_DAY + timedelta(seconds=seconds)) | st.builds(
    lambda hour, minutes: datetime.fromisoformat(f"{hour}:00+00:00") + timedelta(minutes=minutes),
    st.sampled_from(CLOCKS_ARE_SET),
    st.integers(-5 * 24 * 60, 24 * 60),
)


@dataclass(frozen=True)
class Case:
    """A rule with one step, a person, her, and the instant of the last touch."""

    sequence: Sequence
    prospect: Prospect
    me: Me
    since: datetime
    pace: float | None

    @property
    def conversation(self) -> Conversation:
        """He was written to at that instant, and enrolled then."""
        her = Address("Maya", self.me.address)
        mail = Mail(message_id="<1@lind.test>", at=self.since, subject="It", from_=her)
        enrolment = Enrolment(
            sequence="random", prospect=self.prospect, latest=mail, touches=1, last_touch_at=self.since, pace=self.pace
        )
        told = Event(at=self.since, word=Word.ENROLLED, because="a test", enrolment=enrolment)
        return fold("c1", [from_json(to_json(told))])

    @property
    def naive(self) -> NaiveCalendar:
        """The other calendar."""
        fields = self.prospect.fields
        dates = {"start_date": date.fromisoformat(fields["start_date"])}
        return NaiveCalendar(self.sequence, self.me, fields["country"], self.prospect.zone or "", dates)

    def due(self, now: datetime | None = None) -> datetime:
        """When the step goes, as of now: an instant ahead, or now itself."""
        action = decide(self.conversation, self.sequence, now or self.since, self.me)
        return action.at if isinstance(action, deciding.Wait) else now or self.since


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Rule files that can be read; the few whose `at` lies outside their hours are drawn again."""
    days, between, quiet = (draw(st.sampled_from(each)) for each in (DAYS, WINDOWS, QUIET))
    zone = draw(st.sampled_from(("prospect", "me", "Asia/Tokyo")))
    holidays, at, wait, pace = draw(st.sampled_from(HOLIDAYS)), draw(st.sampled_from(AT)), draw(WAITS), draw(PACES)
    lines = [f"days: {days}", f"between: {between}", f"zone: {zone}", f"holidays: {holidays}"]
    send = "\n".join(f"  {line}" for line in lines + ([f"quiet: {quiet}"] if quiet else []))
    head = (
        f"---\nlanguage: xx\npace: {pace}\nsend:\n{send}\nfields:\n  start_date: {{type: date, required: true}}\n---\n"
    )
    step = f"\n## one\nwait: {wait}\n{f'at: {at}' if at else ''}\n\nDid the proposal reach you?\n"
    sequence, problems = parse_rule("rules/random.md", head + step, {})
    if sequence is None:
        assert [problem.text for problem in problems if "lies outside" not in problem.text] == []
        sequence, _ = parse_rule("rules/random.md", (head + step).replace(f"at: {at}", ""), {})
    assert sequence is not None
    start = draw(st.dates(date(2026, 1, 1), date(2029, 1, 1)))
    given = {"start_date": start.isoformat(), "country": draw(st.sampled_from(COUNTRIES))}
    first = draw(st.dates(date(2026, 1, 1), date(2028, 12, 31)))
    away = Absence(first=first, last=first + timedelta(days=draw(st.integers(0, 30))))
    me = Me(name="Maya", address="maya@lind.test", zone="Europe/Stockholm", country=draw(st.sampled_from(COUNTRIES)))
    return Case(
        sequence=sequence,
        prospect=Prospect(address="anne@prospect.test", fields=given, seen_zone=draw(st.sampled_from(ZONES))),
        me=replace(me, absent=draw(st.sampled_from(((), (away,))))),
        since=draw(INSTANTS),
        pace=draw(st.sampled_from((None, 1.5))),
    )


SLOW = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@SLOW
@given(cases())
def test_both_calendars_agree(case: Case) -> None:
    """Never before the wait is over, never outside the hours, on a holiday of either, in quiet weeks or her absence."""
    step, naive = case.sequence.steps[0], case.naive
    earliest, latest = naive.due(case.since, step, case.pace)
    due = case.due()
    assert earliest <= due <= latest
    assert naive.is_inside(due, step.hours or case.sequence.hours)


@SLOW
@given(cases(), st.integers(0, 90 * 24 * 60))
def test_asking_later_never_makes_it_earlier_and_before_it_is_due_changes_nothing(case: Case, minutes: int) -> None:
    due, now = case.due(), case.since + timedelta(minutes=minutes)
    again = case.due(now)
    assert again == due if now <= due else again >= now


@SLOW
@given(cases(), st.integers(1, 30 * 24 * 60))
def test_a_later_touch_never_leads_to_an_earlier_letter(case: Case, minutes: int) -> None:
    later = replace(case, since=case.since + timedelta(minutes=minutes))
    assert later.due() >= case.due()


@SLOW
@given(cases())
def test_a_restart_moves_nothing(case: Case) -> None:
    before = case.due()
    for module in (schedule, workdays):
        for each in vars(module).values():
            if hasattr(each, "cache_clear"):
                each.cache_clear()
    assert replace(case).due() == before


@pytest.mark.parametrize("unit", ["day", "business day", "week", "month"])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Havana", "Australia/Lord_Howe"])
def test_no_drift_over_the_years(unit: str, zone: str) -> None:
    """Three years of touches, each from the day the last one went: the minute on his wall stays what it was."""
    source = f"---\nlanguage: xx\nsend:\n  between: 9:00-17:00\n---\n\n## one\nwait: 2 {unit}s\n\nDid it reach you?\n"
    sequence, _ = parse_rule("rules/random.md", source, {})
    assert sequence is not None
    me = Me(name="Maya", address="maya@lind.test", zone="Europe/Stockholm")
    prospect = Prospect(address="anne@prospect.test", fields={"zone": zone})
    at, shown = datetime(2026, 1, 5, 16, 17, tzinfo=UTC), set()
    while at.year < 2029:
        at = Case(sequence, prospect, me, at, None).due()
        shown.add(f"{at.astimezone(deciding.ZoneInfo(zone)):%H:%M}")
    assert len(shown) <= 2, "the first touch was outside the hours"
