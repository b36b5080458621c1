"""A private Dovecot on loopback ports: IMAP, LMTP and Sieve, for any user; as root it runs as `nobody`.

Speaks the configuration languages of Dovecot 2.3 and of 2.4.
"""

import contextlib
import grp
import os
import pwd
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
from imaplib import IMAP4
from pathlib import Path

from tests.servers.polling import free_port, listens, until

HOST = "127.0.0.1"
PASSWORD = "open-sesame"  # of everybody
NAME = "mail.consultant.test"  # what the servers call themselves; the certificate is for localhost
LMTP = ("/usr/lib/dovecot/lmtp", "/usr/libexec/dovecot/lmtp")


def missing() -> str | None:
    """Why no Dovecot can be started here; None if it can."""
    absent = [name for name in ("openssl", "dovecot", "sievec") if not shutil.which(name, path=search_path())]
    if not absent and not any(Path(path).exists() for path in LMTP):
        absent = ["Dovecot's lmtp"]
    return f"not installed: {', '.join(absent)}" if absent else None


def search_path() -> str:
    return os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/local/sbin"


class ImapHost:
    """What the private servers have in common: an owner who is not root, ports, and people with mailboxes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.host = HOST
        self.password = PASSWORD
        self.imap_port, self.imaps_port, self.lmtp_port = free_port(), free_port(), free_port()
        self.cafile = folder / "cert.pem"
        self._owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        self._users = 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, on the same ports as before, and return when it greets. Tried again where it ends at once: another
        program may hold one of the ports for a moment."""
        until(self._is_up, what=f"the IMAP server greets; see its log in {self.folder}")

    def stop(self) -> None:
        """Kill it as a power cut would, sessions included, and return when nobody listens any more."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
            until(lambda: not any(map(listens, (self.imap_port, self.imaps_port, self.lmtp_port))), what="it is gone")

    # --- people and their mail

    def new_user(self, name: str, domain: str = "prospect.test") -> str:
        """The address, and user name, of a mailbox nobody else uses; its local part ends in a digit."""
        self._users += 1
        return f"{name}{self._users}@{domain}"

    def deliver(self, address: str, message: bytes, sender: str = "someone@elsewhere.test") -> None:
        """Deliver as the last hop does (LMTP, Sieve included)."""
        with smtplib.LMTP(HOST, self.lmtp_port, local_hostname=NAME) as lmtp:
            lmtp.sendmail(sender, [address], message)

    def imap(self, address: str) -> IMAP4:
        """A logged-in connection of another mail program; the caller says logout."""
        client = IMAP4(HOST, self.imap_port)
        client.login(address, PASSWORD)
        return client

    def mail(self, address: str, mailbox: str = "INBOX") -> list[bytes]:
        """The raw messages of a mailbox, in order; none where it does not exist."""
        client = self.imap(address)
        try:
            if client.select(f'"{mailbox}"', readonly=True)[0] != "OK":
                return []
            parts = client.uid("FETCH", "1:*", "(BODY.PEEK[])")[1]  # FETCH 1:* is BAD in an empty mailbox, UID is not
            return [part[1] for part in parts if isinstance(part, tuple)]
        finally:
            client.logout()

    def tls(self) -> ssl.SSLContext:
        """A context that trusts this server's certificate and checks its name."""
        return ssl.create_default_context(cafile=str(self.cafile))

    # --- inside

    def _give_away(self) -> None:
        """Let the owner have the folder and what is in it."""
        for path in [self.folder, *self.folder.rglob("*")]:
            os.chown(path, self._owner.pw_uid, self._owner.pw_gid)
        self.folder.chmod(0o755)

    def _as_owner(self, command: list[str]) -> list[str]:
        """The command as it is started: it dies with the tests, and is never root, whose mail no server takes."""
        if not shutil.which("setpriv"):
            return command
        drop = [f"--reuid={self._owner.pw_uid}", f"--regid={self._owner.pw_gid}", "--clear-groups"]
        return ["setpriv", "--pdeathsig=KILL", *(drop if os.geteuid() == 0 else []), *command]

    def _environment(self) -> dict[str, str]:
        return {"PATH": search_path()}

    def _run(self, *command: str, input: bytes | None = None) -> None:
        subprocess.run(
            self._as_owner(list(command)), check=True, capture_output=True, env=self._environment(), input=input
        )

    def _command(self) -> list[str]:
        """What starts it in the foreground."""
        raise NotImplementedError

    def _is_up(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            command = self._as_owner(self._command())
            self._process = subprocess.Popen(command, env=self._environment(), start_new_session=True)
        return self._greets() and listens(self.imaps_port) and listens(self.lmtp_port)

    def _greets(self) -> bool:
        try:
            with socket.create_connection((HOST, self.imap_port), timeout=5) as line:
                return line.recv(4) == b"* OK"
        except OSError:
            return False


class Dovecot(ImapHost):
    """One instance with a folder of its own. The folder's path must be short (sockets) and open to other users."""

    def __init__(
        self, folder: Path, submission: tuple[str, int] | None = None, introspection: str | None = None
    ) -> None:
        """`submission` is where Sieve hands its answers to, `introspection` where access tokens are looked up."""
        super().__init__(folder)
        self._submission = submission
        self._introspection = introspection
        self._prepare()

    def kick(self, address: str) -> None:
        """Cut every connection of that user."""
        self._doveadm("kick", address)

    def new_user(self, name: str, domain: str = "prospect.test", sieve: str | None = None) -> str:
        """As ever; with an active Sieve script."""
        address = super().new_user(name, domain)
        if sieve is not None:
            self._install(address, sieve)
        return address

    # --- inside

    def _command(self) -> list[str]:
        return ["dovecot", "-F", "-c", str(self.folder / "dovecot.conf")]

    def _prepare(self) -> None:
        self.folder.mkdir(exist_ok=True)
        for name in ("run", "state", "mail"):
            (self.folder / name).mkdir()
        make_certificate(self.folder)
        conf, oauth = (CONF_23, OAUTH_23) if version().startswith("2.3") else (CONF_24, OAUTH_24)
        conf = conf.replace("@oauth@", oauth if self._introspection else "")
        (self.folder / "oauth2.conf").write_text(self._fill(INTROSPECTION_23))
        (self.folder / "dovecot.conf").write_text(self._fill(conf) + self._fill(COMMON))
        self._give_away()

    def _fill(self, template: str) -> str:
        values = {
            "dir": str(self.folder),
            "user": self._owner.pw_name,
            "group": grp.getgrgid(self._owner.pw_gid).gr_name,
            "uid": str(self._owner.pw_uid),
            "gid": str(self._owner.pw_gid),
            "imap": str(self.imap_port),
            "imaps": str(self.imaps_port),
            "lmtp": str(self.lmtp_port),
            "name": NAME,
            "password": PASSWORD,
            "introspection": self._introspection or "",
            "mechanisms": "xoauth2" if self._introspection else "",
            "submission": f"submission_host = {self._submission[0]}:{self._submission[1]}" if self._submission else "",
        }
        for key, value in values.items():
            template = template.replace(f"@{key}@", value)
        return template

    def _install(self, address: str, script: str) -> None:
        """Make it the user's active Sieve script; Dovecot compiles it at the first delivery."""
        name, domain = address.split("@")
        home = self.folder / "mail" / domain / name
        self._run("mkdir", "-p", str(home))
        self._run("tee", str(home / ".dovecot.sieve"), input=script.encode())

    def _doveadm(self, *arguments: str) -> None:
        self._run("doveadm", "-c", str(self.folder / "dovecot.conf"), *arguments)


def version() -> str:
    return subprocess.run(
        ["dovecot", "--version"], check=True, capture_output=True, text=True, env={"PATH": search_path()}
    ).stdout


def make_certificate(folder: Path) -> None:
    """A self-signed certificate for localhost and 127.0.0.1: `cert.pem`, `key.pem`."""
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run([*command.split(), *names, *files], check=True, capture_output=True)


# The language takes one setting a line; every chroot is emptied because nobody here is root.
CONF_23 = """
ssl_cert = <@dir@/cert.pem
ssl_key = <@dir@/key.pem
disable_plaintext_auth = no
@oauth@
passdb {
  driver = static
  args = password=@password@
  mechanisms = plain login
}
userdb {
  driver = static
  args = allow_all_users=yes
}
mail_home = @dir@/mail/%d/%n
mail_location = maildir:~/Maildir
protocol lmtp {
  mail_plugins = $mail_plugins sieve
}
postmaster_address = postmaster@%d
plugin {
  sieve = file:~/.dovecot.sieve
  sieve_extensions = +vacation-seconds
  sieve_vacation_min_period = 0
}
"""

CONF_24 = """
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
ssl_server_cert_file = @dir@/cert.pem
ssl_server_key_file = @dir@/key.pem
auth_allow_cleartext = yes
@oauth@
passdb static {
  password = @password@
}
userdb static {
  allow_all_users = yes
}
mail_home = @dir@/mail/%{user | domain}/%{user | username}
mail_driver = maildir
mail_path = ~/Maildir
protocol lmtp {
  mail_plugins {
    sieve = yes
  }
}
postmaster_address = postmaster@%{user | domain}
sieve_script personal {
  driver = file
  path = ~/.dovecot.sieve
}
sieve_extensions {
  vacation-seconds = yes
}
sieve_vacation_min_period = 0
"""

# A token is looked for before the password of everybody, which takes any user.
OAUTH_23 = """
passdb {
  driver = oauth2
  mechanisms = xoauth2
  args = @dir@/oauth2.conf
}
"""

INTROSPECTION_23 = """
introspection_mode = post
introspection_url = @introspection@
username_attribute = email
active_attribute = active
active_value = true
"""

OAUTH_24 = """
oauth2 {
  introspection_mode = post
  introspection_url = @introspection@
  username_attribute = email
  active_attribute = active
  active_value = true
}
passdb oauth2 {
  mechanisms_filter = xoauth2
}
"""

COMMON = """
base_dir = @dir@/run
state_dir = @dir@/state
protocols = imap lmtp
listen = 127.0.0.1
log_path = @dir@/dovecot.log
default_internal_user = @user@
default_internal_group = @group@
default_login_user = @user@
mail_uid = @uid@
mail_gid = @gid@
first_valid_uid = 1
first_valid_gid = 1
ssl = yes
auth_mechanisms = plain login @mechanisms@
mail_fsync = never
auth_failure_delay = 0
mail_max_userip_connections = 200
hostname = mx.prospect.test
recipient_delimiter = +
lmtp_save_to_detail_mailbox = no
@submission@
namespace inbox {
  inbox = yes
  separator = /
  mailbox Drafts {
    special_use = \\Drafts
    auto = subscribe
  }
  mailbox Sent {
    special_use = \\Sent
    auto = subscribe
  }
  mailbox Trash {
    special_use = \\Trash
    auto = subscribe
  }
  mailbox Archive {
    special_use = \\Archive
    auto = subscribe
  }
}
service anvil {
  chroot =
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service imap-login {
  chroot =
  inet_listener imap {
    port = @imap@
  }
  inet_listener imaps {
    port = @imaps@
    ssl = yes
  }
}
service lmtp {
  inet_listener lmtp {
    port = @lmtp@
  }
}
service auth {
  unix_listener sasl {
    mode = 0666
  }
}
"""
