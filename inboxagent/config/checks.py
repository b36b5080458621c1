"""What a single value of the configuration may be. Each check returns it typed or raises ValueError with a sentence."""

import ipaddress
import os.path
import re
import stat
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import TypeVar

from inboxagent.config.values import Command, Credential, SecretFile, Security, TokenCommand
from inboxagent.outreach.workdays import Absence, is_region, nearest_region
from inboxagent.outreach.zones import is_zone, nearest_zone

T = TypeVar("T")

_SPAN = re.compile(r"(\d{1,6})\s+(second|minute|hour|day)s?")
# RFC 5321, 4.1.2, and RFC 6531; dots may stand anywhere before the @, as some providers have it.
_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]{1,63}(\.[\w-]{1,63})*")
_PAGE = re.compile(r"https://[!-;=?-~]{1,800}")
_HOST = re.compile(r"[\w.-]{1,253}|\[?[0-9a-fA-F:.]+(%\w+)?\]?")


def text(value: object) -> str:
    """Words on one line."""
    if not isinstance(value, str):
        raise ValueError("write it in quotation marks")
    if not value.strip() or not value.isprintable():
        raise ValueError("write some words on one line")
    return value.strip()


def texts(value: object) -> tuple[str, ...]:
    """A list of words."""
    if not isinstance(value, list) or not value:
        raise ValueError('write a list, as in ["INBOX", "Archive"]')
    return tuple(text(each) for each in value)


def optional(check: Callable[[object], T]) -> Callable[[object], T | None]:
    """The same check, for which empty quotation marks mean nothing."""
    return lambda value: None if value == "" else check(value)


def address(value: object) -> str:
    """One plain address (an addr-spec without quotes, comments or a name), in lower case."""
    written = text(value)
    if not _ADDRESS.fullmatch(written) or len(written) > 254:
        raise ValueError(f'"{written}" is not an address; write it like maya@lind.example')
    return written.lower()


def addresses(value: object) -> tuple[str, ...]:
    """A list of addresses; none is all right."""
    if not isinstance(value, list):
        raise ValueError('write a list, as in ["maya@studio.example"]')
    return tuple(address(each) for each in value)


def zone(value: object) -> str:
    """A time zone that the database knows."""
    written = text(value)
    if is_zone(written):
        return written
    near = nearest_zone(written)
    remedy = f'did you mean "{near}"?' if near else "write it like Europe/Stockholm"
    raise ValueError(f'"{written}" is not a time zone; {remedy}')


def region(value: object) -> str:
    """A country or region whose public holidays are known."""
    written = text(value)
    if is_region(written):
        return written
    near = nearest_region(written)
    remedy = f'did you mean "{near}"?' if near else 'write it like "SE", or "DE-BE" with the region'
    raise ValueError(f'"{written}" is not the code of a country; {remedy}')


def token_page(value: object) -> str:
    """An https address in which each letter's token has its place."""
    written = text(value)
    if not _PAGE.fullmatch(written) or written.count("{token}") != 1:
        raise ValueError(f'"{written}" is not one; write it like https://lind.example/unsubscribe/{{token}}')
    return written


def absences(value: object) -> tuple[Absence, ...]:
    """Days, or spans of days, on which she is away."""
    if not isinstance(value, list):
        raise ValueError('write a list, as in ["2026-12-23/2027-01-06"]')
    return tuple(_absence(text(each)) for each in value)


def _absence(words: str) -> Absence:
    first, slash, last = (part.strip() for part in words.partition("/"))
    try:
        absence = Absence(first=date.fromisoformat(first), last=date.fromisoformat(last if slash else first))
    except ValueError:
        raise ValueError(f'"{words}" is not a span of days; write it like "2026-12-23/2027-01-06"') from None
    if not timedelta(0) <= absence.last - absence.first <= timedelta(days=366):
        raise ValueError(f'"{words}" must end after it begins, and within a year')
    return absence


def host(value: object) -> str:
    """A host name or an IP address, and nothing around it."""
    written = text(value)
    if not _HOST.fullmatch(written):
        raise ValueError("write the name of the server alone, like imap.lind.example: no address, no port")
    return written.strip("[]")


