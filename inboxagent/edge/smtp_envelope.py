"""What MAIL and RCPT say for a letter on a given server: paths and parameters (RFC 5321, 1870, 6152, 6531). Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from inboxagent.mail.domains import ascii_domain
from inboxagent.outreach.outbox import Envelope, Fate, Outcome, Phase, Scope
from inboxagent.outreach.replies import one_line

_DOT_STRING = re.compile(r"""[^\s()<>@,;:\\"\[\]\x00-\x1f\x7f\ud800-\udfff]+""")
_QUOTED_STRING = re.compile(r'"(?:[^"\\\x00-\x1f\x7f\ud800-\udfff]|\\[ -~])*"')
_DOMAIN = re.compile(r"[^\s()<>@,;:\\\"\[\]\x00-\x1f\x7f\ud800-\udfff]+|\[[0-9A-Za-z:.]+\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """MAIL and its parameters as words of a command line, and one RCPT for each forward-path, in the same order."""

    mail: tuple[bytes, ...]
    rcpt: tuple[tuple[bytes, ...], ...]


def write_commands(envelope: Envelope, message: bytes, extensions: Mapping[str, str]) -> Commands | Outcome:
    """The commands, or why this server cannot take this letter; `extensions` as in EHLO, keywords in lower case."""
    limit = _announced_size(extensions)
    if limit is not None and len(message) > limit:
        return _refuse(Scope.LETTER, "the letter is too big", f"{len(message)} octets, the server takes {limit}")
    utf8 = "smtputf8" in extensions
    paths = []
    for address in (envelope.reverse_path, *envelope.forward_paths):
        path = _path(address, utf8)
        if isinstance(path, Outcome):
            return path
        paths.append(path)
    parameters = _parameters(message, extensions, international=any(not path.isascii() for path in paths))
    return Commands(
        mail=(b"MAIL", b"FROM:<" + paths[0] + b">", *parameters),
        rcpt=tuple((b"RCPT", b"TO:<" + path + b">") for path in paths[1:]),
    )


def _announced_size(extensions: Mapping[str, str]) -> int | None:
    """The limit of RFC 1870; none is said by leaving it out or by 0."""
    value = extensions.get("size", "").strip()
    return int(value) or None if value.isascii() and value.isdigit() else None


def _parameters(message: bytes, extensions: Mapping[str, str], *, international: bool) -> list[bytes]:
    parameters = []
    if "size" in extensions:
        parameters.append(b"SIZE=%d" % len(message))
    if "8bitmime" in extensions and not message.isascii():
        parameters.append(b"BODY=8BITMIME")
    if international:
        parameters.append(b"SMTPUTF8")
    return parameters


def _path(address: str, utf8: bool) -> bytes | Outcome:
    """The address as it stands between the angle brackets: ASCII where possible, UTF-8 where the server allows it."""
    local, at, domain = address.rpartition("@")
    if not (at and (_DOT_STRING.fullmatch(local) or _QUOTED_STRING.fullmatch(local)) and _DOMAIN.fullmatch(domain)):
        return _refuse(Scope.PROSPECT, "the address does not work", f"not an address: {address!r}", address)
    plain = ascii_domain(domain)
    if local.isascii() and plain is not None:
        return f"{local}@{plain}".encode("ascii")
    if not utf8:
        means = "the server takes no addresses with letters beyond ASCII (SMTPUTF8)"
        return _refuse(Scope.PROSPECT, means, address, address)
    return address.encode()


def _refuse(scope: Scope, means: str, text: str, address: str | None = None) -> Outcome:
    return Outcome(
        fate=Fate.REFUSED, scope=scope, phase=Phase.MAIL, means=means, text=one_line([], text), address=address
    )
