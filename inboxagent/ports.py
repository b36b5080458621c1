"""What the agent needs of the world: a mailbox, a transport, a store, a clock.

Each protocol has one suite of contract tests that every implementation passes, the fakes of the tests included.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from inboxagent.outreach.erasure import Person
from inboxagent.outreach.events import Event
from inboxagent.outreach.outbox import Envelope, Outcome
from inboxagent.outreach.state import Conversation

REWOUND = "store_rewound"
"""The fact that an older copy of the store was found in place: what went out since then is not known. Nothing may go
out until she removes it."""


@dataclass(frozen=True, slots=True)
class Status:
    """What a mailbox holds, without opening it (RFC 3501, 2.3.1.1)."""

    uidvalidity: int
    uidnext: int


@dataclass(frozen=True, slots=True)
class Cursor:
    """Every message below `next_uid` of this UIDVALIDITY has been judged, and its events are in the store."""

    uidvalidity: int
    next_uid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A message's place, arrival and header section (capped at 64 KB)."""

    mailbox: str
    uidvalidity: int
    uid: int
    received_at: datetime  # INTERNALDATE, aware UTC
    size: int
    header: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """Messages in the order of their UIDs; everything below `next_uid` has been handed out or does not exist."""

    messages: Sequence[Fetched]
    next_uid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Which messages to look for in every watched mailbox: all that fit any of the three."""

    address: str | None = None  # in From, To or Cc
    message_ids: Sequence[str] = ()  # in Message-ID, In-Reply-To or References
    received_since: datetime | None = None  # narrows `address`


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Proof that every watched mailbox was read to its end, by a look that began at `began_at` (boot clock)."""

    began_at: float
    mailboxes: Mapping[str, Status]


class Mailbox(Protocol):
    """All watched mailboxes of one account. Reads with EXAMINE and BODY.PEEK only.

    Every method raises `Unreachable` when the line or the server fails, and then nothing it would have told is known;
    the next call connects anew. `LoginRefused` is final.
    """

    async def status(self) -> Mapping[str, Status]:
        """Ask the server, now, for the status of every watched mailbox; names are decoded (RFC 3501, 5.1.3)."""

    async def headers(self, mailbox: str, cursor: Cursor, uidnext: int, received_since: datetime | None = None) -> Page:
        """Up to 1,000 header sections from `cursor.next_uid` below `uidnext`, narrowed by INTERNALDATE if given.

        Raises `Unreachable` where UIDVALIDITY is not the cursor's, or where a message that exists cannot be fetched.
        """

    async def message(self, fetched: Fetched) -> bytes | None:
        """The whole message, cut at 64 KB of header and 256 KB of body; None where it has been expunged meanwhile."""

    async def search(self, wanted: Search) -> Sequence[Fetched]:
        """What fits, from all watched mailboxes, oldest first by `received_at`; the server's word is checked here."""

    async def sent(self) -> str | None:
        """The name of the Sent mailbox, or None where neither SPECIAL-USE nor the usual names find one."""

    async def holds(self, mailbox: str, message_id: str) -> bool:
        """Whether a message with exactly this Message-ID lies in the mailbox now."""

    async def files_sent(self) -> bool:
        """Whether the server is known to put its own copy of submitted mail into Sent (Gmail, Microsoft)."""

    async def append(self, mailbox: str, message: bytes, received_at: datetime) -> None:
        """APPEND with \\Seen: the only thing ever written."""

    async def wait(self, seconds: float) -> bool:
        """True as soon as new mail was announced since the last call (NOTIFY, or IDLE on INBOX), False when time is up.

        Proves nothing: a dead line looks like silence for a while. Never raises but for `LoginRefused`.
        """

    async def close(self) -> None:
        """Say LOGOUT where possible and free everything; never raises."""


class Handover(Protocol):
    """A letter whose body the server has, and whose dot is missing: provably unsent."""

    async def commit(self) -> Outcome:
        """Write the dot and wait up to 600 s (RFC 5321, 4.5.3.2.6). Never raises: no answer is `Fate.UNCERTAIN`."""

    async def abort(self) -> None:
        """Drop the line without the dot; the server must discard the letter. Never raises."""


