"""Whose answer a message is: section 1 of the hard cases, from the mailbox to the follow-up that stays away."""

from dataclasses import replace

import pytest

from inboxagent.errors import Refused, Unreachable
from inboxagent.outreach.events import Word
from tests.stories.people import ANNE, BART, COLLEAGUE
from tests.stories.world import HOUR, MAYA, PROPOSAL, World

LATER = 20


async def nudged(*addresses: str) -> World:
    """A world in which each of them has had the first follow-up."""
    world = World()
    await world.begin(*addresses)
    await world.days(3.2)
    assert all(world.steps(address) == ["nudge"] for address in addresses)
    return world


async def test_an_answer_to_her_own_letter() -> None:
    """Case 1: In-Reply-To names M1."""
    world = await nudged(ANNE)
    first = world.store.conversations()[0].enrolment.thread[0]
    answer = world.answer(ANNE, answers=first)
    await world.pass_time(hours=4)
    assert world.words(ANNE) == ["enrolled", "sent", "reply"]
    assert world.of(ANNE).events[-1].message_id == answer
    await world.days(LATER)
    assert world.steps(ANNE) == ["nudge"]


@pytest.mark.parametrize("author", [ANNE, "anne.private@home.test", COLLEAGUE])
async def test_an_answer_that_names_only_the_follow_up(author: str) -> None:
    """Cases 2, 6, 7: no References, only the id that we made; from him, his private address, a colleague."""
    world = await nudged(ANNE)
    world.answer(author, answers=world.newest_to(ANNE))
    await world.days(LATER)
    assert world.state(ANNE) == "answered"
    assert author in world.of(ANNE).because or "he answered" in world.of(ANNE).because
    assert world.of(ANNE).addresses == {ANNE}, "an alias is never stored silently"
    assert world.steps(ANNE) == ["nudge"]


async def test_her_letter_stands_in_the_middle_of_references() -> None:
    """Case 3."""
    world = await nudged(ANNE)
    first = world.store.conversations()[0].enrolment.thread[0]
    world.answer(COLLEAGUE, answers="<unknown@x.test>", references=["<a@x.test>", first, "<b@x.test>"])
    await world.days(LATER)
    assert world.steps(ANNE) == ["nudge"]


@pytest.mark.parametrize("mailbox", ["INBOX", "Archive", "Trash"])
async def test_a_new_mail_of_his_in_any_mailbox(mailbox: str) -> None:
    """Cases 4, 15: no threading fields, another subject, and it never lay in INBOX when we looked."""
    world = await nudged(ANNE)
    world.answer(ANNE, answers=None, subject="Something else", mailbox=mailbox)
    await world.days(LATER)
    assert world.state(ANNE) == "answered"
    assert "outside the thread" in world.of(ANNE).because
    assert world.steps(ANNE) == ["nudge"]


async def test_a_newsletter_from_his_address() -> None:
    """Case 5: his own mailings are no answer."""
    world = await nudged(ANNE)
    world.answer(ANNE, answers=None, subject="Our offers", fields="List-Id: <news.prospect.test>")
    await world.days(LATER)
    assert world.steps(ANNE) == ["nudge", "question", "last"]


async def test_a_colleague_at_a_public_provider_stops_nobody_else() -> None:
    """Case 8."""
    world = await nudged(ANNE, "bart@gmail.com")
    world.answer("cleo@gmail.com", answers=world.newest_to(ANNE))
    await world.days(LATER)
    assert world.steps(ANNE) == ["nudge"]
    assert world.steps("bart@gmail.com") == ["nudge", "question", "last"]


async def test_other_domains_of_a_company_are_not_guessed() -> None:
    """Case 9: a sub-domain, a country's domain and a name that only ends alike say nothing about who works there."""
    others = ["bart@mail.prospect.test", "cleo@prospect.example", "dirk@theprospect.test"]
    world = await nudged(ANNE, *others)
    world.answer("jane@mail.prospect.test", answers=world.newest_to(ANNE))
    await world.days(LATER)
    assert world.steps(ANNE) == ["nudge"]
    assert "colleague" not in world.of(ANNE).because
    assert [world.steps(each) for each in others] == [["nudge", "question", "last"]] * 3


async def test_an_answer_in_which_she_is_only_a_blind_copy() -> None:
    """Case 11."""
    world = await nudged(ANNE)
    world.answer(ANNE, to="boss@prospect.test")
    await world.days(LATER)
    assert world.steps(ANNE) == ["nudge"]


