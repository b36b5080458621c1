"""What systemd is told (sd_notify(3)): ready, how it is, stopping, and that the cycles go round."""

import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress


def notify(environ: Mapping[str, str], *assignments: str) -> None:
    """Tell the service manager, where there is one; never raises, for nobody's work depends on it."""
    address = environ.get("NOTIFY_SOCKET")
    if not address:
        return
    name = f"\0{address[1:]}" if address.startswith("@") else address
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
        line.sendto("\n".join(assignments).encode(), name)


def watchdog_seconds(environ: Mapping[str, str]) -> float | None:
    """How long the service manager waits for a sign of life before it kills this process; None: for ever."""
    if environ.get("WATCHDOG_PID") not in (None, str(os.getpid())):
        return None
    micro = environ.get("WATCHDOG_USEC", "")
    return int(micro) / 1_000_000 if micro.isdecimal() and int(micro) else None


class Pulse:
    """The watchdog of several accounts: fed when each of them has beaten since it was last fed.

    Nothing beats by a timer of its own: what hangs is not covered by what goes on beside it.
    """

    def __init__(self, feed: Callable[[], None], boot: Callable[[], float], at_most_every: float) -> None:
        """`boot` tells seconds; within `at_most_every` of them it is fed once."""
        self._feed = feed
        self._boot = boot
        self._every = at_most_every
        self._living: set[object] = set()
        self._awaited: set[object] = set()
        self._fed_at = float("-inf")

    def join(self, account: object) -> None:
        """From now on this account has to beat."""
        self._living.add(account)
        self._awaited.add(account)

    def leave(self, account: object) -> None:
        """It has ended, and need not beat any more."""
        self._living.discard(account)
        self._awaited.discard(account)

    def beat(self, account: object) -> None:
        """Something went on: a cycle, a letter, a wait that is watched."""
        self._awaited.discard(account)
        if not self._awaited and self._boot() - self._fed_at >= self._every:
            self._fed_at = self._boot()
            self._awaited = set(self._living)
            self._feed()
