"""A proxy on loopback in front of a server that speaks TLS: it can be well, silent, show another certificate, or say
something else than the server."""

import contextlib
import socket
import ssl
from pathlib import Path

from tests.fakes.proxy import Proxy

CUT_AFTER = 2_000  # bytes: the handshake and the log-in, and something of what follows
GREETINGS = {
    "bye": b"* BYE out of memory\r\n",
    "garbage": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "no": b"* OK ready\r\n",
    "bad": b"* OK ready\r\n",
}
CERTIFICATES = Path(__file__).parent.parent / "edge" / "certificates"


class FaultProxy(Proxy):
    """Every new connection is treated by `mode`: `well` passes everything on, `silent` takes it and never greets, `cut`
    ends it after some answers, `bye`, `garbage`, `no` and `bad` say so in place of the server; any other mode is the
    name of a certificate that is shown in place of the server's."""

    def __init__(self, host: str, port: int, mode: str = "well") -> None:
        super().__init__(host, port)
        self.mode = mode
        self.attempts = 0  # connections, and commands that were refused
        self._left: int | None = None  # bytes of the server's until the connection is cut

    def _take(self, client: socket.socket) -> None:
        self.attempts += 1
        if self.mode in ("well", "cut"):
            self._left = CUT_AFTER if self.mode == "cut" else None
            self._pass_on(client)
        elif self.mode != "silent":
            self._start(self._speak, client, self.mode)

    def _let_through(self, octets: bytes) -> bytes:
        if self._left is None:
            return octets
        octets = octets[: self._left]
        self._left -= len(octets)
        return octets

    def _speak(self, client: socket.socket, mode: str) -> None:
        greeting = GREETINGS.get(mode, b"")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        certificate = "trusted" if greeting else mode
        context.load_cert_chain(CERTIFICATES / f"{certificate}.pem", CERTIFICATES / "key.pem")
        with contextlib.suppress(OSError), context.wrap_socket(client, server_side=True) as line:
            line.sendall(greeting)
            if mode in ("no", "bad"):
                self._refuse(line, mode)

    def _refuse(self, line: ssl.SSLSocket, mode: str) -> None:
        """Let everybody in, and say no to everything else, until the mode is another one."""
        word = mode.upper().encode()
        with line.makefile("rb") as commands:
            for command in commands:
                if self.mode != mode:
                    return
                self.attempts += 1
                tag, _, rest = command.partition(b" ")
                capability = b"* CAPABILITY IMAP4rev1\r\n" if rest.upper().startswith(b"CAPABILITY") else b""
                polite = capability or rest.upper().startswith(b"LOGIN")
                line.sendall(capability + tag + b" " + (b"OK" if polite else word) + b" as you see\r\n")
