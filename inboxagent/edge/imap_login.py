"""The log-in to an IMAP server, by a password or by an access token. imapclient's own calls would make a lost line a
refusal."""

import imaplib
import re
from collections.abc import Callable

from inboxagent.edge.imap_answers import quote
from inboxagent.edge.imap_line import Client, Server, words
from inboxagent.errors import LoginRefused

_TEMPORARY = re.compile(
    r"\[(?:UNAVAILABLE|INUSE|LIMIT|SERVERBUG)\]|too many (?:\w+ ){0,2}connections|maximum number of connections"
    r"|temporar|try again|unavailable|throttl|rate limit|internal (?:server )?error",
    re.IGNORECASE,
)
"""Refusals that are not about the password (RFC 5530, and the words of servers without its codes)."""


def log_in(
    dial: Callable[[], Client], server: Server, password: Callable[[], str], token: Callable[[str], str] | None
) -> Client:
    """A client that is logged in, over a line that `dial` opens. Raises `LoginRefused`, or `Unreachable` where the
    server's refusal is not about the password.

    A token that was refused is replaced once, over a new line: it may have been revoked, or expired just now.
    """
    client = dial()
    if token is None:
        secret = password()
        _attempt(server, secret, lambda: _authenticate(client, server, secret))
        return client
    first = token("")
    try:
        _attempt(server, first, lambda: _bear(client, server, first))
        return client
    except LoginRefused:
        second = token(first)
        if second == first:
            raise
    client.imap.shutdown()
    fresh = dial()
    _attempt(server, second, lambda: _bear(fresh, server, second))
    return fresh


def _attempt(server: Server, secret: str, log_in: Callable[[], None]) -> None:
    try:
        log_in()
    except imaplib.IMAP4.error as error:
        said = words(error, hide=secret)
        broken = isinstance(error, imaplib.IMAP4.abort) or "command error: BAD" in said
        if broken or _TEMPORARY.search(said):
            raise server.trouble(f"does not let {server.username} log in now: {said}") from None
        raise LoginRefused(f"{server.place} refuses the log-in of {server.username}: {said}") from None


def _authenticate(client: Client, server: Server, password: str) -> None:
    """AUTHENTICATE PLAIN (RFC 4616), else LOGIN."""
    imap, user = client.imap, server.username
    if client.has_capability("AUTH=PLAIN"):
        imap.authenticate("PLAIN", lambda _: f"\0{user}\0{password}".encode())
    elif client.has_capability("LOGINDISABLED"):
        raise server.trouble("offers no way to log in with a password; it was not sent")
    else:
        imap.literal = None if password.isascii() else password.encode()  # type: ignore[assignment]
        secret = (quote(password.encode()),) if password.isascii() else ()  # else a literal: RFC 3501, 4.3
        kind, texts = imap._simple_command("LOGIN", quote(user.encode()), *secret)
        if kind != "OK":
            raise imaplib.IMAP4.error(texts[-1])
        imap.state = "AUTH"


def _bear(client: Client, server: Server, token: str) -> None:
    """AUTHENTICATE XOAUTH2. A refusal comes as a challenge with the reason, which has to be answered by nothing."""
    if not client.has_capability("AUTH=XOAUTH2"):
        raise server.trouble("takes no access tokens (XOAUTH2); none was sent")
    bearer = f"user={server.username}\x01auth=Bearer {token}\x01\x01".encode()
    imap = client.imap
    imap.authenticate("XOAUTH2", lambda challenge: b"" if challenge else bearer)
