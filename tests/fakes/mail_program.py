"""Another mail program on the same account, for tests: what she, a filter or a phone does while the agent watches."""

import contextlib
import ssl
from collections.abc import Mapping
from datetime import datetime
from types import TracebackType
from typing import Protocol

from imapclient import IMAPClient

from tests.fakes.mailbox import MailServer

State = Mapping[str, Mapping[int, frozenset[str]]]


class MailProgram(Protocol):
    """What the contract suite lets happen on a server."""

    def deliver(self, raw: bytes, mailbox: str = "INBOX", received_at: datetime | None = None) -> int: ...
    def deliver_many(self, raws: list[bytes]) -> None: ...
    def move(self, source: str, uid: int, target: str) -> int: ...
    def expunge(self, mailbox: str, uid: int) -> None: ...
    def flag(self, mailbox: str, uid: int, *flags: str) -> None: ...
    def create(self, mailbox: str) -> None: ...
    def rename(self, mailbox: str, name: str) -> None: ...
    def delete(self, mailbox: str) -> None: ...
    def state(self) -> State: ...
    def raw(self, mailbox: str, uid: int) -> bytes: ...


class FakeProgram(MailServer):
    """The model of a server does all that by itself."""

    def deliver_many(self, raws: list[bytes]) -> None:
        """Several, one after the other."""
        for raw in raws:
            self.deliver(raw)

    def raw(self, mailbox: str, uid: int) -> bytes:
        """The message as it lies there."""
        return self.boxes[mailbox].messages[uid].raw


class ImapProgram:
    """A plain client with a connection of its own; a context manager."""

    def __init__(self, host: str, port: int, username: str, password: str, tls: ssl.SSLContext | None = None) -> None:
        self._client = IMAPClient(host, port, ssl=tls is not None, ssl_context=tls, timeout=60)
        self._client.login(username, password)

    def __enter__(self) -> "ImapProgram":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.logout()

    def deliver(self, raw: bytes, mailbox: str = "INBOX", received_at: datetime | None = None) -> int:
        """APPEND; returns the UID."""
        uid = self._client.folder_status(mailbox, ["UIDNEXT"])[b"UIDNEXT"]
        self._client.append(mailbox, raw, msg_time=received_at)
        return int(uid)

    def deliver_many(self, raws: list[bytes]) -> None:
        """APPEND of several to INBOX in one go (RFC 3502)."""
        self._client.multiappend("INBOX", raws)

    def move(self, source: str, uid: int, target: str) -> int:
        """MOVE; returns the new UID."""
        new = self._client.folder_status(target, ["UIDNEXT"])[b"UIDNEXT"]
        self._client.select_folder(source)
        self._client.move([uid], target)
        self._leave()
        return int(new)

    def expunge(self, mailbox: str, uid: int) -> None:
        """STORE \\Deleted, EXPUNGE."""
        self._client.select_folder(mailbox)
        self._client.delete_messages([uid])
        self._client.expunge()
        self._leave()

    def flag(self, mailbox: str, uid: int, *flags: str) -> None:
        """STORE."""
        self._client.select_folder(mailbox)
        self._client.add_flags([uid], flags)
        self._leave()

    def create(self, mailbox: str) -> None:
        """CREATE."""
        self._client.create_folder(mailbox)

    def rename(self, mailbox: str, name: str) -> None:
        """RENAME."""
        self._client.rename_folder(mailbox, name)

    def delete(self, mailbox: str) -> None:
        """DELETE."""
        self._client.delete_folder(mailbox)

    def state(self) -> State:
        """Every mailbox's UIDs with their flags, without \\Recent, which belongs to a session."""
        return {name: self._flags(name) for _, _, name in self._client.list_folders()}

    def raw(self, mailbox: str, uid: int) -> bytes:
        """The message as it lies there."""
        self._client.select_folder(mailbox, readonly=True)
        raw: bytes = self._client.fetch([uid], ["BODY.PEEK[]"])[uid][b"BODY[]"]
        self._leave()
        return raw

    def _flags(self, mailbox: str) -> Mapping[int, frozenset[str]]:
        self._client.select_folder(mailbox, readonly=True)
        uids = self._client.search("ALL")
        flags = self._client.get_flags(uids) if uids else {}
        self._leave()
        return {uid: frozenset(flag.decode() for flag in flags[uid]) - {"\\Recent"} for uid in uids}

    def _leave(self) -> None:
        with contextlib.suppress(self._client.Error):  # pymap does not close what is open read-only
            self._client.close_folder()
