"""Her hand wins: section 5 of the hard cases, and what she says on the command line."""

from datetime import timedelta

import pytest

from inboxagent.outreach.events import Word
from tests.stories.people import ANNE, BART, COLLEAGUE
from tests.stories.world import DAY, MAYA, World


async def first_of(world: World) -> str:
    """The Message-ID with which his thread begins, once he is enrolled in it."""
    await world.begin(ANNE)
    return world.of(ANNE).enrolment.thread[0]


@pytest.mark.parametrize("mailbox", ["Sent", "Archive"])
async def test_she_answers_him_from_her_phone(mailbox: str) -> None:
    """Case 55: the wait runs anew from her mail, and the follow-up answers to it."""
    world = World()
    first = await first_of(world)
    await world.days(2)
    hers = world.she_writes(ANNE, answers=first, mailbox=mailbox)
    await world.days(2)
    assert world.steps(ANNE) == []
    await world.days(3)
    assert world.steps(ANNE) == ["nudge"]
    letter = world.letters()[0]
    assert letter.in_reply_to == (hers,)
    assert letter.references == (first, hers)
    assert world.of(ANNE).touches == 3


async def test_she_writes_from_her_private_address_to_a_blind_copy() -> None:
    """Case 55: any address of hers, any way of reaching him."""
    world = World()
    await world.begin(ANNE)
    await world.days(2)
    raw = world.mail(MAYA.aliases[0], "team@lind.test", subject="News", fields=f"Bcc: {ANNE}")
    world.server.deliver(raw, "Sent")
    await world.days(2)
    assert world.steps(ANNE) == []


async def test_she_writes_about_something_else() -> None:
    """Case 56: a touch, but the follow-up stays in its own thread."""
    world = World()
    first = await first_of(world)
    await world.days(2)
    world.she_writes(ANNE, subject="Happy birthday")
    await world.days(2)
    assert world.steps(ANNE) == []
    await world.days(3)
    assert world.letters()[0].in_reply_to == (first,)


async def test_she_writes_to_a_group_in_which_he_is_a_copy() -> None:
    """Case 60: it moves the clock, and `why` says so."""
    world = World()
    first = await first_of(world)
    await world.days(2)
    world.she_writes(COLLEAGUE, answers=first, fields=f"Cc: {ANNE}")
    await world.days(2)
    assert world.steps(ANNE) == []
    assert world.of(ANNE).because.startswith("she wrote to him herself: it names <")
    await world.days(3)
    people = {address.address for letter in world.letters() for address in (*letter.to, *letter.cc)}
    assert people == {ANNE, COLLEAGUE}


async def test_she_forwards_the_thread_inside_her_own_house() -> None:
    """What she asks her boss about him is no touch; it is neither answered to nor is the boss written to."""
    world = World()
    first = await first_of(world)
    await world.days(2)
    world.she_writes("boss@lind.test", answers=first, subject="Fwd: Our project", text="What do you think of him?\n")
    await world.days(3)
    letter = world.letters()[0]
    assert letter.in_reply_to == (first,)
    assert letter.subject == "Re: Our project"
    assert [each.address for each in (*letter.to, *letter.cc)] == [ANNE]
    assert world.words(ANNE) == ["enrolled", "note", "sent"]


async def test_she_had_forwarded_the_thread_before_she_enrolled_him() -> None:
    """The thread that is taken up is the one with him."""
    world = World()
    first = world.she_writes(ANNE)
    world.clock.pass_time(DAY)
    world.she_writes("boss@lind.test", answers=first, subject="Fwd: Our project")
    world.clock.pass_time(DAY)
    conversation = await world.enrol(ANNE)
    assert conversation.latest is not None
    assert conversation.latest.message_id == first
    await world.days(4)
    assert [each.address for each in (*world.letters()[0].to, *world.letters()[0].cc)] == [ANNE]


