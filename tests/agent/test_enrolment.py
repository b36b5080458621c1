"""Enrolling: which thread, what came since, and every reason to refuse."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from inboxagent.agent.enrolment import choose, enroll
from inboxagent.agent.scan import exchanged
from inboxagent.agent.wish import Wish
from inboxagent.errors import Refused, Unreachable, UsageError
from inboxagent.outreach.events import Word
from inboxagent.outreach.model import Prospect
from inboxagent.outreach.sequence import Field
from inboxagent.outreach.state import Conversation, State
from inboxagent.outreach.thread import Thread, threads
from inboxagent.ports import Search
from tests.stories.people import ANNE, BART, COLLEAGUE
from tests.stories.world import DAY, HOUR, MAYA, PROPOSAL, World

AWAY = "Auto-Submitted: auto-replied"


async def enrolled(world: World, address: str = ANNE, *, dry_run: bool = False, **more: object) -> Conversation:
    """Enrol him as the command line does."""
    fields = more.pop("fields", {})
    wish = Wish(sequence=world.sequence, prospect=Prospect(address=address, fields=fields), **more)  # type: ignore[arg-type]
    return await enroll(world.account, world.mailbox, world.store, world.clock, wish, dry_run=dry_run)


def two_threads(world: World) -> tuple[str, str]:
    """She writes to Anne about two projects, a day apart."""
    first = world.she_writes(ANNE, subject="The bridge")
    world.clock.pass_time(DAY)
    return first, world.she_writes(ANNE, subject="The tunnel")


async def with_anne(world: World) -> tuple[Thread, ...]:
    """The threads in which she has written to Anne."""
    return threads(await exchanged(world.mailbox, Search(address=ANNE)), ANNE, MAYA.addresses)


async def test_the_thread_is_found_and_its_touches_are_counted() -> None:
    world = World()
    first = world.she_writes(ANNE)
    world.clock.pass_time(DAY)
    his = world.answer(ANNE, answers=first, mailbox="Archive")
    world.clock.pass_time(DAY)
    second = world.she_writes(ANNE, answers=his, references=[first, his])
    conversation = await enrolled(world)
    assert conversation.touches == 2
    assert conversation.clock_at == world.clock.at
    assert conversation.enrolment.thread == (first, his, second)
    assert conversation.latest is not None
    assert conversation.latest.message_id == second
    assert "Our project" in conversation.because


async def test_several_threads_are_listed_and_refused() -> None:
    world = World()
    first, second = two_threads(world)
    with pytest.raises(Refused) as refusal:
        await enrolled(world)
    assert "2 threads with anne@prospect.test fit" in str(refusal.value)
    assert first in str(refusal.value)
    assert f"2026-11-03 10:00  The tunnel  {second}" in str(refusal.value)
    assert "(times are those of UTC)" in str(refusal.value)
    assert world.store.conversations() == []


async def test_threads_are_listed_by_her_own_clock() -> None:
    world = World()
    two_threads(world)
    found = await with_anne(world)
    with pytest.raises(Refused, match=r"times are those of Asia/Tokyo\):\n  2026-11-03 19:00  The tunnel"):
        choose(found, Wish(sequence=PROPOSAL, prospect=Prospect(address=ANNE)), ZoneInfo("Asia/Tokyo"))


@pytest.mark.parametrize(
    ("choice", "subject"),
    [
        ({"newest": True}, "The tunnel"),
        ({"subject": "bridge"}, "The bridge"),
        ({"message_id": "<1.maya@lind.test>"}, "The bridge"),
        ({"message_id": "<2.maya@lind.test>", "subject": "tunnel"}, "The tunnel"),
    ],
)
async def test_one_thread_is_chosen(choice: dict[str, Any], subject: str) -> None:
    world = World()
    two_threads(world)
    conversation = await enrolled(world, **choice)
    assert conversation.latest is not None
    assert conversation.latest.subject == subject


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        ({"address": BART}, "there is no thread in which you wrote to bart@prospect.test"),
        ({"subject": "airport"}, "there is no thread that fits in which you wrote to anne@prospect.test"),
        ({"message_id": "<0@x.test>"}, "there is no thread that fits"),
        ({"address": MAYA.aliases[0]}, "m.lind@home.test is your own address"),
        ({"address": "M.Lind@Home.test"}, "m.lind@home.test is your own address"),
    ],
)
async def test_no_thread_no_enrolment(wish: dict[str, Any], sentence: str) -> None:
    world = World()
    world.she_writes(ANNE)
    with pytest.raises(Refused, match=sentence):
        await enrolled(world, **wish)


async def test_twice_is_refused_with_the_id() -> None:
    world = World()
    world.she_writes(ANNE)
    conversation = await enrolled(world)
    with pytest.raises(Refused, match=f"anne@prospect.test is enrolled already: {conversation.id}"):
        await enrolled(world, "Anne@prospect.test")
    world.command(ANNE, Word.STOPPED)
    world.clock.pass_time(HOUR)
    again = await enrolled(world)
    assert again.id != conversation.id


async def test_suppressed_is_refused_with_the_reason() -> None:
    world = World()
    world.she_writes(ANNE)
    with world.store.transaction("suppress") as ledger:
        ledger.suppress("@prospect.test", "they asked for it")
    with pytest.raises(Refused, match="never to be written to: they asked for it"):
        await enrolled(world)


async def test_a_missing_or_unknown_field_is_refused_before_anything_is_read() -> None:
    step = replace(PROPOSAL.steps[0], letter="Hello {{ company }}, this is the nudge about it.")
    world = World(sequence=replace(PROPOSAL, steps=(step,), fields={"company": Field(name="company")}))
    with pytest.raises(Refused, match='lacks "company"; add --field company='):
        await enrolled(world)
    with pytest.raises(UsageError, match='knows no field "shoe_size"'):
        await enrolled(world, fields={"company": "Anne", "shoe_size": "38"})
    with pytest.raises(UsageError, match='no step "later"; its steps are nudge'):
        await enrolled(world, fields={"first_name": "Anne"}, start="later")
    assert world.effects == []


@pytest.mark.parametrize(("author", "answers"), [(ANNE, True), (ANNE, False), (COLLEAGUE, True)])
async def test_an_open_answer_is_refused_with_its_date_and_words(author: str, answers: bool) -> None:
    """P1: whoever answered, in any mailbox, in or outside the thread."""
    world = World()
    first = world.she_writes(ANNE)
    world.clock.pass_time(HOUR)
    world.answer(author, answers=first if answers else None, text="Not before May.\n", mailbox="Trash")
    world.clock.pass_time(DAY)
    with pytest.raises(Refused, match=r'\(2026-11-02 11:00, UTC\): .*"Not before May."; answer him first, then enrol'):
        await enrolled(world)
    assert world.store.conversations() == []


async def test_an_answer_that_she_has_answered_is_history() -> None:
    world = World()
    first = world.she_writes(ANNE)
    world.clock.pass_time(HOUR)
    his = world.answer(ANNE, answers=first)
    world.clock.pass_time(HOUR)
    world.she_writes(ANNE, answers=his, references=[first, his])
    assert (await enrolled(world)).state is State.WAITING


async def test_an_answer_in_another_thread_with_him_is_open_too() -> None:
    world = World()
    two_threads(world)
    world.clock.pass_time(HOUR)
    world.answer(ANNE, answers="<1.maya@lind.test>")
    with pytest.raises(Refused, match="he wrote outside the thread"):
        await enrolled(world, subject="tunnel")


async def test_a_dead_address_and_an_opt_out_are_refused() -> None:
    for what in ("bounce", "opt-out"):
        world = World()
        first = world.she_writes(ANNE)
        world.clock.pass_time(HOUR)
        if what == "bounce":
            world.bounce(ANNE, first)
        else:
            world.answer(ANNE, text="unsubscribe\n")
        with pytest.raises(Refused, match="not to be followed up"):
            await enrolled(world)


async def test_an_absence_enrols_him_as_held_while_it_lasts() -> None:
    world = World()
    world.she_writes(ANNE)
    world.answer(ANNE, text="Away.\n", fields=AWAY)
    world.clock.pass_time(DAY)
    assert (await enrolled(world)).state is State.HELD
    await world.days(8.9)
    assert world.steps(ANNE) == []
    await world.days(0.2)
    assert world.steps(ANNE) == ["nudge"]


async def test_who_has_come_back_since_is_held_no_longer() -> None:
    world = World()
    world.she_writes(ANNE)
    world.answer(ANNE, text="Away.\n", fields=AWAY)
    world.clock.pass_time(11 * DAY)
    await enrolled(world)
    await world.cycle()
    assert world.steps(ANNE) == ["nudge"]


async def test_a_new_thread_is_opened_by_the_first_step() -> None:
    opening = replace(PROPOSAL.steps[0], subject="A first word")
    world = World(sequence=replace(PROPOSAL, steps=(opening, *PROPOSAL.steps[1:])))
    conversation = await enrolled(world, new=True)
    assert (conversation.touches, conversation.latest) == (0, None)
    await world.days(8)
    first, second = world.letters()
    assert (first.subject, first.references) == ("A first word", ())
    assert (second.subject, second.references) == ("Re: A first word", (first.message_id,))


async def test_a_new_thread_needs_a_subject() -> None:
    with pytest.raises(Refused, match="`nudge` has no `subject:` line"):
        await enrolled(World(), new=True)


async def test_a_new_thread_beside_an_open_answer_is_refused() -> None:
    world = World(sequence=replace(PROPOSAL, steps=(replace(PROPOSAL.steps[0], subject="Again"),)))
    world.she_writes(ANNE)
    world.clock.pass_time(HOUR)
    world.answer(ANNE)
    with pytest.raises(Refused, match="answer him first"):
        await enrolled(world, new=True)


async def test_she_starts_at_a_later_step() -> None:
    world = World()
    world.she_writes(ANNE)
    await enrolled(world, start="question")
    await world.days(5)
    assert world.steps(ANNE) == ["question"]


async def test_a_rehearsal_writes_nothing() -> None:
    world = World()
    world.she_writes(ANNE)
    conversation = await enrolled(world, dry_run=True)
    assert conversation.state is State.WAITING
    assert world.store.conversations() == []
    assert "commit" not in world.effects


async def test_an_unreachable_server_enrols_nobody() -> None:
    world = World()
    world.she_writes(ANNE)

    def fail(effect: str) -> None:
        if effect == "headers":
            raise Unreachable("the server is away")

    world.before = fail
    with pytest.raises(Unreachable):
        await enrolled(world)
    assert world.store.conversations() == []


async def test_his_name_is_taken_from_the_newest_mail() -> None:
    world = World()
    world.she_writes(f"A. Moreau <{ANNE}>")
    world.clock.pass_time(HOUR)
    world.she_writes(f"Anne Moreau <{ANNE}>", answers="<1.maya@lind.test>")
    assert (await enrolled(world)).enrolment.prospect.name == "Anne Moreau"


async def test_threads_with_a_person_are_told_newest_first() -> None:
    world = World()
    first, second = two_threads(world)
    found = await with_anne(world)
    assert [each.message_id for each in found] == [second, first]


async def test_ids_of_people_enrolled_in_one_second_differ() -> None:
    world = World()
    ids = set()
    for number in range(40):
        world.she_writes(f"p{number}@prospect.test")
        ids.add((await enrolled(world, f"p{number}@prospect.test")).id)
    assert len(ids) == 40


async def test_the_daemon_that_was_behind_reads_no_history_into_it() -> None:
    """His older answers, and hers, lie beyond the daemon's cursor when he is enrolled: none of them stops anything."""
    world = World()
    await world.cycle()
    first = world.she_writes(ANNE)
    world.clock.pass_time(HOUR)
    his = world.answer(ANNE, answers=first)
    world.clock.pass_time(timedelta(seconds=1))
    world.she_writes(ANNE, answers=his, references=[first, his])
    await enrolled(world)
    await world.days(3.2)
    assert world.words(ANNE) == ["enrolled", "sent"]


