"""The Mailbox port over IMAP: one connection for commands, owned by one thread, and one that waits in IDLE."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Literal, TypeVar

from inboxagent.edge.imap_connection import Connection
from inboxagent.edge.imap_line import Security, Server
from inboxagent.edge.imap_names import SENT, find_special
from inboxagent.edge.imap_reading import find, read_message, read_page
from inboxagent.edge.imap_search import fits, queries
from inboxagent.edge.imap_status import read_status, watched_names
from inboxagent.edge.imap_watch import Watch
from inboxagent.errors import ConfigError, LoginRefused, Unreachable
from inboxagent.mail.inbound import parse_headers
from inboxagent.ports import Cursor, Fetched, Page, Search, Status

T = TypeVar("T")

_MICROSOFT = ("outlook.com", "office365.com", "office365.us", "hotmail.com", "outlook.de", "partner.outlook.cn")
_LOGOUT_AFTER = 3.0


class ImapMailbox:
    """All watched mailboxes of one account; see `ports.Mailbox` for what each method promises."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        security: Security,
        username: str,
        password: Callable[[], str] = str,
        token: Callable[[str], str] | None = None,
        ca_file: str | None = None,
        mailboxes: Literal["all"] | Sequence[str] = "all",
        sent: str | None = None,
        connect_after: float = 10.0,
        read_after: float = 60.0,
        call_after: float = 120.0,
        idle_after: float = 540.0,
        retry_after: tuple[float, float] = (5.0, 900.0),
    ) -> None:
        """Connects at the first call. `password` is asked at each log-in, or `token` for an access token of OAuth 2.0,
        with one that was refused. Spans are seconds: to connect, to wait for the next bytes, for a whole command, for
        one IDLE, between attempts to be in IDLE again.

        Raises ConfigError for `security="none"` to another machine: the password would be readable on the way.
        """
        self._server = Server(
            host=host,
            port=port,
            security=security,
            username=username,
            ca_file=ca_file,
            connect_after=connect_after,
            read_after=read_after,
        )
        if security == "none" and not self._server.loopback:
            raise ConfigError(
                f"{self._server.place}: without TLS only a loopback address is allowed, use tls or starttls"
            )
        self._password = password
        self._token = token
        self._wanted = mailboxes
        self._sent = sent
        self._call_after = call_after
        self._turn = asyncio.Lock()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="imap")
        self._connection: Connection | None = None
        self._refusal: str | None = None
        self._watch = Watch(self._connect, idle_after=idle_after, retry_after=retry_after)

    async def status(self) -> Mapping[str, Status]:
        """UIDVALIDITY and UIDNEXT of every watched mailbox, in one round trip where the server has LIST-STATUS."""
        return await self._call(lambda connection: read_status(connection, self._wanted))

    async def headers(self, mailbox: str, cursor: Cursor, uidnext: int, received_since: datetime | None = None) -> Page:
        """The next header sections; only the fields in `imap_reading.FIELDS` are fetched."""
        return await self._call(lambda connection: read_page(connection, mailbox, cursor, uidnext, received_since))

    async def message(self, fetched: Fetched) -> bytes | None:
        """Header section and body of one message."""
        return await self._call(lambda connection: read_message(connection, fetched))

    async def search(self, wanted: Search) -> Sequence[Fetched]:
        """What fits, from all watched mailboxes, oldest first."""
        asked = queries(wanted)
        found: list[Fetched] = []
        for name in await self._call(lambda connection: watched_names(connection, self._wanted)) if asked else ():
            found += await self._call(partial(find, mailbox=name, queries=asked))
        return sorted((each for each in found if fits(wanted, each)), key=lambda each: each.received_at)

    async def sent(self) -> str | None:
        """The configured name, else the mailbox with \\Sent, else one with a usual name."""
        if self._sent:
            return self._sent
        listed, _ = await self._call(Connection.list_mailboxes)
        special = find_special(listed, "\\sent", SENT)
        return special.name if special else None

    async def holds(self, mailbox: str, message_id: str) -> bool:
        """SEARCH by the Message-ID, and the exact comparison here."""
        asked = queries(Search(message_ids=(message_id,)))
        found = await self._call(partial(find, mailbox=mailbox, queries=asked))
        return any(parse_headers(each.header).message_id == message_id for each in found)

    async def files_sent(self) -> bool:
        """True for Gmail (its capability X-GM-EXT-1) and Microsoft (by the host's name)."""
        host = self._server.host.lower()
        if any(host == domain or host.endswith("." + domain) for domain in _MICROSOFT):
            return True
        return await self._call(lambda connection: connection.has("X-GM-EXT-1"))

    async def append(self, mailbox: str, message: bytes, received_at: datetime) -> None:
        """APPEND with \\Seen, never tried twice: after a lost line it may have happened."""
        await self._call(lambda connection: connection.ask(("NOOP",)))  # the line is alive, or made anew
        await self._call(lambda connection: connection.append(mailbox, message, received_at), again=False)

    async def wait(self, seconds: float) -> bool:
        """True as soon as new mail was announced, in any mailbox if the server has NOTIFY, and once after a connect."""
        if self._refusal is not None:
            raise LoginRefused(self._refusal)
        return await self._watch.news(seconds)

    async def close(self) -> None:
        """LOGOUT, and the end of both threads."""
        self._watch.stop()
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOGOUT_AFTER):
                    await asyncio.get_running_loop().run_in_executor(self._worker, connection.log_out)
            connection.cut()
        self._worker.shutdown(wait=False, cancel_futures=True)

    def _connect(self) -> Connection:
        return Connection(self._server, self._password, self._token)

    async def _call(self, job: Callable[[Connection], T], *, again: bool = True) -> T:
        """Do a job on the command connection. A connection that had rested and proves dead is replaced once."""
        async with self._turn:
            rested = self._connection is not None
            try:
                return await self._do(job)
            except Unreachable:
                if not (again and rested and self._connection is None):
                    raise
                return await self._do(job)

    async def _do(self, job: Callable[[Connection], T]) -> T:
        if self._refusal is not None:
            raise LoginRefused(self._refusal)
        connection = self._connection or self._connect()
        self._connection = None
        try:
            async with asyncio.timeout(self._call_after):
                return await asyncio.get_running_loop().run_in_executor(self._worker, connection.run, job)
        except TimeoutError:
            connection.cut()
            raise Unreachable(f"{self._server.place} has not answered within {self._call_after:g} seconds") from None
        except asyncio.CancelledError:
            connection.cut()
            raise
        except LoginRefused as error:
            self._refusal = str(error)
            raise
        finally:
            if connection.alive:
                self._connection = connection
