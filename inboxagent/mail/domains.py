"""Internationalised domain names (RFC 5890): one domain, two ways to write it."""


def ascii_domain(domain: str) -> str | None:
    """The domain in ASCII, or None where that would not lead back to the same name (a sharp s, for one)."""
    if domain.isascii():
        return domain
    try:
        found = domain.lower().encode("idna")
        return found.decode("ascii") if found.decode("idna") == domain.lower() else None
    except UnicodeError:
        return None


def forms(address: str) -> frozenset[str]:
    """The address in lower case in every way its domain may be written: mail programs do not agree on one."""
    local, at, domain = address.lower().rpartition("@")
    written = {domain, ascii_domain(domain) or domain, _unicode_domain(domain)}
    return frozenset(local + at + each for each in written)


def _unicode_domain(domain: str) -> str:
    if "xn--" not in domain:
        return domain
    try:
        return domain.encode("ascii").decode("idna")
    except UnicodeError:
        return domain
