"""A proxy on loopback in front of a server that speaks TLS: it can be well, silent, or show another certificate."""

import contextlib
import socket
import ssl
from pathlib import Path

from tests.fakes.proxy import Proxy

CERTIFICATES = Path(__file__).parent.parent / "edge" / "certificates"


class FaultProxy(Proxy):
    """Every new connection is treated by `mode`: `well` passes everything on, `silent` takes it and never greets, any
    other mode is the name of a certificate that is shown in place of the server's."""

    def __init__(self, host: str, port: int, mode: str = "well") -> None:
        super().__init__(host, port)
        self.mode = mode

    def _take(self, client: socket.socket) -> None:
        if self.mode == "well":
            self._pass_on(client)
        elif self.mode != "silent":
            self._start(self._show, client, self.mode)

    def _show(self, client: socket.socket, certificate: str) -> None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(CERTIFICATES / f"{certificate}.pem", CERTIFICATES / "key.pem")
        with contextlib.suppress(OSError):
            context.wrap_socket(client, server_side=True).close()