async def test_two_in_one_thread_are_one_conversation() -> None:
    """Case 12: the second is refused with the id of the first, so nobody gets a step twice; either answer stops it."""
    world = World()
    world.she_writes(f"{ANNE}, {BART}")
    conversation = await world.enrol(ANNE)
    with pytest.raises(Refused, match=f"{BART} is enrolled already in the same thread with {ANNE}: {conversation.id}"):
        await world.enrol(BART)
    await world.days(3.2)
    assert (world.steps(ANNE), world.steps(BART)) == (["nudge"], ["nudge"])
    assert len(world.transport.accepted) == 1
    world.answer(BART)
    await world.days(LATER)
    assert len(world.transport.accepted) == 1


async def test_one_person_in_two_threads() -> None:
    """Case 13: an answer in one of them is an answer."""
    second = replace(PROPOSAL, name="second")
    world = World(books={"second": second})
    world.she_writes(ANNE, subject="The first project")
    await world.enrol(ANNE)
    world.clock.pass_time(HOUR)
    world.she_writes(ANNE, subject="The second project")
    await world.enrol(ANNE, second)
    world.answer(ANNE)
    await world.days(LATER)
    assert [each.state for each in world.store.conversations()] == ["answered", "answered"]
    assert world.transport.accepted == []


async def test_a_subject_alone_is_no_evidence() -> None:
    """Case 14: the same subject from a stranger means nothing; another subject in the thread is an answer."""
    world = await nudged(ANNE, BART)
    world.answer("stranger@elsewhere.test", answers=None, subject="Re: Our project")
    world.answer(BART, subject="No subject at all")
    await world.days(LATER)
    assert world.steps(ANNE) == ["nudge", "question", "last"]
    assert world.steps(BART) == ["nudge"]


async def test_an_answer_within_the_second_of_the_dot() -> None:
    """Case 16: it lies there before the result of the send is written down."""
    world = World()
    await world.begin(ANNE)

    def answer_at_once(effect: str) -> None:
        if effect == "answer":
            world.answer(COLLEAGUE, answers=world.of(ANNE).pending.message_id)  # type: ignore[union-attr]

    world.before = answer_at_once
    await world.days(LATER)
    assert world.words(ANNE) == ["enrolled", "sent", "reply"]
    assert world.steps(ANNE) == ["nudge"]


@pytest.mark.parametrize("mailbox", ["INBOX", "Archive"])
async def test_our_own_letter_coming_back(mailbox: str) -> None:
    """Case 17: a Bcc to herself, or a filter that copies, is never an answer and no touch of hers either."""
    world = await nudged(ANNE)
    world.server.deliver(world.transport.accepted[0].message, mailbox)
    await world.days(LATER)
    assert world.words(ANNE) == ["enrolled", "sent", "sent", "sent", "finished"]


async def test_our_own_letter_coming_back_from_a_group_under_another_author() -> None:
    """A group that puts itself into From hands our letter on under our Message-ID."""
    world = await nudged(ANNE)
    letter = world.transport.accepted[0].message.replace(
        f"From: Maya Lind <{MAYA.address}>".encode(), b"From: Maya via Team <team@lind.test>"
    )
    assert b"team@lind.test" in letter
    world.server.deliver(letter)
    await world.days(LATER)
    assert world.steps(ANNE) == ["nudge", "question", "last"]


async def test_an_absence_note_that_is_a_mail_of_its_own() -> None:
    """Case 25: no In-Reply-To, another subject; it is his by its sender, holds him, and is no answer."""
    world = await nudged(ANNE, BART)
    fields = "Auto-Submitted: auto-replied"
    world.answer(ANNE, answers=None, subject="Out of office", text="I am on holiday.\n", fields=fields)
    await world.days(1)
    assert (world.state(ANNE), world.state(BART)) == ("held", "waiting")
    assert world.words(ANNE) == ["enrolled", "sent", "auto_reply"]
    await world.days(4)
    assert (world.steps(ANNE), world.steps(BART)) == (["nudge"], ["nudge", "question"])
    await world.days(30)
    assert world.steps(ANNE) == ["nudge", "question", "last"]


async def test_two_answers_without_a_message_id() -> None:
    """Case 18: each is one message, also when it is found again in another mailbox."""
    world = await nudged(ANNE)
    for text in ("First thought.\n", "Second thought.\n"):
        for mailbox in ("INBOX", "Archive"):
            world.answer(ANNE, text=text, message_id="none", mailbox=mailbox)
    await world.days(1)
    assert world.words(ANNE) == ["enrolled", "sent", "reply", "reply"]
    assert world.steps(ANNE) == ["nudge"]


async def test_a_forged_answer_pauses_and_suppresses_only_him() -> None:
    """Case 19: From is his, nothing ties it to a letter of ours."""
    world = await nudged(ANNE, BART)
    world.answer(ANNE, answers=None, subject="Hi", text="Forget everybody at prospect.test\n")
    await world.days(LATER)
    assert world.steps(ANNE) == ["nudge"]
    assert world.steps(BART) == ["nudge", "question", "last"]
    assert world.store.suppression(ANNE) is None


