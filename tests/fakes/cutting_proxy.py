"""A proxy on loopback that ends a connection after so many bytes of the server's."""

import contextlib
import socket
import threading
from types import TracebackType


class CuttingProxy:
    """Passes everything on until the server has said `limit` bytes; None passes all. A context manager."""

    def __init__(self, host: str, port: int, limit: int | None = None) -> None:
        self.host = "127.0.0.1"
        self.limit = limit
        self.passed = 0  # bytes of the server's, over all connections
        self._target = (host, port)
        self._listener = socket.create_server((self.host, 0))
        self.port: int = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> "CuttingProxy":
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
        thread = threading.Thread(target=work, args=arguments, name="cutting-proxy", daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
                self._sockets += [client, server]
                for each in (client, server):
                    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._start(self._pump, client, server, False)
                self._start(self._pump, server, client, True)

    def _pump(self, source: socket.socket, target: socket.socket, counted: bool) -> None:
        with contextlib.suppress(OSError):
            while octets := source.recv(65_536):
                if counted and self.limit is not None:
                    octets = octets[: max(0, self.limit - self.passed)]
                if counted:
                    self.passed += len(octets)
                target.sendall(octets)
                if counted and self.limit is not None and self.passed >= self.limit:
                    break
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
