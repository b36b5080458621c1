"""How soon the service is ready and what it holds and costs at rest, beside what nobody can be smaller than.

    .venv/bin/python benchmarks/service.py [--conversations 1000 10000] [--rest 10]

`run` talks TLS to embedded servers in another process. READY is what systemd is told; the first reading comes after it,
and only then is anything decided. On a busy machine only the CPU until READY says something of the start. A rival holds
the same packages, or one line in IDLE by imapclient, and nothing else.
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from inboxagent.cli.composition import Composition
from inboxagent.config import load_config
from inboxagent.edge.system_state import read_status
from inboxagent.outreach.events import Event, Word
from inboxagent.outreach.model import Enrolment, Prospect
from tests.soak.life import ME, PASSWORD, write_account
from tests.soak.provider import CERTIFICATES, Provider

PACKAGES = "import asyncio, click, tinydb, imapclient, aiosmtplib, jinja2, ruamel.yaml, holidays, selectolax.lexbor"
HOLD = "print('ready', flush=True); import time; time.sleep(1000)"
IDLE = """
import ssl, imapclient
line = imapclient.IMAPClient("localhost", {port}, ssl_context=ssl.create_default_context(cafile={ca!r}))
line.login({user!r}, {password!r})
line.select_folder("INBOX", readonly=True)
line.idle()
print("ready", flush=True)
while True:
    line.idle_check(timeout=60)
"""
PATIENCE = 300.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Seconds until it was ready, of CPU until then, and until it had read; megabytes at rest and at most; milliseconds
    of CPU a second at rest."""

    ready: float
    work: float
    read: float | None
    rss: float
    peak: float
    idle: float


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--conversations", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--rest", type=float, default=10.0, help="seconds for which its CPU is counted")
    given = parser.parse_args()
    with Provider({ME: PASSWORD}, datetime.now(UTC)) as provider:
        measured = {f"run, {each:,} conversations": service(provider, each, given.rest) for each in given.conversations}
        measured["imapclient in IDLE"] = rival(_idle(provider), given.rest)
        measured["python, the same packages"] = rival(f"{PACKAGES}\n{HOLD}", given.rest)
        measured["python, nothing at all"] = rival(HOLD, given.rest)
    print(f"load {os.getloadavg()[0]:.1f} of {os.cpu_count()} cores\n")
    print(f"{'':28}{'ready s':>9}{'CPU s':>9}{'read s':>9}{'RSS MB':>9}{'peak MB':>9}{'idle ms/s':>11}")
    for name, each in measured.items():
        read = "-" if each.read is None else f"{each.read:.2f}"
        print(f"{name:28}{each.ready:9.2f}{each.work:9.2f}{read:>9}{each.rss:9.1f}{each.peak:9.1f}{each.idle:11.2f}")


def service(provider: Provider, conversations: int, rest: float) -> Figures:
    """The real command with so many people who wait."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = write_account(folder, provider)
        path.write_text(path.read_text().replace('poll = "1 second"', 'poll = "2 minutes"'))
        composition = Composition(load_config(path, os.environ), lambda _: None)
        _fill(composition, conversations)
        with _notified(folder / "notify") as ready:
            begun = time.perf_counter()
            command = [sys.executable, "-m", "inboxagent", "run", "--config", str(path)]
            environ = {**os.environ, "NOTIFY_SOCKET": str(folder / "notify"), "PYTHONPATH": os.getcwd()}
            with _started(command, environ) as process:
                _until(ready, process)
                ready_after, work = time.perf_counter() - begun, _cpu(process.pid)
                _until(lambda: (read_status(composition.status_path) or {}).get("last_reading_at"), process)
                read_after = time.perf_counter() - begun
                return _at_rest(process.pid, ready_after, work, read_after, rest)


def rival(code: str, rest: float) -> Figures:
    """A Python that says when it is ready."""
    begun = time.perf_counter()
    with _started([sys.executable, "-c", code], dict(os.environ)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        return _at_rest(process.pid, time.perf_counter() - begun, _cpu(process.pid), None, rest)


def _idle(provider: Provider) -> str:
    return IDLE.format(port=provider.ports[0], ca=str(CERTIFICATES / "trusted.pem"), user=ME, password=PASSWORD)


def _fill(composition: Composition, count: int) -> None:
    """People who were written to an hour ago, and whose next letter comes tomorrow."""
    at, text = datetime.now(UTC) - timedelta(hours=1), "Would you like to see it? " * 40
    for start in range(0, count, 5_000):
        with composition.store.transaction("a benchmark") as ledger:
            for number in range(start, min(start + 5_000, count)):
                letter = f"<{number}@lind.example>"
                enrolment = Enrolment(sequence="soak", prospect=Prospect(address=f"p{number}@prospect{number}.test"))
                ledger.enrol(
                    f"c{number}",
                    Event(at=at, word=Word.ENROLLED, because="a benchmark", enrolment=enrolment),
                    Event(at=at, word=Word.INTENT, because="due", step="one", message_id=letter, text=text),
                    Event(at=at, word=Word.SENT, because="250 OK", step="one", message_id=letter),
                )
    composition.store.close()


@contextmanager
def _notified(path: Path) -> Iterator[Callable[[], bool]]:
    """A socket as systemd's; asks whether READY has come."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(str(path))
        line.setblocking(False)

        def ready() -> bool:
            try:
                return b"READY=1" in line.recv(4096)
            except BlockingIOError:
                return False

        yield ready


@contextmanager
def _started(command: list[str], environ: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=60)


def _until(holds: Callable[[], object], process: subprocess.Popen[bytes]) -> None:
    end = time.perf_counter() + PATIENCE
    while not holds():
        assert process.poll() is None, "it has ended by itself"
        assert time.perf_counter() < end, f"not within {PATIENCE:g} s"
        time.sleep(0.002)


def _at_rest(pid: int, ready: float, work: float, read: float | None, rest: float) -> Figures:
    """Once its CPU stands still, or nearly."""
    before = _cpu(pid)
    while time.sleep(1) is None and (now := _cpu(pid)) - before > 0.1:
        before = now
    begun = _cpu(pid)
    time.sleep(rest)
    idle = (_cpu(pid) - begun) / rest * 1_000
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    rss, peak = (int(fields[name].split()[0]) / 1_000 for name in ("VmRSS", "VmHWM"))
    return Figures(ready=ready, work=work, read=read, rss=rss, peak=peak, idle=idle)


def _cpu(pid: int) -> float:
    """Seconds of CPU that a process has used (proc(5))."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
