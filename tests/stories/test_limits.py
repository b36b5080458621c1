"""How much may go out at once: the gap, the day's limit, the brake."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from inboxagent.agent.brake import BRAKE, LEAPT
from inboxagent.outreach.events import Word
from inboxagent.outreach.hours import Hours
from inboxagent.outreach.limits import Limits
from inboxagent.outreach.sequence import Sequence
from inboxagent.ports import REWOUND
from tests.stories.people import ANNE
from tests.stories.world import PROPOSAL, World, step

OTHER = Sequence(name="other", title="Other", steps=(step("second", 3),))
MANY = [f"p{number}@prospect.test" for number in range(6)]


def times(world: World) -> list[datetime]:
    """When each letter was accepted."""
    return sorted(letter.date for letter in world.letters() if letter.date)


async def test_two_letters_are_apart() -> None:
    """A backlog is spread by the gap and up to a quarter of it more, never burst and never in an even beat."""
    world = World(limits=Limits(gap=timedelta(minutes=7)))
    await world.begin(*MANY)
    await world.days(4)
    sent = times(world)
    assert len(sent) == len(MANY)
    between = {later - earlier for earlier, later in pairwise(sent)}
    assert timedelta(minutes=7) <= min(between) < max(between) <= timedelta(minutes=7) * 1.25


async def test_a_day_is_full() -> None:
    """Case 67, 68: the rest goes the next day; a restart in between counts nothing anew."""
    world = World(limits=Limits(per_day=4))
    await world.begin(*MANY)
    await world.days(3.2)
    assert len(world.transport.accepted) == 4
    world.start()
    await world.pass_time(hours=2)
    assert len(world.transport.accepted) == 4
    await world.days(1)
    assert [at.day for at in times(world)] == [5, 5, 5, 5, 6, 6]


async def test_far_too_many_at_once() -> None:
    """The brake: nothing goes until she releases it, then all of it; that holds for a week."""
    world = World(limits=Limits(brake=5))
    await world.begin(*MANY)
    await world.days(10)
    assert world.transport.accepted == []
    assert [fields["due"] for word, fields in world.observed if word == "braked"] == [len(MANY)]
    world.release_brake()
    await world.days(1)
    assert len(world.transport.accepted) == len(MANY)
    await world.days(6.5)
    later = [f"q{number}@prospect.test" for number in range(6)]
    await world.begin(*later)
    await world.days(3.5)
    assert [fields["due"] for word, fields in world.observed if word == "braked"] == [len(MANY), len(later)]
    assert [world.steps(each) for each in later] == [[]] * len(later)


async def test_the_brake_waits_for_her_when_the_window_is_over() -> None:
    """What was due in the evening is not due when she looks, in the morning: it goes the next evening."""
    evening = Hours(days=frozenset(range(7)), between=((18 * 60, 20 * 60),))
    world = World(sequence=replace(PROPOSAL, hours=evening), limits=Limits(brake=5))
    await world.pass_time(hours=8.5)
    await world.begin(*MANY)
    await world.days(3.6)
    assert f"{world.clock.at:%H:%M}" == "08:54"
    assert isinstance(world.store.fact(BRAKE), dict)
    world.release_brake()
    await world.days(1)
    assert len(world.transport.accepted) == len(MANY)


async def test_more_than_she_knew_of_asks_again() -> None:
    """She has released a few; what an edited file makes due the next day is another matter."""
    world = World(limits=Limits(brake=2))
    await world.begin(*MANY[:3])
    await world.days(3.1)
    world.release_brake()
    await world.begin(*(f"q{number}@prospect.test" for number in range(6)))
    world.books["proposal"] = replace(PROPOSAL, steps=(step("nudge", 0), *PROPOSAL.steps[1:]))
    await world.pass_time(hours=2)
    assert [fields["due"] for word, fields in world.observed if word == "braked"] == [3, 9]
    assert world.transport.accepted == []


async def test_an_older_copy_of_the_state() -> None:
    """Who knows what went out since: nothing more goes until she says so, and then all goes on."""
    world = World()
    await world.begin(*MANY[:2])
    with world.store.transaction("an older copy is found") as ledger:
        ledger.remember(REWOUND, {"found": 3, "written": 9})
    await world.days(10)
    assert world.transport.accepted == []
    assert [word for word, _ in world.observed if word == "braked"] == ["braked"]
    world.release_brake()
    await world.days(1)
    assert len(world.transport.accepted) == 2


async def test_the_oldest_promise_goes_first() -> None:
    """After an absence the one who has waited longest is written to first."""
    world = World()
    for address in reversed(MANY):
        await world.begin(address)
        world.clock.pass_time(timedelta(hours=1))
    world.clock.pass_time(timedelta(days=10))
    await world.days(1)
    assert [each.envelope.forward_paths[0] for each in world.transport.accepted] == list(reversed(MANY))


async def test_the_clock_jumps_back() -> None:
    """Case 70: a wall clock set back by a day sends nothing twice."""
    world = World()
    await world.begin(MANY[0])
    await world.days(3.2)
    world.clock.at -= timedelta(days=1)
    await world.days(20)
    assert world.steps(MANY[0]) == ["nudge", "question", "last"]


async def in_two_sequences() -> World:
    """Both have a letter for Anne on the same morning."""
    world = World(books={"other": OTHER})
    await world.begin(ANNE)
    world.she_writes(ANNE, subject="Another matter")
    await world.enrol(ANNE, OTHER, subject="Another matter")
    return world


async def test_two_sequences_due_the_same_morning_give_one_letter() -> None:
    """Case 66: the other one moves by the distance between two letters to one person."""
    world = await in_two_sequences()
    await world.days(3.5)
    assert world.steps(ANNE) == ["nudge"]
    await world.days(1)
    assert world.steps(ANNE) == ["nudge", "second"]


async def test_a_call_of_hers_keeps_the_letter_of_the_other_sequence_back() -> None:
    world = await in_two_sequences()
    await world.days(2.9)
    world.command(ANNE, Word.NOTE, text="called him")
    await world.days(0.6)
    assert world.steps(ANNE) == []
    await world.days(0.6)
    assert world.steps(ANNE) == ["nudge"]
    await world.days(2)
    assert world.steps(ANNE) == ["nudge", "second"]


async def test_the_clock_is_put_forward_by_far() -> None:
    """Case 70: every wait seems over. Nothing goes until she says that the clock is right."""
    world = World()
    await world.begin(*MANY[:2])
    await world.days(1)
    world.clock.at += timedelta(days=5)
    await world.days(1)
    assert world.transport.accepted == []
    assert [fields["because"] for word, fields in world.observed if word == "braked"] == [
        "the clock of this machine was put forward by more than an hour"
    ]
    world.start()
    await world.days(1)
    assert world.transport.accepted == []
    world.release_brake()
    await world.pass_time(hours=1)
    assert len(world.transport.accepted) == 2


@pytest.mark.parametrize("minutes", [45, -45])
async def test_the_clock_is_set_by_a_little(minutes: int) -> None:
    """Case 70: it rests, so the gap between two letters is as long as it should be on the boot clock."""
    world = World(limits=Limits(gap=timedelta(minutes=50)))
    await world.begin(*MANY[:2])
    booted = []

    def leap(effect: str) -> None:
        if effect == "answer":
            booted.append(world.clock.boot())
            if len(booted) == 1:
                world.clock.at += timedelta(minutes=minutes)

    world.before = leap
    await world.days(4)
    assert len(booted) == 2
    assert booted[1] - booted[0] >= timedelta(minutes=50).total_seconds()
    assert [word for word, _ in world.observed if word in ("clock_leapt", "braked")] == ["clock_leapt"]


async def test_the_clock_is_put_back_and_forward_again() -> None:
    """Case 70: between the two the boot clock shows that no day has passed."""
    world = World()
    await world.begin(MANY[0])
    await world.days(1)
    world.clock.at -= timedelta(days=2)
    await world.pass_time(hours=5)
    world.clock.at += timedelta(days=2)
    await world.days(10)
    assert world.transport.accepted == []
    assert world.store.fact(LEAPT) is not None


async def test_another_boot_proves_nothing_about_the_clock() -> None:
    """The machine was off for a week: what is due goes; whether the clock is right nobody can tell."""
    world = World()
    await world.begin(MANY[0])
    await world.days(1)
    world.clock.at += timedelta(days=7)
    world.clock.booted, world.clock.boots = 12.0, "another boot"
    world.start()
    await world.days(1)
    assert world.steps(MANY[0]) == ["nudge"]
