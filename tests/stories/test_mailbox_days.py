"""The mailbox as a source: section 8 of the hard cases, and everything that may happen between two looks."""

from dataclasses import astuple, replace
from datetime import timedelta

import pytest

from inboxagent.errors import Refused, Unreachable
from inboxagent.ports import Cursor
from tests.fakes.people import enrolled
from tests.stories.people import ANNE, BART, COLLEAGUE
from tests.stories.world import DAY, HOUR, World


async def due(*addresses: str) -> World:
    """A world in which the first follow-up to each is due in the next cycle, and not before."""
    world = World()
    await world.begin(*addresses)
    await world.days(2.9)
    world.clock.pass_time(DAY)
    assert world.transport.accepted == []
    return world


@pytest.mark.parametrize("method", ["status", "headers", "message"])
async def test_blind_means_silent(method: str) -> None:
    """Case 81: while the mailbox cannot be read nothing goes out; `because` says since when and why."""
    world = await due(ANNE, BART)
    world.answer(ANNE)

    def fail(effect: str) -> None:
        if effect == method:
            raise Unreachable("the server is away")

    world.before = fail
    await world.days(2)
    assert world.transport.accepted == []
    assert world.health is not None
    assert (world.health.sight, world.health.because) == ("blind", "the server is away")
    world.before = lambda _: None
    await world.days(1)
    assert (world.steps(ANNE), world.steps(BART)) == ([], ["nudge"])
    assert world.health.sight == "ok"


async def test_blind_between_body_and_dot() -> None:
    """Case 81: the last look fails, so the letter is withdrawn; it goes once we can see again."""
    world = await due(ANNE)
    blind = False

    def fail_after_the_body(effect: str) -> None:
        nonlocal blind
        blind = blind or effect == "body"
        if blind and effect == "status":
            raise Unreachable("the server is away")

    world.before = fail_after_the_body
    await world.days(1)
    assert world.transport.accepted == []
    assert world.of(ANNE).pending is None, "no intent without a reading"
    world.before = lambda _: None
    await world.days(1)
    assert world.steps(ANNE) == ["nudge"]


@pytest.mark.parametrize("mailbox", ["INBOX", "Archive", "Trash", "Prospects"])
async def test_an_answer_between_body_and_dot(mailbox: str) -> None:
    """Case 1, at the last moment: in any mailbox, also in one that did not exist a moment ago."""
    world = await due(ANNE)

    def answer_at_the_body(effect: str) -> None:
        if effect == "body":
            if mailbox not in world.server.boxes:
                world.server.create(mailbox)
            world.answer(ANNE, mailbox=mailbox)

    world.before = answer_at_the_body
    await world.days(10)
    assert world.transport.accepted == []
    assert len(world.transport.handed_over) == 1
    assert world.words(ANNE) == ["enrolled", "reply"]


async def test_she_answers_between_body_and_dot() -> None:
    """Case 55, at the last moment."""
    world = await due(ANNE)
    first = world.of(ANNE).enrolment.thread[0]

    def she_answers(effect: str) -> None:
        if effect == "body":
            world.before = lambda _: None
            world.she_writes(ANNE, answers=first)

    world.before = she_answers
    await world.days(2.9)
    assert world.transport.accepted == []
    await world.days(1)
    assert world.steps(ANNE) == ["nudge"]


async def test_nothing_new_is_nothing_read() -> None:
    """Case 82: the cursor stands at UIDNEXT, and no header section is fetched again."""
    world = World()
    await world.begin(ANNE)
    world.answer("stranger@elsewhere.test")
    await world.days(1)
    world.effects.clear()
    await world.days(1)
    assert "headers" not in world.effects
    assert world.store.cursors()["INBOX"] == Cursor(world.server.boxes["INBOX"].uidvalidity, 2)


async def test_nothing_in_the_mailbox_is_touched_but_our_copies() -> None:
    """Case 84."""
    world = await due(ANNE)
    world.answer(BART)
    before = world.server.state()
    await world.days(20)
    after = world.server.state()
    assert {name: flags for name, flags in after.items() if name != "Sent"} == {
        name: flags for name, flags in before.items() if name != "Sent"
    }
    assert len(after["Sent"]) == len(before["Sent"]) + 3


async def test_thousands_of_old_mails_are_history() -> None:
    """Case 85: the first reading begins at UIDNEXT; the thread of an old letter is found all the same."""
    world = World()
    first = world.she_writes(ANNE)
    for number in range(50):
        world.server.deliver(world.mail(f"{number}@elsewhere.test"), "Archive", received_at=world.clock.at)
    await world.cycle()
    assert "message" not in world.effects
    assert world.store.cursors()["Archive"].next_uid == 51
    world.clock.pass_time(DAY)
    world.answer(ANNE, answers=first, mailbox="Archive")
    world.clock.pass_time(DAY)
    with pytest.raises(Refused, match="he answered"):
        await world.enrol(ANNE)