async def test_she_writes_to_him_before_the_date_that_she_has_set() -> None:
    """Case 55: her date is the earliest; a mail of hers, or a call, moves it at most by the gap between two touches."""
    world = World()
    first = await first_of(world)
    date = world.clock.at + 10 * DAY
    world.command(ANNE, Word.RESUMED, until=date)
    await world.days(2)
    world.she_writes(ANNE, answers=first)
    await world.days(1)
    world.command(ANNE, Word.NOTE, text="called, he reads it")
    await world.days(6.5)
    assert world.steps(ANNE) == []
    world.she_writes(ANNE, answers=first)
    await world.days(0.7)
    assert world.steps(ANNE) == [], "half a day after her mail"
    await world.days(0.5)
    assert world.steps(ANNE) == ["nudge"]


async def test_she_does_on_her_date_what_was_to_come_then() -> None:
    """Case 55: a mail of hers on that day is the step, as far as the clock goes."""
    world = World()
    first = await first_of(world)
    world.command(ANNE, Word.RESUMED, until=world.clock.at + 2 * DAY)
    world.clock.pass_time(2 * DAY)
    world.she_writes(ANNE, answers=first)
    await world.days(2.9)
    assert world.steps(ANNE) == []


async def test_his_mail_ends_her_date() -> None:
    world = World()
    await world.begin(ANNE)
    world.command(ANNE, Word.RESUMED, until=world.clock.at + 5 * DAY)
    await world.days(2)
    world.answer(ANNE)
    await world.days(9)
    assert (world.state(ANNE), world.steps(ANNE)) == ("answered", [])


async def test_an_absence_and_her_own_hold() -> None:
    """Case 61: the later date wins, and both reasons are kept."""
    world = World()
    await world.begin(ANNE)
    world.command(ANNE, Word.HELD, until=world.clock.at + 12 * DAY)
    world.answer(ANNE, text="Away.\n", fields="Auto-Submitted: auto-replied")
    await world.days(9)
    assert world.state(ANNE) == "held"
    assert len(world.of(ANNE).holds) == 2
    await world.days(4)
    assert world.state(ANNE) == "waiting"
    await world.days(3)
    assert world.steps(ANNE) == ["nudge"]


async def test_her_pause_outlives_his_absence() -> None:
    """Case 27: a hold without a date waits for her."""
    world = World()
    await world.begin(ANNE)
    world.command(ANNE, Word.HELD)
    world.answer(ANNE, text="Away.\n", fields="Auto-Submitted: auto-replied")
    await world.days(30)
    assert world.state(ANNE) == "held"
    assert world.of(ANNE).held_until is None
    world.command(ANNE, Word.RESUMED)
    await world.days(3.2)
    assert world.steps(ANNE) == ["nudge"]


async def test_she_writes_while_he_is_away() -> None:
    """Case 29: held days do not use up the wait, and those before her mail do not lengthen it."""
    world = World()
    first = await first_of(world)
    world.answer(ANNE, text="Away.\n", fields="Auto-Submitted: auto-replied")
    await world.days(5)
    world.she_writes(ANNE, answers=first)
    await world.days(4.9)
    assert world.steps(ANNE) == []
    assert world.of(ANNE).clock_at == world.of(ANNE).events[1].until, "three days from the end of the hold"
    await world.days(0.2)
    assert world.steps(ANNE) == ["nudge"]


async def test_the_daemon_sleeps_through_the_end_of_a_hold() -> None:
    """The days on which nobody looked do not lengthen the wait."""
    world = World()
    await world.begin(ANNE)
    world.answer(ANNE, text="Away.\n", fields="Auto-Submitted: auto-replied")
    await world.pass_time(hours=4)
    world.clock.pass_time(20 * DAY)
    await world.cycle()
    assert world.steps(ANNE) == ["nudge"]


