"""The Mailbox port in memory: a small honest model of a mail server, and a client of it that passes the contract suite.

`MailServer` is what lies there and what other programs do to it; `FakeMailbox` is our view, with failures at will.
"""

import asyncio
import contextlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.parser import BytesHeaderParser
from email.utils import getaddresses

from inboxagent.edge.imap_reading import FIELDS
from inboxagent.errors import Unreachable
from inboxagent.ports import Cursor, Fetched, Page, Search, Status

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
_SEVERAL = 1_000
_SIFTED = frozenset(FIELDS.lower().split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A message as it lies on the server."""

    raw: bytes
    received_at: datetime
    flags: frozenset[str] = frozenset()


@dataclass
class Box:
    """One mailbox: its UIDs only ever grow while its UIDVALIDITY stays."""

    uidvalidity: int
    uidnext: int = 1
    messages: dict[int, Stored] = field(default_factory=dict)

    def add(self, message: Stored) -> int:
        """File a message under the next UID."""
        uid, self.uidnext = self.uidnext, self.uidnext + 1
        self.messages[uid] = message
        return uid


class MailServer:
    """One account's mailboxes. Whoever changes them through these methods is another mail program, or a filter."""

    def __init__(self, now: Callable[[], datetime] = lambda: LONG_AGO) -> None:
        """`now` gives the INTERNALDATE of what is delivered."""
        self.now = now
        self.boxes: dict[str, Box] = {}
        self.unreadable: set[tuple[str, int]] = set()  # (mailbox, UID) that SEARCH shows and FETCH does not give
        self.listeners: list[asyncio.Event] = []
        self._uidvalidities = 1_000
        for name in ("INBOX", "Sent", "Drafts", "Trash", "Archive"):
            self.create(name)

    def deliver(self, raw: bytes, mailbox: str = "INBOX", received_at: datetime | None = None) -> int:
        """A message arrives, or is filed by somebody; returns its UID."""
        uid = self.boxes[mailbox].add(Stored(raw=raw, received_at=received_at or self.now()))
        if mailbox == "INBOX":
            self.announce()
        return uid

    def announce(self) -> None:
        """Tell whoever is in IDLE."""
        for listener in self.listeners:
            listener.set()

    def move(self, source: str, uid: int, target: str) -> int:
        """MOVE (RFC 6851): the message gets a new UID there."""
        return self.boxes[target].add(self.boxes[source].messages.pop(uid))

    def expunge(self, mailbox: str, uid: int) -> None:
        """The message is gone; its UID is never used again."""
        del self.boxes[mailbox].messages[uid]

    def flag(self, mailbox: str, uid: int, *flags: str) -> None:
        """Set flags as a mail program does."""
        box = self.boxes[mailbox]
        box.messages[uid] = replace(box.messages[uid], flags=box.messages[uid].flags | set(flags))

    def create(self, mailbox: str) -> None:
        """A mailbox with a UIDVALIDITY that was never used before."""
        self._uidvalidities += 1
        self.boxes[mailbox] = Box(self._uidvalidities)

    def rename(self, mailbox: str, name: str) -> None:
        """UIDs and UIDVALIDITY go along."""
        self.boxes[name] = self.boxes.pop(mailbox)

    def delete(self, mailbox: str) -> None:
        """The mailbox and its messages are gone."""
        del self.boxes[mailbox]

    def renumber(self, mailbox: str, *, first: int = 1) -> None:
        """UIDVALIDITY changes: the same messages under other UIDs, from `first` on (RFC 3501, 2.3.1.1)."""
        before = self.boxes[mailbox]
        self.create(mailbox)
        self.boxes[mailbox].uidnext = first
        for message in before.messages.values():
            self.boxes[mailbox].add(message)

    def state(self) -> Mapping[str, Mapping[int, frozenset[str]]]:
        """Every mailbox's UIDs with their flags."""
        return {name: {uid: each.flags for uid, each in box.messages.items()} for name, box in self.boxes.items()}


class FakeMailbox:
    """What `ImapMailbox` is to a real server. `before` is called with each method's name first: it may raise, or let
    something happen on the server at just that moment."""

    def __init__(
        self,
        server: MailServer,
        mailboxes: Sequence[str] | None = None,
        *,
        sent: str | None = None,
        files_sent: bool = False,
        before: Callable[[str], None] = lambda method: None,
    ) -> None:
        """`mailboxes` None watches all but Drafts."""
        self.server = server
        self.before = before
        self.closed = False
        self._wanted = mailboxes
        self._sent = sent
        self._files_sent = files_sent
        self._told = asyncio.Event()
        self._told.set()  # after a connect something may have been missed
        server.listeners.append(self._told)

    async def status(self) -> Mapping[str, Status]:
        """The status of every watched mailbox."""
        self._begin("status")
        boxes = {name: self._box(name) for name in self._watched()}
        return {name: Status(box.uidvalidity, box.uidnext) for name, box in boxes.items()}

    async def headers(self, mailbox: str, cursor: Cursor, uidnext: int, received_since: datetime | None = None) -> Page:
        """The next messages; none that is there and cannot be read is passed over."""
        self._begin("headers")
        box = self._box(mailbox, cursor.uidvalidity)
        if box.uidnext < uidnext:
            raise Unreachable(f"{mailbox} is not that far")
        uids = [uid for uid in sorted(box.messages) if cursor.next_uid <= uid < uidnext]
        next_uid = uids[_SEVERAL] if len(uids) > _SEVERAL else max(uidnext, cursor.next_uid)
        lost = next((uid for uid in uids[:_SEVERAL] if (mailbox, uid) in self.server.unreadable), None)
        if lost is not None and lost == uids[0]:
            raise Unreachable(f"{mailbox} does not give UID {lost}")
        next_uid = lost or next_uid
        found = [self._fetched(mailbox, box, uid) for uid in uids[:_SEVERAL] if uid < next_uid]
        return Page([each for each in found if not received_since or each.received_at >= received_since], next_uid)

    async def message(self, fetched: Fetched) -> bytes | None:
        """The whole message, cut; None where it is gone."""
        self._begin("message")
        box = self._box(fetched.mailbox, fetched.uidvalidity)
        if fetched.uid not in box.messages:
            return None
        if (fetched.mailbox, fetched.uid) in self.server.unreadable:
            raise Unreachable(f"{fetched.mailbox} does not give UID {fetched.uid}")
        header, body = _split(box.messages[fetched.uid].raw)
        if len(header) > 65_536:
            header = header[: header.rfind(b"\r\n", 0, 65_536) + 2] + b"\r\n"
        return header + body[:262_144]

    async def search(self, wanted: Search) -> Sequence[Fetched]:
        """What fits, oldest first."""
        self._begin("search")
        found = [
            self._fetched(name, box, uid)
            for name, box in ((name, self._box(name)) for name in self._watched())
            for uid, stored in sorted(box.messages.items())
            if _fits(wanted, stored)
        ]
        return sorted(found, key=lambda each: each.received_at)

    async def sent(self) -> str | None:
        """The configured name, else Sent where it exists."""
        self._begin("sent")
        return self._sent or ("Sent" if "Sent" in self.server.boxes else None)

    async def files_sent(self) -> bool:
        """As it was told."""
        self._begin("files_sent")
        return self._files_sent

    async def append(self, mailbox: str, message: bytes, received_at: datetime) -> None:
        """File a message as seen."""
        self._begin("append")
        self._box(mailbox).add(Stored(raw=message, received_at=received_at, flags=frozenset({"\\Seen"})))
        if mailbox == "INBOX":
            self.server.announce()

    async def wait(self, seconds: float) -> bool:
        """True when something arrived in INBOX since the last call, and at the first call."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._told.wait()
        told = self._told.is_set()
        self._told.clear()
        return told

    async def close(self) -> None:
        """Leave."""
        self.closed = True

    def _begin(self, method: str) -> None:
        assert not self.closed, f"{method} after close"
        self.before(method)

    def _watched(self) -> Sequence[str]:
        return self._wanted or [name for name in self.server.boxes if name != "Drafts"]

    def _box(self, name: str, uidvalidity: int | None = None) -> Box:
        box = self.server.boxes.get(name)
        if box is None:
            raise Unreachable(f'there is no mailbox "{name}"')
        if uidvalidity is not None and box.uidvalidity != uidvalidity:
            raise Unreachable(f'UIDVALIDITY of "{name}" has changed')
        return box

    def _fetched(self, mailbox: str, box: Box, uid: int) -> Fetched:
        stored = box.messages[uid]
        return Fetched(
            mailbox=mailbox,
            uidvalidity=box.uidvalidity,
            uid=uid,
            received_at=stored.received_at.replace(microsecond=0),
            size=len(stored.raw),
            header=_sift(_split(stored.raw)[0])[:65_536],
        )


def _split(raw: bytes) -> tuple[bytes, bytes]:
    header, empty, body = raw.partition(b"\r\n\r\n")
    return header + empty, body


def _sift(header: bytes) -> bytes:
    """The fields that a real mailbox is asked for, as they stand."""
    kept = [
        each
        for each in re.split(rb"(?<=\n)(?![ \t])", header)
        if each.partition(b":")[0].strip().lower().decode("latin-1") in _SIFTED
    ]
    return b"".join(kept) + b"\r\n"


def _fits(wanted: Search, stored: Stored) -> bool:
    message = BytesHeaderParser().parsebytes(_split(stored.raw)[0])
    ids = " ".join(
        str(value) for name in ("Message-ID", "In-Reply-To", "References") for value in message.get_all(name, [])
    )
    if set(re.findall(r"<[^<>\s]*>", ids)) & set(wanted.message_ids):
        return True
    if wanted.address is None or (wanted.received_since and stored.received_at < wanted.received_since):
        return False
    people = [str(value) for name in ("From", "To", "Cc") for value in message.get_all(name, [])]
    return wanted.address.lower() in {address.lower() for _, address in getaddresses(people)}