class Transport(Protocol):
    """Submission over SMTP. One connection, reused while it lives."""

    async def hand_over(self, envelope: Envelope, message: bytes) -> Handover | Outcome:
        """Connect where needed, MAIL, RCPT, DATA, the body without the dot; an Outcome where the server said no."""

    async def close(self) -> None:
        """QUIT where possible; never raises."""


class Records(Protocol):
    """What the store knows. Everything handed out is fresh: changing it changes nothing."""

    def conversations(self) -> Sequence[Conversation]:
        """All of them, oldest enrolment first."""

    def conversation(self, conversation_id: str) -> Conversation | None:
        """The one with this id."""

    def find(self, index: str, value: str) -> Sequence[Conversation]:
        """Those with this `address` of his, `message_id` (of the thread, or judged), `state` or `id`; by an index."""

    def cursors(self) -> Mapping[str, Cursor]:
        """How far each mailbox has been judged."""

    def suppression(self, address: str) -> str | None:
        """Why this address, the mailbox of this subaddress, or its domain is never written to again; else None."""

    def fact(self, name: str) -> object | None:
        """A remembered JSON value about the account."""


class Ledger(Records, Protocol):
    """The store inside a transaction: fresh, alone, and everything or nothing."""

    def enrol(self, conversation_id: str, *events: Event) -> Conversation:
        """Begin a conversation; its id must be new."""

    def append(self, conversation_id: str, *events: Event) -> Conversation:
        """Add events to a conversation and return it as it is afterwards."""

    def move_cursor(self, mailbox: str, cursor: Cursor | None) -> None:
        """Remember how far a mailbox has been judged; None forgets it."""

    def suppress(self, address: str, because: str) -> None:
        """Never write to this address (or `@domain`) again; the first reason stays. It is never taken back, also not by
        an older copy of the store."""

    def erase(self, person: Person) -> None:
        """Remove everything about this person, from conversations with others too; he is suppressed from now on, and a
        keyed hash is all that is left of him when the transaction is over."""

    def remember(self, name: str, value: object | None) -> None:
        """Keep a JSON value about the account; None removes it."""


class Store(Records, Protocol):
    """The account's memory, shared by the daemon and any number of commands."""

    def generation(self) -> object:
        """Differs from an earlier answer if anybody wrote in between; costs one stat."""

    def others(self) -> object:
        """Differs from an earlier answer if anybody wrote in between but this object itself; costs one stat, and what
        they wrote. Raises `StateDamaged`."""

    def changed(self, since: object = None) -> tuple[Iterable[Conversation], object]:
        """Those that somebody wrote to since an earlier mark, all of them without one; and the mark of now.

        Costs a glance at every id, and what it finds, each read when it is asked for. Now and then more than those are
        handed out.
        """

    def transaction(self, why: str, *, urgent: bool = False) -> AbstractContextManager[Ledger]:
        """Exclusive between processes; durable when it returns; nothing happened when it raises.

        An urgent one (`pause`, `stop`) may use the last room on a full disk. Raises `TryLater` when somebody holds the
        lock for 15 s, `StateUnwritable`, `StateDamaged`.
        """

    def compact(self) -> bool:
        """Tidy up in an idle moment, where that is worth it; may take seconds. Raises as `transaction` does."""

    def close(self) -> None:
        """Free everything."""


class Clock(Protocol):
    """Time: the wall clock decides calendar things only, the boot clock (which sees suspends) measures spans."""

    def now(self) -> datetime:
        """The wall clock, aware, UTC."""

    def boot(self) -> float:
        """Seconds since boot, suspends included; never goes back."""

    def boot_id(self) -> str:
        """The same as long as `boot` goes on without a new beginning, also in other processes of this machine."""

    def seconds_until(self, at: datetime) -> float:
        """How long to wait in seconds of the boot clock until the wall clock shows `at`; never below 0."""


Observe = Callable[[str, Mapping[str, object]], None]
"""Told of each event word with its fields, for logs and for the demo; must not raise."""
