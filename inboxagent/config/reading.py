"""Which keys there are, what they default to, and which of them belong together."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from inboxagent.config import checks
from inboxagent.config.places import default_state
from inboxagent.config.source import Problem, Table, parse
from inboxagent.config.values import Alerting, Config, Microsoft, Secret, Sending, Server, Watching
from inboxagent.errors import ConfigError
from inboxagent.outreach.limits import Limits
from inboxagent.outreach.model import Me
from inboxagent.outreach.unsubscribing import Unsubscribing
from inboxagent.outreach.zones import is_zone

_SECRETS = ("password_command", "password_file", "credential", "token_command")
_LOGIN = ("host", "port", "security", "username", *_SECRETS, "ca_file")

KEYS: Mapping[str, tuple[str, ...]] = {
    "": ("rules", "state", "me", "imap", "smtp", "microsoft", "letters", "limits", "alerts"),
    "me": ("name", "address", "aliases", "zone", "country", "absent"),
    "imap": (*_LOGIN, "mailboxes", "poll", "sent"),
    "smtp": (*_LOGIN, "split_body"),
    "microsoft": ("client_id", "tenant", "authority"),
    "letters": ("list_unsubscribe", "unsubscribe_page"),
    "limits": ("per_day", "per_hour", "company_per_day", "gap", "person_gap", "person_per_week", "brake"),
    "alerts": ("to", "blind_after", "on_reply", "on_alert"),
}

_NEVER_HERE = "a password never stands in this file; use password_command or password_file"
REMEDIES = dict.fromkeys(("password", "passwd", "pass", "secret"), _NEVER_HERE)

IMAP_PORTS = {"tls": 993, "starttls": 143, "none": 143}
SMTP_PORTS = {"tls": 465, "starttls": 587, "none": 587}


def load_config(path: Path, environ: Mapping[str, str]) -> Config:
    """The configuration in this file. Raises ConfigError that lists everything that is wrong with it."""
    try:
        source = path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: byte {error.start} is not UTF-8 text; save the file as UTF-8") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    return read_config(source, path, environ)


def read_config(source: str, path: Path, environ: Mapping[str, str]) -> Config:
    """The configuration with this text; relative paths are relative to the folder of `path`. Raises ConfigError."""
    problems: list[Problem] = []
    top = Table("", parse(source, path), problems)
    config = _config(top, path, environ)
    if problems:
        raise ConfigError(_sentence([problem.show(source, path) for problem in problems]))
    return config


def _sentence(lines: list[str]) -> str:
    if len(lines) == 1:
        return lines[0]
    return "\n  ".join([f"the configuration has {len(lines)} problems:", *lines])


def _config(top: Table, path: Path, environ: Mapping[str, str]) -> Config:
    top.refuse_others(KEYS, REMEDIES)
    folder = path.absolute().parent
    me = _me(top.table("me"), environ)
    microsoft = _microsoft(top.table("microsoft")) if top.has("microsoft") else None
    imap = _imap(top.table("imap"), folder, me, microsoft)
    rules = top.read("rules", checks.optional(checks.folder_under(folder)), None)
    return Config(
        path=path,
        me=me,
        imap=imap,
        watching=_watching(top.table("imap")),
        smtp=_smtp(top.table("smtp"), folder, imap),
        sending=_sending(top.table("smtp"), top.table("letters")),
        limits=_limits(top.table("limits")),
        alerts=_alerts(top.table("alerts"), me),
        rules=rules or folder / "rules",
        rules_named=rules is not None,
        state=top.read("state", checks.optional(checks.folder_under(folder)), None) or default_state(environ),
    )


def _me(table: Table, environ: Mapping[str, str]) -> Me:
    table.refuse_others(KEYS, REMEDIES)
    return Me(
        name=table.need("name", checks.text, 'your name, as letters are signed: name = "Maya Lind"', ""),
        address=table.need("address", checks.address, 'the address you write from: address = "maya@lind.example"', ""),
        aliases=table.read("aliases", checks.addresses, ()),
        zone=table.read("zone", checks.zone, machine_zone(environ)),
        country=table.read("country", checks.optional(checks.region), None) or "",
        absent=table.read("absent", checks.absences, ()),
    )


def machine_zone(environ: Mapping[str, str]) -> str:
    """The zone of this machine, UTC where it has no name."""
    try:
        linked = os.readlink("/etc/localtime").partition("zoneinfo/")[2]
    except OSError:
        linked = ""
    names = (environ.get("TZ", "").removeprefix(":"), linked)
    return next((name for name in names if name and is_zone(name)), "UTC")


def _imap(table: Table, folder: Path, me: Me, microsoft: Microsoft | None) -> Server:
    table.refuse_others(KEYS, REMEDIES)
    secret = _secret(table, folder) or microsoft
    if secret is None and not table.has(*_SECRETS):
        instead = "or one of password_file, credential, token_command"
        table.complain("password_command", f'missing: where the password is, as in ["pass", "mail/maya"]; {instead}')
    username = table.read("username", checks.text, me.address)
    return _server(table, folder, IMAP_PORTS, username, secret)


def _smtp(table: Table, folder: Path, imap: Server) -> Server:
    table.refuse_others(KEYS, REMEDIES)
    secret = _secret(table, folder) or imap.secret
    username = table.read("username", checks.optional(checks.text), imap.username)
    return _server(table, folder, SMTP_PORTS, username, secret)


def _sending(smtp: Table, letters: Table) -> Sending:
    letters.refuse_others(KEYS, REMEDIES)
    usual = Sending()
    return Sending(
        split_body=smtp.read("split_body", checks.yes_or_no, usual.split_body),
        unsubscribing=_unsubscribing(letters),
    )


def _unsubscribing(letters: Table) -> Unsubscribing:
    page = letters.read("unsubscribe_page", checks.optional(checks.token_page), None) or ""
    by_mail = letters.read("list_unsubscribe", checks.yes_or_no, bool(page))
    if page and not by_mail:
        letters.complain("unsubscribe_page", "says where, and list_unsubscribe = false says not at all; drop one")
    return Unsubscribing(by_mail=by_mail, page=page)


def _server(
    table: Table, folder: Path, ports: Mapping[str, int], username: str | None, secret: Secret | None
) -> Server:
    host = table.need("host", checks.host, "the name of the server", "")
    port = table.read("port", checks.port, None)
    security = table.read("security", checks.security, "starttls" if port in (25, 143, 587) else "tls")
    if security == "none" and host and not checks.is_loopback(host):
        table.complain("security", '"none" would show the password to everybody; write "tls" or "starttls"')
    return Server(
        host=host,
        port=port or ports[security],
        security=security,
        username=username,
        secret=secret,
        ca_file=table.read("ca_file", checks.optional(checks.file_under(folder)), None),
    )


def _secret(table: Table, folder: Path) -> Secret | None:
    sources: dict[str, Callable[[object], Secret]] = {
        "password_command": checks.command,
        "password_file": checks.secret_file_under(folder),
        "credential": checks.credential,
        "token_command": checks.token_command,
    }
    found = {key: table.read(key, checks.optional(check), None) for key, check in sources.items()}
    given = [key for key in found if table.has(key)]
    for other in given[1:]:
        table.complain(other, f"there is a {given[0]} too; keep one of the two")
    return found[given[0]] if given else None


def _microsoft(table: Table) -> Microsoft:
    table.refuse_others(KEYS, REMEDIES)
    tenant = table.read("tenant", checks.tenant, "organizations")
    authority = table.read("authority", checks.https_address, "https://login.microsoftonline.com")
    client_id = table.need("client_id", checks.client_id, "the id of the application that you have registered", "")
    return Microsoft(client_id, f"{authority}/{tenant}")


def _watching(table: Table) -> Watching:
    usual = Watching()
    return Watching(
        mailboxes=table.read("mailboxes", checks.mailboxes, usual.mailboxes),
        poll=table.read("poll", checks.poll, usual.poll),
        sent=table.read("sent", checks.optional(checks.text), usual.sent),
    )


def _limits(table: Table) -> Limits:
    table.refuse_others(KEYS, REMEDIES)
    usual = Limits()
    return Limits(
        per_day=table.read("per_day", checks.positive, usual.per_day),
        per_hour=table.read("per_hour", checks.count, usual.per_hour),
        company_per_day=table.read("company_per_day", checks.count, usual.company_per_day),
        gap=table.read("gap", checks.span, usual.gap),
        person_gap=table.read("person_gap", checks.span, usual.person_gap),
        person_per_week=table.read("person_per_week", checks.count, usual.person_per_week),
        brake=table.read("brake", checks.positive, usual.brake),
    )


def _alerts(table: Table, me: Me) -> Alerting:
    table.refuse_others(KEYS, REMEDIES)
    usual = Alerting(to=me.address)
    return Alerting(
        to=table.read("to", checks.optional(checks.address), None) or usual.to,
        blind_after=table.read("blind_after", checks.span, usual.blind_after),
        on_reply=table.read("on_reply", checks.hook, usual.on_reply),
        on_alert=table.read("on_alert", checks.hook, usual.on_alert),
    )
