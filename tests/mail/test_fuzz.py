"""Twenty seconds of coverage-guided fuzzing in every test run; `python -m tests.mail.fuzz` goes on for longer."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 20


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris has no build for this machine")
def test_nothing_breaks_parse_and_classify() -> None:
    command = [sys.executable, "-m", "tests.mail.fuzz", "--seconds", str(SECONDS)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace", timeout=SECONDS * 12)
    assert result.returncode == 0, result.stderr[-4_000:]
    ran = re.search(r"number_of_executed_units: (\d+)", result.stderr)
    assert ran is not None
    assert int(ran[1]) > 100
