"""Where processes of the agent come from: a fork of one that is warm, or an interpreter of their own."""

import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Protocol

from tests.torture.effects import Life

ROOT = Path(__file__).parents[2]


class Process(Protocol):
    """A process that was started."""

    pid: int

    def wait(self, seconds: float) -> int | None:
        """Its exit code, negative for a signal; None where it has not ended within this time."""


class Nursery(Protocol):
    """Where they are started."""

    def begin(self, life: Life) -> Process:
        """Start this one."""

    def close(self) -> None:
        """No more."""


class Fresh:
    """Each an interpreter of its own, as systemd starts it."""

    def begin(self, life: Life) -> Process:
        """Start this one."""
        program = [sys.executable, "-m", "tests.torture.effects", life.to_json()]
        return _Own(subprocess.Popen(program, env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=ROOT))

    def close(self) -> None:
        """Nothing is held."""


class _Own:
    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.pid = process.pid
        self._process = process

    def wait(self, seconds: float) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return self._process.returncode


class Warm:
    """Forks of one that has imported everything; one at a time."""

    def __init__(self) -> None:
        program = [sys.executable, "-m", "tests.torture.preloaded"]
        pipe, environ = subprocess.PIPE, {**os.environ, "PYTHONPATH": str(ROOT)}
        self._server = subprocess.Popen(program, stdin=pipe, stdout=pipe, env=environ, cwd=ROOT)

    def begin(self, life: Life) -> Process:
        """Start this one."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(life.to_json().encode() + b"\n")
        self._server.stdin.flush()
        return _Forked(int(self._server.stdout.readline()), self._server.stdout)

    def close(self) -> None:
        """End it."""
        self._server.communicate(timeout=30)


class _Forked:
    def __init__(self, pid: int, told: IO[bytes]) -> None:
        self.pid = pid
        self._told = told
        self._code: int | None = None

    def wait(self, seconds: float) -> int | None:
        if self._code is None and select.select([self._told], [], [], seconds)[0]:
            self._code = int(self._told.readline())
        return self._code


def end(process: Process, by: signal.Signals) -> None:
    """Signal one that may have ended meanwhile."""
    with suppress(ProcessLookupError):
        os.kill(process.pid, by)
