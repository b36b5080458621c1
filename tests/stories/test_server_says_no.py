"""What her server says about more than one letter: quota, policy, configuration, an absence of its own."""

from dataclasses import replace
from datetime import timedelta

import pytest

from inboxagent.errors import LoginRefused
from inboxagent.outreach.limits import Limits
from inboxagent.outreach.outbox import Phase
from inboxagent.outreach.stoppage import FACT
from tests.stories.people import ANNE, BART, CRIS, DORA
from tests.stories.world import DAY, HOUR, MAYA, PROPOSAL, World

AT_ONCE = Limits(gap=timedelta(0))


def said(world: World, word: str) -> list[str]:
    """Why, each time this was observed."""
    return [str(fields["because"]) for each, fields in world.observed if each == word]


async def due(*people: str) -> World:
    """A world on the evening before the first letters fall due."""
    world = World(limits=AT_ONCE)
    await world.begin(*people)
    await world.days(2.9)
    return world


async def test_the_quota_moves_everything_to_tomorrow_with_one_word_about_it() -> None:
    """Case 45: nothing is even tried for a day; then all of it goes."""
    world = await due(ANNE, BART, CRIS)
    world.transport.reply(Phase.RCPT, 550, "5.4.5 Daily user sending quota exceeded")
    tried = len([each for each in world.effects if each == "hand_over"])
    await world.days(0.9)
    assert len([each for each in world.effects if each == "hand_over"]) == tried + 1
    assert len(said(world, "sending_stopped")) == 1
    assert "the sending limit is reached" in said(world, "sending_stopped")[0]
    await world.days(0.5)
    assert [world.steps(each) for each in (ANNE, BART, CRIS)] == [["nudge"]] * 3
    assert world.store.fact(FACT) is None


async def test_two_policy_refusals_stop_the_day() -> None:
    """Case 42: the first holds its conversation, the second stops everybody until tomorrow; the addresses are good."""
    world = await due(ANNE, BART, CRIS)
    for _ in range(2):
        world.transport.reply(Phase.DOT, 554, "5.7.1 Message rejected as spam by content filter")
    await world.days(0.3)
    assert [world.state(each) for each in (ANNE, BART, CRIS)] == ["held", "held", "waiting"]
    assert world.transport.accepted == []
    assert "SPF" in said(world, "sending_stopped")[0]
    assert world.store.suppression(ANNE) is None
    await world.days(1)
    assert world.steps(CRIS) == ["nudge"]


async def test_two_policy_refusals_that_come_as_reports_stop_the_day() -> None:
    """Case 42: her server took the letters, and the next one reports the refusals; the addresses stay good."""
    world = await due(ANNE, BART, CRIS, DORA)
    world.transport.refuse(DORA, 451, "4.7.1 Greylisted")
    await world.pass_time(hours=3)
    assert [world.steps(each) for each in (ANNE, BART, CRIS, DORA)] == [["nudge"]] * 3 + [[]]
    world.bounce(ANNE, str(world.newest_to(ANNE)), status="5.7.1")
    await world.pass_time(hours=1)
    assert said(world, "sending_stopped") == []
    world.bounce(BART, str(world.newest_to(BART)), status="5.7.1")
    world.transport.relent(DORA)
    await world.pass_time(hours=6)
    assert world.steps(DORA) == []
    assert ["SPF" in each for each in said(world, "sending_stopped")] == [True]
    assert [(world.state(each), world.store.suppression(each)) for each in (ANNE, BART)] == [("waiting", None)] * 2
    await world.days(1)
    assert world.steps(DORA) == ["nudge"]


def told(world: World) -> list[str]:
    """The subject and the text of each mail to herself."""
    return [f"{each.subject}: {each.text}" for each in world.letters() if each.to[0].address == MAYA.address]


