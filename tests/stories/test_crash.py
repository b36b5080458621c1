"""Killed at every effect, started again on what was left, played on: never twice, nothing lost."""

from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from inboxagent.mail.inbound import parse
from inboxagent.outreach.events import Word
from inboxagent.outreach.outbox import Phase
from tests.stories.people import ANNE, BART, COLLEAGUE
from tests.stories.world import DAY, ProcessDiedError, World

Story = Callable[[World], Awaitable[None]]


async def he_never_answers(world: World) -> None:
    """Three follow-ups to Anne, and Bart answers the first one."""
    await world.days(3.2)
    world.answer(BART, text="Yes, please.\n")
    await world.days(13)


async def all_that_can_come(world: World) -> None:
    """An absence, a letter of her own, mail from a colleague, a dead address."""
    await world.days(2)
    first = world.of(ANNE).enrolment.thread[0]
    hers = world.she_writes(ANNE, answers=first)
    world.answer(BART, text="Away.\n", fields="Auto-Submitted: auto-replied")
    await world.days(4)
    world.answer(COLLEAGUE, answers=hers)
    world.server.renumber("INBOX")
    await world.days(6)
    world.bounce(BART, str(world.newest_to(BART)))
    await world.days(6)


async def the_line_is_bad(world: World) -> None:
    """Put off once, in doubt once; the server files the copy of what it took."""
    world.transport.reply(Phase.DOT, 451, "4.3.0 Try later")
    world.transport.lose_line(Phase.DOT, accepted=True)
    await world.days(4)
    for letter in world.transport.accepted:
        world.server.deliver(letter.message, "Archive")
    await world.days(20)


async def play(story: Story, die_at: int | None) -> World:
    """The story with a process that dies at that effect; enrolment is over by then."""
    world = World(poll=4 * DAY)
    await world.begin(ANNE, BART)
    world.effects.clear()
    world.die_at = die_at
    await story(world)
    return world


def end(world: World) -> dict[str, object]:
    """What is the same however it was reached."""
    return {
        each.enrolment.prospect.address: (each.state, each.passed, sorted(each.addresses), each.final)
        for each in world.store.conversations()
    }


def in_doubt(world: World) -> list[str]:
    """Who waits for her because nobody knows what became of a letter."""
    return [each.enrolment.prospect.address for each in world.store.conversations() if each.uncertain]


def copies(world: World) -> Counter[str]:
    """How many copies of each accepted letter lie in Sent."""
    filed = Counter(parse(each.raw).message_id for each in world.server.boxes["Sent"].messages.values())
    return Counter({letter.message_id: filed[letter.message_id] for letter in world.letters()})


@pytest.mark.parametrize("story", [he_never_answers, all_that_can_come, the_line_is_bad])
async def test_killed_at_every_effect(story: Story) -> None:
    """At most one letter of each kind to each; each answer is known; the end is the same, or one letter in doubt."""
    whole = await play(story, None)
    assert len(whole.effects) > 50
    doubts = 0
    for die_at in range(1, len(whole.effects) + 1):
        world = await play(story, die_at)
        where = f"{story.__name__} killed at {die_at}, {world.effects[die_at - 1]}"
        assert world.deaths == 1, where
        for address in (ANNE, BART):
            assert len(world.steps(address)) == len(set(world.steps(address))), f"{where}: {address} got a letter twice"
            lost = {Word.REPLY, Word.BOUNCE, Word.OWN_MAIL} & (words(whole, address) - words(world, address))
            assert not lost, f"{where}: of {address}"
        assert max(copies(world).values(), default=0) <= 1, f"{where}: {copies(world)}"
        if end(world) != end(whole):
            assert len(in_doubt(world)) == 1, f"{where}: {end(world)}"
            doubts += 1
    assert doubts < len(whole.effects) / 4


def words(world: World, address: str) -> set[Word]:
    """What happened with him."""
    return {each.word for each in world.of(address).events}


async def test_enrolment_killed_at_every_effect() -> None:
    """Enrolled or not, never half; what was not is enrolled by the next try, and an answer in between is an answer."""
    whole = World()
    await whole.begin(ANNE)
    for die_at in range(1, len(whole.effects) + 1):
        world = World(die_at=die_at)
        world.she_writes(ANNE)
        with pytest.raises(ProcessDiedError):
            await world.enrol(ANNE)
        world.start()
        world.clock.pass_time(DAY)
        if not world.store.conversations():
            await world.enrol(ANNE)
        world.answer(ANNE)
        await world.days(10)
        assert world.words(ANNE) == ["enrolled", "reply"], f"killed at {die_at}, {world.effects[die_at - 1]}"
        assert world.transport.accepted == []
