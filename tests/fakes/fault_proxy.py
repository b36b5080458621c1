"""A proxy on loopback in front of a server that speaks TLS: it can be well, silent, or show another certificate."""

import contextlib
import socket
import ssl
import threading
from pathlib import Path
from types import TracebackType

CERTIFICATES = Path(__file__).parent.parent / "edge" / "certificates"


class FaultProxy:
    """Every new connection is treated by `mode`: `well` passes everything on, `silent` takes it and never greets, any
    other mode is the name of a certificate that is shown in place of the server's. A context manager."""

    def __init__(self, host: str, port: int, mode: str = "well") -> None:
        self.mode = mode
        self.connections = 0
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> "FaultProxy":
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        for each in (self._listener, *self._sockets):
            each.close()

    def _start(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, name="fault-proxy", daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._sockets.append(client)
                self.connections += 1
                if self.mode == "well":
                    self._pass_on(client)
                elif self.mode != "silent":
                    self._start(self._show, client, self.mode)

    def _pass_on(self, client: socket.socket) -> None:
        server = socket.create_connection(self._target)
        self._sockets.append(server)
        self._start(_pump, client, server)
        self._start(_pump, server, client)

    def _show(self, client: socket.socket, certificate: str) -> None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(CERTIFICATES / f"{certificate}.pem", CERTIFICATES / "key.pem")
        with contextlib.suppress(OSError):
            context.wrap_socket(client, server_side=True).close()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while octets := source.recv(65_536):
            target.sendall(octets)
    for each in (source, target):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
