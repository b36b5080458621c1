"""From what the configuration says of a secret to what a log-in asks for it."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from inboxagent.cli.paper import tell
from inboxagent.config import Command, Config, Credential, Microsoft, SecretFile, Server, TokenCommand
from inboxagent.edge.system import SystemClock
from inboxagent.edge.system_secrets import (
    read_credential,
    read_password_file,
    run_password_command,
    run_secret_command,
)

if TYPE_CHECKING:
    from inboxagent.edge.system_microsoft import MicrosoftToken


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What is asked at each log-in: a password, or an access token, which is told the one that was refused."""

    password: Callable[[], str] = str
    token: Callable[[str], str] | None = None


def login_of(config: Config, server: Server) -> Login | None:
    """How to log in to this server; None where nobody is to."""
    if server.username is None:
        return None
    match server.secret:
        case None:
            return None
        case Command(words):
            return Login(password=partial(run_password_command, words, waiting=_tell_waiting))
        case SecretFile(path):
            return Login(password=partial(read_password_file, path))
        case Credential(name):
            return Login(password=partial(read_credential, name, os.environ))
        case TokenCommand(words):
            from inboxagent.edge.system_token import CommandToken

            run = partial(run_secret_command, words, "token", waiting=_tell_waiting)
            return Login(token=CommandToken(run, SystemClock().boot))
        case Microsoft():
            return Login(token=microsoft_of(config, server.secret, server.username))


def microsoft_of(config: Config, microsoft: Microsoft, username: str) -> "MicrosoftToken":
    """Tokens of Microsoft's for this mailbox, kept in a file of their own beside the state."""
    from inboxagent.edge.store import file_stem
    from inboxagent.edge.system_microsoft import MicrosoftToken

    kept = config.state / "microsoft" / f"{file_stem(username)}.json"
    return MicrosoftToken(microsoft.client_id, microsoft.authority, username, kept)


def _tell_waiting(words: str) -> None:
    """Somebody at a terminal wonders; a log is told where it failed."""
    if sys.stderr is not None and sys.stderr.isatty():
        tell(f"inboxagent: {words}")
