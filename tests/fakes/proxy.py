"""What proxies on loopback have in common: a listener, connections, and threads that end with the context."""

import contextlib
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self


class Proxy:
    """A context manager that hands every new connection to `_take`, which a subclass has."""

    def __init__(self, host: str, port: int) -> None:
        """`host` and `port` are the server's; the proxy's are the attributes."""
        self.host = "127.0.0.1"
        self.connections = 0
        self._target = (host, port)
        self._listener = socket.create_server((self.host, 0))
        self.port: int = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def _take(self, client: socket.socket) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
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

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, name=type(self).__name__, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._sockets.append(client)
                self.connections += 1
                self._take(client)

    def _pass_on(self, client: socket.socket) -> None:
        """Connect to the server, and let what either says go through `_pass`."""
        server = socket.create_connection(self._target)
        self._sockets.append(server)
        for each in (client, server):
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._start(self._pump, client, server, False)
        self._start(self._pump, server, client, True)

    def _pump(self, source: socket.socket, target: socket.socket, from_server: bool) -> None:
        with contextlib.suppress(OSError):
            while octets := source.recv(65_536):
                passed = self._let_through(octets) if from_server else octets
                target.sendall(passed)
                if len(passed) < len(octets):
                    break
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _let_through(self, octets: bytes) -> bytes:
        """What of the server's bytes goes on to the client; where something is left out, the connection ends."""
        return octets
