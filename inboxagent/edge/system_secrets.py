"""Passwords from a command, a file or systemd. They are never part of an error, and are asked for at each log-in."""

import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from inboxagent.errors import ConfigError

PATIENCE = 30.0
"""Seconds that a password command may take: a person may have to unlock something."""

QUIET = 3.0
"""Seconds after which somebody who looks on is told what is being waited for."""


def run_password_command(
    words: tuple[str, ...] | str,
    patience: float = PATIENCE,
    *,
    quiet: float = QUIET,
    waiting: Callable[[str], None] = lambda _: None,
) -> str:
    """The first line that the command prints; a string is for the shell. Raises ConfigError that names the command.

    `waiting` is told what is being waited for, after `quiet` of the `patience` seconds.
    """
    output = run_secret_command(words, "password", patience, quiet=quiet, waiting=waiting)
    return _first_line(output, f"the password command ({_name(words)}) printed", "a password")


def run_secret_command(
    words: tuple[str, ...] | str,
    kind: str,
    patience: float = PATIENCE,
    *,
    quiet: float = QUIET,
    waiting: Callable[[str], None] = lambda _: None,
) -> bytes:
    """All that the command prints; `kind` names it in sentences, "password" for one. As `run_password_command`."""
    name = f"the {kind} command ({_name(words)})"
    process = _start(words, name)
    try:
        output = _output(process, quiet)
        if output is None:
            waiting(f"waiting for {name}, at most {patience:g} s in all …")
            output = _output(process, max(0.0, patience - quiet))
    finally:
        _end(process)
    if output is None:
        raise ConfigError(f"{name} did not end within {patience:g} s; run it yourself to see why")
    if process.returncode != 0:
        raise ConfigError(f"{name} failed: {_ending(process.returncode)}; run it yourself to see why")
    return output


def _start(words: tuple[str, ...] | str, name: str) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(
            words,
            shell=isinstance(words, str),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # whatever it complains of could hold the secret
        )
    except OSError as error:
        raise ConfigError(f"{name} cannot be started: {error.strerror}") from None


def _output(process: "subprocess.Popen[bytes]", seconds: float) -> bytes | None:
    """What it printed until its end; None where that takes longer."""
    try:
        return process.communicate(timeout=seconds)[0]
    except subprocess.TimeoutExpired:  # not kept: it carries what was printed so far
        return None


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Waits for the process alone: what a shell has started may hold its pipe open for as long as it likes."""
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def read_password_file(path: Path) -> str:
    """The first line of the file. Raises ConfigError."""
    return _read(path, f"the password file {path}")


@dataclass(frozen=True, slots=True)
class Carried:
    """What root has taken along from a unit, and why it could not take the rest, both by the credential's name."""

    unit: str
    contents: dict[str, bytes] = field(default_factory=dict)
    troubles: dict[str, str] = field(default_factory=dict)

    def read(self, name: str) -> bytes:
        """Raises ConfigError with what to do."""
        if name in self.troubles:
            raise ConfigError(self.troubles[name])
        if name not in self.contents:
            raise ConfigError(
                f'{self.unit} hands over no credential "{name}"; add it: systemctl edit {self.unit}, and there '
                f"[Service] and LoadCredential={name}:FILE"
            )
        return self.contents[name]


_carried: list[Carried] = []


def carry(carried: Carried) -> None:
    """Keep credentials in this process, to which no service manager has handed them over."""
    _carried[:] = [carried]


def read_credential(name: str, environ: Mapping[str, str]) -> str:
    """The first line of what systemd hands over under this name (LoadCredential=). Raises ConfigError."""
    if _carried:
        return _first_line(_carried[0].read(name), f'the credential "{name}" holds', "a password")
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise ConfigError(
            f'the credential "{name}" is handed over by systemd, to the service alone; where inboxagent.service '
            "is installed, begin the command with sudo"
        )
    return _read(Path(folder, name), f'the credential "{name}"')


def _read(path: Path, what: str) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{what} cannot be read: {error.strerror}") from None
    return _first_line(content, f"{what} holds", "a password")


def _first_line(output: bytes, whose: str, wanted: str) -> str:
    line = output.split(b"\n", 1)[0].removesuffix(b"\r")
    try:
        secret = line.decode()
    except UnicodeDecodeError:
        secret = None  # not inside the handler: the exception carries the bytes
    if secret is None:
        raise ConfigError(f"{whose} something that is not text")
    if not secret:
        raise ConfigError(f"{whose} an empty first line instead of {wanted}")
    return secret


def _name(words: tuple[str, ...] | str) -> str:
    """The program alone: its arguments, and variables set before it, may hold what nobody should see."""
    first = words.split()[0] if isinstance(words, str) else words[0]
    return first if re.fullmatch(r"[\w./+-]+", first) else "a shell command"


def _ending(code: int) -> str:
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"
