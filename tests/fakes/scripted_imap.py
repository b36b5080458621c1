"""An IMAP server of a few lines for each oddity: polite by itself, with single answers replaced by a script."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from types import TracebackType

CAPABILITIES = "IMAP4rev1 IDLE AUTH=PLAIN UNSELECT"
SECTION = b"From: anna@prospect.test\r\nMessage-ID: <5@prospect.test>\r\n\r\n"
FETCHED = (
    b'* 1 FETCH (UID 5 INTERNALDATE "02-Mar-2026 08:30:15 +0000" RFC822.SIZE 70 '
    b"BODY[HEADER.FIELDS (FROM)]<0> {%d}\r\n%s)\r\n" % (len(SECTION), SECTION)
)


class Line:
    """One connection, as a script sees it."""

    def __init__(self, sock: socket.socket, stopped: threading.Event) -> None:
        self.sock = sock
        self._stream = sock.makefile("rb")
        self._stopped = stopped

    def say(self, *lines: str | bytes) -> None:
        """Send lines, each with its CRLF."""
        self.send(b"".join((line.encode() if isinstance(line, str) else line) + b"\r\n" for line in lines))

    def send(self, octets: bytes) -> None:
        """Send just that."""
        self.sock.sendall(octets)

    def hear(self) -> str:
        """The next line of the client; empty at the end."""
        return self._stream.readline().decode("latin-1").rstrip("\r\n")

    def hang(self) -> None:
        """Say nothing any more."""
        self._stopped.wait()

    def close(self) -> None:
        """End the stream."""
        self.sock.shutdown(socket.SHUT_RDWR)

    def reset(self) -> None:
        """Break the connection off (RST)."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self._stream.close()
        self.sock.close()

    def release(self) -> None:
        """Free what is left of it."""
        with contextlib.suppress(OSError):
            self._stream.close()
        self.sock.close()


Answer = Callable[[Line, str, str], None]
"""Called with the line, the tag and the rest of the command."""


def say(*lines: str | bytes) -> Answer:
    """An answer in which `TAG` stands for the tag."""

    def answer(line: Line, tag: str, rest: str) -> None:
        line.say(*(each.replace("TAG", tag) if isinstance(each, str) else each for each in lines))

    return answer


def send(octets: bytes, then: Callable[[Line], None] = lambda line: None) -> Answer:
    """An answer of these bytes, and what the server does next."""

    def answer(line: Line, tag: str, rest: str) -> None:
        line.send(octets)
        then(line)

    return answer


def idle(line: Line, tag: str, rest: str) -> None:
    """A polite IDLE without news."""
    line.say("+ idling")
    line.hear()
    line.say(f"{tag} OK done")


def authenticate(line: Line, tag: str, rest: str) -> None:
    """AUTHENTICATE PLAIN, anybody."""
    line.say("+ ")
    line.hear()
    line.say(f"{tag} OK [CAPABILITY {CAPABILITIES}] welcome")


POLITE: Mapping[str, Answer] = {
    "GREETING": say(f"* OK [CAPABILITY {CAPABILITIES}] ready"),
    "CAPABILITY": say(f"* CAPABILITY {CAPABILITIES}", "TAG OK done"),
    "AUTHENTICATE": authenticate,
    "LOGIN": say("TAG OK welcome"),
    "LIST": say('* LIST () "/" INBOX', "TAG OK done"),
    "STATUS": say("* STATUS INBOX (UIDNEXT 6 UIDVALIDITY 7)", "TAG OK done"),
    "EXAMINE": say("* 1 EXISTS", "* OK [UIDVALIDITY 7] x", "* OK [UIDNEXT 6] x", "TAG OK [READ-ONLY] done"),
    "UNSELECT": say("TAG OK done"),
    "CLOSE": say("TAG OK done"),
    "NOOP": say("TAG OK done"),
    "SEARCH": say("* SEARCH 5", "TAG OK done"),
    "FETCH": say(FETCHED.removesuffix(b"\r\n"), "TAG OK done"),
    "APPEND": say("TAG NO no"),
    "IDLE": idle,
    "LOGOUT": say("* BYE so long", "TAG OK done"),
}


class ScriptedImap:
    """Each connection lives by the next of the scripts, the last one for ever; a context manager."""

    def __init__(self, *scripts: Mapping[str, Answer], tls: ssl.SSLContext | None = None) -> None:
        self.host = "127.0.0.1"
        self.heard: list[str] = []  # commands without their tags, over all connections
        self.connections = 0
        self._scripts = scripts or ({},)
        self._tls = tls
        self._stopped = threading.Event()
        self._lines: list[Line] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server((self.host, 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> "ScriptedImap":
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for line in self._lines:
            with contextlib.suppress(OSError):
                line.sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), "a scripted connection did not end"

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name="scripted-imap", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                script = {**POLITE, **self._scripts[min(self.connections, len(self._scripts) - 1)]}
                self.connections += 1
                self._start(lambda sock=sock, script=script: self._serve(sock, script))  # type: ignore[misc]

    def _serve(self, sock: socket.socket, script: Mapping[str, Answer]) -> None:
        try:
            if self._tls is not None:
                sock = self._tls.wrap_socket(sock, server_side=True)
        except OSError:
            sock.close()
            return
        line = Line(sock, self._stopped)
        self._lines.append(line)
        with contextlib.suppress(OSError, ValueError):
            self._converse(line, script)
        line.release()

    def _converse(self, line: Line, script: Mapping[str, Answer]) -> None:
        script["GREETING"](line, "*", "")
        while command := line.hear():
            tag, _, rest = command.partition(" ")
            self.heard.append(rest)
            verb, _, rest = rest.removeprefix("UID ").partition(" ")
            script.get(verb.upper(), say("TAG BAD what?"))(line, tag, rest)
