"""What every transport promises: SmtpTransport against a real server in the same process, and the fake of the tests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

import pytest
from aiosmtpd import smtp as aiosmtpd

from inboxagent.edge.smtp import SmtpTransport
from inboxagent.edge.smtp_session import Timeouts
from inboxagent.outreach.outbox import Envelope, Fate, Outcome, Phase, Scope
from inboxagent.ports import Handover, Transport
from tests.fakes.transport import FakeTransport

HER = "maya@lind.example"
HIM = "anna@prospect.test"
COPY = "bo@prospect.test"
TO_HIM = Envelope(reverse_path=HER, forward_paths=(HIM,))
TO_BOTH = Envelope(reverse_path=HER, forward_paths=(HIM, COPY))


def letter(number: int = 1) -> bytes:
    return (
        f"Message-ID: <{number}@lind.example>\r\nFrom: {HER}\r\nTo: {HIM}\r\nSubject: Proposal\r\n\r\n"
        "Dear Anna,\r\n\r\n.\r\n..and a second dot\r\n"
    ).encode()


class World(Protocol):
    """A transport, and the power over the server behind it."""

    @property
    def transport(self) -> Transport:
        """What is tested."""

    def accepted(self) -> list[tuple[Envelope, bytes]]:
        """What the server has, in truth."""

    def refuse(self, address: str, code: int, text: str) -> None:
        """At RCPT, from now on."""

    def answer_dot(self, code: int, text: str) -> None:
        """The next dot."""

    def lose_line_at_dot(self, *, accepted: bool) -> None:
        """The next dot gets no answer."""

    async def lose_line(self) -> None:
        """Now."""


@dataclass
class FakeWorld:
    """The fake, and its own levers."""

    transport: FakeTransport = field(default_factory=FakeTransport)

    def accepted(self) -> list[tuple[Envelope, bytes]]:
        return [(each.envelope, each.message) for each in self.transport.accepted]

    def refuse(self, address: str, code: int, text: str) -> None:
        self.transport.refuse(address, code, text)

    def answer_dot(self, code: int, text: str) -> None:
        self.transport.reply(Phase.DOT, code, text)

    def lose_line_at_dot(self, *, accepted: bool) -> None:
        self.transport.lose_line(Phase.DOT, accepted=accepted)

    async def lose_line(self) -> None:
        self.transport.lose_line_now()


class Hooks:
    """What the server does, in the form aiosmtpd wants."""

    def __init__(self) -> None:
        self.accepted: list[tuple[Envelope, bytes]] = []
        self.refused: dict[str, str] = {}
        self.dot: str | None = None
        self.lines: set[asyncio.Transport] = set()

    async def handle_MAIL(self, server, session, envelope, address, options):  # type: ignore[no-untyped-def]  # noqa: N802
        self.lines.add(server.transport)
        envelope.mail_from = address
        return "250 2.1.0 Ok"

    async def handle_RCPT(self, server, session, envelope, address, options):  # type: ignore[no-untyped-def]  # noqa: N802
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server, session, envelope):  # type: ignore[no-untyped-def]  # noqa: N802
        answer, self.dot = self.dot or "250 2.0.0 Ok: queued as 7F3", None
        if answer.startswith("250") or answer == "accept and go":
            paths = Envelope(reverse_path=envelope.mail_from, forward_paths=tuple(envelope.rcpt_tos))
            self.accepted.append((paths, envelope.content))
        if answer.endswith("go"):
            server.transport.abort()
        return answer


class RealWorld:
    """aiosmtpd in the same event loop."""

    def __init__(self, port: int, hooks: Hooks, *, split_body: bool) -> None:
        timeouts = Timeouts(connect=60, command=60, dot=60, quit=1)
        self.transport = SmtpTransport(
            "127.0.0.1", port, "none", local_hostname="laptop.test", split_body=split_body, timeouts=timeouts
        )
        self._hooks = hooks

    def accepted(self) -> list[tuple[Envelope, bytes]]:
        return self._hooks.accepted

    def refuse(self, address: str, code: int, text: str) -> None:
        self._hooks.refused[address] = f"{code} {text}"

    def answer_dot(self, code: int, text: str) -> None:
        self._hooks.dot = f"{code} {text}"

    def lose_line_at_dot(self, *, accepted: bool) -> None:
        self._hooks.dot = "accept and go" if accepted else "go"

    async def lose_line(self) -> None:
        for line in self._hooks.lines:
            line.abort()
        for _ in range(20):  # the other end is in this loop too: it hears of it in the next rounds
            await asyncio.sleep(0)


@asynccontextmanager
async def aiosmtpd_world(*, split_body: bool) -> AsyncIterator[RealWorld]:
    """A server that ends with the test."""
    hooks = Hooks()
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(lambda: aiosmtpd.SMTP(hooks, hostname="mail.lind.example"), "127.0.0.1", 0)
    world = RealWorld(listener.sockets[0].getsockname()[1], hooks, split_body=split_body)
    try:
        yield world
    finally:
        await world.transport.close()
        await world.lose_line()
        listener.close()
        await listener.wait_closed()


@pytest.fixture(params=["fake", "smtp", "smtp, the body kept back"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    if request.param == "fake":
        yield FakeWorld()
        return
    async with aiosmtpd_world(split_body=request.param == "smtp") as real:
        yield real


async def hand_over(world: World, envelope: Envelope = TO_HIM, number: int = 1) -> Handover:
    handover = await world.transport.hand_over(envelope, letter(number))
    assert not isinstance(handover, Outcome)
    return handover


async def refused(world: World, envelope: Envelope = TO_HIM) -> Outcome:
    outcome = await world.transport.hand_over(envelope, letter())
    assert isinstance(outcome, Outcome)
    return outcome


async def check_the_next_letter(world: World, before: int) -> None:
    """Whatever happened, the transport goes on with the next letter."""
    outcome = await (await hand_over(world, Envelope(reverse_path=HER, forward_paths=("next@other.test",)), 2)).commit()
    assert outcome.fate is Fate.SENT
    assert [message for _, message in world.accepted()][before:] == [letter(2)]


async def test_nothing_is_sent_before_the_dot(world: World) -> None:
    handover = await hand_over(world)
    assert world.accepted() == []
    await handover.commit()
    assert world.accepted() == [(TO_HIM, letter())]


async def test_an_accepted_letter_is_sent_in_the_servers_words(world: World) -> None:
    world.answer_dot(250, "2.0.0 Ok: queued as <77@relay.test>")
    outcome = await (await hand_over(world)).commit()
    assert (outcome.fate, outcome.scope, outcome.phase) == (Fate.SENT, Scope.LETTER, Phase.DOT)
    assert outcome.text == "250 2.0.0 Ok: queued as <77@relay.test>"
    assert (outcome.code, outcome.status) == (250, "2.0.0")
    await check_the_next_letter(world, 1)


async def test_all_recipients_are_in_one_letter(world: World) -> None:
    await (await hand_over(world, TO_BOTH)).commit()
    assert world.accepted() == [(TO_BOTH, letter())]


async def test_a_commit_asked_twice_sends_once(world: World) -> None:
    handover = await hand_over(world)
    assert await handover.commit() == await handover.commit()
    await handover.abort()
    assert len(world.accepted()) == 1
    await check_the_next_letter(world, 1)


async def test_an_abort_sends_nothing_for_ever(world: World) -> None:
    handover = await hand_over(world)
    await handover.abort()
    await handover.abort()
    assert (await handover.commit()).fate is Fate.DEFERRED
    assert world.accepted() == []
    await check_the_next_letter(world, 0)


async def test_he_is_refused(world: World) -> None:
    world.refuse(HIM, 550, "5.1.1 no Anna here")
    outcome = await refused(world)
    assert (outcome.fate, outcome.scope, outcome.phase) == (Fate.REFUSED, Scope.PROSPECT, Phase.RCPT)
    assert (outcome.address, outcome.text) == (HIM, "550 5.1.1 no Anna here")
    assert world.accepted() == []
    await check_the_next_letter(world, 0)


async def test_he_is_greylisted(world: World) -> None:
    world.refuse(HIM, 450, "4.7.1 come back later")
    outcome = await refused(world)
    assert (outcome.fate, outcome.scope, outcome.address) == (Fate.DEFERRED, Scope.LETTER, HIM)
    assert outcome.retry_after
    await check_the_next_letter(world, 0)


async def test_his_refusal_decides_over_that_of_the_copy(world: World) -> None:
    world.refuse(HIM, 550, "5.1.1 no Anna here")
    world.refuse(COPY, 450, "4.7.1 come back later")
    outcome = await refused(world, TO_BOTH)
    assert (outcome.fate, outcome.address) == (Fate.REFUSED, HIM)


async def test_only_the_copy_is_refused_and_nothing_goes_to_anybody(world: World) -> None:
    world.refuse(COPY, 550, "5.1.1 no Bo here")
    outcome = await refused(world, TO_BOTH)
    assert (outcome.fate, outcome.scope, outcome.address) == (Fate.REFUSED, Scope.LETTER, COPY)
    assert COPY in outcome.means
    assert world.accepted() == []
    await check_the_next_letter(world, 0)


async def test_a_later_at_the_dot_is_no_letter(world: World) -> None:
    world.answer_dot(451, "4.3.0 not now")
    outcome = await (await hand_over(world)).commit()
    assert (outcome.fate, outcome.scope, world.accepted()) == (Fate.DEFERRED, Scope.LETTER, [])
    await check_the_next_letter(world, 0)


async def test_a_no_at_the_dot_is_no_letter(world: World) -> None:
    world.answer_dot(554, "5.6.0 not like that")
    outcome = await (await hand_over(world)).commit()
    assert (outcome.fate, outcome.scope, world.accepted()) == (Fate.REFUSED, Scope.LETTER, [])
    await check_the_next_letter(world, 0)


@pytest.mark.parametrize("accepted", [True, False])
async def test_a_line_lost_at_the_dot_is_uncertain(world: World, accepted: bool) -> None:
    world.lose_line_at_dot(accepted=accepted)
    outcome = await (await hand_over(world)).commit()
    assert (outcome.fate, outcome.scope, outcome.phase) == (Fate.UNCERTAIN, Scope.LETTER, Phase.DOT)
    assert len(world.accepted()) == accepted
    await check_the_next_letter(world, int(accepted))


async def test_a_line_lost_before_the_dot_is_no_letter(world: World) -> None:
    handover = await hand_over(world)
    await world.lose_line()
    outcome = await handover.commit()
    assert (outcome.fate, outcome.scope) == (Fate.DEFERRED, Scope.LETTER)
    assert outcome.phase in (Phase.DATA, Phase.BODY)
    assert world.accepted() == []
    await check_the_next_letter(world, 0)


async def test_a_line_lost_between_two_letters_is_not_noticed(world: World) -> None:
    await (await hand_over(world)).commit()
    await world.lose_line()
    await check_the_next_letter(world, 1)


async def test_one_letter_at_a_time(world: World) -> None:
    first = await hand_over(world)
    second = asyncio.create_task(hand_over(world, number=2))
    for _ in range(50):
        await asyncio.sleep(0)
    assert not second.done()
    await first.commit()
    await (await second).commit()
    assert [message for _, message in world.accepted()] == [letter(1), letter(2)]


async def test_a_cancelled_hand_over_leaves_nothing_behind(world: World) -> None:
    task = asyncio.create_task(hand_over(world))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert world.accepted() == []
    await check_the_next_letter(world, 0)


async def test_closing_twice_and_going_on(world: World) -> None:
    await world.transport.close()
    await check_the_next_letter(world, 0)
    await world.transport.close()
    await world.transport.close()
    await check_the_next_letter(world, 1)


async def test_closing_cuts_off_a_letter_that_is_under_way(world: World) -> None:
    handover = await hand_over(world)
    await world.transport.close()
    assert (await handover.commit()).fate is Fate.DEFERRED
    assert world.accepted() == []
    await check_the_next_letter(world, 0)
