"""A whole mail provider inside this process, on loopback: IMAP and submission for several people, nothing on disk.

Serves the demo and the tests. It runs in a thread of its own and lives by the clock it is given, so that a demo whose
clock runs fast has dates that agree. Mail for an unknown person is reported back (RFC 3464) or refused at RCPT.
"""

import asyncio
import email
import email.policy
import itertools
import threading
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from types import TracebackType
from typing import Any, Self, TypeVar

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from inboxagent.cli.embedded_imap import ImapServer

HOST = "127.0.0.1"
NAME = "provider.test"
WIRE = email.policy.SMTP.clone(max_line_length=998)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A message that was accepted by SMTP for one recipient, and when."""

    at: datetime
    reverse_path: str
    recipient: str
    message: bytes


Answer = Callable[[Letter], bytes | None]
"""What a machine sends back at once to the reverse-path, if anything; called in the provider's thread."""


class EmbeddedProvider:
    """The provider; a context manager. `imap_port` and `submission_port` are known while it runs; no TLS on either."""

    def __init__(
        self, passwords: Mapping[str, str], now: Callable[[], datetime], *, refuse_unknown: bool = False
    ) -> None:
        """`passwords` by address, lower-cased, which is the user name too; `now` tells aware times."""
        self.host = HOST
        self.imap_port = self.submission_port = 0
        self.accepted: list[Letter] = []
        self._passwords = dict(passwords)
        self._now = now
        self._refuse_unknown = refuse_unknown
        self._answers: dict[str, Answer] = {}
        self._numbers = itertools.count(1)
        self._imap = ImapServer(self._passwords)
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="embedded-provider", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        if self._failure:
            raise self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    # --- from other threads

    def deliver(self, address: str, message: bytes, mailbox: str = "INBOX", *, seen: bool = False) -> None:
        """Put a message into a mailbox, as it is, received now. Raises KeyError for an unknown user or mailbox."""
        self._call(self._imap.append(address, mailbox, message, self._now(), seen=seen))

    def mail(self, address: str, mailbox: str = "INBOX") -> list[bytes]:
        """What lies in a mailbox, in order. Raises KeyError for an unknown user or mailbox."""
        return self._call(self._imap.messages(address, mailbox))

    def on_mail(self, address: str, answer: Answer) -> None:
        """From now on ask `answer` about each message that comes by SMTP for this person; reports ask nobody."""
        self._answers[address] = answer

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    # --- in the provider's own thread

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001  # handed to the thread that waits for the start
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        imap = await self._imap.start(HOST)
        submission = await self._loop.create_server(self._new_line, HOST, 0)
        self.imap_port, self.submission_port = (server.sockets[0].getsockname()[1] for server in (imap, submission))
        self._ready.set()
        await self._stop.wait()
        await _let_nobody_in(imap, submission)
        imap.close()
        submission.close()

    def _new_line(self) -> SMTP:
        return SMTP(
            self,
            hostname=NAME,
            authenticator=self._check,
            auth_require_tls=False,
            enable_SMTPUTF8=True,
            loop=self._loop,
        )

    def _check(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: object) -> AuthResult:
        password = self._passwords.get(login.login.decode()) if isinstance(login, LoginPassword) else None
        right = password is not None and isinstance(login, LoginPassword) and password.encode() == login.password
        return AuthResult(success=right, handled=False)

    # aiosmtpd looks for methods of these names.

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Nobody submits without having logged in (RFC 6409, 4.3)."""
        if not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Refuse an unknown person at once where this provider was told so."""
        if self._refuse_unknown and address.lower() not in self._passwords:
            return f"550 5.1.1 <{address}>: there is nobody of that name here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Accept, remember, deliver."""
        content = envelope.content
        message = content if isinstance(content, bytes) else (content or "").encode()
        for recipient in envelope.rcpt_tos:
            letter = Letter(
                at=self._now(), reverse_path=envelope.mail_from or "", recipient=recipient.lower(), message=message
            )
            self.accepted.append(letter)
            await self._route(letter)
        return f"250 2.0.0 OK: accepted as {len(self.accepted)}"

    async def _route(self, letter: Letter) -> None:
        """Into the recipient's mailbox; what a machine answers goes into the sender's, and is itself never answered."""
        known = letter.recipient in self._passwords
        if known:
            await self._imap.append(letter.recipient, "INBOX", self._stamp(letter), letter.at, seen=False)
        if not letter.reverse_path:
            return
        answer = self._answers.get(letter.recipient, silent) if known else report_failure
        if message := answer(letter):
            sender = letter.reverse_path.lower()
            await self._route(Letter(at=self._now(), reverse_path="", recipient=sender, message=message))

    def _stamp(self, letter: Letter) -> bytes:
        """The message below the trace fields of a final delivery (RFC 5321, 4.4)."""
        received = f"Received: by {NAME} with ESMTPA id {next(self._numbers)}; {format_datetime(letter.at)}"
        fields = [f"Return-Path: <{letter.reverse_path}>", f"Delivered-To: {letter.recipient}", received, ""]
        return "\r\n".join(fields).encode() + letter.message


