"""The line to an IMAP server: imapclient over a socket that is bounded in time and size and can be cut from outside."""

import contextlib
import imaplib
import ipaddress
import re
import select
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from io import BufferedReader
from typing import Literal, cast

from imapclient import IMAPClient, SocketTimeout

from inboxagent.edge.imap_answers import Message, Piece, read_message
from inboxagent.errors import Unreachable

Security = Literal["tls", "starttls", "none"]

# One line: a SEARCH answer over a million messages fits. A literal: more than any section we ask for.
LONGEST_LINE = 16_000_000
LONGEST_LITERAL = 1_000_000
_KEEPALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 20, "TCP_KEEPCNT": 3}  # a line that died silently: two minutes
_DAY = 86_400.0
_UNITS = (("mil", 0.001), ("ms", 0.001), ("m", 60.0), ("h", 3_600.0), ("s", 1.0))
_PAUSE = re.compile(
    r"(?:back-?off(?: time)?|retry|try again|again|wait)(?: in| after| for)?:? (\d{1,7}) ?"
    r"(milliseconds?|ms|seconds?|secs?|s|minutes?|mins?|hours?)\b",
    re.IGNORECASE,
)
_LISTED = re.compile(rb"\* (LIST|STATUS) ([^\r\n]*[^\r\n}])\r\n")
_EMPTY_READS = 3  # a socket that is readable and has nothing, so often in a row, has ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where an account's mailboxes are and how to get there; spans in seconds."""

    host: str
    port: int
    security: Security
    username: str
    ca_file: str | None = None
    connect_after: float = 10.0
    read_after: float = 60.0

    @property
    def place(self) -> str:
        """host:port, for sentences."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def trouble(self, text: str) -> Unreachable:
        """The error that says `text` of this server."""
        return Unreachable(f"{self.place} {text}", asked_pause(text))

    @property
    def loopback(self) -> bool:
        """Whether the host is this machine, by its address or as `localhost`."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host.lower() == "localhost"


class Imap4(imaplib.IMAP4):
    """imaplib with a reader of our own: bounded, and able to say whether something waits to be read."""

    def __init__(self, server: Server, opened: Callable[[socket.socket], None]) -> None:
        """Connect and read the greeting. `opened` is told of each socket before it can block, and may raise."""
        self._server = server
        self._opened = opened
        self._ahead: bytes | None = None  # a line that has been read and belongs to imaplib
        self.fetched: dict[int, Message] | None = None  # where the messages of FETCH responses go; None: nowhere
        super().__init__(server.host, server.port, timeout=server.connect_after)
        self.is_readonly = True  # only EXAMINE is ever said, and imaplib need not wonder

    def open(self, host: str = "", port: int = 143, timeout: float | None = None) -> None:
        """Connect, with TLS at once where the server is to be spoken to so."""
        self.host, self.port = host, port
        self.sock = self._dial(timeout)
        self._bind()

    def read(self, size: int) -> bytes:
        """A literal of this size. Raises `abort` for one that nobody asked for."""
        if size > LONGEST_LITERAL:
            raise self.abort(f"a literal of {size} bytes")
        return self._reader().read(size)

    def readline(self) -> bytes:
        """One line with its end, or what is left of one at the end of the stream."""
        line = self._reader().readline(LONGEST_LINE + 1)
        if len(line) > LONGEST_LINE:
            raise self.abort(f"a line of more than {LONGEST_LINE} bytes")
        return line

    def shutdown(self) -> None:
        """Close the socket and everything that reads from it; never raises."""
        with contextlib.suppress(OSError):  # it may be down already
            self.sock.shutdown(socket.SHUT_RDWR)
        # After STARTTLS imaplib has made a reader of its own, under a name that depends on Python's version.
        for stream in (self._stream, vars(self).get("file"), vars(self).get("_file")):
            if stream is not None:
                stream.close()
        self.sock.close()

    def _get_response(self) -> bytes | None:
        """imaplib's, but what comes by the hundred (LIST, STATUS) or by the thousand (FETCH) is read here in a fraction
        of the time; a message is taken apart while the server prepares the next one."""
        if self._ahead is None:
            if self.fetched is not None:
                self._ahead = self._take_messages(self.fetched)
            elif many := self._take_listed():
                return many
        response: bytes | None = super()._get_response()  # type: ignore[misc]  # not in the stubs
        return response

    def _take_messages(self, fetched: dict[int, Message]) -> bytes:
        """All FETCH responses up to the first other line, which is returned; the answer to a FETCH ends with one."""
        while True:
            line = self._get_line()
            at = line.find(b" FETCH (", 2, 20)
            if at < 0 or not line.startswith(b"* "):
                return line
            message = read_message(self._read_record(line[at + 7 :]))
            if message is not None:
                fetched[message.uid] = message

    def _take_listed(self) -> bytes:
        """All LIST and STATUS responses that stand first in what has been received."""
        stream, end = self._reader(), 0
        octets = stream.peek(1)
        while listed := _LISTED.match(octets, end):
            self.untagged_responses.setdefault(listed[1].decode("ascii"), []).append(listed[2])
            end = listed.end()
        return stream.read(end)

    def _read_record(self, text: bytes) -> list[Piece]:
        """The rest of a response that begins so: its literals with the text before each, and the text that ends it."""
        record: list[Piece] = []
        while text.endswith(b"}"):
            record.append((text, self.read(int(text[text.rindex(b"{") + 1 : -1]))))
            text = self._get_line()
        record.append(text)
        return record

    def _get_line(self) -> bytes:
        """One line without its end; the first time again what was handed to imaplib."""
        if self._ahead is not None:
            line, self._ahead = self._ahead, None
            return line
        line = self.readline()
        if not line.endswith(b"\r\n"):
            raise self.abort("the connection ended within a line" if line else "the connection ended")
        return line[:-2]

    def wait_readable(self, seconds: float) -> bool:
        """Whether something can be read within this time. Raises `abort` at the end of the stream."""
        for _ in range(_EMPTY_READS):
            if self._waiting():
                return True
            poll = select.poll()
            poll.register(self.sock.fileno(), select.POLLIN)
            if not poll.poll(max(0.0, seconds) * 1000):
                return False
        raise self.abort("the connection ended")

    def _waiting(self) -> bool:
        """Whether a line, or the beginning of one, is in our buffer or in that of TLS (poll sees neither)."""
        before = self.sock.gettimeout()
        self.sock.setblocking(False)
        try:
            return bool(self._reader().peek(1))
        except (ssl.SSLWantReadError, BlockingIOError):
            return False
        finally:
            self.sock.settimeout(before)

    def _dial(self, timeout: float | None) -> socket.socket:
        sock = socket.create_connection((self.host, self.port), timeout)
        try:
            _tune(sock)
            self._opened(sock)
            if self._server.security == "tls":
                sock = tls_context(self._server).wrap_socket(
                    sock, server_hostname=self.host, do_handshake_on_connect=False
                )
                self._opened(sock)
                sock.do_handshake()
        except BaseException:
            sock.close()
            raise
        return sock

    def _bind(self) -> None:
        self._stream = cast(BufferedReader, self.sock.makefile("rb", 65_536))
        self._stream_of = self.sock

    def _reader(self) -> BufferedReader:
        # After STARTTLS imaplib holds another socket. What was read in clear before is dropped: it may be forged.
        if self._stream_of is not self.sock:
            self._bind()
            self._opened(self.sock)
        return self._stream


