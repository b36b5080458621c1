"""Faults of enrolments and opt-outs that the simulation found; the seeds are in tests/simulation/FOUND.md."""

from dataclasses import replace
from datetime import timedelta

import pytest

from inboxagent.errors import Refused
from inboxagent.outreach.events import Word
from inboxagent.outreach.sequence import Sequence
from inboxagent.outreach.unsubscribing import Unsubscribing
from tests.stories.world import World, step


async def test_a_vacation_notice_is_not_the_message_to_answer_to() -> None:
    """Seed 2."""
    world = World()
    first = world.she_writes("anna@prospect.test")
    world.answer(
        "anna@prospect.test",
        answers=first,
        subject="Automatic reply: Our project",
        text="I am away for a while.\n",
        fields="Auto-Submitted: auto-replied",
    )
    conversation = await world.enrol("anna@prospect.test")
    assert conversation.latest is not None
    assert conversation.latest.message_id == first


async def test_whoever_of_two_pressed_the_button_is_not_written_to() -> None:
    """Seed 800009: a letter to two, and the mail program of one of them asks from an address that nobody knows."""
    world = World(unsubscribing=Unsubscribing(by_mail=True))
    shared = world.she_writes("anna@prospect.test, pia@other.test")
    await world.enrol("anna@prospect.test", message_id=shared)
    await world.days(4)
    (letter,) = world.letters()
    assert {each.address for each in letter.to} == {"anna@prospect.test", "pia@other.test"}
    (token,) = letter.fields["x-inboxagent"]
    world.answer("unsubscribe@programs.example", subject=f"unsubscribe {token}", text="\n")
    await world.cycle()
    assert world.state("anna@prospect.test") == "stopped"
    world.she_writes("pia@other.test")
    with pytest.raises(Refused, match="never to be written to"):
        await world.enrol("pia@other.test")


async def test_an_answer_that_lies_there_when_he_is_enrolled_holds_his_colleague() -> None:
    """Seed 800072: she was enrolled before he wrote "not now", he only after it."""
    world = World(sequence=Sequence(name="quick", title="Quick", steps=(step("hello", 3),), company=True))
    await world.begin("vera@guild.test")
    await world.days(1)
    first = world.she_writes("tara@guild.test")
    world.clock.pass_time(timedelta(hours=1))
    world.answer("tara@guild.test", answers=first, text="Not now, please ask me again in May.\n")
    world.clock.pass_time(timedelta(hours=1))
    await world.enrol("tara@guild.test")
    await world.days(10)
    assert world.state("vera@guild.test") == "held"
    assert world.steps("vera@guild.test") == []


async def test_our_letter_to_somebody_else_closes_no_promise_of_his() -> None:
    """Seed 830392: he got a copy of it; she then enrolled him although his "next week" was open in another thread."""
    world = World()
    world.she_writes("dina@prospect.test, bella@other.test")
    await world.enrol("dina@prospect.test")
    await world.days(2)
    second = world.she_writes("bella@other.test", subject="Another matter")
    world.answer("bella@other.test", answers=second, text="Thank you! I will come back to you next week.\n")
    await world.days(4)
    assert world.steps("dina@prospect.test") == ["nudge"]
    world.command("dina@prospect.test", Word.STOPPED)
    conversation = await world.enrol("bella@other.test", subject="Our project")
    assert conversation.state == "held"


async def test_an_answer_that_is_deleted_during_an_enrolment_is_an_answer() -> None:
    """Seed 840596: the search for the thread had shown it."""
    world = World()
    world.she_writes("anna@prospect.test")
    world.clock.pass_time(timedelta(hours=1))
    world.answer("anna@prospect.test")

    def delete(effect: str) -> None:
        if effect == "headers":
            for uid in list(world.server.boxes["INBOX"].messages):
                world.server.expunge("INBOX", uid)

    world.before = delete
    with pytest.raises(Refused, match="he answered"):
        await world.enrol("anna@prospect.test")


async def test_the_button_of_a_forgotten_letter_is_heard_at_an_enrolment() -> None:
    """Seed 851627: the state that knew of the letter was lost, and the mail was from an address that nobody knew."""
    world = World(unsubscribing=Unsubscribing(by_mail=True), files_sent=True)
    await world.begin("anna@prospect.test")
    before = world.memory.contents.copy()
    await world.days(4)
    (token,) = world.letters()[0].fields["x-inboxagent"]
    renamed = world.transport.accepted[0].message.replace(world.letters()[0].message_id.encode(), b"<q1@mx.lind.test>")
    world.server.deliver(renamed, "Sent")
    world.answer("unsubscribe@programs.example", answers=None, subject=f"unsubscribe {token}", text="\n")
    world.memory.contents = replace(before, conversations={})
    world.memory.changes += 1
    world.start()
    with pytest.raises(Refused, match="List-Unsubscribe"):
        await world.enrol("anna@prospect.test")


async def test_the_button_of_his_other_mailbox_ends_all_that_she_writes_him_about() -> None:
    """Seed 700032: whoever unsubscribes from an address that nobody knew was waited for in his other conversations."""
    world = World()
    await world.begin("anna@prospect.test")
    await world.days(5)
    assert world.steps("anna@prospect.test") == ["nudge"]
    other = replace(world.sequence, name="other")
    world.books["other"] = other
    await world.enrol("anna@prospect.test", other, new=True, subject="Another matter")
    token = world.letters()[-1].message_id.partition("@")[0].strip("<")
    world.answer("unsubscribe@mail.example", subject=f"unsubscribe {token}", text="\n")
    await world.pass_time(hours=1)
    assert [each.events[-1].word for each in world.store.conversations()] == [Word.UNSUBSCRIBE, Word.UNSUBSCRIBE]


async def test_what_a_button_names_beside_our_letter_is_no_answer_in_another_conversation() -> None:
    """Seed 820332: it also named a mail of hers that the other conversation with him knew as one outside its thread."""
    other = Sequence(name="other", title="Other", steps=(step("second", 9, subject="Another matter"),))
    world = World(books={"other": other}, unsubscribing=Unsubscribing(by_mail=True))
    first = world.she_writes("anna@prospect.test")
    await world.enrol("anna@prospect.test")
    await world.enrol("anna@prospect.test", other, new=True, subject="Another matter")
    hers = world.she_writes("anna@prospect.test", answers=first)
    await world.days(4)
    (token,) = world.letters()[0].fields["x-inboxagent"]
    world.answer("unsubscribe@programs.example", answers=hers, subject=f"unsubscribe {token}", text="\n")
    await world.cycle()
    words = [each.word for conversation in world.store.conversations() for each in conversation.events]
    assert words.count(Word.UNSUBSCRIBE) == 2
    assert Word.REPLY not in words
    assert Word.PROPOSED not in words