async def test_mail_of_others_stays_unread() -> None:
    """Case 87: header sections only, and nothing of it is kept."""
    world = World()
    await world.begin(ANNE)
    await world.cycle()
    world.effects.clear()
    world.answer("stranger@elsewhere.test", text="A secret.\n", subject="A flat in Lund")
    await world.days(1)
    assert "message" not in world.effects
    assert "secret" not in str(world.memory.contents)


@pytest.mark.parametrize("mailbox", ["INBOX", "Archive"])
async def test_renumbered_with_an_answer(mailbox: str) -> None:
    """UIDVALIDITY changes in the very moment in which an answer comes; old mail is not judged twice."""
    world = await due(ANNE, BART)
    world.answer(ANNE, mailbox=mailbox)
    world.server.renumber(mailbox)
    await world.days(20)
    assert world.steps(ANNE) == []
    assert world.words(ANNE) == ["enrolled", "reply"]
    assert world.steps(BART) == ["nudge", "question", "last"]


async def test_uids_that_go_backwards() -> None:
    """A server that was restored: UIDNEXT shrinks under the same UIDVALIDITY, and an answer lies below the cursor."""
    world = World()
    await world.begin(ANNE)
    for _ in range(5):
        world.answer("stranger@elsewhere.test")
    await world.days(2)
    box = world.server.boxes["INBOX"]
    box.messages.clear()
    box.uidnext = 1
    world.answer(ANNE)
    await world.days(20)
    assert world.steps(ANNE) == []


async def test_moved_by_a_filter_before_we_looked() -> None:
    """Case 15: INBOX grew and shrank between two looks; the answer is found where it went, once."""
    world = await due(ANNE)
    world.answer(ANNE)
    world.server.create("Customers")
    uid = max(world.server.boxes["INBOX"].messages)
    world.server.move("INBOX", uid, "Customers")
    await world.days(20)
    assert world.words(ANNE) == ["enrolled", "reply"]


async def test_moved_while_we_read_it() -> None:
    """It is gone between the header section and the message: what is left is judged, its copy says the rest."""
    world = await due(ANNE)
    world.answer(ANNE, text="unsubscribe\n")

    def move_it(effect: str) -> None:
        if effect == "message":
            world.before = lambda _: None
            world.server.move("INBOX", max(world.server.boxes["INBOX"].messages), "Trash")

    world.before = move_it
    await world.days(20)
    assert world.transport.accepted == []
    assert world.state(ANNE) == "stopped"
    assert world.store.suppression(ANNE) is not None


async def test_a_mailbox_is_renamed_with_an_unread_answer_in_it() -> None:
    """Under its new name it is read again from before the last reading."""
    world = await due(ANNE)
    world.answer(ANNE, mailbox="Archive")
    world.server.rename("Archive", "Archive 2026")
    await world.days(20)
    assert world.words(ANNE) == ["enrolled", "reply"]


async def test_a_mailbox_comes_and_goes() -> None:
    """A deleted mailbox stops nothing; made again under the same name it is read."""
    world = await due(ANNE, BART)
    world.server.delete("Archive")
    await world.days(1)
    assert world.steps(ANNE) == ["nudge"]
    world.server.create("Archive")
    world.answer(BART, mailbox="Archive")
    await world.days(20)
    assert world.steps(BART) == ["nudge"]
    assert "Archive" in world.store.cursors()


async def test_a_filter_made_before_the_daemon_ever_ran() -> None:
    """She enrols, makes a filter into a new mailbox, he answers into it; a week later the daemon starts."""
    world = World()
    await world.begin(ANNE)
    world.clock.pass_time(HOUR)
    world.server.create("Prospects")
    world.answer(ANNE, mailbox="Prospects")
    world.clock.pass_time(7 * DAY)
    await world.days(10)
    assert world.transport.accepted == []


async def test_the_daemon_was_down_when_he_answered() -> None:
    """What came meanwhile is read before anything is sent."""
    world = await due(ANNE)
    world.answer(ANNE)
    world.clock.pass_time(30 * DAY)
    world.start()
    await world.days(1)
    assert world.transport.handed_over == []
    assert world.words(ANNE) == ["enrolled", "reply"]


async def test_enrolled_while_the_daemon_reads_past_his_answer() -> None:
    """The daemon reads his answer when nobody knew him; then the enrolment is written, while newer mail is read."""
    world = World()
    world.she_writes(ANNE)
    await world.cycle()
    enrolling = iter([1])

    def answer_after_the_scan(effect: str) -> None:
        if effect == "commit" and next(enrolling, None):  # the enrolment has looked at everything, and writes now
            world.answer(COLLEAGUE, answers=world.newest_to(ANNE))
            pass_by(world)

    world.before = answer_after_the_scan
    await world.enrol(ANNE)
    world.before = lambda _: None
    await world.days(10)
    assert world.transport.accepted == []
    assert world.words(ANNE) == ["enrolled", "reply"]