async def test_she_is_told_once_that_nothing_goes_out() -> None:
    """Case 42, 45: one mail for one cause, where it lasts; the rest moves to tomorrow by itself."""
    world = World(limits=AT_ONCE, alert_after=HOUR)
    await world.begin(ANNE, BART, CRIS)
    await world.days(2.9)
    for _ in range(2):
        world.transport.reply(Phase.DOT, 554, "5.7.1 Message rejected as spam by content filter")
    await world.days(0.8)
    (mail,) = told(world)
    assert mail.startswith("inboxagent cannot send: No letter goes out before Fri 6 Nov 00:00 (UTC):")
    assert "look at what the servers said" in " ".join(mail.split())
    await world.days(1)
    assert world.steps(CRIS) == ["nudge"]
    assert len(told(world)) == 1


async def test_she_is_not_told_of_a_server_that_is_away_for_minutes() -> None:
    world = World(limits=AT_ONCE, alert_after=HOUR)
    world.poll = timedelta(minutes=1)
    world.start()
    await world.begin(ANNE)
    await world.days(2.99)
    for _ in range(3):
        world.transport.lose_line(Phase.CONNECT)
    await world.days(0.2)
    assert (world.steps(ANNE), told(world)) == (["nudge"], [])


async def test_a_server_that_takes_nothing_is_not_asked_to_take_a_mail_about_it() -> None:
    """The broken channel is never the one that tells her: her command and the log are."""
    world = World(limits=AT_ONCE, alert_after=HOUR)
    await world.begin(ANNE)
    await world.days(2.9)
    world.transport.reply(Phase.MAIL, 550, "5.7.60 Client does not have permissions to send as this sender")
    await world.days(0.4)
    assert len(said(world, "sending_stopped")) == 1
    assert [alert["alert"] for alert in world.commanded] == ["sending_stopped"]
    assert (told(world), said(world, "alert_unsent")) == ([], [])
    await world.days(1)
    assert (world.steps(ANNE), told(world)) == (["nudge"], [])


async def test_reports_that_name_no_letter_of_ours_stop_nobody() -> None:
    """Case 43: anybody may write such a report."""
    world = await due(ANNE, BART)
    for number in range(3):
        world.bounce(ANNE, f"<forged.{number}@elsewhere.test>", status="5.7.1")
    await world.days(1)
    assert said(world, "sending_stopped") == []
    assert world.steps(BART) == ["nudge"]


async def test_one_policy_refusal_concerns_one_letter() -> None:
    world = await due(ANNE, BART)
    world.transport.reply(Phase.DOT, 554, "5.7.1 Message rejected as spam by content filter")
    await world.days(0.3)
    assert (world.state(ANNE), world.steps(BART)) == ("held", ["nudge"])
    assert said(world, "sending_stopped") == []


async def test_an_address_she_may_not_use_stops_until_tomorrow() -> None:
    """Only she or her provider can mend it: one try a day, with what helps in words; the letters are none the worse."""
    world = await due(ANNE)
    for _ in range(2):
        world.transport.reply(Phase.MAIL, 550, "5.7.60 Client does not have permissions to send as this sender")
    await world.days(2.5)
    reasons = said(world, "sending_stopped")
    assert len(reasons) == 2
    assert "let your provider allow the address of [me]" in reasons[0]
    assert (world.words(ANNE), world.steps(ANNE)) == (["enrolled", "sent"], ["nudge"])


async def test_a_refused_log_in_ends_it() -> None:
    """Never tried again by itself: repeated failures lock accounts."""
    world = await due(ANNE)
    world.transport.reply(Phase.AUTH, 535, "5.7.8 Username and Password not accepted")
    with pytest.raises(LoginRefused, match="app password"):
        await world.days(1)
    assert world.words(ANNE) == ["enrolled"]


async def test_a_server_that_is_away_is_asked_less_and_less_often() -> None:
    """After 1, 5, 15, 60 minutes, then hourly; a letter that goes ends it; the conversation never hears of it."""
    world = await due(ANNE)
    world.poll = timedelta(minutes=1)
    world.start()
    for _ in range(7):
        world.transport.lose_line(Phase.CONNECT)
    await world.pass_time(hours=7.5)
    times = [fields["until"] for word, fields in world.observed if word == "sending_stopped"]
    assert len(times) == 7
    assert world.words(ANNE) == ["enrolled", "sent"]
    assert world.store.fact(FACT) is None


