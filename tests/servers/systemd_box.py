"""A real systemd to try units in: PID 1 of a namespace of its own, over this machine's programs and a tree in memory.

Nothing of this machine's own units is started, and nothing is written but to memory. The loopback network is shared.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from tests.servers.polling import until

ROOT = Path(__file__).resolve().parents[2]
SYSTEMD = "/usr/lib/systemd/systemd"
KEPT = ("systemd-journald*", "*logind.service", "dbus*login1.service", "user@.service", "user-runtime-dir@.service")
KEPT += ("dbus.service", "dbus.socket", "*.target", "*.slice")
TOOLS = ("setpriv", "unshare", "nsenter", "systemctl", "journalctl", "loginctl", "systemd-creds", "useradd")

BOOT = """\
set -eu
root=$1 python=$2 packages=$3 checkout=$4
mount -t tmpfs -o mode=755 box "$root"
cd "$root"
mkdir -p usr proc sys dev run tmp var/lib var/log/journal etc/systemd/system root home
mkdir -p opt/python opt/packages opt/checkout
for name in bin sbin lib lib64; do [ ! -L /$name ] || ln -s "$(readlink /$name)" $name; done
mount --bind /usr usr && mount -o remount,bind,ro usr
for pair in "$python opt/python" "$packages opt/packages" "$checkout opt/checkout"; do
    mount --bind ${pair% *} ${pair#* } && mount -o remount,bind,ro ${pair#* }
done
mkdir var/units && (cd /usr/lib/systemd/system && cp -P @kept@ "$root/var/units")
mount --bind var/units usr/lib/systemd/system
mount -t tmpfs -o mode=755 box usr/local/bin
mount -t proc proc proc && mount --bind proc/sys proc/sys && mount -o remount,bind,ro proc/sys
mount -t tmpfs -o mode=755 run run
mkdir -p run/systemd/journal && touch run/systemd/journal/flushed  # into /var/log from the first line on
mount -t tmpfs tmp tmp
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 dev dev
mkdir dev/shm dev/pts dev/mqueue dev/hugepages && ln -s pts/ptmx dev/ptmx
for name in null zero full random urandom tty; do touch dev/$name && mount --bind /dev/$name dev/$name; done
cp /etc/passwd /etc/group /etc/shadow /etc/nsswitch.conf /etc/hosts etc/
for name in ssl alternatives localtime ld.so.cache pam.d security; do
    [ ! -e /etc/$name ] || cp -RP /etc/$name etc/
done
echo 0123456789abcdef0123456789abcdef >etc/machine-id
printf '[Unit]\\nRequires=systemd-journald.socket dbus.socket\\nAllowIsolate=yes\\n' >etc/systemd/system/box.target
printf '%s\\n' '#!/bin/sh' 'export PYTHONHOME=/opt/python PYTHONPATH=/opt/checkout:/opt/packages' \\
    'export LD_LIBRARY_PATH=/opt/python/lib' 'exec /opt/python/bin/python3 -B -m inboxagent "$@"' \\
    >usr/local/bin/inboxagent
chmod 755 usr/local/bin/inboxagent
mkdir before && pivot_root . before && umount -l before && rmdir before  # in a chroot there are no user namespaces
mount --make-rshared /  # or credentials, which a helper mounts, would be seen by nobody
exec env -i container=other PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin @systemd@ \\
    --system --unit=box.target --show-status=0
"""


def missing() -> str | None:
    """Why no systemd can be booted here; None if it may be tried."""
    absent = [name for name in TOOLS if not shutil.which(name)] + [
        each for each in [SYSTEMD] if not os.path.exists(each)
    ]
    if absent:
        return f"not installed: {', '.join(absent)}"
    return None if os.geteuid() == 0 else "a systemd boots only as root"


class Box:
    """Booted while the context is entered; `why_not` says why it did not come up."""

    def __init__(self) -> None:
        self._root = Path(tempfile.mkdtemp(prefix="box", dir="/tmp"))
        self._root.chmod(0o755)
        self._leader: int | None = None
        self.why_not = ""

    def __enter__(self) -> "Box":
        script = BOOT.replace("@kept@", " ".join(KEPT)).replace("@systemd@", SYSTEMD)
        places = [str(self._root), sys.base_prefix, sysconfig.get_paths()["purelib"], str(ROOT)]
        spaces = ["--pid", "--fork", "--kill-child", "--mount", "--uts", "--ipc", "--cgroup"]
        self._log = (self._root.parent / f"{self._root.name}.log").open("w+")
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig=KILL", "unshare", *spaces, "sh", "-c", script, "box", *places],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        try:
            until(self._is_up, within=40, what="systemd is up")
        except AssertionError:
            self._log.seek(0)
            self.why_not = f"systemd does not boot here: {self._log.read()[-300:].strip()}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._log.close()
        Path(self._log.name).unlink()
        until(lambda: not os.path.ismount(self._root), what="the tree is gone")
        self._root.rmdir()

    def call(self, *words: str, input: str | None = None) -> subprocess.CompletedProcess[str]:
        """A command in the box, as root."""
        clean = ["env", "-i", "PATH=/usr/local/bin:/usr/sbin:/usr/bin", "HOME=/root", "SYSTEMD_COLORS=0", "TERM=dumb"]
        command = ["nsenter", "-t", str(self._leader), "-m", "-p", "-u", "-i", "-C", *clean, *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=180, check=False, input=input)

    def run(self, *words: str, code: int | None = 0, input: str | None = None) -> str:
        """Its standard output. `code` None takes any exit code."""
        done = self.call(*words, input=input)
        assert code is None or done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def log_in(self, name: str) -> list[str]:
        """Make a user whose own systemd runs also while nobody is logged in; the words before each command as her."""
        self.run("useradd", "--create-home", name)
        uid, gid = (self.run("id", flag, name).strip() for flag in ("-u", "-g"))
        self.run("loginctl", "enable-linger", name)
        until(lambda: self.show(f"user@{uid}", "ActiveState") == "active", what=f"the systemd of {name} is up")
        home = ["env", f"--chdir=/home/{name}", f"HOME=/home/{name}", f"XDG_RUNTIME_DIR=/run/user/{uid}"]
        return ["setpriv", "--reuid", uid, "--regid", gid, "--init-groups", *home]

    def write(self, path: str, text: str, as_user: Sequence[str] = ()) -> None:
        """Write a file in the box."""
        self.run(*as_user, "sh", "-c", f"mkdir -p $(dirname {path}) && cat >{path}", input=text)

    def show(self, unit: str, name: str, systemctl: Sequence[str] = ("systemctl",)) -> str:
        """A property of a unit."""
        return self.run(*systemctl, "show", unit, "--property", name, "--value").strip()

    def wait_state(self, state: str, as_user: Sequence[str] = ()) -> None:
        """Until `inboxagent status` says so."""

        def is_so() -> bool:
            answer = self.run(*as_user, "inboxagent", "status", "--json", code=None)
            return json.loads(answer or "{}").get("state") == state

        until(is_so, what=f"status says {state}")

    def _is_up(self) -> bool:
        assert self._process.poll() is None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        try:
            self._leader = next((int(pid) for pid in children.read_text().split()), None)
            if self._leader is None or Path(f"/proc/{self._leader}/comm").read_text().strip() != "systemd":
                return False
        except OSError:  # it has ended while it was looked at
            return False
        return self.run("systemctl", "is-system-running", code=None).strip() in ("running", "degraded")
