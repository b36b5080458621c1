"""One SMTP connection: opened, encrypted and logged in by single steps, asked one command at a time."""

import asyncio
import base64
import ipaddress
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Literal, cast

import aiosmtplib

from inboxagent.errors import ConfigError, InboxagentError
from inboxagent.outreach.outbox import Fate, Outcome, Phase, Scope
from inboxagent.outreach.replies import one_line, read_break, read_reply

Security = Literal["tls", "starttls", "none"]
Password = Callable[[], str]
Token = Callable[[str], str]

_HOST_NAME = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Za-z:.]+\]")

# Large enough for most letters in one go, small enough that a slow line shows in the buffer of the transport.
_BLOCK = 65_536
_SUCCESS = range(200, 300)
_LONG_PAUSE = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds: to connect and be greeted, for a command, for the answer to the dot (RFC 5321, 4.5.3.2), for QUIT."""

    connect: float = 15
    command: float = 60
    dot: float = 600
    quit: float = 5
    idle_close: float = 60  # a connection not used for so long is closed


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where to submit and as whom. `password` may block and is asked anew at each connection; so is `token`, which
    is used in its place where there is one (OAuth 2.0), and called with the one that was refused, if any.

    Raises `ConfigError` where a line in clear would leave the machine, or where `ca_file` cannot be read; with a
    `ca_file`, only its authorities are trusted.
    """

    host: str
    port: int
    security: Security
    ca_file: str | None = None
    username: str | None = None
    password: Password | None = field(default=None, repr=False)
    token: Token | None = field(default=None, repr=False)
    local_hostname: str | None = None
    timeouts: Timeouts = Timeouts()

    def __post_init__(self) -> None:
        """Refuse what must not be tried."""
        if self.security == "none" and not _is_loopback(self.host):
            raise ConfigError(f"smtp: security none is for this machine alone, not for {self.host}")
        if self.local_hostname is not None and not _HOST_NAME.fullmatch(self.local_hostname):
            raise ConfigError(f"smtp: local_hostname is not the name of a machine: {self.local_hostname!r}")

    def trust(self) -> ssl.SSLContext | None:
        """Whom to believe: certificate and host name are always checked. None where nothing is encrypted."""
        if self.security == "none":
            return None
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:
            raise ConfigError(f"smtp: the ca_file {self.ca_file} cannot be used: {error}") from None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