async def test_a_wrong_date_in_his_answer() -> None:
    """Case 20: a year too early by his clock; what counts is when it arrived."""
    world = await nudged(ANNE)
    raw = world.mail(ANNE, answers=None).replace(b" 2026 ", b" 2025 ")
    assert b" 2025 " in raw
    world.server.deliver(raw)
    await world.days(LATER)
    assert world.steps(ANNE) == ["nudge"]


async def test_a_second_message_under_one_message_id() -> None:
    """A broken mail program gives his absence note and his answer the same Message-ID: both have their say."""
    world = await nudged(ANNE)
    fixed = "<1@phone.test>"
    world.answer(ANNE, message_id=fixed, text="I am away.\n", fields="Auto-Submitted: auto-replied")
    await world.days(1)
    assert world.state(ANNE) == "held"
    world.answer(ANNE, message_id=fixed, text="Yes, let us talk.\n")
    await world.days(LATER)
    assert world.state(ANNE) == "answered"
    assert world.steps(ANNE) == ["nudge"]


async def test_an_answer_that_bears_the_message_id_of_our_letter() -> None:
    """A ticket system answers under the very id that it answers."""
    world = await nudged(ANNE)
    ours = world.newest_to(ANNE)
    world.answer(ANNE, message_id=ours, answers=None, text="We should talk.\n")
    await world.days(LATER)
    assert world.steps(ANNE) == ["nudge"]


async def test_her_own_contact_form_brings_his_answer() -> None:
    """It comes from her own address, and names him in Reply-To."""
    world = await nudged(ANNE)
    world.server.deliver(world.mail(MAYA.address, subject="Contact form", fields=f"Reply-To: {ANNE}"))
    await world.days(LATER)
    assert world.state(ANNE) == "answered"
    assert world.steps(ANNE) == ["nudge"]


async def test_an_address_is_his_in_any_spelling() -> None:
    """He was enrolled as Anne@Prospect.TEST and writes as ANNE@prospect.test."""
    world = World()
    world.she_writes("Anne@Prospect.TEST")
    await world.enrol("Anne@Prospect.TEST")
    await world.days(3.2)
    world.answer("ANNE@prospect.test", answers=None, subject="Hello")
    await world.days(LATER)
    assert world.steps(ANNE) == ["nudge"]


@pytest.mark.parametrize("copy_in", ["Sent", "Archive", "INBOX"])
async def test_an_answer_to_what_she_has_only_just_written(copy_in: str) -> None:
    """Her letter and the colleague's answer, which names nothing else, are read in one go: neither is passed by."""
    world = await nudged(ANNE)
    world.server.boxes["Sent"] = world.server.boxes.pop("Sent")  # the server lists it last
    first = world.store.conversations()[0].enrolment.thread[0]
    hers = world.she_writes(ANNE, answers=first, mailbox=copy_in)
    world.answer(COLLEAGUE, answers=hers, mailbox="INBOX" if copy_in == "INBOX" else "Archive")
    await world.days(LATER)
    assert world.words(ANNE) == ["enrolled", "sent", "own_mail", "reply"]
    assert world.steps(ANNE) == ["nudge"]


@pytest.mark.parametrize("mailbox", ["INBOX", "Archive"])
async def test_an_answer_that_came_before_the_copy_of_her_letter(mailbox: str) -> None:
    """Her phone files the copy in Sent hours later; the colleague's answer names nothing else and was read before."""
    world = await nudged(ANNE)
    first = world.store.conversations()[0].enrolment.thread[0]
    hers = world.mail(MAYA.address, ANNE, subject="Re: Our project", answers=first, message_id="<phone@lind.test>")
    world.answer(COLLEAGUE, answers="<phone@lind.test>", mailbox=mailbox)
    await world.pass_time(hours=5)
    assert world.words(ANNE) == ["enrolled", "sent"]
    world.server.deliver(hers, "Sent")
    await world.days(LATER)
    assert world.words(ANNE) == ["enrolled", "sent", "own_mail", "reply"]
    assert world.steps(ANNE) == ["nudge"]


async def test_an_answer_to_another_id_than_we_gave_that_came_before_the_copy_in_sent() -> None:
    """Her server gives our letter another Message-ID; a colleague answers that one before the copy is filed."""
    world = await nudged(ANNE)
    ours = world.letters()[0].message_id
    world.answer(COLLEAGUE, answers="<renamed@provider.test>")
    await world.pass_time(hours=5)
    assert world.words(ANNE) == ["enrolled", "sent"]
    renamed = world.transport.accepted[0].message.replace(ours.encode(), b"<renamed@provider.test>", 1)
    world.server.deliver(renamed, "Sent")
    await world.days(LATER)
    assert world.words(ANNE) == ["enrolled", "sent", "note", "reply"]
    assert world.steps(ANNE) == ["nudge"]


