"""Case 81, told to her: the mailboxes cannot be read for a while. Nothing goes out, and she hears of it by mail."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from inboxagent.errors import StateUnwritable, Unreachable
from inboxagent.outreach.outbox import Phase
from tests.stories.people import ANNE
from tests.stories.world import DAY, MAYA, World

TEN_MINUTES = timedelta(minutes=10)


def away(because: str = "imap.lind.test:993 does not answer") -> Callable[[str], None]:
    """A server that cannot be read."""

    def fail(effect: str) -> None:
        if effect == "status":
            raise Unreachable(because)

    return fail


async def due() -> World:
    """A world that tells her, in which a letter to Anne is due in the next cycle."""
    world = World(alert_after=TEN_MINUTES)
    await world.begin(ANNE)
    await world.days(2.9)
    world.clock.pass_time(DAY)
    return world


def alerts(world: World) -> list[str]:
    """What she was told, by its text."""
    assert all(each.to[0].address in (MAYA.address, ANNE) for each in world.letters())
    return [each.text for each in world.letters() if each.to[0].address == MAYA.address]


async def test_she_is_told_once_and_sending_resumes_by_itself() -> None:
    world = await due()
    world.before = away()
    await world.pass_time(minutes=9)
    assert world.transport.accepted == []
    await world.pass_time(minutes=10)
    (told,) = alerts(world)
    assert "imap.lind.test:993 does not answer" in told
    assert "since Fri 6 Nov 07:36 (UTC)" in told
    await world.pass_time(hours=20)
    assert len(alerts(world)) == 1
    world.before = lambda _: None
    await world.days(1)
    assert world.steps(ANNE) == ["nudge"]
    assert len(alerts(world)) == 1


async def test_the_mail_is_marked_as_automatic_and_is_nobodys_answer() -> None:
    world = await due()
    world.before = away()
    await world.pass_time(minutes=30)
    (letter,) = world.transport.accepted
    assert letter.message.startswith(b"Auto-Submitted: auto-generated\r\n")
    assert letter.envelope.forward_paths == (MAYA.address,)
    world.before = lambda _: None
    world.server.deliver(letter.message)
    await world.days(1)
    assert world.words(ANNE) == ["enrolled", "sent"]


async def test_at_most_one_a_day_for_one_cause_also_over_restarts() -> None:
    world = await due()
    for hour, port in enumerate((993, 994, 995)):
        world.before = away(f"imap.lind.test:{port} does not answer")
        await world.pass_time(hours=3)
        assert len(alerts(world)) == 1, hour
        world.before = lambda _: None
        await world.cycle()
        world.start()
    world.before = away("the certificate of imap.lind.test:993 is not valid: expired")
    await world.pass_time(hours=1)
    assert len(alerts(world)) == 2
    world.before = away()
    await world.pass_time(hours=20)
    assert len(alerts(world)) == 3


async def test_where_smtp_is_broken_too_the_log_has_to_do() -> None:
    world = await due()
    world.before = away()
    world.transport.lose_line(Phase.CONNECT)
    await world.pass_time(minutes=40)
    assert alerts(world) == []
    (unsent,) = [fields for word, fields in world.observed if word == "alert_unsent"]
    assert unsent["because"] == "the line was lost"
    await world.pass_time(hours=1)
    assert len(alerts(world)) == 1


async def test_a_full_disk_is_told_once() -> None:
    world = await due()

    def full(effect: str) -> None:
        if effect == "commit":
            raise StateUnwritable("no space left on device")

    world.before = full
    world.answer(ANNE)
    await world.pass_time(hours=20)
    assert len(alerts(world)) == 1
    assert "no space left" in alerts(world)[0]


async def hang() -> None:
    """An answer that never comes."""
    await asyncio.Event().wait()


async def test_a_look_that_does_not_end_is_given_up_and_the_letter_withdrawn() -> None:
    world = await due()
    world.agent._reader.look_within = 0.05
    right = world.mailbox.status

    def from_the_body_on(effect: str) -> None:
        if effect == "body":
            world.mailbox.status = hang  # type: ignore[method-assign, assignment]

    world.before = from_the_body_on
    await world.cycle()
    assert world.transport.accepted == []
    assert world.of(ANNE).pending is None
    assert world.health is not None
    assert (world.health.sight, world.health.because) == (
        "blind",
        "the mailboxes could not be read within 0.05 seconds",
    )
    world.before = lambda _: None
    world.mailbox.status = right  # type: ignore[method-assign]
    await world.days(1)
    assert world.steps(ANNE) == ["nudge"]


@pytest.mark.parametrize(("told", "least", "most"), [(None, 1, 2), (3_600.0, 3_600, 3_600)])
async def test_a_pause_that_the_server_asks_for_is_kept(told: float | None, least: float, most: float) -> None:
    world = await due()

    def refuse(effect: str) -> None:
        if effect == "status":
            raise Unreachable("too many log-ins", told)

    world.before = refuse
    assert least <= await world.daemon._cycle() <= most


async def test_the_pauses_grow_until_a_reading_ends_them() -> None:
    world = await due()
    world.before = away()
    pauses = [await world.daemon._cycle() for _ in range(12)]
    assert 1 <= pauses[0] <= 2
    assert all(150 <= pause <= 300 for pause in pauses[8:])
    assert len(set(pauses)) == len(pauses), "no jitter"
    world.before = lambda _: None
    await world.daemon._cycle()
    world.before = away()
    assert await world.daemon._cycle() <= 2
