"""Root at the service's configuration becomes the service's user, with what the unit hands over to it."""

import os
import pwd
import re
from collections.abc import Iterator, MutableMapping
from pathlib import Path

from inboxagent.errors import Refused, StateUnwritable

USER = "inboxagent"
CONFIGURATIONS = Path("/etc/inboxagent")
STATES = Path("/var/lib/inboxagent")
UNITS = Path("/etc/systemd/system")
_acting: list[Path] = []  # the folder of the account for which root has become its user
_LOADED = re.compile(r"LoadCredential=(?:([^:\s]+):(\S+))?\s*")


def become_owner(config: Path, environ: MutableMapping[str, str]) -> None:
    """Go on as the user `inboxagent` where root has named a configuration of the service; else nothing happens.

    What root wrote into the state would be closed to the service. Raises StateUnwritable; Refused for a second account
    in one command, since each has a unit, and so secrets and a state folder, of its own.
    """
    path = config.absolute()
    if _acting and path.parent not in _acting:
        raise Refused(f"{path} is another account than {_acting[0]}; with sudo, name one account of the service")
    owner = _owner(path)
    if owner is None:
        return
    carry_credentials(path)
    _acting.append(path.parent)
    account = path.parent.relative_to(CONFIGURATIONS)
    _make_state(STATES / account, owner)
    environ.update(STATE_DIRECTORY=str(STATES / account), HOME=owner.pw_dir)
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        environ.pop(name, None)
    os.initgroups(owner.pw_name, owner.pw_gid)
    os.setgid(owner.pw_gid)
    os.setuid(owner.pw_uid)


def carry_credentials(config: Path) -> None:
    """Keep in this process what the unit of this configuration hands over, where root asks."""
    if _owner(config) is None:
        return
    from inboxagent.edge.system_secrets import carry  # late: it starts programs, which takes its time to be imported

    for name, source in credentials(config.absolute().parent.relative_to(CONFIGURATIONS)):
        if source.is_file():
            carry(name, source.read_bytes())


def hand_over(config: Path) -> None:
    """Let the service's user read a configuration of the service that root has written."""
    owner = _owner(config)
    if owner is not None:
        os.chown(config, 0, owner.pw_gid)
        config.chmod(0o640)


def _owner(config: Path) -> pwd.struct_passwd | None:
    """The service's user, where root is at a configuration of the service."""
    if os.geteuid() != 0 or CONFIGURATIONS not in config.absolute().parents:
        return None
    try:
        return pwd.getpwnam(USER)
    except KeyError:  # the service is not installed: root's own configuration, wherever it lies
        return None


def credentials(account: Path, units: Path = UNITS) -> list[tuple[str, Path]]:
    """What the account's unit and its drop-ins hand over: names, and the files they come from."""
    found: dict[str, Path] = {}
    for line in _lines(account, units):
        loaded = _LOADED.fullmatch(line)
        if loaded is not None and loaded[1] is None:  # an empty one takes the earlier ones back
            found.clear()
        elif loaded is not None:
            found[loaded[1]] = Path(loaded[2].replace("%i", str(account)))
    return list(found.items())


def _lines(account: Path, units: Path) -> Iterator[str]:
    single = account == Path()
    names = [f"{USER}.service"] if single else [f"{USER}@.service", f"{USER}@{account}.service"]
    for unit in [units / names[0], *(drop for name in names for drop in sorted((units / f"{name}.d").glob("*.conf")))]:
        if unit.is_file():
            yield from unit.read_text().splitlines()


def _make_state(folder: Path, owner: pwd.struct_passwd) -> None:
    """As systemd would make it at the first start."""
    try:
        for each in (STATES, folder):
            if not each.is_dir():
                each.mkdir(mode=0o700)
                os.chown(each, owner.pw_uid, owner.pw_gid)
    except OSError as error:
        raise StateUnwritable(f"the state folder {folder} cannot be made: {error.strerror}") from error
