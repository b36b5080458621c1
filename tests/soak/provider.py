"""A mail provider in a process of its own: embedded servers behind TLS, whose lines can be cut and refused."""

import asyncio
import logging
import multiprocessing
import ssl
import threading
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from email.utils import format_datetime, make_msgid
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from inboxagent.cli.embedded import EmbeddedProvider, Letter, away
from inboxagent.mail.inbound import parse_headers

CERTIFICATES = Path(__file__).parents[1] / "edge" / "certificates"
WORDS = {"anna": "Yes, let us talk on Tuesday.", "emil": "Please unsubscribe me.", "gina": "No, thank you."}
"""What people answer at once, by the beginning of their address; `dave` is away, everybody else says nothing."""


class Provider:
    """The process, from outside; a context manager. `ports` are those of IMAP and submission, both with TLS."""

    def __init__(self, passwords: Mapping[str, str], now: datetime) -> None:
        here, there = multiprocessing.Pipe()
        self._pipe = here
        serve = multiprocessing.get_context("spawn").Process
        self._process = serve(target=_serve, args=(there, dict(passwords), now), daemon=True)
        self.ports = (0, 0)

    def __enter__(self) -> Self:
        self._process.start()
        self.ports = self._pipe.recv()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pipe.send(("stop",))
        self._process.join(10)
        self._pipe.close()

    def turn_to(self, now: datetime) -> None:
        """What time it is there."""
        self._ask("turn_to", now)

    def deliver(self, address: str, message: bytes) -> None:
        """Put a message into somebody's INBOX."""
        self._ask("deliver", address, message)

    def cut(self) -> None:
        """Break every line that there is."""
        self._ask("cut")

    def refuse(self, refuses: bool) -> None:
        """Let nobody in from now on, or everybody again."""
        self._ask("refuse", refuses)

    def letters(self) -> list[tuple[str, str]]:
        """Recipient and Message-ID of every letter that was accepted so far."""
        found: list[tuple[str, str]] = self._ask("letters")
        return found

    def _ask(self, *words: object) -> Any:
        self._pipe.send(words)
        return self._pipe.recv()


def _serve(pipe: Connection, passwords: dict[str, str], now: datetime) -> None:
    """The process, from inside: does what is asked for until it is told to stop."""
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # the embedded server's own chatter
    time = [now]
    with EmbeddedProvider(passwords, lambda: time[0]) as provider:
        for address in passwords:
            name = address.partition("@")[0].rstrip("0123456789")
            if name in WORDS:
                provider.on_mail(address, _Answer(WORDS[name]))
            elif name == "dave":
                provider.on_mail(address, away("I am away until tomorrow."))
        relays = _Relays((provider.imap_port, provider.submission_port))
        pipe.send(relays.ports)
        while (words := pipe.recv())[0] != "stop":
            match words:
                case ("turn_to", at):
                    time[0] = at
                    pipe.send(None)
                case ("deliver", address, message):
                    pipe.send(provider.deliver(address, message))
                case ("letters",):
                    pipe.send([(each.recipient, parse_headers(each.message).message_id) for each in provider.accepted])
                case ("cut",):
                    pipe.send(relays.call(relays.cut))
                case ("refuse", refuses):
                    pipe.send(relays.call(relays.refuse, refuses))


class _Answer:
    """What a person says at once to the first letter of each sender."""

    def __init__(self, words: str) -> None:
        self._words = words
        self._answered: set[str] = set()

    def __call__(self, letter: Letter) -> bytes | None:
        if letter.reverse_path in self._answered:
            return None
        self._answered.add(letter.reverse_path)
        original = parse_headers(letter.message)
        reply = EmailMessage(policy=WIRE)
        reply["From"], reply["To"] = letter.recipient, letter.reverse_path
        reply["Subject"] = f"Re: {original.subject}"
        reply["Date"] = format_datetime(letter.at)
        reply["Message-ID"] = make_msgid(domain="prospect.test")
        reply["In-Reply-To"] = reply["References"] = original.message_id
        reply.set_content(self._words)
        return reply.as_bytes()


class _Relays:
    """TLS in front of ports that have none, in a thread of its own."""

    def __init__(self, targets: tuple[int, int]) -> None:
        self._refuses = False
        self._lines: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        future = asyncio.run_coroutine_threadsafe(self._listen(targets), self._loop)
        self.ports = future.result()

    def call(self, work: Any, *arguments: object) -> None:
        """Have something done in that thread."""
        done = threading.Event()
        self._loop.call_soon_threadsafe(lambda: (work(*arguments), done.set()))
        done.wait()

    def cut(self) -> None:
        for line in self._lines:
            line.transport.abort()

    def refuse(self, refuses: bool) -> None:
        self._refuses = refuses
        if refuses:
            self.cut()

    async def _listen(self, targets: tuple[int, int]) -> tuple[int, ...]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATES / "trusted.pem", CERTIFICATES / "key.pem")
        servers = [await asyncio.start_server(self._taking(each), "127.0.0.1", 0, ssl=context) for each in targets]
        return tuple(each.sockets[0].getsockname()[1] for each in servers)

    def _taking(self, target: int) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
        return lambda reader, writer: self._relay(reader, writer, target)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: int) -> None:
        if self._refuses:
            writer.transport.abort()
            return
        beyond, to_beyond = await asyncio.open_connection("127.0.0.1", target)
        lines = {writer, to_beyond}
        self._lines |= lines
        pumps = [asyncio.create_task(_pump(reader, to_beyond)), asyncio.create_task(_pump(beyond, writer))]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for line in lines:
            line.close()
        await asyncio.wait(pumps, timeout=5)
        self._lines -= lines


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while octets := await source.read(65_536):
            target.write(octets)
            await target.drain()
    except (OSError, asyncio.IncompleteReadError):
        return
