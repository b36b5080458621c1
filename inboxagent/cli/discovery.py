"""Finding the servers of an address: known providers, autoconfig files, SRV and MX records, in this order."""

from collections.abc import Callable
from urllib.parse import quote

from inboxagent.config.providers import Provider, by_exchanger, known, read_autoconfig, read_services
from inboxagent.edge.dns import resolve
from inboxagent.edge.web import fetch
from inboxagent.errors import Unreachable

Fetch = Callable[[str], bytes | None]
Resolve = Callable[[str, str], list[str]]


def discover(address: str, fetch: Fetch = fetch, resolve: Resolve = resolve) -> Provider | None:
    """Where the mail of this address is; None where nobody says it. Asks nobody but the address's own domain."""
    domain = address.partition("@")[2]
    return (
        known(domain)
        or _published(address, domain, fetch)
        or _announced(domain, resolve)
        or by_exchanger(_records(resolve, domain, "MX"))
    )


def _published(address: str, domain: str, fetch: Fetch) -> Provider | None:
    for place in (
        f"https://autoconfig.{domain}/mail/config-v1.1.xml?emailaddress={quote(address)}",
        f"https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml",
    ):
        document = fetch(place)
        if document is not None and (found := read_autoconfig(document, address, place.partition("?")[0])):
            return found
    return None


def _records(resolve: Resolve, name: str, kind: str) -> list[str]:
    """None where nobody answers: she is asked instead."""
    try:
        return resolve(name, kind)
    except Unreachable:
        return []


def _announced(domain: str, resolve: Resolve) -> Provider | None:
    names = ("imaps", "imap", "submissions", "submission")
    services = {each: _records(resolve, f"_{each}._tcp.{domain}", "SRV") for each in names}
    return read_services(services, domain)
