"""Letters of which nobody knows whether they went: section 3 and 7 of the hard cases, as far as one send goes."""

import pytest

from inboxagent.errors import StateUnwritable, Unreachable
from inboxagent.mail.inbound import parse
from inboxagent.outreach.events import Word
from inboxagent.outreach.outbox import Phase
from tests.stories.people import ANNE, BART, COLLEAGUE
from tests.stories.world import World


async def doubtful(*, accepted: bool) -> World:
    """A world in which the line was lost after the dot of the first follow-up."""
    world = World()
    await world.begin(ANNE)
    world.transport.lose_line(Phase.DOT, accepted=accepted)
    await world.days(3.2)
    assert world.words(ANNE) == ["enrolled", "uncertain"]
    assert (world.state(ANNE), world.of(ANNE).court) == ("held", "hers")
    return world


def letter(world: World) -> bytes:
    """The letter in doubt, as it was handed over."""
    return world.transport.handed_over[-1].message


async def test_nothing_is_sent_again_by_itself() -> None:
    """Absence proves nothing: a month later it still waits for her."""
    world = await doubtful(accepted=False)
    await world.days(30)
    assert world.words(ANNE) == ["enrolled", "uncertain"]
    assert len(world.transport.handed_over) == 1
    assert "nobody knows" in world.of(ANNE).because


@pytest.mark.parametrize("mailbox", ["Sent", "Archive", "Trash", "INBOX"])
async def test_a_copy_that_the_server_filed(mailbox: str) -> None:
    """Case 79: the id in any mailbox proves it; the sequence goes on from there."""
    world = await doubtful(accepted=True)
    world.server.deliver(letter(world), mailbox)
    await world.days(4.5)
    assert world.words(ANNE) == ["enrolled", "uncertain", "sent", "sent"]
    assert world.steps(ANNE) == ["nudge", "question"]


async def test_a_copy_under_another_message_id() -> None:
    """A server that gives each letter its own Message-ID leaves our own field in it; answers to that id count."""
    world = await doubtful(accepted=True)
    ours = world.of(ANNE).pending
    assert ours is not None
    assert ours.message_id is not None
    world.server.deliver(letter(world).replace(ours.message_id.encode(), b"<renamed@provider.test>"), "Sent")
    await world.days(1)
    assert world.words(ANNE) == ["enrolled", "uncertain", "sent", "note"]
    assert world.of(ANNE).touches == 2, "it is no touch of her own"
    world.answer(COLLEAGUE, answers="<renamed@provider.test>")
    await world.days(20)
    assert world.state(ANNE) == "answered"


async def test_an_answer_to_it() -> None:
    """Whoever names the id has got the letter."""
    world = await doubtful(accepted=True)
    world.answer(COLLEAGUE, answers=world.newest_to(ANNE))
    await world.days(20)
    assert world.words(ANNE) == ["enrolled", "uncertain", "sent", "reply"]


def filed(world: World) -> list[str]:
    """The Message-IDs of our letters in Sent."""
    return [
        parse(each.raw).message_id for each in world.server.boxes["Sent"].messages.values() if b"this is" in each.raw
    ]


@pytest.mark.parametrize("released", [False, True])
async def test_a_letter_that_an_answer_proves_gets_its_copy(released: bool) -> None:
    """Case 77: exactly one in Sent, with the time at which it went; also where she had released it already."""
    world = await doubtful(accepted=True)
    assert filed(world) == []
    went_at = parse(letter(world)).date
    if released:
        world.command(ANNE, Word.RELEASED, step="nudge")
    world.answer("robot@prospect.test", answers=world.newest_to(ANNE), fields="Auto-Submitted: auto-replied")
    await world.days(2)
    assert filed(world) == [parse(letter(world)).message_id]
    copy = next(each for each in world.server.boxes["Sent"].messages.values() if b"this is" in each.raw)
    assert copy.raw.endswith(letter(world))
    assert copy.received_at == went_at
    assert world.store.fact(f"copy of {filed(world)[0]}") is None


async def test_a_letter_that_a_copy_proves_gets_no_second_one() -> None:
    """Case 77."""
    world = await doubtful(accepted=True)
    world.server.deliver(letter(world), "Sent")
    await world.days(2)
    assert len(filed(world)) == 1


