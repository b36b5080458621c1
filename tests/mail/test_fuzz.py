"""Half a minute of coverage-guided fuzzing in every test run; `./run fuzz --seconds N` goes on for longer."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 30

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="atheris has no build for this machine"
)


def fuzz(*arguments: str, seconds: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.mail.fuzz", "--seconds", str(seconds), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace", timeout=seconds * 12)


def test_nothing_breaks_parse_and_classify() -> None:
    result = fuzz("--seed", "7", seconds=SECONDS)  # a test says the same every time; `./run fuzz` looks elsewhere
    assert result.returncode == 0, result.stdout[-2_000:] + result.stderr[-4_000:]
    figures = dict(re.findall(r"stat::(\w+): +(\d+)", result.stderr))
    assert int(figures["number_of_executed_units"]) > 100
    assert int(figures["new_units_added"]) > 0  # inputs that took branches which no message file takes


def test_the_fuzzer_finds_a_fault_that_chance_would_not() -> None:
    result = fuzz("--planted", seconds=SECONDS)
    assert result.returncode != 0
    assert "the planted fault" in result.stdout  # where atheris writes what was raised


def test_what_broke_something_can_be_played_again() -> None:
    message = next((ROOT / "tests" / "mail" / "messages").glob("*.eml"))
    result = fuzz(str(message), seconds=1)
    assert (result.returncode, result.stdout) == (0, f"{message}: holds\n")
