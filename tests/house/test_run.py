"""`./run` on a fresh copy: it sets itself up once, heals after a kill, and two at a time do not disturb each other.

The copies have nothing to install, so that this needs no network and no more than the time `venv` takes.
"""

import os
import runpy
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMAND = """
import os, sys
def main():
    print(os.getcwd(), *sys.argv[1:])
    return 7 if "fail" in sys.argv else 0
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose command says where it was started and with which words; its path has a space in it."""
    copy = tmp_path / "a checkout"
    (copy / "inboxagent" / "cli").mkdir(parents=True)
    (copy / "inboxagent" / "cli" / "__init__.py").write_text(COMMAND)
    (copy / "requirements").mkdir()
    for name in ("run", "demo", "dev"):
        (copy / "requirements" / f"{name}.txt").write_text("# nothing\n")
    shutil.copy(ROOT / "run", copy / "run")
    return copy


def start(checkout: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(checkout / "run"), *words]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd="/", start_new_session=True)


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=600)
    return process.returncode, out, err


def test_the_first_start_sets_up_and_the_second_does_not(checkout: Path) -> None:
    code, out, err = finish(start(checkout, "list", "--json"))
    assert (code, out) == (0, "/ list --json\n")
    assert "run: making" in err
    assert "run: installing" in err
    assert finish(start(checkout, "fail")) == (7, "/ fail\n", "")
    direct = subprocess.run([checkout / ".venv" / "bin" / "inboxagent", "x"], cwd="/", capture_output=True, text=True)
    assert (direct.returncode, direct.stdout) == (0, "/ x\n")


def test_a_changed_lock_is_installed_anew_and_a_moved_checkout_is_made_anew(checkout: Path) -> None:
    finish(start(checkout, "list"))
    (checkout / "requirements" / "run.txt").write_text("# nothing either\n")
    err = finish(start(checkout, "list"))[2]
    assert "run: installing" in err
    assert "run: making" not in err
    moved = checkout.rename(checkout.with_name("elsewhere"))
    code, out, err = finish(start(moved, "list"))
    assert (code, out) == (0, "/ list\n")
    assert "run: making" in err


@pytest.mark.parametrize("moment", [".venv/pyvenv.cfg", ".venv/bin/pip"])
def test_a_set_up_killed_half_way_heals_at_the_next_start(checkout: Path, moment: str) -> None:
    process = start(checkout, "list")
    end = time.monotonic() + 60
    while not (checkout / moment).exists() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    finish(process)
    code, out, err = finish(start(checkout, "list"))
    assert (code, out) == (0, "/ list\n")
    assert "run: making" in err


def test_ctrl_c_while_the_environment_is_made_is_one_line(checkout: Path) -> None:
    process = start(checkout, "list")
    end = time.monotonic() + 60
    while not (checkout / ".venv/pyvenv.cfg").exists() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGINT)
    code, out, err = finish(process)
    assert (code, out) == (130, "")
    assert err.splitlines()[1:] == ["run: interrupted; run it again"]


def test_two_at_the_same_time_both_work(checkout: Path) -> None:
    both = [start(checkout, "one"), start(checkout, "two")]
    (code_1, out_1, err_1), (code_2, out_2, err_2) = (finish(process) for process in both)
    assert (code_1, out_1) == (0, "/ one\n")
    assert (code_2, out_2) == (0, "/ two\n")
    assert (err_1 + err_2).count("run: making") == 1


def test_what_cannot_be_installed_ends_with_a_sentence(checkout: Path) -> None:
    (checkout / "requirements" / "run.txt").write_text("click\n")  # without a version and its hash
    code, out, err = finish(start(checkout, "list"))
    assert (code, out) == (1, "")
    assert err.endswith("run: the packages could not be installed; the lines above say why.\n")


def test_torture_hands_its_words_to_the_long_test(checkout: Path) -> None:
    place = checkout / "tests" / "torture"
    place.mkdir(parents=True)
    (place / "__main__.py").write_text("import sys; print(sys.argv[1:])")
    code, out, _ = finish(start(checkout, "torture", "20"))
    assert (code, out) == (0, "['20']\n")


def test_every_other_python_that_is_here_is_taken_and_the_others_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    run = runpy.run_path(str(ROOT / "run"))
    names = set(run["NEWEST_FIRST"])
    (here, broken, *absent) = sorted(names - {"python" + run["version"](sys.executable)})
    for name, script in ((here, 'test "$1" = -c || echo "$INBOXAGENT_VENV $*"'), (broken, "exit 127")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/nowhere")
    monkeypatch.setenv("HOME", str(tmp_path))
    run["run_other_pythons"].__globals__["PYTHON"] = sys.executable
    assert run["run_other_pythons"]() == []
    out, err = capfd.readouterr()
    assert out == f"{run['VENV']}-{here} {ROOT}/run core\n"
    assert err == "".join(f"run: NOT RUN on {name}: it is not installed\n" for name in sorted([broken, *absent]))
