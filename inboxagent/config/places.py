"""Where the configuration and the state lie when nobody says."""

import os.path
from collections.abc import Mapping
from pathlib import Path

from inboxagent.errors import ConfigError

NAME = "config.toml"

MINIMAL = """\
[me]
name = "Maya Lind"
address = "maya@lind.example"
zone = "Europe/Stockholm"

[imap]
host = "imap.lind.example"
password_command = ["pass", "mail/maya"]

[smtp]
host = "smtp.lind.example"
"""


def find_config(given: str | None, environ: Mapping[str, str]) -> Path:
    """The configuration file: the one that was named, else the first that exists. Raises ConfigError for none."""
    named = given or environ.get("INBOXAGENT_CONFIG")
    if named:
        path = Path(named).expanduser()
        return path / NAME if os.path.isdir(path) else path
    places = _places(environ)
    found = next((place for place in places if os.path.isfile(place)), None)
    if found is None:
        looked = "".join(f"\n  {place}" for place in places)
        raise ConfigError(
            f"there is no configuration yet; looked for it in:{looked}\n"
            "Begin with: inboxagent init\n"
            f"Or write one of these files (or name another with --config), for example:\n\n{MINIMAL}"
        )
    return found


def config_home(environ: Mapping[str, str]) -> Path:
    """The folder of the user's own configuration."""
    return _home_folder(environ, "XDG_CONFIG_HOME", ".config")


def state_home(environ: Mapping[str, str]) -> Path:
    """The folder for state where the configuration names none."""
    return _home_folder(environ, "XDG_STATE_HOME", ".local/state")


def default_state(environ: Mapping[str, str]) -> Path:
    """Where an account's state lies unless its file says otherwise: systemd's folder, else the user's."""
    given = environ.get("STATE_DIRECTORY", "").split(":")[0]
    return Path(given) if given else state_home(environ)


def _places(environ: Mapping[str, str]) -> list[Path]:
    folders = [Path(each) for each in environ.get("CONFIGURATION_DIRECTORY", "").split(":") if each]
    folders += [config_home(environ), Path("/etc/inboxagent")]
    return [folder / NAME for folder in folders]


def _home_folder(environ: Mapping[str, str], variable: str, usual: str) -> Path:
    # The XDG specification: a relative path in the variable is to be ignored.
    given = environ.get(variable, "")
    base = Path(given) if given.startswith("/") else Path(environ.get("HOME") or "~").expanduser() / usual
    return base / "inboxagent"
