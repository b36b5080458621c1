"""Passwords from a command or a file. They are never part of an error, and are asked for anew at each log-in."""

import re
import subprocess
from pathlib import Path

from inboxagent.errors import ConfigError

PATIENCE = 120.0
"""Seconds that a password command may take: a person may have to unlock something."""


def run_password_command(words: tuple[str, ...] | str, patience: float = PATIENCE) -> str:
    """The first line that the command prints; a string is for the shell. Raises ConfigError that names the command."""
    name = _name(words)
    try:
        done = subprocess.run(
            words,
            shell=isinstance(words, str),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # whatever it complains of could hold the secret
            timeout=patience,
            check=False,
        )
    except OSError as error:
        raise ConfigError(f"the password command ({name}) cannot be started: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise ConfigError(f"the password command ({name}) did not end within {patience:g} s") from None
    if done.returncode != 0:
        raise ConfigError(
            f"the password command ({name}) failed: {_ending(done.returncode)}; run it yourself to see why"
        )
    return _first_line(done.stdout, f"the password command ({name}) printed")


def read_password_file(path: Path) -> str:
    """The first line of the file. Raises ConfigError."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"the password file {path} cannot be read: {error.strerror}") from None
    return _first_line(content, f"the password file {path} holds")


def _first_line(output: bytes, whose: str) -> str:
    line = output.split(b"\n", 1)[0].removesuffix(b"\r")
    try:
        secret = line.decode()
    except UnicodeDecodeError:
        secret = None  # not inside the handler: the exception carries the bytes
    if secret is None:
        raise ConfigError(f"{whose} something that is not text")
    if not secret:
        raise ConfigError(f"{whose} an empty first line instead of a password")
    return secret


def _name(words: tuple[str, ...] | str) -> str:
    """The program alone: its arguments, and variables set before it, may hold what nobody should see."""
    first = words.split()[0] if isinstance(words, str) else words[0]
    return first if re.fullmatch(r"[\w./+-]+", first) else "a shell command"


def _ending(code: int) -> str:
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"
