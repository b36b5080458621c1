"""People change places: a colleague takes over, a successor is named; he writes from elsewhere, or is away."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from inboxagent.errors import Refused
from inboxagent.outreach.events import Word
from inboxagent.outreach.sequence import Sequence
from inboxagent.outreach.state import Conversation
from inboxagent.outreach.waits import Unit, Wait
from tests.stories.people import ANNE, BART, COLLEAGUE
from tests.stories.world import PROPOSAL, World, step

OTHER = Sequence(name="other", title="Other", steps=(step("second", 5),))
PRIVATE = "anne@home.test"
AWAY = "Auto-Submitted: auto-replied"
UNTIL_FRIDAY_WEEK = "I am out of the office until 13 November 2026.\n"


async def nudged() -> World:
    """Anne has got the nudge."""
    world = World(books={"other": OTHER})
    await world.begin(ANNE)
    await world.days(3.2)
    return world


async def take_over(world: World, address: str, before: Conversation) -> Conversation:
    """Maya enrols him in the place of another one."""
    return await world.enrol(address, instead_of=before.id)


async def test_a_colleague_takes_over() -> None:
    """He answers in the thread, she answers him, and enrols him in the other one's place: one conversation goes on."""
    world = await nudged()
    before = world.of(ANNE)
    his = world.answer(
        COLLEAGUE, answers=world.newest_to(ANNE), text="I take over from Anne. Which part comes first?\n"
    )
    await world.days(1)
    assert world.state(ANNE) == "answered"
    with pytest.raises(Refused, match=rf"{COLLEAGUE} is not to be followed up .*answer him first"):
        await take_over(world, COLLEAGUE, before)
    world.she_writes(COLLEAGUE, answers=his)
    await world.days(1)
    after = await take_over(world, COLLEAGUE, before)
    assert (world.state(ANNE), after.state, after.enrolment.origin) == ("stopped", "waiting", before.id)
    await world.days(3)
    assert (world.steps(ANNE), world.steps(COLLEAGUE)) == (["nudge"], ["nudge"])


async def test_who_never_wrote_inherits_the_thread() -> None:
    """A successor of whom nothing is known but the address: her letter to him stands in the old thread."""
    world = await nudged()
    before, newest = world.of(ANNE), world.newest_to(ANNE)
    with world.store.transaction("she is dead") as ledger:
        ledger.suppress(ANNE, "the address is dead")
    after = await take_over(world, BART, before)
    assert after.enrolment.prospect.address == BART
    assert (after.touches, after.latest == before.latest) == (0, True)
    await world.days(3.5)
    letter = world.letters()[-1]
    assert letter.in_reply_to == (newest,)
    assert [each.address for each in (*letter.to, *letter.cc)] == [BART]
    assert world.state(ANNE) == "stopped"


async def test_an_answer_of_the_old_one_reaches_the_new_conversation() -> None:
    world = await nudged()
    after = await take_over(world, COLLEAGUE, world.of(ANNE))
    world.answer(ANNE, text="Has my colleague called you?\n")
    await world.days(20)
    assert world.store.conversation(after.id).state == "answered"  # type: ignore[union-attr]
    assert world.steps(COLLEAGUE) == []


async def test_nobody_takes_his_own_place_or_that_of_nobody() -> None:
    world = await nudged()
    with pytest.raises(Refused, match=f"{ANNE} is in .* himself"):
        await take_over(world, ANNE, world.of(ANNE))
    with pytest.raises(Refused, match="there is no conversation k1"):
        await world.enrol(BART, instead_of="k1")


async def test_his_private_address_is_proposed_and_never_written_to() -> None:
    """Case 6: he answers from another address; it is shown, stored for nothing, and nothing goes there."""
    world = await nudged()
    world.answer(PRIVATE, answers=world.newest_to(ANNE), text="I am at home this week. Call me?\n")
    await world.days(20)
    proposed = [each.address for each in world.of(ANNE).events if each.word is Word.PROPOSED]
    assert (world.state(ANNE), proposed, world.steps(PRIVATE)) == ("answered", [PRIVATE], [])
    assert PRIVATE not in world.of(ANNE).addresses


