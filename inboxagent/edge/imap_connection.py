"""One log-in to an IMAP server and the few commands that are ever said in it. Blocking; owned by one thread.

Only EXAMINE, never SELECT; only BODY.PEEK, never BODY; the one thing that writes is APPEND.
"""

import contextlib
import imaplib
import socket
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from imapclient import imap_utf7
from imapclient.datetime_util import datetime_to_INTERNALDATE

from inboxagent.edge.imap_answers import Listed, Message, Piece, quote, read_mailboxes, read_statuses, uid_set
from inboxagent.edge.imap_line import Client, Imap4, Server, asked_pause, explain, tls_context, words
from inboxagent.edge.imap_login import log_in
from inboxagent.errors import InboxagentError, Unreachable

T = TypeVar("T")
Command = tuple[str, *tuple[str | bytes, ...]]

imaplib.Commands.setdefault("NOTIFY", ("AUTH", "SELECTED"))  # which it has never heard of

_AT_ONCE = 50  # commands sent before the first answer is read: neither side's buffer fills up
_STATUS_ITEMS = "(UIDNEXT UIDVALIDITY)"
_EVERYWHERE = "SET (selected (MessageNew MessageExpunge)) (personal (MessageNew MessageExpunge MailboxName))"
_NEWS = frozenset({"EXISTS", "STATUS", "LIST"})  # untagged: new mail here, elsewhere, a mailbox made or renamed
_OVERFLOW = "NOTIFICATIONOVERFLOW"  # RFC 5465, 5.8: from now on the server is silent


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What EXAMINE told; None where the server does not say it."""

    uidvalidity: int | None
    uidnext: int | None
    exists: int


class SilencedError(Exception):
    """The server has ended a NOTIFY by itself: it is too much for it."""


class Connection:
    """A connection that opens itself at the first `run`, and is good for nothing after a failure."""

    def __init__(self, server: Server, password: Callable[[], str], token: Callable[[str], str] | None = None) -> None:
        """`password` is asked at the log-in and forgotten. A `token` is used in its place (OAuth 2.0); it is called
        with the one that was refused, if any."""
        self.server = server
        self.capabilities: frozenset[str] = frozenset()
        self.selected: str | None = None
        self.opened: Opened | None = None  # what EXAMINE told of the selected mailbox
        self._password = password
        self._token = token
        self._client: Client | None = None
        self._socket: socket.socket | None = None
        self._ready = False
        self._cut = threading.Event()
        self._wires: dict[str, bytes] = {}

    @property
    def alive(self) -> bool:
        """Whether it is logged in, as far as anybody knows."""
        return self._ready and not self._cut.is_set()

    def run(self, job: Callable[["Connection"], T]) -> T:
        """Do something with the connection, opening it first where needed.

        Raises `Unreachable` or `LoginRefused`; after anything but a plain refusal by the server the line is dropped,
        for nobody knows where in the dialogue it stands.
        """
        try:
            if self._client is None:
                self._open()
                self._ready = True
            return job(self)
        except InboxagentError:
            if not self._ready:
                self.drop()
            raise
        except SilencedError:
            self.drop()
            raise
        except Exception as error:
            self.drop()
            why = explain(error, self.server)
            raise Unreachable(why, asked_pause(why)) from error

    def cut(self) -> None:
        """Shut the socket down, from any thread: whoever waits for it fails at once."""
        self._cut.set()
        sock = self._socket
        if sock is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def drop(self) -> None:
        """Close without a word; never raises."""
        self.cut()
        if self._client is not None:
            self._imap.shutdown()

    def log_out(self) -> None:
        """Say LOGOUT where possible and close; never raises."""
        if self.alive:
            with contextlib.suppress(imaplib.IMAP4.error, OSError, ValueError):
                self.ask(("LOGOUT",))
        self.drop()

    def has(self, capability: str) -> bool:
        """Whether the server offers this, after the log-in."""
        return capability in self.capabilities

    # -- commands

    def ask(self, *commands: Command) -> list[tuple[str, bytes]]:
        """Send all commands, then read all answers: OK or NO, and the words. What is untagged waits in `take`."""
        self._imap.untagged_responses.clear()
        answers: list[tuple[str, bytes]] = []
        for start in range(0, len(commands), _AT_ONCE):
            some = commands[start : start + _AT_ONCE]
            tags = [self._imap._command(*command) for command in some]
            for (name, *_), tag in zip(some, tags, strict=True):
                kind, texts = self._imap._command_complete(name, tag)
                answers.append((kind, texts[-1] or b""))
        return answers

    def take(self, name: str) -> list[Piece]:
        """The untagged responses of this name to the last `ask`."""
        found: list[Piece] = self._imap.untagged_responses.pop(name, [])
        return found

    def list_mailboxes(self, *, with_status: bool = False) -> tuple[Sequence[Listed], dict[str, Mapping[str, int]]]:
        """Every mailbox and, where the server can do both in one go (RFC 5819), the status of those that have one."""
        options = ""
        if with_status and self.has("LIST-STATUS"):
            special = "SPECIAL-USE " if self.has("SPECIAL-USE") else ""
            options = f" RETURN ({special}STATUS {_STATUS_ITEMS})"
        ((kind, text),) = self._ask_outside(("LIST", f'"" "*"{options}'))
        if kind != "OK":
            raise self.server.trouble(f"does not list the mailboxes: {words(text)}")
        listed = read_mailboxes(tuple(self.take("LIST")))
        self._wires = {box.name: box.wire for box in listed}
        statuses = read_statuses(tuple(self.take("STATUS")))
        return listed, {box.name: statuses[box.wire] for box in listed if box.wire in statuses}

    def ask_statuses(self, names: Sequence[str]) -> dict[str, Mapping[str, int] | str]:
        """The status of these mailboxes, asked in this order; the server's words where it refuses one."""
        answers = self._ask_outside(*(("STATUS", quote(self._wire(name)), _STATUS_ITEMS) for name in names))
        told = read_statuses(tuple(self.take("STATUS")))
        return {
            name: told.get(self._wire(name), {}) if kind == "OK" else words(text)
            for name, (kind, text) in zip(names, answers, strict=True)
        }

    def examine(self, mailbox: str) -> Opened:
        """Open a mailbox for reading, with a fresh view of it. Raises `Unreachable` where the server says NO."""
        self._leave()
        ((kind, text),) = self.ask(("EXAMINE", quote(self._wire(mailbox))))
        if kind != "OK":
            raise self.server.trouble(f'does not open the mailbox "{mailbox}": {words(text)}')
        self.selected, self._imap.state = mailbox, "SELECTED"
        self.opened = Opened(
            uidvalidity=self._number("UIDVALIDITY"),
            uidnext=self._number("UIDNEXT"),
            exists=self._number("EXISTS") or 0,
        )
        return self.opened

    def search(self, criteria: str) -> list[int]:
        """UIDs in the open mailbox, ascending; `criteria` are ASCII as RFC 3501, 6.4.4 writes them."""
        ((kind, text),) = self.ask(("UID", f"SEARCH {criteria}"))
        if kind != "OK":
            raise self.server.trouble(f'does not search the mailbox "{self.selected}": {words(text)}')
        return sorted({int(uid) for line in self._take_texts("SEARCH") for uid in line.split()})

    def fetch(self, items: str, *several: Collection[int]) -> dict[int, Message]:
        """What the server gives of these messages, asked for in so many commands that are sent at once; one that is
        missing may be gone or unreadable."""
        fetched: dict[int, Message] = {}
        self._imap.fetched = fetched
        try:
            self.ask(*(("UID", f"FETCH {uid_set(uids)} ({items})") for uids in several))
        finally:
            self._imap.fetched = None
        return {uid: fetched[uid] for uids in several for uid in uids if uid in fetched}

    def append(self, mailbox: str, message: bytes, received_at: datetime) -> None:
        """APPEND with \\Seen. Raises `Unreachable` with the server's words where it refuses."""
        self._imap.literal = message  # type: ignore[assignment]  # imaplib sends bytes
        internaldate = f'"{datetime_to_INTERNALDATE(received_at)}"'
        ((kind, text),) = self.ask(("APPEND", quote(self._wire(mailbox)), "(\\Seen)", internaldate))
        if kind != "OK":
            raise self.server.trouble(f'does not take the message into "{mailbox}": {words(text)}')

    def notify(self) -> bool:
        """Ask to be told of every mailbox in IDLE from now on (RFC 5465); False where the server will not.

        To be said once in a connection: Dovecot 2.3 forgets the other mailboxes at every second NOTIFY.
        """
        if not self.has("NOTIFY"):
            return False
        try:
            ((kind, _),) = self.ask(("NOTIFY", _EVERYWHERE))
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error:  # BAD: it knows another NOTIFY than ours
            return False
        return kind == "OK"

    def idle(self, after: float, news: Callable[[], None]) -> None:
        """One IDLE (RFC 2177) of this many seconds. Whatever is odd raises, and so does the end of a NOTIFY.

        `news` is called for each EXISTS, STATUS or LIST, and once when the server begins to listen: not all of them
        tell what came between the last command and IDLE.
        """
        imap = self._imap
        imap.untagged_responses.clear()
        tag = imap._command("IDLE")
        while imap._get_response() is not None:  # mail may be told of before the continuation
            self._heed(tag, news)
        news()
        end = time.monotonic() + after
        while imap.wait_readable(end - time.monotonic()):
            imap._get_response()
            self._heed(tag, news)
        imap.send(b"DONE\r\n")
        imap._command_complete("IDLE", tag)
        self._heed(tag, news)

    # -- inside

    @property
    def _imap(self) -> Imap4:
        if self._client is None:
            raise imaplib.IMAP4.abort("not connected")
        return self._client.imap

    def _open(self) -> None:
        client = log_in(self._dial, self.server, self._password, self._token)
        self.capabilities = frozenset(name.decode("latin-1") for name in client.capabilities())

    def _dial(self) -> Client:
        self._client = client = Client(self.server, self._note_socket)
        if self.server.security == "starttls":
            if not client.has_capability("STARTTLS"):
                raise self.server.trouble("offers no STARTTLS; the password was not sent")
            client.starttls(tls_context(self.server))
        return client

    def _note_socket(self, sock: socket.socket) -> None:
        self._socket = sock
        if self._cut.is_set():
            raise imaplib.IMAP4.abort("given up")

    def _ask_outside(self, *commands: Command) -> list[tuple[str, bytes]]:
        """`ask` with no mailbox open, for RFC 3501, 6.3.10 advises against STATUS of an open one."""
        if self.selected is None:
            return self.ask(*commands)
        # After EXAMINE a CLOSE removes nothing (RFC 3501, 6.4.2).
        _, *answers = self.ask(("UNSELECT" if self.has("UNSELECT") else "CLOSE",), *commands)
        self._leave()
        return answers

    def _leave(self) -> None:
        self.selected, self.opened, self._imap.state = None, None, "AUTH"

    def _wire(self, name: str) -> bytes:
        return self._wires.get(name) or bytes(imap_utf7.encode(name))

    def _number(self, name: str) -> int | None:
        told = self._take_texts(name)
        return int(told[-1]) if told else None

    def _take_texts(self, name: str) -> list[bytes]:
        return [piece for piece in self.take(name) if isinstance(piece, bytes)]

    def _heed(self, tag: bytes, news: Callable[[], None]) -> None:
        imap = self._imap
        if not _NEWS.isdisjoint(imap.untagged_responses):
            news()
        if _OVERFLOW in imap.untagged_responses:
            raise SilencedError
        imap._check_bye()
        imap.untagged_responses.clear()
        if imap.tagged_commands.get(tag):
            raise imap.abort("IDLE ended by itself")
