"""Root at the service's configuration becomes the service's user, with what the unit hands over to it."""

import os
import pwd
from collections.abc import MutableMapping
from pathlib import Path

from inboxagent.errors import ConfigError, Refused, StateUnwritable

USER = "inboxagent"
CONFIGURATIONS = Path("/etc/inboxagent")
STATES = Path("/var/lib/inboxagent")
_acting: list[Path] = []  # the folder of the account for which root has become its user


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
    """Keep in this process what the unit of this configuration hands over, where root asks.

    What cannot be had is said once it is needed: most commands need no password.
    """
    if _owner(config) is None:
        return
    # Costly, and needed by root alone.
    from inboxagent.edge.system_secrets import Carried, carry
    from inboxagent.edge.system_unit import handed_over, unit_of

    account = config.absolute().parent.relative_to(CONFIGURATIONS)
    carried = Carried(unit_of(account))
    for each in handed_over(account):
        try:
            carried.contents[each.name] = each.fetch()
        except ConfigError as error:
            carried.troubles[each.name] = str(error)
    carry(carried)


def hand_over(config: Path) -> bool:
    """Let the service's user read a configuration of the service that root has written; whether it is one."""
    owner = _owner(config)
    if owner is None:
        return False
    os.chown(config, 0, owner.pw_gid)
    config.chmod(0o640)
    return True


def _owner(config: Path) -> pwd.struct_passwd | None:
    """The service's user, where root is at a configuration of the service."""
    if os.geteuid() != 0 or CONFIGURATIONS not in config.absolute().parents:
        return None
    try:
        return pwd.getpwnam(USER)
    except KeyError:  # the service is not installed: root's own configuration, wherever it lies
        return None


def _make_state(folder: Path, owner: pwd.struct_passwd) -> None:
    """As systemd would make it at the first start."""
    try:
        for each in (STATES, folder):
            if not each.is_dir():
                each.mkdir(mode=0o700)
                os.chown(each, owner.pw_uid, owner.pw_gid)
    except OSError as error:
        raise StateUnwritable(f"the state folder {folder} cannot be made: {error.strerror}") from error
