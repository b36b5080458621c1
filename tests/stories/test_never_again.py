"""Who is never written to again, from whatever side it was said, and who was forgotten."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from inboxagent.agent.copies import OWED
from inboxagent.cli import privacy
from inboxagent.errors import Refused, Unreachable
from inboxagent.outreach.erasure import person_of
from inboxagent.outreach.events import Word
from inboxagent.outreach.forgotten import LETTERS
from inboxagent.outreach.limits import Limits
from tests.stories.people import ANNE, BART
from tests.stories.world import MAYA, PROPOSAL, World

COMPLAINT = """\
--b
Content-Type: text/plain

This is an email abuse report.
--b
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: Provider/1.0
Version: 1
Original-Rcpt-To: {him}
--b
Content-Type: message/rfc822

From: {her}
To: {him}
Subject: Our project
Message-ID: {letter}

Good morning.
--b--
"""


def opts_out(world: World) -> None:
    """Case 48."""
    world.answer(ANNE, text="Please stop writing to me.\n")


def complains(world: World) -> None:
    """His provider reports her letter as spam (RFC 5965)."""
    text = COMPLAINT.format(him=ANNE, her=MAYA.address, letter=world.newest_to(ANNE))
    kind = 'multipart/report; report-type=feedback-report; boundary="b"'
    raw = world.mail("abuse@provider.test", text=text, subject="complaint", fields="MIME-Version: 1.0")
    world.server.deliver(raw.replace(b"text/plain; charset=utf-8", kind.encode(), 1))


def bounces(world: World) -> None:
    """Case 39."""
    letter = world.newest_to(ANNE)
    assert letter is not None
    world.bounce(ANNE, letter)


@pytest.mark.parametrize("happens", [opts_out, complains, bounces])
async def test_suppressed_from_his_side(happens: Callable[[World], None]) -> None:
    """Stopped for good, refused at the next enrolment, and no longer among the readers of letters to others."""
    world = World()
    await world.begin(ANNE)
    await world.days(1)
    happens(world)
    await world.days(30)
    assert (world.state(ANNE), world.of(ANNE).final, world.steps(ANNE)) == ("stopped", True, [])
    assert world.store.suppression(ANNE) is not None
    with pytest.raises(Refused, match=f"{ANNE} is never to be written to"):
        await world.enrol(ANNE)
    world.she_writes(BART, fields=f"Cc: {ANNE}")
    await world.enrol(BART)
    await world.days(4)
    assert (world.steps(BART), world.steps(ANNE)) == (["nudge"], [])


async def test_an_address_that_the_server_calls_dead_is_suppressed() -> None:
    """Case 44: refused at RCPT, no touch, and never tried again under any sequence."""
    world = World()
    await world.begin(ANNE)
    world.transport.refuse(ANNE, 550, "5.1.1 User unknown")
    await world.days(10)
    assert (world.state(ANNE), world.of(ANNE).touches) == ("stopped", 1)
    assert "the address is dead" in str(world.store.suppression(ANNE))


async def test_who_is_forgotten_is_a_stranger_who_is_never_written_to() -> None:
    """What he writes later is left alone, unread; nothing of him comes back, and nobody enrols him."""
    world = World()
    await world.begin(ANNE, BART)
    await world.days(3.5)
    with world.store.transaction("she has him forgotten") as ledger:
        ledger.erase(person_of(ANNE, ledger.conversations()))
    world.answer(ANNE, text="Who are you?\n")
    await world.days(30)
    assert [each.enrolment.prospect.address for each in world.store.conversations()] == [BART]
    assert (world.steps(ANNE), world.steps(BART)) == (["nudge"], ["nudge", "question", "last"])
    with pytest.raises(Refused, match="never to be written to"):
        await world.enrol(ANNE, PROPOSAL)


async def test_a_day_takes_no_more_letters_for_whom_she_has_forgotten(tmp_path: Path) -> None:
    """Those that went to him stay counted, though nothing else of him is left; and no longer than any limit asks."""
    world = World(limits=Limits(per_day=4))
    many = [f"p{number}@prospect.test" for number in range(6)]
    await world.begin(*many)
    await world.days(3.2)
    desk: Any = SimpleNamespace(store=world.store, clock=world.clock, config=SimpleNamespace(state=tmp_path))
    for address in [each for each in many if world.steps(each)][:2]:
        privacy._forget(desk, person_of(address, world.store.conversations()))
    await world.pass_time(hours=5)
    assert len(world.letters()) == 4
    await world.days(1)
    assert sorted(letter.date.day for letter in world.letters() if letter.date) == [5, 5, 5, 5, 6, 6]
    await world.days(8)
    privacy._forget(desk, person_of("stranger@prospect.test", ()))
    assert world.store.fact(LETTERS) is None


async def test_forgotten_while_his_letter_is_handed_over() -> None:
    """The letter is withdrawn before the dot, and the daemon lives on."""
    world = World()
    await world.begin(ANNE, BART)

    def forget(effect: str) -> None:
        if effect == "body" and world.store.find("address", ANNE):
            with world.store.transaction("she has him forgotten") as ledger:
                ledger.erase(person_of(ANNE, ledger.conversations()))

    world.before = forget
    await world.days(3.5)
    assert (world.steps(ANNE), world.steps(BART)) == ([], ["nudge"])
    assert [word for word, _ in world.observed if word == "withdrawn"] == ["withdrawn"]


async def test_forgotten_while_the_copy_of_his_letter_is_owed() -> None:
    """Its octets go with him: nothing is filed any more, and the daemon lives on."""
    world = World()
    await world.begin(ANNE)

    def forget(effect: str) -> None:
        if effect == "append" and world.store.find("address", ANNE):
            with world.store.transaction("she has him forgotten") as ledger:
                ledger.erase(person_of(ANNE, ledger.conversations()))
            raise Unreachable("the line was lost")

    world.before = forget
    await world.days(5)
    assert world.steps(ANNE) == ["nudge"]
    assert world.store.fact(OWED) is None


async def test_an_autoresponder_that_never_rests_changes_one_thing_a_day() -> None:
    """Case 38: one hold for all that it writes in a day, and no machine is ever answered."""
    world = World()
    await world.begin(ANNE)
    await world.days(1)
    for _ in range(10):
        world.answer(ANNE, text="I am out of the office.\n", fields="Auto-Submitted: auto-replied")
        await world.pass_time(hours=1)
    assert world.words(ANNE).count(str(Word.AUTO_REPLY)) == 1
    assert world.letters() == []
    await world.days(2)
    world.answer(ANNE, text="I am out of the office.\n", fields="Auto-Submitted: auto-replied")
    await world.cycle()
    assert world.words(ANNE).count(str(Word.AUTO_REPLY)) == 2