async def _let_nobody_in(*servers: asyncio.Server) -> None:
    """No new line from now on. One that is half-way in gets through first: asyncio loses it, open, on a server that has
    been closed meanwhile."""
    for listener in (each for server in servers for each in server.sockets):
        asyncio.get_running_loop().remove_reader(listener.fileno())
    for _ in range(10):
        await asyncio.sleep(0)


def silent(letter: Letter) -> None:
    """The answer of somebody who has no machine that answers."""


def away(words: str) -> Answer:
    """An absence notice that each sender gets once, in the thread (RFC 3834)."""
    told: set[str] = set()

    def answer(letter: Letter) -> bytes | None:
        message = email.message_from_bytes(letter.message, policy=email.policy.default)
        if letter.reverse_path in told or message.get("Auto-Submitted", "no") != "no":
            return None
        told.add(letter.reverse_path)
        notice = EmailMessage(policy=WIRE)
        notice["From"], notice["To"] = letter.recipient, letter.reverse_path
        notice["Subject"] = f"Automatic reply: {message['Subject']}"
        notice["Date"] = format_datetime(letter.at)
        notice["Message-ID"] = f"<away.{len(told)}.{letter.recipient}>"
        notice["In-Reply-To"] = notice["References"] = str(message["Message-ID"])
        notice["Auto-Submitted"] = "auto-replied"
        notice.set_content(words)
        return notice.as_bytes()

    return answer


def report_failure(letter: Letter) -> bytes:
    """A report that nobody of that name exists, with the header section of what could not be delivered (RFC 3464)."""
    header = letter.message.replace(b"\r\n", b"\n").partition(b"\n\n")[0].decode("utf-8", "surrogateescape")
    report = REPORT.format(
        name=NAME,
        sender=letter.reverse_path,
        recipient=letter.recipient,
        date=format_datetime(letter.at),
        number=int(letter.at.timestamp() * 1_000_000),
        header=header,
    )
    return report.replace("\n", "\r\n").encode("utf-8", "surrogateescape")


REPORT = """\
From: Mail delivery <MAILER-DAEMON@{name}>
To: {sender}
Subject: Your message could not be delivered
Date: {date}
Message-ID: <report.{number}@{name}>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="report.{number}"

--report.{number}
Content-Type: text/plain; charset=utf-8

Your message to <{recipient}> could not be delivered: there is nobody of that name.

--report.{number}
Content-Type: message/delivery-status

Reporting-MTA: dns; {name}

Final-Recipient: rfc822; {recipient}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <{recipient}>: there is nobody of that name

--report.{number}
Content-Type: text/rfc822-headers

{header}

--report.{number}--
"""
