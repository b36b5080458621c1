"""What arrives is what was written, octet for octet, at a server that is not ours."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiosmtpd import smtp as aiosmtpd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inboxagent.edge.smtp import SmtpTransport
from inboxagent.edge.smtp_session import Security, Timeouts
from inboxagent.outreach.outbox import Envelope, Fate, Outcome

CERTIFICATES = Path(__file__).parent / "certificates"
ENVELOPE = Envelope(reverse_path="maya@lind.example", forward_paths=("anna@prospect.test",))
LONG_ID = b"<" + b"a7" * 480 + b"@prospect.test>"
HEADER = b"Message-ID: <1@lind.example>\r\nFrom: maya@lind.example\r\nSubject: Proposal\r\n"

MESSAGES = {
    "plain": HEADER + b"\r\nHello Anna\r\n",
    "no body": HEADER + b"\r\n",
    "leading dots": HEADER + b"\r\n.\r\n..\r\n...\r\n.x\r\n \r\n.\r\n",
    "only dots": b".\r\n",
    "8 bit": HEADER + b"Content-Transfer-Encoding: 8bit\r\n\r\n" + "Grüße, čau, 你好\r\n".encode(),
    "every octet": HEADER + b"\r\n" + bytes(set(range(1, 256)) - {10, 13}) + b"\r\n",
    "lines of 998": HEADER + b"\r\n" + (b"x" * 998 + b"\r\n") * 3 + b"." + b"y" * 997 + b"\r\n",
    "a long Message-ID": b"In-Reply-To:\r\n " + LONG_ID + b"\r\nReferences: <0@x.test>\r\n " + LONG_ID + b"\r\n\r\n",
    "empty lines at the end": HEADER + b"\r\nHi\r\n\r\n\r\n",
    "4 MB": HEADER + b"\r\n" + (b"." + b"z" * 76 + b"\r\n") * 50_000,
}  # fmt: skip


class Keeper:
    """Keeps what it gets."""

    def __init__(self) -> None:
        self.kept: list[bytes] = []

    async def handle_DATA(self, server, session, envelope):  # type: ignore[no-untyped-def]  # noqa: N802
        self.kept.append(envelope.content)
        return "250 2.0.0 kept"


def show_certificate() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / "trusted.pem", CERTIFICATES / "key.pem")
    return context


@asynccontextmanager
async def keeping(security: Security) -> AsyncIterator[tuple[SmtpTransport, Keeper]]:
    keeper = Keeper()
    context = show_certificate()
    starttls = context if security == "starttls" else None

    def peer() -> aiosmtpd.SMTP:
        return aiosmtpd.SMTP(
            keeper, hostname="mail.lind.example", tls_context=starttls, require_starttls=starttls is not None
        )

    at_once = context if security == "tls" else None
    listener = await asyncio.get_running_loop().create_server(peer, "127.0.0.1", 0, ssl=at_once)
    transport = SmtpTransport(
        "127.0.0.1",
        listener.sockets[0].getsockname()[1],
        security,
        ca_file=str(CERTIFICATES / "trusted.pem"),
        local_hostname="laptop.test",
        timeouts=Timeouts(connect=60, command=60, dot=60, quit=2),
    )
    try:
        yield transport, keeper
    finally:
        await transport.close()
        listener.close()
        await listener.wait_closed()


async def send(transport: SmtpTransport, message: bytes) -> Outcome:
    handover = await transport.hand_over(ENVELOPE, message)
    return handover if isinstance(handover, Outcome) else await handover.commit()


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
async def test_it_arrives_as_it_was_written(security: Security) -> None:
    async with keeping(security) as (transport, keeper):
        for name, message in MESSAGES.items():
            outcome = await send(transport, message)
            assert outcome.fate is Fate.SENT, name
            assert keeper.kept.pop() == message, name


@pytest.mark.parametrize(
    ("message", "arrives"),
    [
        (b"no line end", b"no line end\r\n"),
        (b"a\n.\nb\n", b"a\r\n.\r\nb\r\n"),
        (b"a\r.\rb\r", b"a\r\n.\r\nb\r\n"),
        (b"a\r\n.\nMAIL FROM:<x@y.test>\r.\r\n", b"a\r\n.\r\nMAIL FROM:<x@y.test>\r\n.\r\n"),
    ],
)
async def test_no_line_end_of_another_kind_ends_the_letter_early(message: bytes, arrives: bytes) -> None:
    """Whatever a server takes for a line end, the only dot on a line of its own is the one that commits."""
    async with keeping("none") as (transport, keeper):
        handover = await transport.hand_over(ENVELOPE, message)
        assert not isinstance(handover, Outcome)
        for _ in range(20):
            await asyncio.sleep(0)
        assert keeper.kept == []
        await handover.commit()
        assert keeper.kept == [arrives]


@given(
    lines=st.lists(st.binary(max_size=80).map(lambda line: line.translate(None, b"\r\n\0")), min_size=1, max_size=30)
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_lines_arrive(lines: list[bytes]) -> None:
    message = b"".join(line + b"\r\n" for line in lines)

    async def check() -> None:
        async with keeping("none") as (transport, keeper):
            assert (await send(transport, message)).fate is Fate.SENT
            assert keeper.kept == [message]

    asyncio.run(check())
