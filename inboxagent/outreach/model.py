"""The people and messages of a conversation, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from inboxagent.mail.domains import forms
from inboxagent.mail.headers import Address, without_detail
from inboxagent.outreach.workdays import Absence
from inboxagent.outreach.zones import zone_of_region


def _written(*addresses: str) -> frozenset[str]:
    return frozenset().union(*map(forms, (*addresses, *map(without_detail, addresses))))


@dataclass(frozen=True, kw_only=True)
class Me:
    """The consultant: her name, the address she is known by, further own addresses (all lower-case), her IANA zone, her
    country or region (`DE-BE`; empty where she did not say), and when she is away."""

    name: str
    address: str
    aliases: tuple[str, ...] = ()
    zone: str = "UTC"
    country: str = ""
    absent: tuple[Absence, ...] = ()

    @cached_property
    def addresses(self) -> frozenset[str]:
        """Every address of hers, lower-case however they were written, with both forms of an international domain and
        without the detail of a subaddress; ask with `is_one_of`."""
        return _written(self.address, *self.aliases)

    @property
    def domain(self) -> str:
        """The domain part of her address."""
        return self.address.rpartition("@")[2]


@dataclass(frozen=True, kw_only=True)
class Prospect:
    """A person she writes to: a lower-case address, his name where known, and the facts letters may use.

    `seen_zone` is the IANA zone that his own mail speaks of, empty where it is not known.
    """

    address: str
    name: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    seen_zone: str = ""

    @cached_property
    def addresses(self) -> frozenset[str]:
        """Every address known to be his, lower-case however they were written; see `Me.addresses`."""
        return _written(self.address, *self.aliases)

    @property
    def zone(self) -> str | None:
        """His IANA zone: the field `zone`, else that of his country, else what his own mail said."""
        return self.fields.get("zone") or zone_of_region(self.country) or self.seen_zone or None

    @property
    def country(self) -> str:
        """The field `country`: a country or region (`DE-BE`), empty where it is not known."""
        return self.fields.get("country", "").strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A message of the thread: what an answer to it needs (RFC 5322, 3.6.2 to 3.6.5)."""

    message_id: str
    at: datetime
    subject: str
    from_: Address
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    references: tuple[str, ...] = ()  # of this message, oldest first, itself not included
    thread_root: str = ""  # what its Thread-Index shares with its thread


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """What was known when a prospect was enrolled; never changed afterwards.

    `latest` is the newest message of the thread (None: the first step opens it), `touches` how many messages of hers
    there were, `history` the Message-IDs that were there already: none of them is ever an answer to a follow-up.
    `tone` and `pace` go before those of the rule file; `origin` is the conversation that handed him on,
    `subject` what she called the thread that the first step opens.
    """

    sequence: str
    prospect: Prospect
    latest: Mail | None = None
    touches: int = 0
    last_touch_at: datetime | None = None
    thread: tuple[str, ...] = ()
    history: tuple[str, ...] = ()
    start: str | None = None
    tone: str | None = None
    pace: float | None = None
    origin: str | None = None
    subject: str | None = None
