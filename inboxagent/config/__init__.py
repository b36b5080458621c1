"""The configuration file: TOML -> Config, or every problem at once with file, line and key."""

from inboxagent.config.places import find_config, state_home
from inboxagent.config.reading import load_config, read_config
from inboxagent.config.values import (
    Alerting,
    Command,
    Config,
    Credential,
    Microsoft,
    Secret,
    SecretFile,
    Sending,
    Server,
    TokenCommand,
    Watching,
)

__all__ = [
    "Alerting",
    "Command",
    "Config",
    "Credential",
    "Microsoft",
    "Secret",
    "SecretFile",
    "Sending",
    "Server",
    "TokenCommand",
    "Watching",
    "find_config",
    "load_config",
    "read_config",
    "state_home",
]
