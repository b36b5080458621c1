"""An IMAP server in memory: pymap's, with several users and SPECIAL-USE (RFC 6154), which it has not by itself."""

import asyncio
import ssl
from argparse import Namespace
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from proxyprotocol.sock import SocketInfoLocal
from pymap.backend.dict import Config, Identity, Login, Session
from pymap.backend.dict.filter import FilterSet
from pymap.backend.dict.mailbox import MailboxSet
from pymap.concurrent import Subsystem
from pymap.config import BackendCapability
from pymap.imap import IMAPServer
from pymap.interfaces.login import IdentityInterface
from pymap.parsing.message import AppendMessage
from pymap.parsing.specials import FetchRequirement
from pymap.parsing.specials.flag import Flag
from pymap.selected import SelectedMailbox
from pymap.user import UserMetadata
from pysasl.creds.server import ServerCredentials
from pysasl.hashing import Cleartext

SPECIAL = ("Drafts", "Sent", "Trash", "Junk", "Archive")

Listed = tuple[Iterable[tuple[str, str | None, Sequence[bytes]]], SelectedMailbox | None]


class ImapServer:
    """Mailboxes of several users. Everything happens in the event loop that called `start`."""

    def __init__(self, passwords: Mapping[str, str]) -> None:
        self._passwords = passwords
        self._config = _Config()
        self._login = _Login(self._config)

    async def start(self, host: str) -> asyncio.Server:
        """Make everybody's mailboxes and listen on a free port."""
        self._config.apply_context()
        for address, password in self._passwords.items():
            await self._add_user(address, password)
        return await asyncio.start_server(self._serve, host, 0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        whole = _WholeWriter(writer.transport, writer.transport.get_protocol(), reader, asyncio.get_running_loop())
        await IMAPServer(self._login, self._config)(reader, whole, SocketInfoLocal(writer))

    async def append(self, address: str, mailbox: str, message: bytes, received_at: datetime, *, seen: bool) -> None:
        """File a message; IDLE tells whoever watches. Raises KeyError for an unknown user or mailbox."""
        mailboxes, _ = self._config.set_cache[address]
        flags = frozenset({Flag(b"\\Seen")} if seen else ())
        await (await mailboxes.get_mailbox(mailbox)).append(AppendMessage(message, received_at, flags), recent=True)

    async def messages(self, address: str, mailbox: str) -> list[bytes]:
        """What lies in a mailbox, in the order of the UIDs."""
        mailboxes, _ = self._config.set_cache[address]
        found = [message async for message in (await mailboxes.get_mailbox(mailbox)).messages()]
        loaded = [await message.load_content(FetchRequirement.CONTENT) for message in found]
        return [bytes(message.get_body(binary=True)) for message in loaded]

    async def _add_user(self, address: str, password: str) -> None:
        keeper = Identity(address, self._login, None, {"admin"})
        await keeper.set(UserMetadata(self._config, address, password=password))
        mailboxes = MailboxSet()
        for name in SPECIAL:
            await mailboxes.add_mailbox(name)
            await mailboxes.set_subscribed(name, True)
        self._config.set_cache[address] = (mailboxes, FilterSet())


class _WholeWriter(asyncio.StreamWriter):
    """Sends a response in one piece: imapclient's IDLE takes a line in two pieces for a broken connection."""

    _held = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._held += data

    async def drain(self) -> None:
        held, self._held = self._held, b""
        super().write(held)
        await super().drain()


class _Config(Config):
    """No TLS, passwords as they are, and no look at the name server."""

    def __init__(self) -> None:
        super().__init__(
            Namespace(passlib_cfg=None, proxy_protocol=None),
            demo_data=False,
            demo_user="",
            demo_password="",
            host=None,
            port=0,
            tls_enabled=False,
            ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER),
            hash_context=Cleartext(),
            cpu_subsystem=Subsystem.for_asyncio(),
            invalid_user_sleep=0,
            reject_dnsbl=False,
        )

    @property
    def greeting(self) -> bytes:
        return b"Server ready"

    @property
    def backend_capability(self) -> BackendCapability:
        return BackendCapability(idle=True, object_id=True, multi_append=True, custom=[b"SPECIAL-USE"])


class _Login(Login):
    """Lets people in as identities whose sessions know the special mailboxes."""

    async def authenticate(self, credentials: ServerCredentials) -> Identity:
        known = await super().authenticate(credentials)
        return _Identity(known.name, self, None, known.roles)

    async def authorize(self, authenticated: IdentityInterface, authzid: str) -> Identity:
        known = await super().authorize(authenticated, authzid)
        return _Identity(known.name, self, None, known.roles)


class _Identity(Identity):
    @asynccontextmanager
    async def new_session(self) -> AsyncIterator[Session]:
        mailboxes, filters = self.config.set_cache[self.name]
        yield _Session(self.name, self.config, mailboxes, filters)


class _Session(Session):
    async def list_mailboxes(
        self, ref_name: str, filter_: str, subscribed: bool = False, selected: SelectedMailbox | None = None
    ) -> Listed:
        rows, state = await super().list_mailboxes(ref_name, filter_, subscribed, selected)
        return [(name, mark, [*flags, *special(name)]) for name, mark, flags in rows], state


def special(name: str) -> list[bytes]:
    """The SPECIAL-USE attribute of a mailbox, without its backslash, if it has one."""
    return [name.encode()] if name in SPECIAL else []