async def in_two_sequences(**settings: Any) -> World:
    """Anne is in two sequences until Thursday."""
    other = replace(OTHER, **settings)
    world = World(sequence=replace(PROPOSAL, **settings), books={"other": other})
    await world.begin(ANNE)
    world.she_writes(ANNE, subject="Another matter")
    await world.enrol(ANNE, other, subject="Another matter")
    await world.days(3.2)
    return world


async def away_everywhere() -> World:
    """She is away from Thursday on."""
    world = await in_two_sequences()
    world.answer(ANNE, text=UNTIL_FRIDAY_WEEK, fields=AWAY)
    await world.cycle()
    return world


async def test_an_absence_holds_all_conversations_with_him() -> None:
    """Case 28."""
    world = await away_everywhere()
    assert [each.state for each in world.store.conversations()] == ["held", "held"]
    await world.days(9)
    assert world.steps(ANNE) == ["nudge"]
    await world.days(4)
    assert sorted(world.steps(ANNE)) == ["nudge", "second"]


async def test_an_absence_while_it_is_her_turn_holds_all_that_her_answer_lets_go_on() -> None:
    """Case 28: he has answered, his note comes after that, and then she answers him."""
    world = await in_two_sequences(after_my_answer=Wait(amount=2, unit=Unit.DAY))
    world.answer(ANNE, text="Which day suits you?\n")
    await world.pass_time(hours=1)
    world.answer(ANNE, text=UNTIL_FRIDAY_WEEK, fields=AWAY)
    await world.pass_time(hours=1)
    assert [each.state for each in world.store.conversations()] == ["answered", "answered"]
    world.she_writes(ANNE)
    await world.days(8)
    assert [each.state for each in world.store.conversations()] == ["waiting", "waiting"]
    assert world.steps(ANNE) == ["nudge"]
    await world.days(6)
    assert sorted(world.steps(ANNE)) == ["nudge", "question", "second"]


async def test_he_answers_while_his_vacation_reply_is_on() -> None:
    """Both come: the answer counts in every conversation, and the date of return brings nothing back."""
    world = await away_everywhere()
    world.answer(ANNE, text="I read mail on the beach. Which day suits you?\n")
    await world.pass_time(hours=1)
    world.answer(ANNE, text=UNTIL_FRIDAY_WEEK, fields=AWAY)
    await world.days(30)
    assert [each.state for each in world.store.conversations()] == ["answered", "answered"]
    assert world.steps(ANNE) == ["nudge"]


async def test_a_second_note_extends_and_never_shortens() -> None:
    """Case 27, and her own hold is never overruled."""
    world = await away_everywhere()
    until = world.of(ANNE).held_until
    assert until is not None
    world.answer(ANNE, text="I am out of the office until 9 November 2026.\n", fields=AWAY)
    await world.cycle()
    assert world.of(ANNE).held_until == until
    world.command(ANNE, Word.HELD, until=until + timedelta(days=20))
    await world.days(12)
    assert world.of(ANNE).held_until == until + timedelta(days=20)


@pytest.mark.parametrize("provider", ["gmail.com", "gmx.de", "outlook.com"])
async def test_people_at_a_public_provider_are_strangers_to_each_other(provider: str) -> None:
    """Case 8: one answers in his own thread; the other one goes on."""
    world = World()
    one, other = f"one@{provider}", f"other@{provider}"
    await world.begin(one, other)
    world.answer(one)
    await world.days(3.5)
    assert (world.state(one), world.steps(one), world.steps(other)) == ("answered", [], ["nudge"])


async def test_who_has_left_in_a_shared_thread_changes_nothing_for_him() -> None:
    """Somebody of another firm to whom she wrote in the same mail is not away, but gone, and the prospect is there."""
    world = World()
    shared = world.she_writes(f"{ANNE}, bart@other.test")
    await world.enrol(ANNE)
    world.answer(
        "bart@other.test", answers=shared, text="I have left the company.\n", fields="Auto-Submitted: auto-replied"
    )
    await world.pass_time(hours=1)
    assert (world.words(ANNE)[-1], world.state(ANNE)) == ("note", "waiting")
    world.answer(
        "anne@home.example", answers=shared, text="I have left the company.\n", fields="Auto-Submitted: auto-replied"
    )
    await world.pass_time(hours=1)
    assert world.state(ANNE) == "held", "an address that nobody knew may be his own"