async def test_a_server_that_does_not_say_why_gets_three_tries() -> None:
    """5.5.0 may be a filter that is badly set up: three tries, then she is asked; the next step does not go either."""
    world = await due(ANNE)
    for _ in range(5):
        world.transport.reply(Phase.RCPT, 550, "5.5.0 Requested actions not taken")
    await world.days(8)
    assert world.words(ANNE) == ["enrolled", "deferred", "deferred", "deferred", "held"]
    assert world.of(ANNE).because.startswith("`nudge` is given up after 3 tries")
    assert world.transport.accepted == []


async def test_put_off_at_the_dot_for_the_whole_account() -> None:
    """The intent is closed, nobody is in doubt, and the quota's three days are no fault of the letter."""
    world = await due(ANNE)
    for _ in range(4):
        world.transport.reply(Phase.DOT, 554, "5.2.0 STOREDRV.Submission; submission quota exceeded")
    await world.days(3.9)
    assert world.state(ANNE) == "waiting"
    await world.days(1.5)
    assert world.steps(ANNE) == ["nudge"]


async def test_pause_all_between_two_letters() -> None:
    """Case 91, while a batch goes out: what is on the wire goes, the next one does not."""
    world = await due(ANNE, BART)

    def pause(effect: str) -> None:
        if effect == "answer":
            world.paused = "the flag is up"

    world.before = pause
    await world.days(5)
    assert (world.steps(ANNE), world.steps(BART)) == (["nudge"], [])
    world.before, world.paused = lambda _: None, None
    await world.days(1)
    assert world.steps(BART) == ["nudge"]


async def test_pause_all_between_body_and_dot() -> None:
    world = await due(ANNE)

    def pause(effect: str) -> None:
        if effect == "body":
            world.paused = "the flag is up"

    world.before = pause
    await world.days(5)
    assert (world.transport.accepted, len(world.transport.handed_over)) == ([], 1)


async def test_follow_ups_in_flight_go_before_first_letters() -> None:
    """Case 67: the day is full at two letters; the one who has heard nothing of her yet waits."""
    first, *others = PROPOSAL.steps
    opening = replace(PROPOSAL, steps=(replace(first, subject="Hello"), *others))
    world = World(sequence=opening, limits=Limits(per_day=2, gap=timedelta(0)))
    await world.enrol(DORA, new=True)
    world.clock.pass_time(HOUR)
    await world.begin(ANNE, BART)
    world.clock.pass_time(3.1 * DAY)  # the machine was off: all three are due, Dora's letter was promised first
    await world.cycle()
    assert [world.steps(each) for each in (ANNE, BART, DORA)] == [["nudge"], ["nudge"], []]
    await world.days(1)
    assert world.steps(DORA) == ["nudge"]


async def test_two_sequences_of_one_person_keep_a_day_apart() -> None:
    """Case 66: one letter that morning, the other a day later."""
    world = World(limits=AT_ONCE)
    other = world.books["other"] = replace(PROPOSAL, name="other")
    world.she_writes(ANNE)
    await world.enrol(ANNE)
    world.she_writes(ANNE, subject="Something else")
    await world.enrol(ANNE, other, subject="Something else")
    await world.days(3.9)
    assert world.steps(ANNE) == ["nudge"]
    await world.days(0.2)
    assert world.steps(ANNE) == ["nudge", "nudge"]
    first, second = (each.date for each in world.letters())
    assert first is not None
    assert second is not None
    assert second - first >= DAY


async def test_a_backlog_is_spread_by_the_hour() -> None:
    """After an absence of the machine: two an hour, not all at once."""
    world = World(limits=Limits(per_hour=2, gap=timedelta(0)))
    people = [f"q{number}@prospect.test" for number in range(6)]
    await world.begin(*people)
    world.clock.pass_time(10 * DAY)
    await world.pass_time(minutes=30)
    assert len(world.transport.accepted) == 2
    await world.pass_time(hours=1)
    assert len(world.transport.accepted) == 4
    await world.pass_time(hours=1)
    assert len(world.transport.accepted) == 6