async def test_a_letter_that_did_not_go_leaves_nothing_to_be_filed() -> None:
    world = World()
    await world.begin(ANNE)
    world.transport.reply(Phase.DOT, 554, "5.0.0 no")
    await world.days(4)
    assert world.words(ANNE) == ["enrolled", "refused"]
    assert [name for name in world.memory.contents.facts if name.startswith("cop")] == []
    assert filed(world) == []


@pytest.mark.parametrize(("status", "word"), [("5.1.1", "bounce"), ("5.2.2", "bounce"), ("4.4.1", "delayed")])
async def test_a_report_on_it(status: str, word: str) -> None:
    """Case 39, 40, 41: a report on the letter proves that it was accepted."""
    world = await doubtful(accepted=True)
    action = "delayed" if word == "delayed" else "failed"
    world.bounce(ANNE, str(world.newest_to(ANNE)), status=status, action=action)
    await world.days(1)
    assert world.words(ANNE) == ["enrolled", "uncertain", "sent", word]


async def test_a_report_that_his_address_is_dead() -> None:
    """Case 39: stopped for good, marked dead, and nobody can enrol him again."""
    world = World()
    await world.begin(ANNE, BART)
    await world.days(3.5)
    world.bounce(ANNE, str(world.newest_to(ANNE)))
    await world.days(20)
    assert (world.state(ANNE), world.of(ANNE).final, world.steps(ANNE)) == ("stopped", True, ["nudge"])
    assert "550 5.1.1 User unknown" in str(world.store.suppression(ANNE))
    world.command(ANNE, Word.RESUMED)
    await world.days(10)
    assert world.steps(ANNE) == ["nudge"]
    assert world.steps(BART) == ["nudge", "question", "last"]


async def test_a_delay_and_the_failure_in_the_end() -> None:
    """Case 40: the delay is a note and moves the next wait; the failure stops."""
    world = World()
    await world.begin(ANNE)
    await world.days(3.5)
    original = str(world.newest_to(ANNE))
    world.bounce(ANNE, original, status="4.4.1", action="delayed")
    await world.days(3.6)
    assert (world.state(ANNE), world.steps(ANNE)) == ("waiting", ["nudge"])
    world.bounce(ANNE, original)
    await world.days(20)
    assert (world.state(ANNE), world.steps(ANNE)) == ("stopped", ["nudge"])
    assert world.words(ANNE) == ["enrolled", "sent", "delayed", "bounce"]


async def test_an_absence_note_for_it() -> None:
    """Case 21."""
    world = await doubtful(accepted=True)
    world.answer(ANNE, text="Away.\n", fields="Auto-Submitted: auto-replied")
    await world.days(1)
    assert world.words(ANNE) == ["enrolled", "uncertain", "sent", "auto_reply"]


async def test_she_releases_it() -> None:
    """Her word sends it again: a second try with a Message-ID of its own, at once, and no third."""
    world = await doubtful(accepted=False)
    first = world.of(ANNE).pending
    world.command(ANNE, Word.RELEASED, step="nudge")
    await world.days(1)
    assert world.steps(ANNE) == ["nudge"]
    assert first is not None
    assert world.letters()[0].message_id != first.message_id
    await world.days(20)
    assert world.steps(ANNE) == ["nudge", "question", "last"]


@pytest.mark.parametrize("proof", ["copy", "answer"])
async def test_late_evidence_after_her_release(proof: str) -> None:
    """It had gone after all: the proof comes before the second try does, and no second letter goes."""
    world = await doubtful(accepted=True)
    world.command(ANNE, Word.RELEASED, step="nudge")
    if proof == "copy":
        world.server.deliver(letter(world), "Sent")
    else:
        world.answer("robot@prospect.test", answers=world.newest_to(ANNE), fields="Auto-Submitted: auto-replied")
    await world.days(2)
    assert world.steps(ANNE) == ["nudge"]
    assert "sent" in world.words(ANNE)
    assert len(world.transport.handed_over) == 1


async def test_she_drops_it() -> None:
    """The step is over; the next wait runs from when it was tried, for it may have gone."""
    world = await doubtful(accepted=False)
    await world.days(2)
    world.command(ANNE, Word.DROPPED, step="nudge")
    await world.days(2)
    assert world.steps(ANNE) == ["question"]


