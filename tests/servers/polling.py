"""Waiting for real servers: poll with a limit, never a fixed sleep."""

import os
import random
import socket
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# Below the ports that outgoing connections take, and a share of its own for each process of a parallel run: what one
# has been given, and not yet bound, no other may take meanwhile.
_SHARES = 8
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_PORTS = list(range(12000 + _WORKER % _SHARES, 32000, _SHARES))
random.SystemRandom().shuffle(_PORTS)


def until(check: Callable[[], T], within: float = 90, what: str = "it happens") -> T:
    """The first true answer of `check`; fails after `within` seconds, which a busy machine may need, naming what was
    waited for."""
    end = time.monotonic() + within
    while not (answer := check()):
        if time.monotonic() > end:
            raise AssertionError(f"waited {within} s in vain until {what}")
        time.sleep(0.02)
    return answer


def listens(port: int) -> bool:
    """Whether somebody takes connections at this loopback port."""
    with socket.socket() as line:
        line.settimeout(5)
        return line.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """A loopback port that nobody listens on, never given twice by this process."""
    while True:
        port = _PORTS.pop()
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