async def test_she_resumes_after_his_answer() -> None:
    """An older answer is history; the wait runs from her word. Only then may a new answer stop it again."""
    world = World()
    await world.begin(ANNE, BART)
    world.answer(ANNE, text="Please send me the figures.\n")
    world.answer(BART, text="Please send me the figures.\n")
    await world.days(1)
    world.command(ANNE, Word.RESUMED)
    world.command(BART, Word.RESUMED)
    await world.days(2.9)
    assert world.transport.accepted == []
    world.answer(BART, text="Where are they?\n")
    await world.days(20)
    assert world.steps(ANNE) == ["nudge", "question", "last"]
    assert world.steps(BART) == []
    assert world.state(BART) == "answered"


async def test_what_was_judged_is_not_judged_again_after_her_resume() -> None:
    """Every mailbox is renumbered: his old answer is found once more, and stays history."""
    world = World()
    await world.begin(ANNE)
    world.answer(ANNE, text="Please send me the figures.\n")
    await world.days(1)
    world.command(ANNE, Word.RESUMED)
    world.server.renumber("INBOX")
    world.server.renumber("Sent")
    await world.days(3.2)
    assert world.words(ANNE) == ["enrolled", "reply", "resumed", "sent"]


async def test_she_stops_it_and_thinks_better_of_it() -> None:
    """What she stopped herself she may resume; an opt-out that came meanwhile she may not."""
    world = World()
    await world.begin(ANNE, BART)
    for address in (ANNE, BART):
        world.command(address, Word.STOPPED)
    world.answer(BART, text="unsubscribe\n")
    await world.days(10)
    assert world.transport.accepted == []
    for address in (ANNE, BART):
        world.command(address, Word.RESUMED)
    await world.days(3.2)
    assert (world.steps(ANNE), world.steps(BART)) == (["nudge"], [])


async def test_pause_all_between_two_letters() -> None:
    """The flag is asked before each letter, also between body and dot."""
    world = World()
    await world.begin(ANNE, BART)

    def pause_after_the_first(effect: str) -> None:
        if effect == "answer":
            world.paused = "she paused everything"

    world.before = pause_after_the_first
    await world.days(10)
    assert (world.steps(ANNE), world.steps(BART)) == (["nudge"], [])
    assert len(world.transport.handed_over) == 1, "the second is not even begun"
    world.before, world.paused = lambda _: None, None
    await world.pass_time(hours=5)
    assert world.steps(BART) == ["nudge"]


async def test_pause_all_between_body_and_dot() -> None:
    """The letter is withdrawn, and goes when the pause is over, once."""
    world = World()
    await world.begin(ANNE)

    def pause_at_the_body(effect: str) -> None:
        if effect == "body":
            world.paused = "she paused everything"

    world.before = pause_at_the_body
    await world.pass_time(days=3, hours=2)
    assert world.transport.accepted == []
    assert ("withdrawn", "she paused everything") in [(word, each.get("because")) for word, each in world.observed]
    world.before, world.paused = lambda _: None, None
    await world.days(1)
    assert world.steps(ANNE) == ["nudge"]


async def test_her_command_between_body_and_dot() -> None:
    """She stops him while the letter is on the wire: nothing goes."""
    world = World()
    await world.begin(ANNE)

    def stop_at_the_body(effect: str) -> None:
        if effect == "body":
            world.before = lambda _: None
            world.command(ANNE, Word.STOPPED)

    world.before = stop_at_the_body
    await world.days(10)
    assert world.transport.accepted == []
    assert world.transport.handed_over != []


async def test_the_wait_she_sets_when_she_resumes() -> None:
    """`resume --in 1 day`: the next step comes then, not after its own wait."""
    world = World()
    await world.begin(ANNE)
    world.command(ANNE, Word.HELD)
    await world.days(2)
    world.command(ANNE, Word.RESUMED, until=world.clock.at + timedelta(days=1))
    await world.pass_time(days=1, hours=1)
    assert world.steps(ANNE) == ["nudge"]