async def test_release_and_drop_while_the_letter_is_on_the_wire() -> None:
    """Nobody can say yet that it is in doubt: her word changes nothing, and it goes once."""
    for word in (Word.RELEASED, Word.DROPPED):
        world = World()
        await world.begin(ANNE)

        def she_speaks(effect: str, world: World = world, word: Word = word) -> None:
            if effect == "dot":
                world.before = lambda _: None
                world.command(ANNE, word, step="nudge")

        world.before = she_speaks
        world.transport.lose_line(Phase.DOT, accepted=True)
        await world.days(10)
        assert world.steps(ANNE) == ["nudge"]
        assert world.of(ANNE).uncertain


async def test_she_resumes_what_is_in_doubt() -> None:
    """`resume` is no answer to the question whether it went."""
    world = await doubtful(accepted=True)
    world.command(ANNE, Word.RESUMED)
    await world.days(10)
    assert world.steps(ANNE) == ["nudge"]
    assert world.state(ANNE) == "held"


async def test_refused_at_rcpt() -> None:
    """Case 44: not a touch, not retried; the others go."""
    world = World()
    await world.begin(ANNE, BART)
    world.transport.refuse(ANNE, 550, "5.1.1 User unknown")
    await world.days(20)
    assert (world.state(ANNE), world.of(ANNE).touches) == ("stopped", 1)
    assert world.words(ANNE) == ["enrolled", "refused"]
    assert world.steps(BART) == ["nudge", "question", "last"]


async def test_a_copy_that_is_refused_holds_and_does_not_bury_him() -> None:
    """Only the Cc is unknown: nobody gets it, she is told, and his address is not dead."""
    world = World()
    world.she_writes(ANNE, fields=f"Cc: {COLLEAGUE}")
    await world.enrol(ANNE)
    world.transport.refuse(COLLEAGUE, 550, "5.1.1 User unknown")
    await world.days(10)
    assert world.transport.accepted == []
    assert (world.state(ANNE), world.of(ANNE).final) == ("held", False)
    assert world.of(ANNE).because == f"refused: the copy to {COLLEAGUE} was refused: 550 5.1.1 User unknown"


async def test_he_is_the_first_recipient_wherever_he_stands_in_her_letter() -> None:
    """She wrote to his colleague and to him; the colleague's address is dead. He is not."""
    world = World()
    world.she_writes(f"{COLLEAGUE}, {ANNE}")
    await world.enrol(ANNE)
    world.transport.refuse(COLLEAGUE, 550, "5.1.1 User unknown")
    await world.days(10)
    assert (world.state(ANNE), world.of(ANNE).final) == ("held", False)


async def test_put_off_and_tried_again_with_the_same_message_id() -> None:
    """A 4yz at the dot: the server does not have it; the same letter goes a quarter of an hour later."""
    world = World()
    await world.begin(ANNE)
    world.transport.reply(Phase.DOT, 451, "4.3.0 Try later")
    await world.days(4)
    first, second = world.transport.handed_over
    assert first.message.split(b"\r\n")[0] == second.message.split(b"\r\n")[0]
    assert world.words(ANNE) == ["enrolled", "deferred", "sent"]


async def test_put_off_for_three_days_of_trying() -> None:
    """She is told; nothing is tried for ever."""
    world = World()
    await world.begin(ANNE)
    for _ in range(60):
        world.transport.reply(Phase.RCPT, 451, "4.7.1 Greylisted")
    await world.days(20)
    assert world.state(ANNE) == "held"
    assert world.of(ANNE).because == "the server put `nudge` off for 3 days"
    assert world.of(ANNE).deferrals < 60


async def test_the_quota_is_reached() -> None:
    """Case 45: everything that is left moves to the next day."""
    world = World()
    await world.begin(ANNE, BART)
    world.transport.reply(Phase.RCPT, 550, "5.4.5 Daily sending quota exceeded")
    await world.days(3.9)
    assert world.transport.accepted == []
    assert len(world.transport.handed_over) == 0
    await world.days(1)
    assert (world.steps(ANNE), world.steps(BART)) == (["nudge"], ["nudge"])


