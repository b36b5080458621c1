"""`init`: from an address to a configuration that works, tried before it is written."""

import asyncio
import json
import os
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import click

from inboxagent.cli.composition import Composition
from inboxagent.cli.discovery import discover
from inboxagent.cli.paper import columns, plain, say, tell
from inboxagent.config import checks, read_config
from inboxagent.config.places import NAME, config_home, find_config
from inboxagent.config.providers import Place, Provider
from inboxagent.config.reading import IMAP_PORTS, SMTP_PORTS, machine_zone
from inboxagent.edge.system_identity import carry_credentials, hand_over
from inboxagent.edge.system_state import make_state, write_whole
from inboxagent.errors import ConfigError, LoginRefused, Refused, StateUnwritable, Unreachable, UsageError
from inboxagent.outreach.stoppage import explain

T = TypeVar("T")

TRIES = 3  # of a password that is typed
OPTIONS = ("--password-command", "--password-file", "--credential", "--token-command")
NEXT = (
    ("inboxagent doctor", "looks at everything once"),
    ("inboxagent preview proposal", "the letters and dates of a sequence that ships"),
    ("inboxagent enroll proposal ADDRESS --dry-run", ""),
)
LET_RUN = "inboxagent service install"  # for the file in the usual place
WRITTEN = "Written: {path} (for you alone)"


@click.command("init")
@click.option("--address", metavar="ADDRESS", help="The address that you write from.")
@click.option("--name", metavar="NAME", help="Your name, as letters are signed.")
@click.option("--zone", metavar="ZONE", help="Your time zone, where it is not this machine's.")
@click.option("--country", metavar="CODE", default="", help="Whose public holidays are yours: SE, DE-BE.")
@click.option("--imap", metavar="HOST[:PORT][/starttls]", help="The IMAP server, where it is not found by itself.")
@click.option("--smtp", metavar="HOST[:PORT][/starttls]", help="The SMTP server.")
@click.option("--username", metavar="NAME", help="For the log-in, where it is not the address.")
@click.option("--password-command", metavar="COMMAND", help="A command that prints the password.")
@click.option("--password-file", metavar="FILE", help="A file with the password, mode 0600.")
@click.option("--credential", metavar="NAME", help="The systemd credential with the password.")
@click.option("--token-command", metavar="COMMAND", help="A command that prints an access token (OAuth 2.0).")
@click.option("--client-id", metavar="ID", help="Of the application that you have registered at Microsoft.")
@click.option("--ca-file", metavar="FILE", default="", help="The certificate of a private authority.")
@click.option("--no-login", is_flag=True, help="Write the file without trying it.")
@click.option("--config", "config", metavar="FILE", help="Where to write it.")
def init_command(
    address: str | None,
    name: str | None,
    zone: str | None,
    country: str,
    imap: str | None,
    smtp: str | None,
    username: str | None,
    ca_file: str,
    no_login: bool,
    config: str | None,
    client_id: str | None,
    **ways: str | None,
) -> None:
    """Write your configuration: find the servers, try the log-in, show the mailboxes. Asks what no option says."""
    path = Path(config).expanduser().absolute() if config else config_home(os.environ) / NAME
    if path.exists():
        raise Refused(f"{path} is there already; edit it, or move it away")
    carry_credentials(path)
    address = _asked("Your address", address, "--address", checks.address)
    provider = _servers(address, imap, smtp)
    me = {"name": _asked("Your name, as letters are signed", name, "--name", checks.text), "address": address}
    me |= {"zone": _checked(zone, "--zone", checks.zone) if zone else machine_zone(os.environ)}
    me |= {"country": _checked(country, "--country", checks.region)} if country else {}
    authority = str(_checked(ca_file, "--ca-file", checks.file_under(Path.cwd()))) if ca_file else ""
    tables = _tables(me, provider, username or provider.username, authority)
    given = {key: value for key, value in ways.items() if value}
    if "password_file" in given:
        kept = _checked(given["password_file"], "--password-file", checks.secret_file_under(Path.cwd()))
        given["password_file"] = str(kept.path)
    if provider.way == "microsoft" and not given:
        told = _asked("Application (client) id at Microsoft", client_id, "--client-id", checks.client_id)
        _write(path, _render({**tables, "microsoft": {"client_id": told}}))
        say(f"{WRITTEN.format(path=path)}\n\nNext, log in there:  inboxagent auth login{_naming(path)}")
        return
    if given:
        text = _render({**tables, "imap": {**tables["imap"], **given}})
        _try(text, path, log_in=not no_login)
    else:
        text = _with_typed_password(tables, path, provider, log_in=not no_login)
    _write(path, text)
    if not hand_over(path):
        make_state(read_config(text, path, os.environ).state)  # from now on one that is missing has been lost
    _say_next(path)


def _say_next(path: Path) -> None:
    named = _naming(path)
    let_run = (f"inboxagent run{named}" if named else LET_RUN, "lets it run")
    lines = columns([*((f"    {command}{named}", what) for command, what in NEXT), (f"    {let_run[0]}", let_run[1])])
    say("\n".join(["", WRITTEN.format(path=path), "", "Next:", *lines]))


def _naming(path: Path) -> str:
    """What commands need besides to find this file, where it is not the one that they would take."""
    try:
        usual = find_config(None, os.environ)
    except ConfigError:
        usual = None
    return "" if usual == path else f" --config {shlex.quote(str(path))}"


