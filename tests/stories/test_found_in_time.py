"""Faults of waits, dates and clocks that the simulation found; the seeds are in tests/simulation/FOUND.md."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from inboxagent.cli import progress
from inboxagent.outreach.events import Word
from inboxagent.outreach.limits import Limits
from inboxagent.outreach.outbox import Phase
from inboxagent.outreach.rulebook import Rulebook
from inboxagent.outreach.sequence import Expiry, Sequence
from inboxagent.outreach.waits import Unit, Wait
from tests.stories.world import MAYA, OFFICE, PROPOSAL, World, step


def _noting(world: World, times: list[float]) -> Callable[[str], None]:
    def note(effect: str) -> None:
        if effect == "dot":
            times.append(world.clock.booted)

    return note


async def test_a_letter_in_doubt_counts_for_the_gap() -> None:
    """Seed 1."""
    world = World()
    await world.begin("anna@prospect.test", "bart@prospect.test")
    world.transport.lose_line(Phase.DOT, accepted=True)
    times = []
    world.before = _noting(world, times)
    await world.days(4)
    assert len(times) == 2
    assert times[1] - times[0] >= world.limits.gap.total_seconds()


async def _touched_on_friday() -> tuple[World, list[datetime], datetime]:
    """The next letter goes a business day after Friday afternoon; the times of the dots, and of that touch."""
    nudge = replace(step("nudge", 1), wait=Wait(amount=1, unit=Unit.BUSINESS_DAY))
    world = World(sequence=Sequence(name="quick", title="Quick", steps=(nudge,)))
    times: list[datetime] = []
    world.before = lambda effect: times.append(world.clock.at) if effect == "dot" else None
    await world.pass_time(days=4, hours=6)
    await world.begin("anna@prospect.test")
    touched_at = world.clock.at
    assert f"{touched_at:%a %H:%M}" == "Fri 16:00"
    return world, times, touched_at


async def test_no_wait_ends_sooner_for_having_been_held() -> None:
    """Seed 10: a night's hold moved Friday afternoon to early Saturday; a business day from there ends early."""
    world, times, touched_at = await _touched_on_friday()
    await world.pass_time(hours=1)
    world.command("anna@prospect.test", Word.HELD, until=world.clock.at + timedelta(hours=15))
    await world.days(5)
    assert len(times) == 1
    assert times[0] - touched_at >= timedelta(days=3)


async def test_leaving_out_a_step_that_is_not_for_him_keeps_the_date_she_set() -> None:
    """Seeds 55, 74: the step behind it went days before the date that she had named."""
    offer = replace(step("offer", 1), expires=Expiry(day=date(2026, 11, 1)))
    world = World(sequence=Sequence(name="quick", title="Quick", steps=(offer, step("last", 1))))
    await world.begin("anna@prospect.test")
    named = world.clock.at + timedelta(days=8)
    world.command("anna@prospect.test", Word.RESUMED, until=named)
    desk: Any = SimpleNamespace(
        rulebook=Rulebook(sequences={"quick": world.sequence}, phrases={}), config=SimpleNamespace(me=MAYA)
    )
    (event,) = progress._skip(desk, world.of("anna@prospect.test"), world.clock.at).events
    assert (event.step, event.until) == ("offer", named)


async def test_no_wait_ends_sooner_for_a_letter_that_is_delayed() -> None:
    """Seeds 10331, 10742: a notice of the night moved Friday evening to early Saturday; see the hold above."""
    world, times, touched_at = await _touched_on_friday()
    await world.pass_time(hours=15)
    newest = world.newest_to("anna@prospect.test")
    assert newest is not None
    world.bounce("anna@prospect.test", newest, status="4.4.1", action="delayed")
    await world.days(5)
    assert Word.DELAYED in world.words("anna@prospect.test")
    assert len(times) == 1
    assert times[0] - touched_at >= timedelta(days=3)


async def test_a_clock_put_forward_is_not_forgotten_by_a_process_that_dies_over_it() -> None:
    """Seeds 5015, 5027: it had noted how both clocks go, and died before it wrote down that she has to be asked."""
    for effect in range(1, 9):
        world = World()
        await world.begin("anna@prospect.test")
        await world.days(1)
        world.clock.at += timedelta(days=5)
        world.die_at = len(world.effects) + effect
        await world.days(2)
        assert (world.deaths, world.letters()) == (1, []), f"killed at {world.effects[world.die_at - 1]}"


async def test_the_step_behind_one_that_may_have_gone_waits_for_it() -> None:
    """Seed 10485: she had `again` sent again, then took it out of the rule; `last` was counted from the one before."""
    first, again, last = step("hello", 1), step("again", 1), step("last", 5)
    world = World(sequence=Sequence(name="quick", title="Quick", steps=(first, again, last)))
    times: list[datetime] = []
    world.before = lambda effect: times.append(world.clock.at) if effect == "dot" else None
    await world.begin("anna@prospect.test")
    while not times:
        await world.cycle()
        world.clock.pass_time(timedelta(minutes=30))
    world.transport.lose_line(Phase.DOT, accepted=True)
    await world.days(4)
    assert len(times) == 2
    world.command("anna@prospect.test", Word.RELEASED, step="again")
    world.books["quick"] = replace(world.sequence, steps=(first, last))
    await world.days(14)
    assert len(times) == 3
    assert times[2] - times[1] >= timedelta(days=5)


