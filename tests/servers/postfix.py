"""A private Postfix on loopback ports; needs root. Nothing it takes can leave the machine.

Five doors: `submission` (AUTH, STARTTLS) as a provider offers it, `smtps` the same in TLS, `plain` without any, for a
proxy that reads along, `relay` for Sieve's answers, and `mx`, the other side's port 25, so that mail to prospect.test
takes a second hop and a bounce reads as in the world.
"""

import grp
import os
import pwd
import shutil
import smtplib
import subprocess
from pathlib import Path

from tests.servers.dovecot import HOST, NAME, Dovecot, search_path
from tests.servers.polling import free_port, until

MASTERS = ("/usr/lib/postfix/sbin/master", "/usr/libexec/postfix/master", "/usr/lib/postfix/master")
PRIVATE = ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace")


def missing() -> str | None:
    """Why no Postfix can be started here; None if it can."""
    if master() is None:
        return "not installed: postfix"
    return None if os.geteuid() == 0 else "Postfix starts only as root"


def master() -> str | None:
    return next((path for path in MASTERS if Path(path).exists()), None)


class Postfix:
    """One instance with a folder of its own; local mail ends in `dovecot`, who also checks its passwords.

    Mail to consultant.test goes to the LMTP port `hers`, where it is given.
    """

    def __init__(self, folder: Path, dovecot: Dovecot, relay_port: int, hers: int | None = None) -> None:
        self.folder = folder
        self.submission_port, self.smtps_port, self.mx_port = free_port(), free_port(), free_port()
        self.plain_port, self.relay_port = free_port(), relay_port
        self._dovecot = dovecot
        self._hers = hers or dovecot.lmtp_port
        self._process: subprocess.Popen[bytes] | None = None
        self._prepare()

    def start(self) -> None:
        """Start, on the same ports as before, and return when it greets. Tried again where it ends at once: another
        program may hold one of the ports for a moment."""
        until(self._is_up, what=f"Postfix greets; see {self.folder}/log/mail.log")

    def stop(self) -> None:
        """Stop it; what is queued stays queued."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def is_empty(self) -> bool:
        """Whether nothing is on its way."""
        queues = (self.folder / "queue" / name for name in ("maildrop", "incoming", "active", "deferred"))
        return not any(each.is_file() for queue in queues for each in queue.rglob("*"))

    def flush(self) -> None:
        """Try what is deferred again, now."""
        command = ["postqueue", "-c", str(self.folder / "etc"), "-f"]
        subprocess.run(command, check=True, env={"PATH": search_path()})

    def _is_up(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            command = [master() or "master", "-c", str(self.folder / "etc")]
            deadly = ["setpriv", "--pdeathsig=TERM"] if shutil.which("setpriv") else []
            self._process = subprocess.Popen([*deadly, *command], env={"PATH": search_path()}, start_new_session=True)
        return self._greets()

    def _greets(self) -> bool:
        try:
            with smtplib.SMTP(HOST, self.submission_port, local_hostname=NAME, timeout=5) as line:
                return line.noop()[0] == 250
        except (OSError, smtplib.SMTPException):
            return False

    def _prepare(self) -> None:
        etc, queue = self.folder / "etc", self.folder / "queue"
        for path in (etc, queue, self.folder / "data", self.folder / "log"):
            path.mkdir(parents=True)
        values = {
            "dir": str(self.folder),
            "name": NAME,
            "submission": str(self.submission_port),
            "smtps": str(self.smtps_port),
            "plain": str(self.plain_port),
            "relay": str(self.relay_port),
            "mx": str(self.mx_port),
            "lmtp": str(self._dovecot.lmtp_port),
            "hers": str(self._hers),
            "dovecot": str(self._dovecot.folder),
        }
        for name, template in {"main.cf": MAIN, "master.cf": MASTER, "transport": TRANSPORT, "known": KNOWN}.items():
            for key, value in values.items():
                template = template.replace(f"@{key}@", value)
            (etc / name).write_text(template)
            os.utime(etc / name, (1, 1))  # Postfix dozes for seconds while a file it reads is hot
        self._make_queue(queue)

    def _make_queue(self, queue: Path) -> None:
        """The directories that `postfix start` would make, with their owners."""
        owner, drop = pwd.getpwnam("postfix").pw_uid, grp.getgrnam("postdrop").gr_gid
        for name in PRIVATE:
            (queue / name).mkdir(mode=0o700)
            os.chown(queue / name, owner, -1)
        os.chown(self.folder / "data", owner, -1)
        for name, mode in (("maildrop", 0o730), ("public", 0o710), ("pid", 0o755)):
            (queue / name).mkdir()
            os.chown(queue / name, 0 if name == "pid" else owner, drop)
            (queue / name).chmod(mode)


# A user of the lab has a name that ends in a digit; everybody else is unknown at the prospect's door.
KNOWN = r"""
/^[^@]*[0-9](\+[^@]*)?@/ OK
"""

TRANSPORT = """
consultant.test  lmtp:inet:127.0.0.1:@hers@
prospect.test    smtp:[127.0.0.1]:@mx@
full.test        error:5.2.2 The mailbox of the recipient is over its quota
blocked.test     error:5.7.1 This message was rejected by local policy
moved.test       error:5.1.6 The recipient has moved and left no address
slow.test        retry:4.2.0 Greylisted, come back later
dead.test        smtp:[127.0.0.1]:9
silent.test      discard:
*                error:5.4.4 There is no such host
"""

MAIN = """
compatibility_level = 3.6
queue_directory = @dir@/queue
data_directory = @dir@/data
maillog_file = @dir@/log/mail.log
maillog_file_prefixes = @dir@/log
myhostname = @name@
mydomain = consultant.test
myorigin = consultant.test
mydestination =
local_recipient_maps =
local_transport = error:5.1.1 There are no local users
alias_maps =
alias_database =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
disable_dns_lookups = yes
smtp_host_lookup = native
biff = no
notify_classes =
smtpd_error_sleep_time = 0
smtpd_client_connection_count_limit = 0
recipient_delimiter = +
virtual_mailbox_domains = consultant.test prospect.test
virtual_mailbox_maps =
virtual_transport = lmtp:inet:127.0.0.1:@lmtp@
transport_maps = texthash:@dir@/etc/transport
relay_domains =
smtpd_tls_cert_file = @dovecot@/cert.pem
smtpd_tls_key_file = @dovecot@/key.pem
smtpd_tls_security_level = may
smtpd_tls_session_cache_database =
smtpd_tls_auth_only = yes
smtp_tls_security_level = none
smtpd_sasl_type = dovecot
smtpd_sasl_path = @dovecot@/run/sasl
smtpd_sasl_security_options = noanonymous
smtpd_relay_restrictions = permit_sasl_authenticated, reject
refusals = check_recipient_access inline:{
    { refused.test = 550 5.1.1 Recipient address rejected: no such user },
    { later.test = 450 4.7.1 Recipient address rejected: try again later } }
