"""Answers that nobody's program tied to ours: case 10, private addresses, colleagues, reports that return nothing."""

from tests.stories.people import ANNE, BART, COLLEAGUE
from tests.stories.test_matching_days import LATER, nudged
from tests.stories.world import MAYA, World

QUOTED = f"""\
Anne showed me this. When can we talk?

> From: Maya Lind <{MAYA.address}>
> To: {ANNE}
> Subject: Our project
>
> Good morning, this is the nudge about our project.
"""


async def test_he_forwards_it_and_jane_writes_anew() -> None:
    """Case 10: no In-Reply-To, subject "Fwd: …", our letter in the text: paused, and shown with the reason."""
    world = await nudged(ANNE, BART)
    world.answer("jane@elsewhere.test", answers=None, subject="Fwd: Our project", text=QUOTED)
    await world.days(LATER)
    assert world.state(ANNE) == "answered"
    because = world.of(ANNE).because
    assert because.startswith("jane@elsewhere.test seems to have got a letter of ours: ")
    assert "(under the subject of the thread its text names " in because
    assert world.steps(ANNE) == ["nudge"]
    assert world.steps(BART) == ["nudge", "question", "last"], "the subject is the same, and he is not named"


async def test_what_only_looks_like_it_is_read_and_forgotten() -> None:
    """P5: the body of a stranger's mail under the same subject is compared, and nothing of it is kept."""
    world = await nudged(ANNE)
    world.answer("stranger@elsewhere.test", answers=None, subject="Re: Our project", text="A secret of mine.\n")
    world.effects.clear()
    await world.days(1)
    assert world.effects.count("message") == 1
    assert "secret" not in str(world.memory.contents)
    world.effects.clear()
    world.answer("stranger@elsewhere.test", answers=None, subject="Another matter", text=QUOTED)
    await world.days(1)
    assert "message" not in world.effects
    await world.days(LATER)
    assert world.steps(ANNE) == ["nudge", "question", "last"]


async def test_an_opt_out_of_a_stranger_pauses_and_suppresses_nobody() -> None:
    """3.4: whoever knows subject and address can make us silent, and no more."""
    world = await nudged(ANNE)
    text = f"unsubscribe\n\n> To: {ANNE}\n"
    world.answer("stranger@elsewhere.test", answers=None, subject="Our project", text=text)
    await world.days(LATER)
    assert world.state(ANNE) == "answered"
    assert world.store.suppression(ANNE) is None
    assert world.steps(ANNE) == ["nudge"]


async def test_a_private_address_is_proposed() -> None:
    """Case 6: it answers our id; she is told, and nothing is written to it."""
    world = await nudged(ANNE)
    world.answer("anne@private.test", answers=world.newest_to(ANNE))
    await world.days(1)
    assert world.words(ANNE) == ["enrolled", "sent", "reply", "proposed"]
    assert world.of(ANNE).addresses == {ANNE}


async def test_a_colleague_is_named_as_one() -> None:
    """Case 7."""
    world = await nudged(ANNE)
    world.answer(COLLEAGUE, answers=world.newest_to(ANNE))
    await world.days(1)
    assert f"his colleague {COLLEAGUE} answered" in world.of(ANNE).because
    assert world.words(ANNE) == ["enrolled", "sent", "reply"]


def bounce_without_ids(world: World, address: str) -> None:
    """A report whose returned part was cut off."""
    text = (
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.lind.test\r\n\r\n"
        f"Final-Recipient: rfc822; {address}\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 User unknown\r\n\r\n--b--\r\n"
    )
    kind = 'Content-Type: multipart/report; report-type=delivery-status; boundary="b"'
    raw = world.mail("mailer-daemon@mx.lind.test", subject="Undelivered Mail", fields=kind, text=text)
    world.server.deliver(raw.replace(b"Content-Type: text/plain; charset=utf-8\r\n", b""))


async def test_a_report_that_returns_nothing_of_ours_but_names_him() -> None:
    """Written to within a week: it counts. The conversation ends; the address is not buried on a stranger's word."""
    world = await nudged(ANNE, BART)
    bounce_without_ids(world, ANNE)
    await world.days(LATER)
    assert world.words(ANNE) == ["enrolled", "sent", "bounce"]
    assert (world.state(ANNE), world.store.suppression(ANNE)) == ("stopped", None)
    assert world.steps(BART) == ["nudge", "question", "last"]


async def test_backscatter_long_after_her_letter() -> None:
    """Case 43: nothing went there for weeks, so it is somebody else's doing."""
    world = World()
    await world.begin(ANNE)
    await world.days(14.2)
    assert world.steps(ANNE) == ["nudge", "question", "last"]
    world.clock.pass_time(world.poll * 60)
    bounce_without_ids(world, ANNE)
    await world.days(1)
    assert world.words(ANNE)[-1] == "finished"
