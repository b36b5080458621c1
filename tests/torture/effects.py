"""A real process of inboxagent that ends itself by SIGKILL at one moment: before, within or behind its N-th effect.

An effect is whatever the outside may notice: a write, fsync or rename of a file, bytes on a line to a server. The
product knows nothing of this; its process is one in which those calls of the system are counted before it begins.
"""

import asyncio.sslproto
import json
import os
import re
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from inboxagent.edge.imap import ImapMailbox
from inboxagent.edge.smtp_session import Timeouts
from inboxagent.edge.system import SystemClock

How = Literal["before", "half", "after"]
_FACT = re.compile(rb'"name":\["(\w+)')
_WORD = re.compile(rb'"word":"(\w+)"')
_TAGGED = re.compile(rb"[A-Z]+[0-9]+ (?:UID )?([A-Z]+)")
_VERB = re.compile(rb"[A-Z]{4,}(?=[ \r\n])|\.(?=\r\n)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When to die: at the effect with this number (the first is 1), or the first of this name, with nothing, half or
    all of it done."""

    at: int = 0
    how: How = "after"
    name: str = ""

    def __str__(self) -> str:
        return f"{self.at}:{self.how}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One process: its words, its environment, where it says what it did (`effects`) and writes its log, which services
    its ports are, how many seconds its clocks are ahead, and when it dies."""

    words: tuple[str, ...]
    environ: Mapping[str, str]
    effects: Path
    log: Path
    ports: Mapping[int, str] = field(default_factory=dict)
    later: float = 0.0
    moment: Moment | None = None
    impatient: bool = False  # seconds instead of minutes, for whoever waits for a server

    def to_json(self) -> str:
        """For a process that does not share our memory."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> "Life":
        """What `to_json` wrote."""
        read = json.loads(text)
        moment = Moment(**read.pop("moment")) if read["moment"] else read.pop("moment")
        ports = {int(port): name for port, name in read.pop("ports").items()}
        paths = {name: Path(read.pop(name)) for name in ("effects", "log")}
        return cls(**{**read, **paths, "words": tuple(read["words"])}, moment=moment, ports=ports)


def live(life: Life) -> None:
    """Be that process, to its end."""
    os.environ.clear()
    os.environ.update(life.environ)
    os.chdir(life.effects.parent)
    log = os.open(life.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(log, stream)
    sys.stdout, sys.stderr = (os.fdopen(stream, "w", buffering=1, closefd=False) for stream in (1, 2))
    if life.later:
        _be_later(life.later)
    if life.impatient:
        _hurry()
    _Effects(life).watch()
    sys.argv = ["inboxagent", *life.words]
    from inboxagent.cli import main

    main()


def _be_later(seconds: float) -> None:
    """Both clocks have gone on, as on a machine that was suspended."""
    now, boot = SystemClock.now, SystemClock.boot

    def later(self: SystemClock) -> datetime:
        return now(self) + timedelta(seconds=seconds)

    SystemClock.now = later  # type: ignore[method-assign]
    SystemClock.boot = lambda self: boot(self) + seconds  # type: ignore[method-assign]


def _hurry() -> None:
    patience: Any = ImapMailbox.__init__.__kwdefaults__
    patience.update(connect_after=2.0, read_after=2.0, call_after=4.0, retry_after=(0.2, 1.0))
    waits: Any = Timeouts.__init__.__kwdefaults__
    waits.update(connect=2.0, command=2.0, dot=2.0, quit=1.0)


class _Effects:
    """Counts, writes down each effect before it happens, and dies at the moment."""

    def __init__(self, life: Life) -> None:
        self._moment = life.moment
        self._ports = life.ports
        self._count = 0
        self._turn = threading.RLock()
        self._names: dict[int, str] = {}  # what was last written, by descriptor
        self._write = os.write
        self._book = os.open(life.effects, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)

    def watch(self) -> None:
        """From now on."""
        self._wrap(os, "write", lambda fd, octets: self._file(fd, octets), half=True)
        self._wrap(os, "pwrite", lambda fd, octets, offset: self._file(fd, octets), half=True)
        self._wrap(os, "fsync", lambda fd: f"fsync {self._last(fd)}")
        self._wrap(os, "ftruncate", lambda fd, length: f"cut {_path(fd)}")
        self._wrap(os, "replace", lambda source, target: f"rename {_kind(target)}")
        self._wrap(os, "link", lambda source, target: f"link {_kind(target)}")
        for name in ("send", "sendall"):
            self._wrap(socket.socket, name, self._sent, half=True)
        self._wrap(ssl.SSLSocket, "send", self._sent, half=True)
        self._wrap(asyncio.sslproto._SSLProtocolTransport, "write", self._sent_by_asyncio, half=True)

    def _wrap(self, owner: Any, name: str, describe: Callable[..., str | None], *, half: bool = False) -> None:
        real = getattr(owner, name)

        def effect(*given: Any, **named: Any) -> Any:
            what = describe(*given)
            if what is None:
                return real(*given, **named)
            with self._turn:  # two threads die of the same effect in the same order
                self._count += 1
                moment = self._moment
                how = moment.how if moment and (moment.at == self._count or moment.name == what) else None
                self._write(self._book, f"{'~' if half else '='} {what}\n".encode())
                if how == "before":
                    _die()
                if how == "half" and half:
                    first, octets, *rest = given
                    real(first, octets[: len(octets) // 2], *rest, **named)
                    _die()
                if how is not None:
                    real(*given, **named)
                    _die()
            return real(*given, **named)

        setattr(owner, name, effect)

    def _last(self, descriptor: int) -> str | None:
        """What was last written to this file, as far as it is one and the same."""
        path, last = _path(descriptor), self._names.get(descriptor, "")
        return last if path and last.startswith(path) else path

    def _file(self, descriptor: int, octets: Any) -> str | None:
        path = _path(descriptor)
        if path is None:
            return None
        what = self._names[descriptor] = f"{path}{_content(bytes(octets)) if path == 'journal' else ''}"
        return f"write {what}"

    def _sent(self, line: socket.socket, octets: Any, *rest: Any) -> str | None:
        if line.family not in (socket.AF_INET, socket.AF_INET6):
            return None
        try:
            port = line.getpeername()[1]
        except OSError:
            return None
        return f"{self._ports.get(port, 'a server')} {describe_command(bytes(octets))}"

    def _sent_by_asyncio(self, transport: asyncio.Transport, octets: Any) -> str | None:
        port = transport.get_extra_info("peername")[1]
        return f"{self._ports.get(port, 'a server')} {describe_command(bytes(octets))}"


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _path(descriptor: int) -> str | None:
    """What kind of file that is; None for what is none of the state's."""
    try:
        return _kind(os.readlink(f"/proc/self/fd/{descriptor}"))
    except OSError:
        return None


def _kind(path: object) -> str | None:
    name = os.path.basename(str(path)).strip(".")
    if "/state" not in str(path):
        return None
    for kind in ("journal.lock", "journal.new", "journal.ballast", "journal", "status", "lock", "key"):
        if kind in name:
            return kind
    return "folder" if name == "state" else "rules"


def _content(octets: bytes) -> str:
    """What a change of the journal is about."""
    words = sorted({word.decode() for word in _WORD.findall(octets)})
    facts = sorted({fact.decode() for fact in _FACT.findall(octets)} - {"copy"})
    if words:
        return f" ({', '.join(words)})"
    if facts:
        return f" ({', '.join(facts)})"
    return " (cursor)" if b'"t":"cursors"' in octets else " (clean end)" if b'"mark"' in octets else ""


def describe_command(octets: bytes) -> str:
    """The verb of a command; else what kind of bytes it is."""
    if octets[:3] in (b"\x16\x03\x01", b"\x16\x03\x03", b"\x17\x03\x03", b"\x14\x03\x03", b"\x15\x03\x03"):
        return "TLS"
    found = _TAGGED.match(octets) or _VERB.match(octets)
    if octets.count(b"\r\n") > 3:
        return "body"
    return found[found.lastindex or 0].decode() if found else "more"


if __name__ == "__main__":
    live(Life.from_json(sys.argv[1]))
