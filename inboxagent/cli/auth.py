"""`auth login`: the log-in at Microsoft, by a code that is typed in a browser on any machine."""

import os

import click

from inboxagent.cli.composition import locate
from inboxagent.cli.login import microsoft_of
from inboxagent.cli.options import config_option
from inboxagent.cli.paper import say
from inboxagent.config import Microsoft, load_config
from inboxagent.errors import ConfigError


@click.group("auth")
def auth_group() -> None:
    """Log in where a password is not enough."""


@auth_group.command("login")
@config_option
def login_command(config: str | None) -> None:
    """Log in at Microsoft: shows an address and a code, and waits until you have typed it there."""
    loaded = load_config(locate(config), os.environ)
    found = [each for each in (loaded.imap, loaded.smtp) if isinstance(each.secret, Microsoft) and each.username]
    if not found:
        raise ConfigError(f"{loaded.path}: no server logs in by [microsoft]; README says what to write there")
    for server in {each.username: each for each in found}.values():
        assert isinstance(server.secret, Microsoft)
        assert server.username is not None
        microsoft_of(loaded, server.secret, server.username).log_in(_show)
        say(f"{server.username} is logged in. Look whether all is well with: inboxagent doctor")


def _show(address: str, code: str) -> None:
    say(f"Open {address} in a browser, on any machine, and type this code:\n\n    {code}\n\nWaiting for you …")