class Client(IMAPClient):  # type: ignore[misc]  # imapclient has no types
    """imapclient over `Imap4`: mailbox names as they are on the wire, times with their zone."""

    def __init__(self, server: Server, opened: Callable[[socket.socket], None]) -> None:
        """Connect and read the greeting."""
        self._dial: Callable[[], Imap4] = lambda: Imap4(server, opened)
        timeout = SocketTimeout(connect=server.connect_after, read=server.read_after)
        super().__init__(server.host, server.port, ssl=server.security == "tls", timeout=timeout)
        self.imap.debug = 0  # imapclient's trace of imaplib takes half of the time of a fetch
        self.folder_encode = False
        self.normalise_times = False

    @property
    def imap(self) -> Imap4:
        """The imaplib object beneath, for what imapclient cannot say: pipelines, LIST-STATUS, bare speed."""
        imap: Imap4 = self._imap
        return imap

    def _create_IMAP4(self) -> Imap4:  # noqa: N802  # imapclient's own name
        return self._dial()


def tls_context(server: Server) -> ssl.SSLContext:
    """Certificates and host names are always checked. Raises `Unreachable` where `ca_file` is no good."""
    try:
        return ssl.create_default_context(cafile=server.ca_file or None)
    except OSError as error:
        why = error.strerror or error
        raise Unreachable(f"{server.place}: the certificates in {server.ca_file} cannot be read ({why})") from error


def explain(error: Exception, server: Server) -> str:
    """What broke, in one sentence with the server's place and, where there is one, the remedy."""
    place = server.place
    match error:
        case ssl.SSLCertVerificationError():
            why = error.verify_message
            return f"the certificate of {place} is not valid: {why}; set ca_file for a private authority"
        case ssl.SSLError():
            return f"{place} does not speak TLS as expected ({error.reason or error}); check port and security"
        case socket.gaierror():
            return f"the name {server.host} cannot be found ({error.strerror}); check the host and the network"
        case TimeoutError():
            return f"{place} does not answer"
        case ConnectionRefusedError():
            return f"{place} refuses the connection; check host and port"
        case OSError():
            return f"the connection to {place} failed: {error.strerror or error}"
        case imaplib.IMAP4.error():
            return f"{place} ended the dialogue: {words(error)}"
    return f"{place} talks nonsense: {words(error)}"


def asked_pause(text: str) -> float | None:
    """The seconds for which a server asks to be left alone, a day at most; None where it names no time."""
    found = _PAUSE.search(text)
    if found is None:
        return None
    return min(int(found[1]) * next(each for unit, each in _UNITS if found[2].lower().startswith(unit)), _DAY)


def words(said: object, *, hide: str = "") -> str:
    """What a server or an error said, as one printable line of at most 300 characters, without the secret to `hide`."""
    if isinstance(said, BaseException):
        said = said.args[0] if said.args else type(said).__name__
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    if hide:
        text = text.replace(hide, "***")
    return "".join(c if c.isprintable() else " " for c in text)[:300].strip()


def _tune(sock: socket.socket) -> None:
    """Notice a dead line, and do not wait for more before a command goes out: imaplib sends literals in pieces."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE.items():
        if hasattr(socket, name):  # Linux has them all, others some
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