minimal_backoff_time = 2s
maximal_backoff_time = 4s
queue_run_delay = 2s
delay_warning_time = 3s
maximal_queue_lifetime = 18s
bounce_queue_lifetime = 18s
"""

MASTER = """
127.0.0.1:@submission@ inet n - n - - smtpd
  -o smtpd_sasl_auth_enable=yes -o smtpd_reject_unlisted_recipient=no -o smtpd_recipient_restrictions=$refusals
127.0.0.1:@smtps@ inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
  -o smtpd_sasl_auth_enable=yes -o smtpd_reject_unlisted_recipient=no -o smtpd_recipient_restrictions=$refusals
127.0.0.1:@plain@ inet n - n - - smtpd -o smtpd_tls_auth_only=no -o smtpd_sasl_security_options=noanonymous
  -o smtpd_sasl_auth_enable=yes -o smtpd_reject_unlisted_recipient=no -o smtpd_recipient_restrictions=$refusals
127.0.0.1:@relay@ inet n - n - - smtpd
  -o smtpd_relay_restrictions=permit_mynetworks,reject -o smtpd_reject_unlisted_recipient=no
127.0.0.1:@mx@ inet n - n - - smtpd -o myhostname=mx.prospect.test
  -o smtpd_relay_restrictions=reject_unauth_destination -o smtpd_reject_unlisted_recipient=yes
  -o virtual_mailbox_maps=regexp:@dir@/etc/known -o content_filter=lmtp:inet:127.0.0.1:@lmtp@
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
