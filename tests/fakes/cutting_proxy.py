"""A proxy on loopback that ends a connection after so many bytes of the server's."""

import socket

from tests.fakes.proxy import Proxy


class CuttingProxy(Proxy):
    """Passes everything on until the server has said `limit` bytes; None passes all."""

    def __init__(self, host: str, port: int, limit: int | None = None) -> None:
        super().__init__(host, port)
        self.limit = limit
        self.passed = 0  # bytes of the server's, over all connections

    def _take(self, client: socket.socket) -> None:
        self._pass_on(client)

    def _let_through(self, octets: bytes) -> bytes:
        if self.limit is not None:
            octets = octets[: max(0, self.limit - self.passed)]
        self.passed += len(octets)
        return octets
