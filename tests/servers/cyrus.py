"""A private Cyrus on loopback ports: IMAP and LMTP, for any user; as root it runs as `nobody`.

Debian lets no second IMAP server stand beside Dovecot, so Cyrus may also lie unpacked in a folder of its own, which
INBOXAGENT_CYRUS names; `.ci/run` makes one.
"""

import os
from pathlib import Path

from tests.servers.dovecot import PASSWORD, ImapHost, make_certificate, search_path

MASTER = "usr/lib/cyrus/bin/master"


def missing() -> str | None:
    """Why no Cyrus can be started here; None if it can."""
    absent = [path for path in (MASTER, "usr/sbin/saslpasswd2") if not (tree() / path).exists()]
    return f"not installed: Cyrus ({', '.join(absent)} in {tree()}; see INBOXAGENT_CYRUS)" if absent else None


def tree() -> Path:
    return Path(os.environ.get("INBOXAGENT_CYRUS") or "/")


class Cyrus(ImapHost):
    """One instance with a folder of its own. The folder's path must be short (sockets) and open to other users."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._prepare()

    def new_user(self, name: str, domain: str = "consultant.test") -> str:
        """The address, and user name, of a mailbox nobody else uses; its local part ends in a digit."""
        address = super().new_user(name, domain)
        local, _, realm = address.partition("@")
        database = str(self.folder / "sasldb2")
        command = [str(tree() / "usr/sbin/saslpasswd2"), "-p", "-c", "-f", database, "-u", realm, local]
        self._run(*command, input=PASSWORD.encode())
        self.imap(address).logout()  # at the first log-in Cyrus makes the mailboxes
        return address

    def _command(self) -> list[str]:
        files = {"-C": "imapd.conf", "-M": "cyrus.conf", "-p": "master.pid", "-L": "master.log"}
        return [
            str(tree() / MASTER),
            *(word for flag, name in files.items() for word in (flag, str(self.folder / name))),
        ]

    def _prepare(self) -> None:
        self.folder.mkdir()
        for name in ("conf", "conf/socket", "spool", "proc", "lock", "sieve"):
            (self.folder / name).mkdir()
        make_certificate(self.folder)
        values = {
            "dir": str(self.folder),
            "bin": str((tree() / MASTER).parent),
            "user": self._owner.pw_name,
            "imap": str(self.imap_port),
            "imaps": str(self.imaps_port),
            "lmtp": str(self.lmtp_port),
        }
        for name, template in {"imapd.conf": IMAPD, "cyrus.conf": SERVICES}.items():
            for key, value in values.items():
                template = template.replace(f"@{key}@", value)
            (self.folder / name).write_text(template)
        self._give_away()

    def _environment(self) -> dict[str, str]:
        libraries = [str(each) for each in tree().glob("usr/lib/*-linux-gnu*")]
        libraries += [str(each) for each in tree().glob("lib/*-linux-gnu*")]
        sasl = ":".join(f"{each}/sasl2" for each in libraries)
        return {"PATH": search_path(), "LD_LIBRARY_PATH": ":".join(libraries), "SASL_PATH": sasl}


IMAPD = """
configdirectory: @dir@/conf
proc_path: @dir@/proc
mboxname_lockpath: @dir@/lock
defaultpartition: default
partition-default: @dir@/spool
sievedir: @dir@/sieve
lmtpsocket: @dir@/conf/socket/lmtp
idlesocket: @dir@/conf/socket/idle
cyrus_user: @user@
admins: cyrus
altnamespace: yes
unixhierarchysep: yes
virtdomains: userid
defaultdomain: internal
servername: localhost
allowplaintext: yes
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: @dir@/sasldb2
sasl_mech_list: PLAIN LOGIN
tls_server_cert: @dir@/cert.pem
tls_server_key: @dir@/key.pem
duplicatesuppression: no
autocreate_quota: 0
autocreate_post: yes
autocreate_inbox_folders: Drafts | Sent | Trash | Archive
autocreate_subscribe_folders: Drafts | Sent | Trash | Archive
xlist-drafts: Drafts
xlist-sent: Sent
xlist-trash: Trash
xlist-archive: Archive
"""

SERVICES = """
START {
  recover cmd="@bin@/ctl_cyrusdb -C @dir@/imapd.conf -r"
}
SERVICES {
  imap cmd="@bin@/imapd -C @dir@/imapd.conf" listen="127.0.0.1:@imap@" prefork=1 proto="tcp4" maxchild=200
  imaps cmd="@bin@/imapd -s -C @dir@/imapd.conf" listen="127.0.0.1:@imaps@" prefork=0 proto="tcp4" maxchild=200
  lmtp cmd="@bin@/lmtpd -C @dir@/imapd.conf -a" listen="127.0.0.1:@lmtp@" prefork=0 proto="tcp4"
}
DAEMON {
  idled cmd="@bin@/idled -C @dir@/imapd.conf"
}
EVENTS {
  checkpoint cmd="@bin@/ctl_cyrusdb -C @dir@/imapd.conf -c" period=30
}
"""