async def test_the_search_for_what_was_passed_by_is_not_forgotten() -> None:
    """The copy of her letter is read, and the line is lost: no reading, and so no letter, before that search."""
    world = await nudged(ANNE)
    first = world.store.conversations()[0].enrolment.thread[0]
    hers = world.mail(MAYA.address, ANNE, subject="Re: Our project", answers=first, message_id="<phone@lind.test>")
    world.answer(COLLEAGUE, answers="<phone@lind.test>")
    await world.pass_time(hours=5)
    world.server.deliver(hers, "Sent")

    def fail(effect: str) -> None:
        if effect == "search":
            raise Unreachable("the server is away")

    world.before = fail
    await world.days(10)
    assert world.words(ANNE) == ["enrolled", "sent", "own_mail"]
    assert len(world.transport.accepted) == 1
    world.before = lambda _: None
    world.start()
    await world.days(10)
    assert world.words(ANNE) == ["enrolled", "sent", "own_mail", "reply"]
    assert world.steps(ANNE) == ["nudge"]


async def test_an_answer_to_what_she_wrote_to_him_outside_the_thread() -> None:
    """From an unknown address, and it names her letter to him: it is from his side. The thread stays as it is."""
    world = await nudged(ANNE, BART)
    hers = world.she_writes(ANNE, subject="A book for you")
    await world.pass_time(hours=5)
    world.answer("anne.private@home.test", answers=hers, subject="Re: A book for you")
    await world.days(LATER)
    assert world.state(ANNE) == "answered"
    assert f"it names {hers}, which she wrote to him outside the thread" in world.of(ANNE).because
    assert world.of(ANNE).latest.subject == "Re: Our project"  # type: ignore[union-attr]
    assert (world.steps(ANNE), world.steps(BART)) == (["nudge"], ["nudge", "question", "last"])


async def test_a_letter_of_hers_outside_the_thread_that_comes_back() -> None:
    """The report names an id of hers to him: his address is dead, in whatever thread she wrote."""
    world = await nudged(ANNE)
    hers = world.she_writes(ANNE, subject="A book for you")
    await world.pass_time(hours=5)
    world.bounce(ANNE, hers)
    await world.days(LATER)
    assert world.state(ANNE) == "stopped"
    assert world.steps(ANNE) == ["nudge"]


@pytest.mark.parametrize(
    ("enrolled", "author"),
    [
        (ANNE, "anne+invoices@prospect.test"),
        ("anne+maya@prospect.test", ANNE),
        ("anne+maya@prospect.test", "anne+work@prospect.test"),
    ],
)
async def test_an_answer_from_a_subaddress(enrolled: str, author: str) -> None:
    """RFC 5233: what stands behind the plus is the same mailbox, and so the same person; he gets one letter, once."""
    world = await nudged(enrolled, BART)
    world.answer(author, answers=None, subject="Something else")
    await world.days(LATER)
    assert world.state(enrolled) == "answered"
    assert world.of(enrolled).because.startswith("he wrote outside the thread")
    assert (world.steps(enrolled), world.steps(BART)) == (["nudge"], ["nudge", "question", "last"])
    assert "proposed" not in world.words(enrolled)


async def test_a_plus_that_belongs_to_somebody_else() -> None:
    """Only the base addresses count: the same detail at another mailbox is another person."""
    world = await nudged("anne+maya@prospect.test")
    world.answer("bart+maya@prospect.test", answers=None, subject="Something else")
    await world.days(LATER)
    assert world.steps("anne+maya@prospect.test") == ["nudge", "question", "last"]


async def test_the_next_letter_goes_to_the_subaddress_he_writes_from_and_only_there() -> None:
    world = await nudged(ANNE)
    world.answer("anne+work@prospect.test", answers=world.newest_to(ANNE))
    await world.days(1)
    world.command(ANNE, Word.RESUMED)
    await world.days(5)
    letter = world.letters()[-1]
    assert [each.address for each in (*letter.to, *letter.cc)] == ["anne+work@prospect.test"]


async def test_her_own_mail_from_a_subaddress_is_hers() -> None:
    """A touch, and no answer of a stranger's."""
    world = await nudged(ANNE)
    first = world.store.conversations()[0].enrolment.thread[0]
    world.server.deliver(world.mail("maya+phone@lind.test", ANNE, answers=first), "Sent")
    await world.days(1)
    assert world.words(ANNE) == ["enrolled", "sent", "own_mail"]


async def test_an_answer_under_the_message_id_of_her_own_letter() -> None:
    """An id proves little: what he writes after her letter is an answer under any."""
    world = World()
    await world.begin(ANNE)
    world.answer(ANNE, message_id=world.newest_to(ANNE))
    await world.days(30)
    assert world.state(ANNE) == "answered"
    assert not world.letters()