async def test_a_letter_of_a_clock_that_was_wrong_counts() -> None:
    """Seed 800049: the clock was a day ahead when the letter went, and right again before the next one was due."""
    soon = replace(step("second", 1, subject="Another matter"), wait=Wait(amount=1, unit=Unit.HOUR))
    other = Sequence(name="other", title="Other", steps=(soon,), hours=OFFICE)
    world = World(books={"other": other}, limits=Limits(person_gap=timedelta(days=1)))
    await world.pass_time(hours=10)
    await world.begin("anna@prospect.test")
    await world.days(2)
    await world.enrol("anna@prospect.test", other, new=True, subject="Another matter")
    world.clock.boots = "its clock is wrong from the start"
    world.clock.at += timedelta(hours=25)
    await world.pass_time(hours=1)
    assert world.steps("anna@prospect.test") == ["nudge"]
    gone_at = world.clock.boot()
    world.clock.at -= timedelta(hours=25)
    times: list[float] = []
    world.before = _noting(world, times)
    await world.days(7)
    assert world.steps("anna@prospect.test")[:2] == ["nudge", "second"]
    assert times[0] - gone_at >= timedelta(days=1).total_seconds()


async def test_a_late_copy_of_hers_is_no_answer_to_what_was_read_by_a_clock_that_was_behind() -> None:
    """Seed 800127: his second message stood before hers in the events, and came behind it."""
    patient = replace(PROPOSAL, after_my_answer=Wait(amount=2, unit=Unit.DAY))
    world = World(sequence=patient)
    await world.begin("anna@prospect.test")
    await world.days(1)
    first = world.answer("anna@prospect.test")
    await world.cycle()
    await world.pass_time(hours=4)
    late = world.mail(MAYA.address, "anna@prospect.test", answers=first)
    await world.pass_time(hours=1)
    second = world.mail("anna@prospect.test", answers=first, text="And one more thing: when could you begin?\n")
    world.server.deliver(second, received_at=world.clock.at)
    world.clock.at -= timedelta(hours=20)
    await world.cycle()
    await world.pass_time(hours=1)
    world.clock.at += timedelta(hours=20)
    world.server.deliver(late, "Sent")
    await world.days(10)
    assert world.state("anna@prospect.test") == "answered"
    assert world.steps("anna@prospect.test") == []


async def test_no_wait_ends_sooner_for_a_proof_that_comes_late() -> None:
    """Seed 830433: a letter of Friday noon was proved in the night to Sunday, and two business days ended early."""
    nudge, again = replace(step("nudge", 1), wait=Wait(amount=1, unit=Unit.HOUR)), step("again", 2)
    steps = (nudge, replace(again, wait=Wait(amount=1, unit=Unit.BUSINESS_DAY)))
    world = World(sequence=Sequence(name="quick", title="Quick", steps=steps))
    await world.pass_time(days=4, hours=5)
    await world.begin("anna@prospect.test")
    world.transport.lose_line(Phase.DOT, accepted=True)
    times: list[datetime] = []
    world.before = lambda effect: times.append(world.clock.at) if effect == "dot" else None
    await world.pass_time(hours=2)
    assert f"{times[0]:%a %H:%M}" == "Fri 16:00"
    await world.pass_time(days=1, hours=12)
    world.server.deliver(world.transport.accepted[0].message, "Sent")
    await world.days(4)
    assert world.words("anna@prospect.test")[1:3] == ["uncertain", "sent"]
    assert f"{times[1]:%a %H:%M}" >= "Mon 16:00"


async def test_no_hold_ends_by_a_clock_that_she_has_not_confirmed() -> None:
    """Seed 840515: it was put right before she released the brake, and the letter went before the day she had named."""
    world = World()
    await world.begin("anna@prospect.test")
    await world.days(1)
    until = world.clock.at + timedelta(days=5)
    world.command("anna@prospect.test", Word.HELD, until=until)
    await world.days(1)
    world.clock.at += timedelta(days=4.5)
    await world.days(1)
    assert world.state("anna@prospect.test") == "held"
    world.clock.at -= timedelta(days=4.5)
    world.release_brake()
    times: list[datetime] = []
    world.before = lambda effect: times.append(world.clock.at) if effect == "dot" else None
    await world.days(9)
    assert times[0] >= until


async def test_a_letter_that_is_put_off_does_not_make_the_one_before_forgotten() -> None:
    """Seed 83: a greylisted letter has no intent yet, and its "later" was taken for a no to the letter before."""
    steps = (step("hello", 1), step("again", 2), step("last", 2))
    world = World(sequence=Sequence(name="quick", title="Quick", steps=steps), limits=Limits(person_per_week=2))
    await world.begin("anna@prospect.test")
    await world.days(2)
    world.transport.reply(Phase.RCPT, 451, "4.7.1 Greylisted, come back in five minutes")
    await world.days(4)
    assert world.steps("anna@prospect.test") == ["hello", "again"]
    await world.days(6)
    assert world.steps("anna@prospect.test") == ["hello", "again", "last"]
