"""Her court: a question that waits for her, and a task of hers. She is told once, and nothing goes to him meanwhile."""

from dataclasses import replace
from datetime import timedelta

from inboxagent.outreach.events import Word
from inboxagent.outreach.limits import Limits
from inboxagent.outreach.outbox import Phase
from inboxagent.outreach.sequence import Do, Sequence
from inboxagent.outreach.waits import Unit, Wait
from tests.stories.people import ANNE, BART
from tests.stories.world import MAYA, PROPOSAL, World, step

RING = replace(step("ring", 3), do=Do.TASK, letter="Ring him about the project.")
TASKS = Sequence(name="tasks", title="Tasks", steps=(step("nudge", 3), RING, step("last", 7)))
ASKS = "Could you send me the figures?\n\nAnne\n"


async def asked(**more: object) -> World:
    """Anne asks something on Thursday, an hour after the nudge came."""
    world = World(remind_to=MAYA.address, **more)  # type: ignore[arg-type]
    await world.begin(ANNE)
    await world.days(3)
    await world.pass_time(hours=1)
    world.answer(ANNE, text=ASKS)
    await world.cycle()
    return world


async def test_a_question_waits_for_her_and_she_is_reminded_once() -> None:
    """Case 51: never a nudge; after one business day a mail to herself, with what he asked."""
    world = await asked()
    await world.pass_time(hours=20)
    assert world.told() == []
    await world.pass_time(hours=6)
    (told,) = world.told()
    assert told.subject == f"{ANNE} waits for your answer"
    assert "> Could you send me the figures?" in told.text
    assert told.field("auto-submitted") == "auto-generated"
    await world.days(30)
    assert (len(world.told()), world.steps(ANNE), world.state(ANNE)) == (1, ["nudge"], "answered")


async def test_the_weekend_is_no_waiting() -> None:
    """He asks on Thursday; two business days later is Monday."""
    rule = replace(PROPOSAL, my_turn=Wait(amount=2, unit=Unit.BUSINESS_DAY))
    world = await asked(sequence=rule)
    await world.days(3.5)
    assert world.told() == []
    await world.days(0.6)
    assert len(world.told()) == 1


async def test_she_has_answered_in_time() -> None:
    world = await asked()
    await world.pass_time(hours=5)
    world.she_writes(ANNE)
    await world.days(10)
    assert world.told() == []
    world.answer(ANNE, text="And by when?\n")
    await world.days(5)
    assert len(world.told()) == 1
    assert "> And by when?" in world.told()[0].text


async def test_a_call_is_an_answer_too() -> None:
    world = await asked()
    world.command(ANNE, Word.NOTE, text="called her")
    await world.days(5)
    assert world.told() == []


async def test_what_asks_nothing_waits_in_the_list_alone() -> None:
    world = World(remind_to=MAYA.address)
    await world.begin(ANNE)
    await world.days(1)
    world.answer(ANNE, text="Thank you, we have got it.\n")
    await world.days(5)
    assert (world.told(), world.state(ANNE)) == ([], "answered")


async def test_a_restart_reminds_nobody_again() -> None:
    world = await asked()
    await world.days(2)
    world.start()
    await world.days(2)
    assert len(world.told()) == 1


async def test_a_server_that_is_away_is_asked_again() -> None:
    world = await asked()
    await world.pass_time(hours=23)
    world.transport.lose_line(Phase.CONNECT)
    await world.pass_time(hours=1, minutes=10)
    assert world.told() == []
    await world.pass_time(hours=2)
    assert len(world.told()) == 1


async def test_while_everything_is_paused_she_is_told_nothing() -> None:
    world = await asked()
    world.paused = "a flag"
    await world.days(3)
    assert world.told() == []
    world.paused = None
    await world.days(1)
    assert len(world.told()) == 1


async def test_a_due_task_is_mailed_to_her_once_with_the_story_so_far() -> None:
    world = World(sequence=TASKS, remind_to=MAYA.address)
    await world.begin(ANNE)
    await world.days(6.5)
    (told,) = world.told()
    assert told.subject == f"To do: ring, {ANNE}"
    assert "Ring him about the project." in told.text
    assert "letter `nudge` went out" in told.text
    assert f"inboxagent done {world.of(ANNE).id} ring" in told.text
    await world.days(3)
    assert len(world.told()) == 1
    world.command(ANNE, Word.DONE, step="ring")
    await world.days(8)
    assert world.steps(ANNE) == ["nudge", "last"]
    assert world.store.fact("reminded") is None


async def test_the_sequence_moves_on_without_her() -> None:
    """A task that nobody does: the next wait ran from the day on which it was due."""
    world = World(sequence=TASKS, remind_to=MAYA.address)
    await world.begin(ANNE)
    await world.days(14)
    assert (world.steps(ANNE), len(world.told())) == (["nudge", "last"], 1)


async def test_reminders_are_no_letters() -> None:
    """They count for no limit, and no prospect's mail waits for them."""
    world = World(remind_to=MAYA.address, limits=Limits(per_day=1, gap=timedelta(hours=5)))
    await world.begin(ANNE, BART)
    world.answer(ANNE, text=ASKS)
    await world.days(3.5)
    assert (len(world.told()), world.steps(BART)) == (1, ["nudge"])


async def test_killed_at_every_effect_of_a_reminder() -> None:
    """She is told all the same, at worst twice; and what goes to him stays what it was."""
    world = await asked()
    await world.pass_time(hours=23)
    first = len(world.effects) + 1
    await world.days(1)
    last = len(world.effects)
    assert len(world.told()) == 1
    for die_at in range(first, last + 1):
        world = await asked(die_at=die_at)
        await world.days(3)
        assert world.deaths == 1, die_at
        assert 1 <= len(world.told()) <= 2, die_at
        assert (world.state(ANNE), world.steps(ANNE)) == ("answered", ["nudge"]), die_at
