"""`pause --all` and `resume --all`: a file that stops everything, without configuration, store or network."""

import os
from pathlib import Path

from inboxagent.cli.composition import locate, pause_folders
from inboxagent.cli.paper import say, say_json
from inboxagent.config import load_config
from inboxagent.edge.system import SystemClock
from inboxagent.edge.system_pause import RUNTIME, find_flags, lower_flag, raise_flag
from inboxagent.errors import ConfigError, InboxagentError, StateUnwritable


def pause_everything(config: str | None, as_json: bool) -> None:
    """Put the flag up in every place that is hers; one is enough. Raises StateUnwritable where none can be written."""
    words = f"{SystemClock().now():%Y-%m-%dT%H:%M:%SZ} inboxagent pause --all"
    raised: list[Path] = []
    failed: list[InboxagentError] = []
    for folder in _places(config):
        try:
            raised.append(raise_flag(folder, words))
        except StateUnwritable as error:
            failed.append(error)
    if not raised:
        raise failed[0]
    if as_json:
        say_json({"paused": True, "flags": [str(flag) for flag in raised]})
        return
    say("Everything is paused: nothing goes out until `inboxagent resume --all`.")
    for flag in raised:
        say(f"  {flag}")


def resume_everything(config: str | None, as_json: bool) -> None:
    """Take all flags down. Raises StateUnwritable where one stays."""
    lowered = find_flags(pause_folders(_state(config)))
    for flag in lowered:
        lower_flag(flag)
    if as_json:
        say_json({"paused": False, "flags": [str(flag) for flag in lowered]})
    elif lowered:
        say("The pause is over: what is due goes out again, spaced as your limits say.")
    else:
        say("Nothing was paused.")


def _places(config: str | None) -> list[Path]:
    """The system's own folder only where a service has made it: a flag there stops other users' agents too."""
    return [folder for folder in pause_folders(_state(config)) if folder != RUNTIME or os.path.isdir(folder)]


def _state(config: str | None) -> Path | None:
    """The state folder, if the configuration can be read; a broken one must not keep anybody from pausing."""
    try:
        return load_config(locate(config), os.environ).state
    except ConfigError:
        return None