def is_loopback(name: str) -> bool:
    """Whether this host is this machine, and known to be so without asking anybody."""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name.lower() == "localhost"


def port(value: object) -> int:
    """A TCP port."""
    return whole_number(value, least=1, most=65_535)


def security(value: object) -> Security:
    """How the line is encrypted."""
    match value:
        case "tls" | "starttls" | "none":
            return value
        case _:
            raise ValueError('write "tls", "starttls" or "none" (none only for this machine)')


def positive(value: object) -> int:
    """A count of at least 1."""
    return whole_number(value, least=1, most=1_000_000)


def yes_or_no(value: object) -> bool:
    """A switch."""
    if not isinstance(value, bool):
        raise ValueError("write true or false, without quotation marks")
    return value


def count(value: object) -> int:
    """A count, of which 0 means no limit."""
    return whole_number(value, least=0, most=1_000_000)


def whole_number(value: object, least: int, most: int) -> int:
    """An integer between two others."""
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"write a whole number from {least} to {most}, without quotation marks")
    return value


def span(value: object) -> timedelta:
    """Elapsed time in words."""
    found = _SPAN.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError('write a span of time like "90 seconds", "2 minutes", "1 hour" or "1 day"')
    return timedelta(**{f"{found[2]}s": int(found[1])})


def poll(value: object) -> timedelta:
    """How often to look: from a second to a day."""
    every = span(value)
    if not timedelta(seconds=1) <= every <= timedelta(days=1):
        raise ValueError('write at least "1 second" and at most "1 day"')
    return every


def mailboxes(value: object) -> tuple[str, ...] | None:
    """Names of mailboxes, or None for all."""
    if value == "all":
        return None
    try:
        return tuple(dict.fromkeys(texts(value)))
    except ValueError:
        raise ValueError('write "all", or a list of names like ["INBOX", "Archive"]') from None


def command(value: object) -> Command:
    """A command as a list of words, or as one string for the shell."""
    if isinstance(value, str) and value.strip():
        return Command(value)
    if isinstance(value, list) and value and all(isinstance(each, str) and each for each in value):
        return Command(tuple(value))
    raise ValueError('write the command and its arguments as a list, as in ["pass", "mail/maya"]')


def token_command(value: object) -> TokenCommand:
    """A command that prints an access token, as a list of words or as one string for the shell."""
    return TokenCommand(command(value).words)


def credential(value: object) -> Credential:
    """The name of a credential, which is that of a file."""
    written = text(value)
    if "/" in written or written in (".", ".."):
        raise ValueError('write the name alone, as LoadCredential= gives it in the unit: "password"')
    return Credential(written)


def client_id(value: object) -> str:
    """The id of an application, as its registration shows it."""
    written = text(value)
    if not re.fullmatch(r"[\w.-]+", written):
        raise ValueError("write the application (client) id as its registration shows it")
    return written


def tenant(value: object) -> str:
    """A directory of Microsoft's: its id, its domain, or one of their three words for several."""
    written = text(value)
    if not re.fullmatch(r"[\w.-]+", written):
        raise ValueError('write the id or the domain of the tenant, "organizations", "consumers" or "common"')
    return written


def https_address(value: object) -> str:
    """The beginning of an address that is asked over TLS."""
    written = text(value).rstrip("/")
    if not re.fullmatch(r"https://[\w.:-]+", written):
        raise ValueError('write it like "https://login.microsoftonline.com"')
    return written


def folder_under(base: Path) -> Callable[[object], Path]:
    """A check for paths of folders, relative to `base`."""
    return lambda value: base / Path(text(value)).expanduser()


def file_under(base: Path) -> Callable[[object], Path]:
    """A check for paths of files that exist, relative to `base`."""

    def check(value: object) -> Path:
        path = base / Path(text(value)).expanduser()
        if not os.path.isfile(path):
            raise ValueError(f"there is no file {path}")
        return path

    return check


def secret_file_under(base: Path) -> Callable[[object], SecretFile]:
    """A check for files that only their owner may read, relative to `base`."""

    def check(value: object) -> SecretFile:
        path = file_under(base)(value)
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ValueError(f"others may read {path}; close it with: chmod 600 {path}")
        return SecretFile(path)

    return check
