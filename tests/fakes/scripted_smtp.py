"""An SMTP server that follows a script, misbehaves on command, and knows the truth: what it has accepted."""

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from socket import SO_LINGER, SOL_SOCKET
from typing import Literal

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Act:
    """What the server does when its cue comes: bytes to say, whether it takes the letter, and what it does then."""

    says: bytes = b""
    then: Literal["listen", "close", "reset", "be silent"] = "listen"
    accepts: bool = False  # at the dot


def say(line: str) -> Act:
    """A plain reply line."""
    return Act(line.encode() + b"\r\n")


def accept(
    line: str = "250 2.0.0 Ok: queued as 4A1", then: Literal["listen", "close", "reset", "be silent"] = "listen"
) -> Act:
    """Take the letter, say so, and do something else then."""
    return Act(line.encode() + b"\r\n", then, accepts=True)


def hang_up(says: bytes = b"", *, accepts: bool = False) -> Act:
    """Say something, or nothing, and close the line."""
    return Act(says, "close", accepts)


POLITE: Mapping[str, Act] = {
    "connect": say("220 mail.consultant.test ESMTP"),
    "EHLO": say("250-mail.consultant.test\r\n250-SIZE 100000\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES"),
    "STARTTLS": say("220 2.0.0 Ready"),
    "AUTH": say("235 2.7.0 Welcome"),
    "MAIL": say("250 2.1.0 Ok"),
    "RCPT": say("250 2.1.5 Ok"),
    "DATA": say("354 Go ahead"),
    "dot": accept(),
    "RSET": say("250 2.0.0 Ok"),
    "QUIT": hang_up(b"221 2.0.0 Bye\r\n"),
}


class _OverError(Exception):
    """The dialogue has ended."""


@dataclass
class ScriptedServer:
    """Answers cues: `connect`, a command's verb or its beginning (`RCPT TO:<cc@`), `body` (in mid-letter), `dot`.

    A cue may have several acts, one for each time it comes; the last one stays. A handshake follows `STARTTLS`.
    """

    script: dict[str, list[Act]]
    tls: ssl.SSLContext | None = None
    port: int = 0
    heard: list[str] = field(default_factory=list)
    accepted: list[bytes] = field(default_factory=list)
    connections: int = 0
    silent: bool = False  # it has fallen silent on somebody
    deaf: bool = False  # and when silent it does not even read
    before: Callable[[str], None] = lambda cue: None  # told of each cue before the server acts
    _open: set[asyncio.Task[None]] = field(default_factory=set)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from the banner to its end."""
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        self.connections += 1
        try:
            with suppress(_OverError, OSError, asyncio.IncompleteReadError):
                await self._converse(reader, writer)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
        except asyncio.CancelledError:  # the test is over
            writer.transport.abort()
        finally:
            self._open.discard(task)

    async def hung_up(self) -> None:
        """Wait until every connection has ended, and a client in the same loop has had the time to hear of it."""
        async with asyncio.timeout(60):
            await asyncio.gather(*self._open, return_exceptions=True)
        for _ in range(20):
            await asyncio.sleep(0)

    async def end(self) -> None:
        """Let go of everybody."""
        for task in tuple(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._play("connect", b"", reader, writer)
        while line := await reader.readline():
            command = line.decode("utf-8", "replace").rstrip("\r\n")
            self.heard.append(command)
            cue = self._cue(command)
            act = await self._play(cue, b"", reader, writer)
            if cue == "STARTTLS" and act.says.startswith(b"220"):
                assert self.tls is not None
                await writer.start_tls(self.tls)
            if cue == "DATA" and act.says.startswith(b"354"):
                await self._take_letter(reader, writer)

    def _cue(self, command: str) -> str:
        fits = [cue for cue in self.script if command.upper().startswith(cue.upper())]
        return max(fits, key=len, default=command.split(" ")[0].upper())

    async def _play(self, cue: str, letter: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Act:
        acts = self.script.get(cue, [say("502 5.5.1 What?")])
        act = acts.pop(0) if len(acts) > 1 else acts[0]
        self.before(cue)
        if act.accepts:
            self.accepted.append(letter)
        writer.write(act.says)
        await writer.drain()
        if act.then == "be silent":
            self.silent = True
            await (asyncio.Event().wait() if self.deaf else reader.read())
            raise _OverError
        if act.then == "reset":
            writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        if act.then != "listen":
            raise _OverError
        return act

    async def _take_letter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        letter = b""
        if "body" in self.script:
            letter += await reader.readline()
            await self._play("body", letter, reader, writer)
        while (line := await reader.readline()) != b".\r\n":
            if not line:
                raise _OverError
            letter += line.removeprefix(b".")
        await self._play("dot", letter, reader, writer)


@asynccontextmanager
async def scripted(
    script: Mapping[str, Act | list[Act]] | None = None,
    *,
    tls: ssl.SSLContext | None = None,
    tls_at_once: bool = False,
) -> AsyncIterator[ScriptedServer]:
    """A running server: polite, but for what the script says."""
    acts = {cue: list(act) if isinstance(act, list) else [act] for cue, act in {**POLITE, **(script or {})}.items()}
    server = ScriptedServer(acts, tls)
    listener = await asyncio.start_server(server.talk, HOST, 0, ssl=tls if tls_at_once else None)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        await server.end()
        await listener.wait_closed()
