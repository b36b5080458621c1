"""The life of one send: its envelope, how it ended, and when a deferred one is tried again."""

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
    """How a send ended, whom that concerns, and the server's own words.

    `DEFERRED` always has `retry_after`; `REFUSED` for the whole account is always `fatal`; only the phase `DOT` can be
    `SENT` or `UNCERTAIN`.
    """

    fate: Fate
    scope: Scope
    phase: Phase
    text: str  # one line: code and words of the server, or what broke
    means: str = ""  # what we take it for, a sentence fragment: "the recipient is unknown there"
    code: int | None = None
    status: str | None = None  # enhanced status code (RFC 3463), "5.1.1"
    address: str | None = None  # the recipient it is about
    retry_after: timedelta | None = None  # for DEFERRED: not before, after the first time; later times: `back_off`
    most_tries: int | None = None  # for DEFERRED: given up after so many
    policy: bool = False  # refused as spam or by a policy: the second one within a day stops all sending
    fatal: bool = False  # stop the account for good: log-in refused, configuration wrong
    names: tuple[str, ...] = ()  # Message-IDs that the server says it gave the letter


GIVE_UP_AFTER = timedelta(days=3)
_MINUTE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(hours=4)
_ACCOUNT_PAUSES = (_MINUTE, 5 * _MINUTE, 15 * _MINUTE, timedelta(hours=1))


def back_off(outcome: Outcome, tries: int) -> timedelta:
    """How long to wait after the `tries`-th deferral in a row (1 is the first), by scope; `tries` below 1 counts as 1.

    An account waits 1, 5, 15, 60 minutes, beginning with what the outcome says; a letter doubles up to four hours.
    """
    first = outcome.retry_after or _MINUTE
    if outcome.scope is Scope.ACCOUNT:
        pauses = [pause for pause in _ACCOUNT_PAUSES if pause > first]
        return [first, *pauses][min(max(tries, 1), len(pauses) + 1) - 1]
    return max(first, min(first * (1 << min(max(tries, 1) - 1, 20)), _LONGEST_PAUSE))


def gives_up(outcome: Outcome, tries: int, since: timedelta) -> bool:
    """Whether a deferred letter is not tried again: too many tries, or three days since the first.

    Never for what concerns the whole account: that is no fault of the letter.
    """
    if outcome.fate is not Fate.DEFERRED or outcome.scope is Scope.ACCOUNT:
        return False
    return since >= GIVE_UP_AFTER or (outcome.most_tries is not None and tries >= outcome.most_tries)
