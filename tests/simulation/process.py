"""A process: what it may do, what it is doing, and its end at any effect."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from inboxagent.errors import Unreachable
from inboxagent.ports import Fetched
from tests.simulation.timeline import Timeline


class ProcessDiedError(BaseException):
    """What `kill -9` looks like from inside: nothing catches it, and nothing that is done on the way out counts."""


class Fate(Protocol):
    """What befalls processes and their lines."""

    def kills(self, process: "Process", effect: str) -> bool:
        """Whether the process ends right here."""

    def freezes(self, process: "Process", effect: str) -> bool:
        """Whether the process stands still right here: a call that does not return, and nothing runs beside it."""

    def stalls(self, process: "Process", call: str) -> bool:
        """Whether this call never comes back, while everything else in the process goes on."""

    def breaks_line(self, process: "Process", call: str, back: bool) -> str | None:
        """Why the line fails now, if it does."""

    def latency(self, process: "Process", call: str) -> float:
        """Of a line, one way, in seconds."""

    def obstructs(self, process: "Process") -> Exception | None:
        """What the store's lock raises now, if it does."""

    def spoils(self, process: "Process") -> Exception | None:
        """What the disk raises now, if it does."""


class Process:
    """The daemon, or one command of hers."""

    def __init__(self, name: str, timeline: Timeline, fate: Fate) -> None:
        self.name = name
        self.place = "reading"
        self.writing_to = ""
        self.dead = False
        self.frozen = False
        self.hung_at: float | None = None  # of the clock that stands still in a suspend
        self.looked_at = -1.0
        self.read_messages: list[Fetched] = []
        self.died: Callable[[str], None] = lambda effect: None
        self.fetched: Callable[[Fetched], None] = lambda fetched: None
        self.hangs: Callable[[str], None] = lambda call: None
        self._timeline = timeline
        self._fate = fate

    def begins(self, place: str) -> None:
        """For the table of faults: what it is doing now."""
        self.place = place

    def effect(self, name: str) -> None:
        """Something is about to leave the process, or has just come back. Raises ProcessDiedError at its end."""
        if self.dead or self.frozen:
            raise ProcessDiedError(name)
        if self._fate.kills(self, name):
            self.end(name)
            raise ProcessDiedError(name)
        if self._fate.freezes(self, name):
            self.frozen = True
            self._hang(name)
            raise ProcessDiedError(name)

    async def stall(self, call: str) -> None:
        """Wait for ever, where this call never comes back; until somebody loses patience."""
        if self._fate.stalls(self, call):
            self._hang(call)
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                self.hung_at = None

    def _hang(self, call: str) -> None:
        self.hung_at = self._timeline.seconds - self._timeline.frozen
        self.hangs(call)

    def end(self, effect: str) -> None:
        """Nothing it does from now on has any effect."""
        if not self.dead:
            self.dead = True
            self.died(effect)

    async def travel(self, call: str, *, back: bool = False) -> None:
        """Half a round trip to the mail server. Raises `Unreachable` where the line fails."""
        self.effect(f"{call} answered" if back else call)
        await self.stall(f"{call} answered" if back else call)
        await self._timeline.sleep(self._fate.latency(self, call))
        if self.dead or self.frozen:
            raise ProcessDiedError(call)
        broken = self._fate.breaks_line(self, call, back)
        if broken is not None:
            raise Unreachable(broken)

    def check_lock(self) -> None:
        """Raises where somebody else holds the store for too long."""
        obstacle = self._fate.obstructs(self)
        if obstacle is not None:
            raise obstacle

    def check_disk(self) -> None:
        """Raises where the disk takes nothing."""
        spoilt = self._fate.spoils(self)
        if spoilt is not None:
            raise spoilt
