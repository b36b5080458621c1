"""`service install`: the unit in its place, and the next command in words."""

import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

import click

from inboxagent.cli.paper import say
from inboxagent.config import find_config
from inboxagent.edge.shipped import find
from inboxagent.edge.system_identity import CONFIGURATIONS, STATES, USER, hand_over
from inboxagent.edge.system_unit import UNITS
from inboxagent.errors import ConfigError, Refused, StateUnwritable

HIDDEN = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")  # noqa: S108 from the system unit by ProtectHome=, PrivateTmp=
AS_USER = """\
Written: {unit}

{first}Start it, now and with the machine, also while you are not logged in:

    systemctl --user daemon-reload
    systemctl --user enable --now inboxagent
    loginctl enable-linger

Then:  inboxagent status        journalctl --user -u inboxagent -f
Changes of yours to the unit:  systemctl --user edit inboxagent
To take it away again:         systemctl --user disable --now inboxagent; rm {unit}
"""
NO_CONFIG = """\
There is no configuration yet; begin with:  inboxagent init

"""
AGAIN = """\
Written: {unit}

It was there before. A service that runs goes on with the program as it is now after:

    systemctl --user daemon-reload
    systemctl --user restart inboxagent
"""
AS_SYSTEM = """\
Written: {units}
The user "{user}" runs it and owns {state}; what is secret stays root's.

1. Put the password on the first line of {config}/password (mode 0600, root's).
2. sudo inboxagent init --config {config}/config.toml --credential password
3. systemctl daemon-reload && systemctl enable --now inboxagent

Several accounts: a folder each, {config}/NAME with config.toml and password, and the unit inboxagent@NAME.
From then on `sudo inboxagent …` acts as that user:  sudo inboxagent status        journalctl -u inboxagent -f
It was there before? Then only:  systemctl daemon-reload && systemctl try-restart 'inboxagent*'
"""


@click.group("service")
def service_group() -> None:
    """Run it by systemd."""


@service_group.command("install")
@click.option("--system", "as_system", is_flag=True, help="For the machine, under a user of its own; needs root.")
def install_command(as_system: bool) -> None:
    """Put the unit file in place, and say the next command."""
    if as_system:
        _install_for_system()
    else:
        _install_for_user()


def _install_for_user() -> None:
    base = os.environ.get("XDG_CONFIG_HOME", "")
    home = Path(base) if base.startswith("/") else Path("~/.config").expanduser()
    unit = home / "systemd" / "user" / "inboxagent.service"
    again = unit.exists()
    _copy(find("systemd") / "user" / "inboxagent.service", unit, _program())
    say(AGAIN.format(unit=unit) if again else AS_USER.format(unit=unit, first="" if _has_config() else NO_CONFIG))


def _has_config() -> bool:
    try:
        return find_config(None, os.environ).is_file()
    except ConfigError:
        return False


def _install_for_system() -> None:
    if os.geteuid() != 0:
        raise Refused("--system writes into /etc/systemd/system; begin the command with sudo")
    program = _program()
    real = os.path.realpath(program)
    if hidden := next((each for each in HIDDEN if f"{real}/".startswith(f"{each}/")), None):
        raise Refused(
            f"{real} lies below {hidden}, which the service cannot see; "
            "install it for all users: sudo pipx install --global ."
        )
    _make_user()
    CONFIGURATIONS.mkdir(mode=0o755, exist_ok=True)
    password = CONFIGURATIONS / "password"
    if not password.exists():
        password.touch(mode=0o600)  # systemd does not start a service whose credential is missing
    if (config := CONFIGURATIONS / "config.toml").exists():
        hand_over(config)
    names = ("inboxagent.service", "inboxagent@.service")
    for name in names:
        _copy(find("systemd") / name, UNITS / name, program)
    units = ", ".join(str(UNITS / name) for name in names)
    say(AS_SYSTEM.format(units=units, user=USER, state=STATES, config=CONFIGURATIONS))


def _make_user() -> None:
    try:
        pwd.getpwnam(USER)
    except KeyError:
        words = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin"]
        done = subprocess.run([*words, "--home-dir", str(STATES), USER], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise StateUnwritable(f'the user "{USER}" cannot be made: {done.stderr.strip()}') from None


def _program() -> str:
    """The path of this program, as the unit is to start it."""
    called = Path(sys.argv[0])
    path = str(called.absolute()) if called.name == "inboxagent" and called.is_file() else shutil.which("inboxagent")
    if path is None:
        raise Refused("there is no `inboxagent` on PATH for the unit to start; README says how to put it there")
    return path


def _copy(shipped: Path, unit: Path, program: str) -> None:
    text = shipped.read_text()
    begins = text.index("ExecStart=") + len("ExecStart=")
    ends = text.index(" run\n", begins)
    try:
        unit.parent.mkdir(parents=True, exist_ok=True)
        unit.write_text(text[:begins] + quote(program) + text[ends:])
    except OSError as error:
        raise StateUnwritable(f"{unit} cannot be written: {error.strerror}") from error


def quote(path: str) -> str:
    """A path as a word of ExecStart= (systemd.service(5), "Command lines")."""
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if any(char in path for char in " \t\"'\\;") else escaped
