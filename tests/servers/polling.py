"""Waiting for real servers: poll with a limit, never a fixed sleep."""

import random
import socket
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(check: Callable[[], T], within: float = 30, what: str = "it happens") -> T:
    """The first true answer of `check`; fails after `within` seconds, naming what was waited for."""
    end = time.monotonic() + within
    while not (answer := check()):
        if time.monotonic() > end:
            raise AssertionError(f"waited {within} s in vain until {what}")
        time.sleep(0.02)
    return answer


def free_port() -> int:
    """A loopback port that nobody listens on, below those that outgoing connections take."""
    while True:
        port = random.randrange(12000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
