"""Questions to the name server."""

import dns.exception
import dns.resolver

from inboxagent.errors import Unreachable

PATIENCE = 5.0  # seconds for one question
NOBODYS = ("test", "example", "invalid", "localhost", "local")
"""Domains that no name server is to be asked for (RFC 6761, 6762)."""


def resolve(name: str, kind: str) -> list[str]:
    """The records of this kind ("MX", "SRV", "TXT"), each as its words: `10 mx.lind.example.`; a TXT without quotes.

    An empty list where there is none. Raises Unreachable where nobody answers.
    """
    if name.rstrip(".").rpartition(".")[2].lower() in NOBODYS:
        return []
    try:
        answer = dns.resolver.resolve(name, kind, lifetime=PATIENCE, search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.exception.DNSException, OSError) as error:
        raise Unreachable(f"the name servers do not tell of {name}: {type(error).__name__}") from None
    if kind == "TXT":
        return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]
    return [record.to_text() for record in answer]