class Session:
    """A connection and the questions it can be asked; every answer that is not yes comes back as an `Outcome`."""

    def __init__(self, server: Server, trust: ssl.SSLContext | None) -> None:
        """Connects nothing yet."""
        self._server = server
        self._smtp = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            local_hostname=server.local_hostname,
            timeout=server.timeouts.command,
            use_tls=server.security == "tls",
            start_tls=False,
            tls_context=trust,
        )
        self._line: asyncio.BaseTransport | None = None  # aiosmtplib forgets it before a TLS line is closed

    @property
    def alive(self) -> bool:
        """Whether the line was still there when last heard of."""
        return self._smtp.is_connected

    @property
    def extensions(self) -> dict[str, str]:
        """What EHLO offered, keywords in lower case."""
        return self._smtp.esmtp_extensions

    async def open(self) -> Outcome | None:
        """Connect, greet, encrypt, log in; None when the session is ready for MAIL."""
        refusal = await self._dial() or await self._log_in()
        if refusal is not None:
            self.drop()
        return refusal

    async def _dial(self) -> Outcome | None:
        return await self._connect() or await self._greet() or await self._encrypt()

    async def ask(
        self, phase: Phase, *words: bytes, yes: range = _SUCCESS, address: str | None = None
    ) -> Outcome | None:
        """Send one command; None where the server says yes, else what its reply, or its silence, means."""
        if unasked := self._unasked():
            self.drop()
            return read_reply(phase, -1, f"an answer that nobody asked for: {unasked}", address=address)
        try:
            code, text = await self._smtp.execute_command(*words)
        except aiosmtplib.SMTPException as error:
            return self._broken(phase, error, address)
        return None if code in yes else read_reply(phase, code, text, address=address)

    async def dot(self) -> Outcome:
        """Write the dot and read what became of the letter. Nothing is written where the line is known to be lost."""
        if not self.alive:
            return read_break(Phase.BODY, f"{self._server.host} closed the line before the dot")
        if unasked := self._unasked():
            return read_break(Phase.BODY, f"an answer before the dot was written: {unasked}")
        try:
            code, text = await self._smtp.execute_command(b".", timeout=self._server.timeouts.dot)
        except Exception as error:  # noqa: BLE001 - whatever it is, the server may have the letter
            return self._broken(Phase.DOT, error)
        return read_reply(Phase.DOT, code, text, host=self._server.host)

    async def write(self, stuffed: bytes) -> Outcome | None:
        """Send the body, which ends with CRLF, without the dot; None when it has left this process."""
        try:
            for start in range(0, len(stuffed), _BLOCK):
                if self._smtp.protocol is None:
                    return read_break(Phase.BODY, f"{self._server.host} closed the line in mid-letter")
                self._smtp.protocol.write(stuffed[start : start + _BLOCK])
                if self._unwritten():
                    await asyncio.wait_for(self._drained(), self._server.timeouts.command)
        except (aiosmtplib.SMTPException, OSError) as error:  # TimeoutError is an OSError
            return self._broken(Phase.BODY, error)
        return None

    async def _drained(self) -> None:
        """Wait until the transport's buffer is empty, or the line gone."""
        while self._unwritten():  # noqa: ASYNC110 - aiosmtplib has no public call that tells of it
            await asyncio.sleep(0.005)

    def _unwritten(self) -> bool:
        return self.alive and cast(asyncio.WriteTransport, self._smtp.transport).get_write_buffer_size() > 0

    def _unasked(self) -> str:
        """What the server said beyond the last reply; aiosmtplib would take it for the answer to the next command.

        It has no public name, so without it we would be no worse off than without this look.
        """
        return bytes(getattr(self._smtp.protocol, "_buffer", b"")).decode("utf-8", "replace").strip()

    async def reset(self) -> None:
        """RSET (RFC 5321, 4.1.1.5), so that the next letter may come; a server that dislikes it loses the line."""
        try:
            await self._smtp.rset(timeout=self._server.timeouts.quit)
        except (aiosmtplib.SMTPException, OSError):
            self.drop()

    async def quit(self) -> None:
        """Say goodbye and close; never raises but for a cancellation, after which the line is gone too."""
        try:
            await self._smtp.quit(timeout=self._server.timeouts.quit)
        except (aiosmtplib.SMTPException, OSError):
            pass
        finally:
            self.drop()

    def drop(self) -> None:
        """Cut the line at once; what was not ended by the dot does not exist (RFC 5321, 4.1.1.4)."""
        if self._line is not None:
            cast(asyncio.WriteTransport, self._line).abort()
            self._line = None
        self._smtp.close()

    def _broken(self, phase: Phase, error: Exception, address: str | None = None) -> Outcome:
        """The line is out of step or gone: cut it, and say what that means in this phase."""
        self.drop()
        if isinstance(error, aiosmtplib.SMTPResponseException):
            return read_reply(phase, error.code, error.message, address=address)
        return read_break(phase, str(error) or type(error).__name__, address=address)

    async def _connect(self) -> Outcome | None:
        self.drop()
        try:
            await self._smtp.connect(timeout=self._server.timeouts.connect)
        except (aiosmtplib.SMTPException, OSError) as error:
            return self._untrusted(error.__cause__) or self._broken(Phase.CONNECT, error)
        self._line = self._smtp.transport
        return None

    async def _greet(self) -> Outcome | None:
        try:
            await self._smtp.ehlo()
        except (aiosmtplib.SMTPException, OSError) as error:
            return self._broken(Phase.CONNECT, error)
        return None

    async def _encrypt(self) -> Outcome | None:
        if self._server.security != "starttls":
            return None
        if not self._smtp.supports_extension("starttls"):
            return self._cannot(Phase.TLS, "the server offers no STARTTLS, and no password goes out in clear")
        try:
            await self._smtp.starttls(timeout=self._server.timeouts.connect)
        except (aiosmtplib.SMTPException, OSError) as error:
            return self._untrusted(error) or self._broken(Phase.TLS, error)
        self._line = self._smtp.transport
        return await self._greet()

    def _untrusted(self, error: BaseException | None) -> Outcome | None:
        """What a bad certificate means: never tried without, and not before an hour is over."""
        if not isinstance(error, ssl.SSLCertVerificationError):
            return None
        return self._cannot(Phase.TLS, "the certificate is not to be trusted", error.verify_message)

    def _cannot(self, phase: Phase, means: str, text: str = "") -> Outcome:
        where = f"{self._server.host}:{self._server.port}"
        return Outcome(
            fate=Fate.DEFERRED,
            scope=Scope.ACCOUNT,
            phase=phase,
            means=means,
            text=one_line([f"{where}:"], text or means),
            retry_after=_LONG_PAUSE,
        )

    async def _log_in(self) -> Outcome | None:
        server = self._server
        if server.username is None or (server.password is None and server.token is None):
            return None
        known = ("plain", "login") if server.token is None else ("xoauth2",)
        offered = self._smtp.server_auth_methods
        mechanism = next((each for each in known if each in offered), None)
        if mechanism is None:
            ours = " and ".join(known).upper()
            words = f"the server offers {', '.join(offered) or 'no log-in at all'}, we know {ours}"
            refusal = self._cannot(Phase.AUTH, "no log-in in common", words)
            return replace(refusal, fate=Fate.REFUSED, retry_after=None, fatal=True)
        try:
            if server.token is not None:
                return await self._log_in_by_token(server.username, server.token)
            password = await asyncio.to_thread(server.password or str)
        except (InboxagentError, OSError) as error:
            return self._cannot(Phase.AUTH, "the password could not be had", str(error))
        return await self._authenticate(mechanism, server.username, password)

    async def _log_in_by_token(self, username: str, token: Token) -> Outcome | None:
        """With one that was refused replaced once: it may have been revoked, or expired just now."""
        first = await asyncio.to_thread(token, "")
        refusal = await self._authenticate("xoauth2", username, first)
        if refusal is None or refusal.fate is not Fate.REFUSED:
            return refusal
        second = await asyncio.to_thread(token, first)
        if second == first:
            return refusal
        again = None if self.alive else await self._dial()
        return again or await self._authenticate("xoauth2", username, second)

    async def _authenticate(self, mechanism: str, username: str, password: str) -> Outcome | None:
        """One attempt with one mechanism: a second one after a refusal is what locks accounts."""
        smtp = self._smtp
        attempts = {"plain": smtp.auth_plain, "login": smtp.auth_login, "xoauth2": smtp.auth_xoauth2}
        try:
            await attempts[mechanism](username, password)
        except aiosmtplib.SMTPAuthenticationError as error:
            refusal = read_reply(Phase.AUTH, error.code, error.message)
        except (aiosmtplib.SMTPException, OSError) as error:
            refusal = self._broken(Phase.AUTH, error)
        else:
            return None
        return replace(refusal, text=_without_secrets(refusal.text, username, password))


def _without_secrets(text: str, username: str, password: str) -> str:
    """The server's words without what it may have echoed of our log-in."""
    secrets = (f"\0{username}\0{password}", f"user={username}\1auth=Bearer {password}\1\1", password)
    for secret in (*(base64.b64encode(each.encode()).decode() for each in secrets), password):
        text = text.replace(secret, "***") if secret else text
    return text