async def test_the_mailbox_of_him_is_full_twice() -> None:
    """Case 41: once is retried with the next step; the second time she is asked."""
    world = World()
    await world.begin(ANNE)
    await world.days(3.2)
    for _ in range(2):
        world.bounce(ANNE, str(world.newest_to(ANNE)), status="5.2.2")
        await world.days(4.2)
    assert world.steps(ANNE) == ["nudge", "question"]
    assert world.state(ANNE) == "held"
    assert world.store.suppression(ANNE) is None


async def test_backscatter() -> None:
    """Case 43: a report that returns nothing of ours."""
    world = World()
    await world.begin(ANNE)
    world.bounce(ANNE, "<never@written.test>")
    await world.days(4)
    assert world.steps(ANNE) == ["nudge"]


async def test_exactly_one_copy_in_sent() -> None:
    """Case 77: filed once, also where APPEND fails at first, and never where the server files its own."""
    for files_sent in (False, True):
        world = World(files_sent=files_sent)
        await world.begin(ANNE)
        failures = iter(range(2))

        def fail_twice(effect: str, failures=failures) -> None:  # type: ignore[no-untyped-def]
            if effect == "append" and next(failures, None) is not None:
                raise Unreachable("no answer to APPEND")

        world.before = fail_twice
        await world.days(20)
        assert len(world.server.boxes["Sent"].messages) == (1 if files_sent else 4)
        assert world.store.fact("copies") is None


async def test_a_letter_that_cannot_be_written_to_his_reader() -> None:
    """A copy to an address that needs SMTPUTF8: he is held with the reason, and the others go on."""
    world = World()
    world.she_writes(ANNE, fields="Cc: jürgen@prospect.test")
    await world.enrol(ANNE)
    await world.begin(BART)
    await world.days(20)
    assert world.state(ANNE) == "held"
    assert "SMTPUTF8" in world.of(ANNE).because
    assert world.steps(BART) == ["nudge", "question", "last"]


async def test_a_reader_who_opted_out() -> None:
    """He stays out of To and Cc; the others still get it, and nothing is handed over in vain."""
    world = World()
    world.she_writes(f"{ANNE}, {COLLEAGUE}", fields=f"Cc: {BART}")
    with world.store.transaction("opt-outs") as ledger:
        ledger.suppress(COLLEAGUE, "she asked for it")
        ledger.suppress(BART, "he asked for it")
    await world.enrol(ANNE)
    await world.days(3.2)
    assert [each.envelope.forward_paths for each in world.transport.accepted] == [(ANNE,)]
    assert len(world.transport.handed_over) == 1


async def test_he_opts_out_between_body_and_dot() -> None:
    """Case 48, at the last moment, in another conversation than the one that is on the wire."""
    world = World()
    await world.begin(ANNE)
    await world.days(1)

    def opt_out(effect: str) -> None:
        if effect == "body":
            with world.store.transaction("suppress") as ledger:
                ledger.suppress("@prospect.test", "they all asked for it")

    world.before = opt_out
    await world.days(20)
    assert world.transport.accepted == []
    assert world.state(ANNE) == "stopped"


async def test_a_look_that_takes_too_long() -> None:
    """A reading older than ten seconds is no proof; the log says so each time."""
    world = World()
    await world.begin(ANNE)

    def slow(effect: str) -> None:
        if effect == "status":
            world.clock.booted += 11

    world.before = slow
    await world.days(4)
    assert world.transport.accepted == []
    why = {fields["because"] for word, fields in world.observed if word == "withdrawn"}
    assert why == {"the last look took 11 seconds, and may be 10 old at most"}
    world.before = lambda _: None
    await world.days(0.5)
    assert world.steps(ANNE) == ["nudge"]


async def test_the_disk_is_full_after_the_dot() -> None:
    """The letter is gone and cannot be written down: it is in doubt, not sent again."""
    world = World()
    await world.begin(ANNE)
    dots = 0

    def full(effect: str) -> None:
        nonlocal dots
        dots += effect == "dot"
        if effect == "commit" and dots == 1:
            dots = 2
            raise StateUnwritable("no space left")

    world.before = full
    await world.days(10)
    assert world.steps(ANNE) == ["nudge"]
    assert world.words(ANNE) == ["enrolled", "uncertain"]
