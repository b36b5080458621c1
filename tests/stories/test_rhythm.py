"""When the daemon begins its next cycle: for mail, for others, for a time, and never for what it wrote itself."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

from inboxagent.outreach.outbox import Phase
from tests.fakes.store import MemoryStore
from tests.stories.people import ANNE
from tests.stories.world import World

MINUTE = 60.0


async def rounds(world: World, meanwhile: Callable[[], None] = lambda: None) -> int:
    """How many cycles there are until the daemon has rested for a moment."""
    count, deliver = 0, world.agent.deliver

    async def counted(halted: Callable[[], bool]) -> object:
        nonlocal count
        count += 1
        found = await deliver(halted)
        if count == 1:
            meanwhile()
        return found

    async def wait(seconds: float) -> bool:
        await asyncio.sleep(0.05)
        world._rested(seconds)
        return False

    world.agent.deliver = counted  # type: ignore[method-assign,assignment]
    world.mailbox.wait = wait  # type: ignore[method-assign]
    await world.cycle()
    return count


async def due() -> World:
    """A letter to Anne will be due in the next cycle."""
    world = World()
    await world.begin(ANNE)
    world.clock.at += timedelta(days=3)
    return world


async def test_a_cycle_is_not_repeated_for_what_it_wrote_itself() -> None:
    world = await due()
    before = world.store.generation()
    assert await rounds(world) == 1
    assert world.steps(ANNE) == ["nudge"]
    assert world.store.generation() != before


async def test_a_cycle_follows_what_somebody_else_wrote_during_the_last_one() -> None:
    world = await due()

    def command() -> None:
        with MemoryStore(world.memory).transaction("a command") as ledger:
            ledger.remember("something", 1)

    assert await rounds(world, command) == 2


async def test_a_letter_that_was_withdrawn_is_tried_again_soon() -> None:
    """Not at once, for the server is slow."""
    world = await due()

    def slow(effect: str) -> None:
        if effect == "status":
            world.clock.booted += 11

    world.before = slow
    assert await world.cycle() == MINUTE
    world.before = lambda _: None
    world.clock.pass_time(timedelta(seconds=MINUTE))
    await world.cycle()
    assert world.steps(ANNE) == ["nudge"]


async def test_a_letter_in_doubt_is_looked_for_soon_and_not_for_ever() -> None:
    """Its copy is filed by the server, where nothing tells of it."""
    world = await due()
    world.transport.lose_line(Phase.DOT, accepted=True)
    waits = []
    for _ in range(12):
        waits.append(await world.cycle())
        world.clock.pass_time(timedelta(minutes=1))
    assert world.of(ANNE).uncertain
    assert waits[:9] == [MINUTE] * 9
    assert waits[-1] == world.poll.total_seconds()
    world.server.deliver(world.transport.accepted[0].message, "Sent")
    await world.cycle()
    assert world.steps(ANNE) == ["nudge"]
    assert not world.of(ANNE).uncertain
