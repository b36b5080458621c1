"""The letter itself, day by day: section 7 of the hard cases, and the wishes that come back by List-Unsubscribe."""

from dataclasses import replace

from inboxagent.mail.headers import Address
from inboxagent.mail.inbound import parse
from inboxagent.outreach.events import Word
from inboxagent.outreach.model import Prospect
from inboxagent.outreach.outbox import Phase
from inboxagent.outreach.sequence import Field
from tests.stories.people import ANNE, BART, COLLEAGUE
from tests.stories.world import MAYA, World


async def test_it_answers_the_newest_letter_and_names_the_whole_thread() -> None:
    """Case 73: In-Reply-To, the chain, and `Re: ` once, whatever the language of the prefixes."""
    world = World()
    first = world.she_writes(ANNE, subject="AW: SV: Re: Our project")
    await world.enrol(ANNE)
    await world.days(8)
    nudge, question = world.letters()
    assert (nudge.in_reply_to, nudge.references) == ((first,), (first,))
    assert (question.in_reply_to, question.references) == ((nudge.message_id,), (first, nudge.message_id))
    assert nudge.subject == question.subject == "Re: Our project"


async def test_his_reply_to_is_where_the_next_letter_goes() -> None:
    """Case 74: he asked for it himself, and she resumes."""
    world = World()
    first = world.she_writes(ANNE)
    await world.enrol(ANNE)
    world.answer(ANNE, answers=first, fields="Reply-To: anne.private@home.test")
    await world.days(1)
    world.command(ANNE, Word.RESUMED)
    await world.days(5)
    assert [each.envelope.forward_paths for each in world.transport.accepted] == [("anne.private@home.test",)]


async def test_the_copy_that_she_added_stays() -> None:
    """Case 74: the people of her newest mail in the thread, never herself."""
    world = World()
    first = world.she_writes(ANNE)
    await world.enrol(ANNE)
    await world.days(1)
    world.she_writes(ANNE, answers=first, references=(first,), fields=f"Cc: {COLLEAGUE}, {MAYA.aliases[0]}")
    await world.days(4)
    assert [each.envelope.forward_paths for each in world.transport.accepted] == [(ANNE, COLLEAGUE)]


async def test_she_goes_on_under_the_address_she_used_last() -> None:
    """From, and the reverse-path, are the alias under which he knows her."""
    world = World()
    first = world.she_writes(ANNE)
    await world.enrol(ANNE)
    await world.days(3.5)
    raw = world.mail(MAYA.aliases[0], ANNE, answers=first, references=(first,))
    world.server.deliver(raw, "Sent")
    await world.days(5)
    before, after = world.transport.accepted
    assert (before.envelope.reverse_path, after.envelope.reverse_path) == (MAYA.address, MAYA.aliases[0])
    assert parse(after.message).from_[0] == Address(MAYA.name, MAYA.aliases[0])


async def test_a_field_that_is_missing_is_never_left_blank() -> None:
    """Case 75: not sent; the conversation says which field it is."""
    world = World()
    await world.begin(ANNE)
    step, *others = world.sequence.steps
    broken = replace(step, letter="Dear {{ first_nam }}, this is the nudge about our project.")
    world.books["proposal"] = replace(world.sequence, steps=(broken, *others))
    await world.days(5)
    assert world.transport.accepted == []
    assert (world.state(ANNE), "first_nam" in world.of(ANNE).because) == ("held", True)


async def test_a_field_with_a_fallback_is_filled() -> None:
    """Case 75: with his own value where there is one, else with the fallback."""
    world = World()
    first, *others = world.sequence.steps
    letter = replace(first, letter="Dear {{ name }}, this is the nudge about {{ project }}.")
    fields = {"name": Field(name="name", fallback="friend"), "project": Field(name="project", fallback="it")}
    world.books["proposal"] = world.sequence = replace(world.sequence, steps=(letter, *others), fields=fields)
    world.she_writes(ANNE)
    await world.enrol(ANNE)
    with world.store.transaction("she gives a field") as ledger:
        prospect = Prospect(address=BART, fields={"project": "the portal"})
        enrolment = replace(world.of(ANNE).enrolment, prospect=prospect)
        ledger.enrol("bart", replace(world.of(ANNE).events[0], enrolment=enrolment))
    await world.days(4)
    said = {each.envelope.forward_paths[0]: parse(each.message).text.strip() for each in world.transport.accepted}
    assert said[ANNE] == "Dear friend, this is the nudge about it."
    assert "Dear friend, this is the nudge about the portal." in said.values()


async def test_the_server_gives_it_another_name_and_says_so() -> None:
    """The name in the 250 is ours from then on: an answer that knows no other one is an answer."""
    world = World()
    await world.begin(ANNE)
    world.transport.reply(Phase.DOT, 250, "2.0.0 OK <given@provider.test> [Hostname=mx7]")
    await world.days(3.5)
    world.answer(COLLEAGUE, answers="<given@provider.test>")
    await world.days(10)
    assert (world.steps(ANNE), world.state(ANNE)) == (["nudge"], "answered")


async def test_the_next_letter_names_it_as_the_copy_in_sent_does() -> None:
    """Who got it under another Message-ID sees the next one in the same thread."""
    world = World()
    await world.begin(ANNE)
    await world.days(3.5)
    ours = world.letters()[0].message_id
    renamed = world.transport.accepted[0].message.replace(ours.encode(), b"<renamed@provider.test>", 1)
    world.server.deliver(renamed, "Sent")
    await world.days(5)
    question = world.letters()[1]
    assert question.in_reply_to == ("<renamed@provider.test>",)
    assert question.references[-2:] == (ours, "<renamed@provider.test>")


async def test_a_server_that_files_its_own_is_learnt() -> None:
    """Case 77: seen once, waited for from then on, so that there is one copy of each; nothing is sent again for it."""
    world = World()
    await world.begin(ANNE)

    def file_it(effect: str) -> None:
        if effect == "answer":
            world.server.deliver(world.transport.accepted[-1].message, "Sent")

    world.before = file_it
    await world.days(20)
    assert world.store.fact("server_files_sent") is not None
    sent = [parse(each.raw).message_id for each in world.server.boxes["Sent"].messages.values()]
    assert len(sent) == len(set(sent)) == 4
    assert world.steps(ANNE) == ["nudge", "question", "last"]
    assert world.store.fact("copies") is None


async def test_our_own_copy_proves_that_it_was_accepted() -> None:
    """We file what is known to have gone: where it is in doubt, an older copy of the state has forgotten that."""
    world = World()
    await world.begin(ANNE)
    world.transport.lose_line(Phase.DOT, accepted=True)
    await world.days(3.2)
    assert world.of(ANNE).uncertain
    letter = world.transport.handed_over[-1].message
    world.server.deliver(b"X-Inboxagent-Copy: filed by inboxagent\r\n" + letter, "Sent")
    await world.days(2)
    assert world.words(ANNE)[-1] == "sent"
    assert world.steps(ANNE) == ["nudge"]


async def test_he_asks_by_list_unsubscribe() -> None:
    """Case 54: a mail of its own, from another address, without threading; the subject bears the token."""
    world = World()
    await world.begin(ANNE)
    await world.days(3.5)
    token = world.letters()[0].message_id[1:41]
    world.answer("anne.private@home.test", answers=None, subject=f"unsubscribe {token}", text="")
    await world.days(10)
    assert (world.state(ANNE), world.steps(ANNE)) == ("stopped", ["nudge"])
    assert world.store.suppression(ANNE) is not None