NOTED = replace(PROPOSAL, name="call", fields={"summary": Field(name="summary", required=True, noted=True)}, then=None)
TOLD = "You send the floor plan by Friday."


async def follow_the_call(world: World, address: str = ANNE, **fields: str) -> Mapping[str, str]:
    """Enrol him in the sequence that takes her note; the fields that he has then."""
    wish = Wish(sequence=NOTED, prospect=Prospect(address=address, fields=fields), newest=True)
    conversation = await enroll(world.account, world.mailbox, world.store, world.clock, wish)
    return conversation.enrolment.prospect.fields


async def after_a_call(world: World) -> None:
    """She has spoken with Anne, noted it, and ended what ran until then."""
    await world.begin(ANNE)
    await world.days(1)
    world.command(ANNE, Word.NOTE, text=TOLD)
    world.command(ANNE, Word.STOPPED)


async def test_her_newest_note_is_the_field_that_comes_from_it() -> None:
    world = World(books={"call": NOTED})
    await after_a_call(world)
    assert await follow_the_call(world) == {"summary": TOLD}


async def test_what_she_gives_goes_before_her_note() -> None:
    world = World(books={"call": NOTED})
    await after_a_call(world)
    assert await follow_the_call(world, summary="Agreed.") == {"summary": "Agreed."}


async def test_a_note_is_no_news_once_she_has_written_since() -> None:
    world = World(books={"call": NOTED})
    await world.begin(ANNE)
    with pytest.raises(Refused, match=f'lacks "summary"; add --field summary=…, or .* inboxagent note {ANNE}'):
        await follow_the_call(world)
    world.command(ANNE, Word.NOTE, text=TOLD)
    await world.days(1)
    world.she_writes(ANNE)
    await world.days(1)
    world.command(ANNE, Word.STOPPED)
    with pytest.raises(Refused, match='lacks "summary"'):
        await follow_the_call(world)


async def test_a_note_about_somebody_else_is_not_his() -> None:
    world = World(books={"call": NOTED})
    await after_a_call(world)
    world.she_writes(BART)
    with pytest.raises(Refused, match='lacks "summary"'):
        await follow_the_call(world, BART)
