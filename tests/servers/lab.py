"""A consultant's provider and the prospects' world on loopback: Dovecot with Sieve behind a Postfix with two hops, and
the same with Cyrus in Dovecot's place for the consultant.

`consultant.test` is delivered straight, `prospect.test` over a second hop that knows only the lab's users (550 5.1.1).
These always fail: full.test 5.2.2, blocked.test 5.7.1, moved.test 5.1.6, any other domain 5.4.4; slow.test and
dead.test are deferred (a delay notice after about 4 s, given up after about 20 s); refused.test (550) and later.test
(450) are refused at RCPT; silent.test swallows.
"""

import email
import email.policy
import shutil
import smtplib
import tempfile
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from imaplib import IMAP4
from pathlib import Path
from types import TracebackType
from typing import Any

from inboxagent.edge.imap import ImapMailbox
from tests.servers import cyrus, dovecot, postfix
from tests.servers.polling import free_port, until

WIRE = email.policy.SMTP.clone(max_line_length=998)


def missing() -> str | None:
    """Why there can be no lab here; None if there can."""
    reasons = [reason for reason in (dovecot.missing(), postfix.missing()) if reason]
    return "; ".join(reasons) or None


def mailbox_of(lab: "Lab | CyrusLab", user: str, **options: Any) -> ImapMailbox:
    """The account of a user, over TLS if nothing else is said."""
    secure: dict[str, Any] = {"port": lab.imaps_port, "security": "tls"}
    return ImapMailbox(
        host=lab.host,
        ca_file=str(lab.cafile),
        username=user,
        password=lambda: lab.password,
        **(secure | options),
    )


class Post:
    """What a lab's people do besides reading; needs `host`, `password`, `tls`, `mail` and `submission_port`."""

    def submit(self, sender: str, recipients: str | Sequence[str], message: EmailMessage | bytes) -> None:
        """Send as a mail program does: STARTTLS, AUTH, MAIL, RCPT, DATA; raises smtplib's errors."""
        raw = message if isinstance(message, bytes) else message.as_bytes(policy=WIRE)
        with smtplib.SMTP(self.host, self.submission_port, local_hostname=dovecot.NAME) as smtp:
            smtp.starttls(context=self.tls())
            smtp.login(sender, self.password)
            smtp.sendmail(sender, recipients, raw)

    def wait_mail(
        self,
        address: str,
        wanted: Callable[[EmailMessage], bool] = lambda message: True,
        mailbox: str = "INBOX",
        within: float = 90,
    ) -> EmailMessage:
        """The first message of a mailbox that is wanted, as soon as it is there."""

        def look() -> EmailMessage | None:
            parsed = (email.message_from_bytes(raw, policy=email.policy.default) for raw in self.mail(address, mailbox))
            return next((message for message in parsed if wanted(message)), None)

        found = until(look, within, what=f"{address} has the mail that is wanted in {mailbox}")
        assert found is not None
        return found


class Lab(Post, dovecot.Dovecot):
    """Both servers, running while the context is entered. `postfix` can be stopped and started by itself."""

    def __init__(self, hers: int | None = None, introspection: str | None = None) -> None:
        """`hers` is the LMTP port of another server that has the mailboxes of consultant.test; `introspection` is where
        access tokens are looked up (RFC 7662), for those who log in by XOAUTH2."""
        self.root = Path(tempfile.mkdtemp(prefix="lab", dir="/tmp"))
        self.root.chmod(0o755)
        relay_port = free_port()
        super().__init__(self.root / "d", submission=(dovecot.HOST, relay_port), introspection=introspection)
        self.postfix = postfix.Postfix(self.root / "p", self, relay_port, hers)
        self.submission_port, self.smtps_port = self.postfix.submission_port, self.postfix.smtps_port

    def __enter__(self) -> "Lab":
        self.start()
        self.postfix.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.postfix.stop()
        self.stop()
        shutil.rmtree(self.root, ignore_errors=True)


class CyrusLab(Post, cyrus.Cyrus):
    """Cyrus has the mailboxes of consultant.test; the prospects, the passwords and the way there are a lab's."""

    def __init__(self) -> None:
        memory = Path("/dev/shm")  # Cyrus syncs whatever it writes, to no use here
        self.root = Path(tempfile.mkdtemp(prefix="cyr", dir=memory if memory.is_dir() else "/tmp"))
        self.root.chmod(0o755)
        super().__init__(self.root / "c")
        self._world = Lab(hers=self.lmtp_port)
        self.submission_port = self._world.submission_port
        certificates = [self.cafile.read_text(), self._world.cafile.read_text()]
        self.cafile = self.root / "both.pem"
        self.cafile.write_text("".join(certificates))

    def __enter__(self) -> "CyrusLab":
        self._world.__enter__()
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._world.__exit__(kind, error, trace)
        shutil.rmtree(self.root, ignore_errors=True)

    def new_user(self, name: str, domain: str = "prospect.test", sieve: str | None = None) -> str:
        """As in any lab; Sieve is for prospects."""
        if domain == "consultant.test":
            return super().new_user(name, domain)
        return self._world.new_user(name, domain, sieve)

    def imap(self, address: str) -> IMAP4:
        """A logged-in connection to the server that has this mailbox."""
        return super().imap(address) if address.endswith("@consultant.test") else self._world.imap(address)
