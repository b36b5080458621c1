"""How long a command takes from a cold start, beside what nobody can be faster than.

    .venv/bin/python benchmarks/start.py [--conversations 1000] [--times 10]

Processes are started one after the other, in turns; the table shows the best and the median, and the best of the CPU
that they used, in milliseconds: on a busy machine only the CPU says something.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.cli.desk import Desk

PYTHON = sys.executable


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--conversations", type=int, default=1000)
    parser.add_argument("--times", type=int, default=10)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder))
        for number in range(given.conversations):
            desk.enrol(f"c{number}")
        measured = measure(desk, given.times)
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    print(f"{given.conversations} conversations, {given.times} starts each, load {load}\n")
    print(f"{'':34}{'best':>8}{'median':>8}{'CPU':>8}")
    for name, times in measured.items():
        walls, works = zip(*times, strict=True)
        print(f"{name:34}{min(walls):8.0f}{statistics.median(walls):8.0f}{min(works):8.0f}")


def measure(desk: Desk, times: int) -> dict[str, list[tuple[float, float]]]:
    """Milliseconds of each start, and of its CPU, by what was started."""
    commands = {
        "inboxagent list": desk.command("list"),
        "inboxagent list --json": desk.command("list", "--json"),
        "inboxagent why": desk.command("why", "c0"),
        "inboxagent status": desk.command("status"),
        "inboxagent --version": [PYTHON, "-m", "inboxagent", "--version"],
        "python, nothing at all": [PYTHON, "-c", "pass"],
        "python, import click": [PYTHON, "-c", "import click"],
        "python, import tinydb, jinja2": [PYTHON, "-c", "import click, tinydb, jinja2"],
        "python, import imapclient": [PYTHON, "-c", "import imapclient"],
    }
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(times + 1):
        for name, command in commands.items():
            began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(command, capture_output=True, env=desk.shell(), check=False)
            wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
            work = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            measured[name].append((wall * 1000, work * 1000))
    return {name: taken[1:] for name, taken in measured.items()}  # the first one warms the caches


if __name__ == "__main__":
    main()
