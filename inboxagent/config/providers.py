"""Where the mail of an address is: what providers are known for, what they publish, and how it is read. Pure."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

from inboxagent.config.values import Security

Way = Literal["password", "app password", "microsoft"]
SECURITIES = {"SSL": "tls", "STARTTLS": "starttls"}


@dataclass(frozen=True, slots=True)
class Place:
    """A server and how it is spoken to."""

    host: str
    port: int
    security: Security


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """Both servers of an address, how one logs in, and where this is known from."""

    imap: Place
    smtp: Place
    because: str
    way: Way = "password"
    username: str = ""  # empty: the address


def _tls(name: str, imap: str, smtp: str, way: Way = "password") -> Provider:
    return Provider(
        imap=Place(imap, 993, "tls"), smtp=Place(smtp, 465, "tls"), way=way, because=f"{name} is known to be there"
    )


GOOGLE = _tls("Gmail", "imap.gmail.com", "smtp.gmail.com", "app password")
MICROSOFT = replace(
    _tls("Microsoft 365", "outlook.office365.com", "smtp.office365.com", "microsoft"),
    smtp=Place("smtp.office365.com", 587, "starttls"),
)
FASTMAIL = _tls("Fastmail", "imap.fastmail.com", "smtp.fastmail.com", "app password")
ICLOUD = replace(
    _tls("iCloud", "imap.mail.me.com", "smtp.mail.me.com", "app password"),
    smtp=Place("smtp.mail.me.com", 587, "starttls"),
)
GMX = _tls("GMX", "imap.gmx.net", "mail.gmx.net")

BY_DOMAIN = {
    **dict.fromkeys(("gmail.com", "googlemail.com"), GOOGLE),
    **dict.fromkeys(("outlook.com", "hotmail.com", "live.com", "msn.com", "outlook.de"), MICROSOFT),
    **dict.fromkeys(("fastmail.com", "fastmail.fm"), FASTMAIL),
    **dict.fromkeys(("icloud.com", "me.com", "mac.com"), ICLOUD),
    **dict.fromkeys(("gmx.de", "gmx.net", "gmx.at", "gmx.ch"), GMX),
    "web.de": _tls("WEB.DE", "imap.web.de", "smtp.web.de"),
    "mailbox.org": _tls("mailbox.org", "imap.mailbox.org", "smtp.mailbox.org"),
    "posteo.de": _tls("Posteo", "posteo.de", "posteo.de"),
    "yahoo.com": _tls("Yahoo", "imap.mail.yahoo.com", "smtp.mail.yahoo.com", "app password"),
    "zoho.com": _tls("Zoho", "imap.zoho.com", "smtp.zoho.com", "app password"),
}
BY_EXCHANGER = {
    "google.com": GOOGLE,
    "googlemail.com": GOOGLE,
    "outlook.com": MICROSOFT,
    "messagingengine.com": FASTMAIL,
    "icloud.com": ICLOUD,
    "mailbox.org": BY_DOMAIN["mailbox.org"],
    "zoho.com": BY_DOMAIN["zoho.com"],
}


def known(domain: str) -> Provider | None:
    """The provider whose own domain this is."""
    return BY_DOMAIN.get(domain.lower())


def by_exchanger(records: Iterable[str]) -> Provider | None:
    """The provider that takes the mail of a domain, by its MX records."""
    for record in records:
        host = record.split()[-1].rstrip(".").lower()
        for suffix, provider in BY_EXCHANGER.items():
            if host == suffix or host.endswith(f".{suffix}"):
                return replace(provider, because=f"its mail is taken by {host}")
    return None


def read_autoconfig(document: bytes, address: str, source: str) -> Provider | None:
    """What a Thunderbird autoconfig file says: the first IMAP and SMTP servers that are encrypted, or None."""
    try:
        tree = ET.fromstring(document)  # noqa: S314 expat since 2.4 bounds entities, and the caller the size
    except ET.ParseError:
        return None
    imap = _first(tree.iterfind(".//incomingServer[@type='imap']"))
    smtp = _first(tree.iterfind(".//outgoingServer[@type='smtp']"))
    if imap is None or smtp is None:
        return None
    pattern = _text(tree.find(".//incomingServer[@type='imap']"), "username")
    return Provider(imap=imap, smtp=smtp, username=_username(pattern, address), because=f"published at {source}")


def _first(servers: Iterable[ET.Element]) -> Place | None:
    for server in servers:
        host, port, kind = (_text(server, name) for name in ("hostname", "port", "socketType"))
        if re.fullmatch(r"[\w.-]+", host) and port.isdecimal() and kind in SECURITIES:
            return Place(host, int(port), cast(Security, SECURITIES[kind]))
    return None


def _text(server: ET.Element | None, name: str) -> str:
    return ((server.findtext(name) if server is not None else None) or "").strip()


def _username(pattern: str, address: str) -> str:
    local, _, domain = address.partition("@")
    filled = pattern.replace("%EMAILADDRESS%", address).replace("%EMAILLOCALPART%", local)
    filled = filled.replace("%EMAILDOMAIN%", domain)
    return "" if filled == address or "%" in filled else filled


def read_services(records: Mapping[str, Sequence[str]], domain: str) -> Provider | None:
    """What SRV records say, by the name of the service (RFC 6186, 8314): TLS from the beginning goes before STARTTLS.

    None without both servers.
    """
    incoming = _service(records["imaps"], "tls") or _service(records["imap"], "starttls")
    outgoing = _service(records["submissions"], "tls") or _service(records["submission"], "starttls")
    if incoming is None or outgoing is None:
        return None
    return Provider(imap=incoming, smtp=outgoing, because=f"SRV records of {domain}")


def _service(records: Sequence[str], security: Security) -> Place | None:
    """The record with the lowest priority; a target of `.` says that there is no such service."""
    split = sorted((record.split() for record in records), key=lambda words: int(words[0]))
    host = split[0][3].rstrip(".") if split else ""
    return Place(host, int(split[0][2]), security) if host else None
