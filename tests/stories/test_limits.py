"""How much may go out at once: the gap, the day's limit, the brake."""

from datetime import datetime, timedelta
from itertools import pairwise

from inboxagent.agent.account import Limits
from tests.stories.world import World

MANY = [f"p{number}@prospect.test" for number in range(6)]


def times(world: World) -> list[datetime]:
    """When each letter was accepted."""
    return sorted(letter.date for letter in world.letters() if letter.date)


async def test_two_letters_are_apart() -> None:
    """A backlog is spread by the gap, never burst."""
    world = World(limits=Limits(gap=timedelta(minutes=7)))
    await world.begin(*MANY)
    await world.days(4)
    sent = times(world)
    assert len(sent) == len(MANY)
    assert {later - earlier for earlier, later in pairwise(sent)} == {timedelta(minutes=7)}


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
    """The brake: nothing goes until she releases it, then all of it, and the brake is set again for the next time."""
    world = World(limits=Limits(brake=5))
    await world.begin(*MANY)
    await world.days(10)
    assert world.transport.accepted == []
    assert [word for word, _ in world.observed if word == "braked"] == ["braked"]
    with world.store.transaction("she releases the brake") as ledger:
        ledger.remember("brake_released", {"at": "now"})
    await world.days(1)
    assert len(world.transport.accepted) == len(MANY)
    assert (world.store.fact("brake"), world.store.fact("brake_released")) == (None, None)


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
