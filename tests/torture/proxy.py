"""A proxy between the agent and a real server that reads along, and at one line does harm; it doubles nothing."""

import contextlib
import re
import socket
import struct
import threading
import time
from dataclasses import dataclass
from typing import Literal

from tests.fakes.proxy import Proxy
from tests.torture.effects import describe_command

Deed = Literal["cut before", "cut within", "cut behind", "reset", "stall", "late"]
DEEDS: tuple[Deed, ...] = ("cut before", "cut within", "cut behind", "reset", "stall", "late")
"""The line is lost before, within or behind these bytes; it is reset before them, falls silent, or they come late."""
LATE = 1.0  # seconds
_TAGGED = re.compile(rb"[A-Z]+[0-9]+ (OK|NO|BAD)")
_UNTAGGED = re.compile(rb"\* (?:[0-9]+ )?([A-Z]+)")
_REPLY = re.compile(rb"([0-9]{3})[ -]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is done at which line, counted from 1 over all connections, of those that one side says in a scene."""

    scene: str
    service: str
    from_server: bool
    at: int
    deed: Deed

    def __str__(self) -> str:
        return f"{self.scene}:{self.service}:{'server' if self.from_server else 'agent'}:{self.at}:{self.deed}"

    @classmethod
    def read(cls, text: str) -> "Fault":
        """What `str` wrote. Raises ValueError."""
        scene, service, side, at, deed = text.split(":")
        if side not in ("server", "agent") or deed not in DEEDS:
            raise ValueError(text)
        from_server = side == "server"
        return cls(scene=scene, service=service, from_server=from_server, at=int(at), deed=deed)


class LineProxy(Proxy):
    """Passes lines on, and keeps what kinds they were by the side that said them."""

    def __init__(self, service: str, host: str, port: int) -> None:
        super().__init__(host, port)
        self.service = service
        self.fault: Fault | None = None
        self.struck = threading.Event()
        self._guard = threading.Lock()
        self._heard: dict[bool, list[str]] = {False: [], True: []}

    def arm(self, fault: Fault | None) -> None:
        """Count anew, and strike at this one."""
        with self._guard:
            self.fault = fault if fault and fault.service == self.service else None
            self._heard = {False: [], True: []}
            self.struck.clear()

    def heard(self) -> dict[bool, list[str]]:
        """The kinds of lines since, by whether the server said them."""
        with self._guard:
            return {side: list(kinds) for side, kinds in self._heard.items()}

    def _take(self, client: socket.socket) -> None:
        self._pass_on(client)

    def _pump(self, source: socket.socket, target: socket.socket, from_server: bool) -> None:
        with contextlib.suppress(OSError):
            held = b""
            while octets := source.recv(65_536):
                *lines, held = (held + octets).split(b"\n")
                for line in lines:
                    if not self._pass_line(source, target, line + b"\n", from_server):
                        return
        _close(source, target)

    def _pass_line(self, source: socket.socket, target: socket.socket, line: bytes, from_server: bool) -> bool:
        deed = self._deed(line, from_server)
        if deed == "stall":
            while source.recv(65_536):  # until whoever waits gives up
                pass
            _close(source, target)
            return False
        if deed == "late":
            time.sleep(LATE)
        if deed is None or deed == "late":
            target.sendall(line)
            return True
        if deed == "reset":
            _reset(source, target)
            return False
        target.sendall({"cut before": b"", "cut within": line[: len(line) // 2], "cut behind": line}[deed])
        _close(source, target)
        return False

    def _deed(self, line: bytes, from_server: bool) -> Deed | None:
        with self._guard:
            said = self._heard[from_server]
            asked = next((each for each in reversed(self._heard[False]) if each != "more"), "connect")
            said.append(describe_reply(line, asked) if from_server else describe_command(line))
            fault = self.fault
            if fault is None or (fault.from_server, fault.at) != (from_server, len(said)):
                return None
            self.struck.set()
            return fault.deed


def describe_reply(line: bytes, asked: str) -> str:
    """What kind of answer that is, and to which command."""
    if found := _TAGGED.match(line) or _REPLY.match(line):
        return f"{found[1].decode()} to {asked}"
    if found := _UNTAGGED.match(line):
        return f"* {found[1].decode()}"
    return f"+ to {asked}" if line.startswith(b"+") else "literal"


def _reset(*lines: socket.socket) -> None:
    """End them by RST. Who waits for them here is woken first: the kernel keeps a line open that is waited for."""
    for each in lines:
        each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        each.shutdown(socket.SHUT_RD)
    time.sleep(0.05)
    for each in lines:
        each.close()


def _close(*lines: socket.socket) -> None:
    for each in lines:
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