def _servers(address: str, imap: str | None, smtp: str | None) -> Provider:
    """Those of the options; else those that are found; else those that she names."""
    found = None
    if imap is None or smtp is None:
        tell(f"Looking for the servers of {address} …")
        found = discover(address)
        tell(f"  {found.because}" if found else "  nobody says where they are")
    incoming = found.imap if found and imap is None else _place("IMAP server", imap, "--imap", IMAP_PORTS)
    outgoing = found.smtp if found and smtp is None else _place("SMTP server", smtp, "--smtp", SMTP_PORTS)
    for kind, place in (("IMAP", incoming), ("SMTP", outgoing)):
        tell(f"  {kind}: {place.host}, port {place.port}, {place.security}")
    if found is None:
        return Provider(imap=incoming, smtp=outgoing, because="you said so")
    return replace(found, imap=incoming, smtp=outgoing)


def _place(what: str, given: str | None, option: str, ports: Mapping[str, int]) -> Place:
    return _asked(what, given, option, partial(_read_place, ports=ports))


def _read_place(value: object, ports: Mapping[str, int]) -> Place:
    """`mail.lind.example`, `mail.lind.example:143/starttls`. Raises ValueError that names the part that is wrong."""
    server, slash, said = checks.text(value).partition("/")
    host, colon, port = server.rpartition(":") if server.count(":") == 1 else (server, "", "")
    usual = {number: name for name, number in ports.items() if name != "none"}
    number = _read_port(port) if colon else None
    if slash and said not in ports:
        raise ValueError(f'"{said}" is no way to encrypt; there are: {", ".join(ports)} (none only for this machine)')
    security = checks.security(said if slash else usual.get(number or 0, "tls"))
    return Place(checks.host(host), number or ports[security], security)


def _read_port(words: str) -> int:
    try:
        return checks.port(int(words))
    except ValueError:
        raise ValueError(f'"{words}" is not a port; write a number from 1 to 65535 behind the colon') from None


def _asked(what: str, given: str | None, option: str, check: Callable[[object], T]) -> T:
    """The value of an option, or her answer; without a terminal nobody is asked."""
    if given is not None:
        return _checked(given, option, check)
    if not _has_terminal():
        raise UsageError(f"without a terminal, say it by {option}; see also: inboxagent init --help")
    while True:
        try:
            return check(click.prompt(what, err=True))
        except ValueError as error:
            tell(str(error))


def _checked(given: str, option: str, check: Callable[[object], T]) -> T:
    try:
        return check(given)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None


def _has_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _tables(me: Mapping[str, str], provider: Provider, username: str, ca_file: str) -> dict[str, dict[str, object]]:
    who = {"username": username} if username else {}
    authority = {"ca_file": ca_file} if ca_file else {}
    return {
        "me": dict(me),
        "imap": {**asdict(provider.imap), **who, **authority},
        "smtp": {**asdict(provider.smtp), **authority},
    }


def _render(tables: Mapping[str, Mapping[str, object]]) -> str:
    """TOML, of which JSON's strings and numbers are a part."""
    lines = {name: [f"{key} = {json.dumps(value)}" for key, value in keys.items()] for name, keys in tables.items()}
    return "\n".join("\n".join([f"[{name}]", *each, ""]) for name, each in lines.items())


def _with_typed_password(
    tables: Mapping[str, Mapping[str, object]], path: Path, provider: Provider, *, log_in: bool
) -> str:
    """Ask for the password until the server takes it, and keep it in a file beside the configuration."""
    kept = path.parent / "password"
    if kept.exists():
        raise Refused(f"{kept} is there already; use it by: --password-file {kept}")
    text = _render({**tables, "imap": {**tables["imap"], "password_file": str(kept)}})
    for tries in range(1, TRIES + 1):
        _write(kept, _password(provider) + "\n")
        try:
            _try(text, path, log_in=log_in)
        except LoginRefused as error:
            kept.unlink()
            if tries == TRIES:
                raise
            tell(f"inboxagent: {error}")
        except BaseException:
            kept.unlink()
            raise
        else:
            return text
    raise AssertionError("the last try has ended it")


def _password(provider: Provider) -> str:
    if not _has_terminal():
        raise UsageError(f"without a terminal, say where the password is by {', '.join(OPTIONS)}")
    hint = "App password (your provider makes one)" if provider.way == "app password" else "Password"
    return str(click.prompt(f"{hint}, not shown, kept in a file for you alone", hide_input=True, err=True))


def _try(text: str, path: Path, *, log_in: bool) -> None:
    """Read what is to be written, and log in to both servers. Raises what is wrong."""
    try:
        config = read_config(text, path, os.environ)
    except ConfigError as error:
        raise ConfigError(f"nothing is written, for the file would be wrong:\n{error}") from None
    if log_in:
        asyncio.run(_log_in(Composition(config, tell)))


async def _log_in(composition: Composition) -> None:
    mailbox, transport = composition.mailbox(), composition.transport()
    config = composition.config
    try:
        names, sent = list(await mailbox.status()), await mailbox.sent()
        tell(f"{config.imap.host}: logged in; {len(names)} mailboxes are read: {plain(', '.join(names[:12]))}")
        tell(
            f"  copies of your letters lie in {plain(sent)}" if sent else "  no mailbox for sent mail: see [imap] sent"
        )
        if (refusal := await transport.probe()) is not None:
            place, said = f"{config.smtp.host}:{config.smtp.port}", explain(refusal)
            raise (LoginRefused if refusal.fatal else Unreachable)(said if place in said else f"{place}: {said}")
        tell(f"{config.smtp.host}: logged in")
    finally:
        await asyncio.gather(mailbox.close(), transport.close())


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(path, text.encode())
    except OSError as error:
        raise StateUnwritable(f"{path} cannot be written: {error.strerror}") from error
