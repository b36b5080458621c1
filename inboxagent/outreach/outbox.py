"""The life of one send: envelope, outcome, and what an SMTP answer means by phase, code and scope."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Fate(StrEnum):
    """How a send ended. `UNCERTAIN`: the server may or may not have it; never sent again blindly."""

    SENT = "sent"
    DEFERRED = "deferred"
    REFUSED = "refused"
    UNCERTAIN = "uncertain"


class Scope(StrEnum):
    """Whom an answer concerns: this letter, this prospect, or her whole account."""

    LETTER = "letter"
    PROSPECT = "prospect"
    ACCOUNT = "account"


class Phase(StrEnum):
    """Where in the dialogue the answer came (RFC 5321, 3)."""

    CONNECT = "connect"
    TLS = "tls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"
    DOT = "dot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """Reverse-path and forward-paths (RFC 5321, 2.3.1). The first forward-path is the prospect, the others are Cc."""

    reverse_path: str
    forward_paths: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a send ended, whom that concerns, and the server's own words."""

    fate: Fate
    scope: Scope
    phase: Phase
    text: str  # one line: code and words of the server, or what broke
    code: int | None = None
    status: str | None = None  # enhanced status code (RFC 3463), "5.1.1"
    address: str | None = None  # the recipient it is about
    retry_after: timedelta | None = None  # for DEFERRED: not before
    fatal: bool = False  # stop the account for good: log-in refused, configuration wrong