def pass_by(world: World) -> None:
    """What a daemon in another process does just then: it reads all, knows nobody, and moves its cursor."""
    box = world.server.boxes["INBOX"]
    world.memory.contents.cursors["INBOX"] = Cursor(box.uidvalidity, box.uidnext)


async def test_set_back_while_a_page_is_under_way() -> None:
    """The daemon knows its cursor from before the enrolment; it must not carry it over what was set back."""
    world = World()
    await world.cycle()
    seen_by_the_scan = await world.mailbox.status()
    world.answer(ANNE)
    await world.cycle()  # judged when nobody knew him
    world.answer("stranger@elsewhere.test")  # so that the daemon reads a page

    def enrol_meanwhile(effect: str) -> None:
        if effect == "headers":
            world.before = lambda _: None
            with world.store.transaction("enrol") as ledger:
                ledger.enrol("anne1", enrolled(ANNE, at=world.clock.at))
                ledger.move_cursor("INBOX", Cursor(*astuple(seen_by_the_scan["INBOX"])))

    world.before = enrol_meanwhile
    await world.days(10)
    assert world.transport.accepted == []
    assert world.words(ANNE) == ["enrolled", "reply"]


async def test_enrolled_while_his_answer_is_on_the_page() -> None:
    """It was sifted out when nobody knew him, and is sifted again before the cursor moves over it."""
    world = World()
    await world.begin(BART)
    await world.cycle()
    world.answer(ANNE)
    world.answer(BART)

    def enrol_meanwhile(effect: str) -> None:
        if effect == "message":  # of Bart, after Anne's on the same page
            world.before = lambda _: None
            with world.store.transaction("enrol") as ledger:
                ledger.enrol("anne1", enrolled(ANNE, at=world.clock.at))

    world.before = enrol_meanwhile
    await world.days(10)
    assert world.transport.accepted == []
    assert world.words(ANNE) == ["enrolled", "reply"]


async def test_his_answer_came_before_her_own_copy_was_filed() -> None:
    """A slow upload to Sent: by the times of arrival his answer is older than her letter, by its fields it is not."""
    world = World()
    raw = world.mail("maya@lind.test", ANNE, subject="Our project", message_id="<slow@lind.test>")
    world.answer(ANNE, answers="<slow@lind.test>")
    world.server.deliver(raw, "Sent", received_at=world.clock.at + timedelta(minutes=5))
    world.clock.pass_time(HOUR)
    with pytest.raises(Refused, match="he answered"):
        await world.enrol(ANNE)


async def test_answered_in_the_second_of_her_letter() -> None:
    """INTERNALDATE counts whole seconds: the tie is an answer."""
    world = World()
    first = world.she_writes(ANNE)
    world.answer(ANNE, answers=first)
    with pytest.raises(Refused, match="he answered"):
        await world.enrol(ANNE)


async def test_answered_before_her_letter_is_history() -> None:
    """She enrols the thread in which she has just answered "please send me a proposal"."""
    world = World()
    world.answer(ANNE, answers=None, subject="A proposal, please")
    world.clock.pass_time(timedelta(seconds=1))
    world.she_writes(ANNE, answers="<1.anne@prospect.test>")
    await world.enrol(ANNE)
    world.server.renumber("INBOX")
    await world.days(3.2)
    assert world.steps(ANNE) == ["nudge"]


async def test_a_message_that_breaks_our_own_code() -> None:
    """It is set aside with the traceback, whoever it names is held with the reason, and the others go on."""
    world = await due(ANNE, BART)
    world.answer(ANNE)

    def break_down(effect: str) -> None:
        if effect == "message":
            world.before = lambda _: None
            raise ZeroDivisionError("a fault of ours")

    world.before = break_down
    await world.days(20)
    assert world.steps(ANNE) == []
    assert world.state(ANNE) == "held"
    assert world.of(ANNE).because.endswith("was set aside: ZeroDivisionError: a fault of ours")
    assert world.set_aside == ["INBOX/1: ZeroDivisionError: a fault of ours"]
    assert world.steps(BART) == ["nudge", "question", "last"]


@pytest.mark.parametrize("answers", [True, False])
async def test_a_conversation_that_breaks_our_own_code(answers: bool) -> None:
    """A zone that the machine no longer knows: an answer counts, else he is held with the reason; the others go on."""
    world = await due(BART)
    told = enrolled(ANNE, at=world.clock.at - 5 * DAY)
    assert told.enrolment is not None
    person = replace(told.enrolment.prospect, fields={"zone": "Atlantis/Capital"})
    with world.store.transaction("enrol") as ledger:
        ledger.enrol("anne1", replace(told, enrolment=replace(told.enrolment, prospect=person)))
    if answers:
        world.answer(ANNE)
    await world.days(20)
    assert world.state(ANNE) == ("answered" if answers else "held")
    assert answers or "Atlantis/Capital" in world.of(ANNE).because
    assert world.set_aside == []
    assert world.steps(ANNE) == []
    assert world.steps(BART) == ["nudge", "question", "last"]
