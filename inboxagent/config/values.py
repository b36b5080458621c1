"""What a configuration says, as values."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal

from inboxagent.outreach.limits import Limits
from inboxagent.outreach.model import Me
from inboxagent.outreach.unsubscribing import Unsubscribing

Security = Literal["tls", "starttls", "none"]


@dataclass(frozen=True, slots=True)
class Command:
    """A command that prints a password: its words, or one string for the shell."""

    words: tuple[str, ...] | str


@dataclass(frozen=True, slots=True)
class SecretFile:
    """A file whose first line is a password; nobody but its owner may read it."""

    path: Path


@dataclass(frozen=True, slots=True)
class Credential:
    """A password that systemd hands over: the first line of this file in `$CREDENTIALS_DIRECTORY`."""

    name: str


@dataclass(frozen=True, slots=True)
class TokenCommand:
    """A command that prints an access token of OAuth 2.0, alone or as the JSON of RFC 6749, 5.1."""

    words: tuple[str, ...] | str


@dataclass(frozen=True, slots=True)
class Microsoft:
    """Access tokens that `auth login` has been given by Microsoft for the application `client_id`.

    `authority` is the address of the tenant's log-in, https.
    """

    client_id: str
    authority: str


Secret = Command | SecretFile | Credential | TokenCommand | Microsoft


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where and how to log in; without a username there is no log-in. `ca_file` is the certificate of an authority."""

    host: str
    port: int
    security: Security
    username: str | None
    secret: Secret | None
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """Which mailboxes are read (None: all), how often those that announce nothing, and which one is Sent."""

    mailboxes: tuple[str, ...] | None = None
    poll: timedelta = timedelta(minutes=2)
    sent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerting:
    """Whom to tell by mail when the mailboxes could not be read, and after how long; commands to run for an answer, and
    for whatever she has to know."""

    to: str
    blind_after: timedelta = timedelta(minutes=10)
    on_reply: Command | None = None
    on_alert: Command | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """How letters leave: whether the body goes before the last look, and what they offer in List-Unsubscribe."""

    split_body: bool = True
    unsubscribing: Unsubscribing = field(default_factory=Unsubscribing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One account. `rules` and `state` are folders; that of the rules need not exist unless the file names it."""

    path: Path
    me: Me
    imap: Server
    watching: Watching
    smtp: Server
    sending: Sending
    limits: Limits
    alerts: Alerting
    rules: Path
    rules_named: bool
    state: Path
