"""Questions to the name server: each answered by records, or by nothing where there is none or nobody answers."""

import dns.exception
import dns.resolver

PATIENCE = 5.0  # seconds for one question


def resolve(name: str, kind: str) -> list[str]:
    """The records of this kind ("MX", "SRV", "TXT"), each as its words: `10 mx.lind.example.`; a TXT without quotes."""
    try:
        answer = dns.resolver.resolve(name, kind, lifetime=PATIENCE, search=False)
    except dns.exception.DNSException:
        return []
    if kind == "TXT":
        return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]
    return [record.to_text() for record in answer]
