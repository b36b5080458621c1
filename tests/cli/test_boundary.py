"""Where errors end: one sentence on standard error, the agreed exit code, and no secret anywhere."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from inboxagent import __version__
from inboxagent.cli import boundary
from inboxagent.errors import InboxagentError
from tests.cli.desk import SECRET, Desk, until


def all_errors() -> list[type[InboxagentError]]:
    return InboxagentError.__subclasses__()


@pytest.mark.parametrize("kind", all_errors())
def test_every_error_is_a_sentence_and_its_code(
    kind: type[InboxagentError], capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise kind("it is so")

    assert boundary.guard(fail, debug=lambda: False) == kind.exit_code
    assert capsys.readouterr().err == "inboxagent: it is so\n"


def fault() -> None:
    raise ZeroDivisionError(SECRET)


def test_a_fault_of_ours_is_kept_in_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert boundary.guard(fault, debug=lambda: False) == 70
    (kept,) = tmp_path.iterdir()
    told = capsys.readouterr().err
    assert "this is a fault of ours: ZeroDivisionError in test_boundary.py, line " in told
    assert str(kept) in told
    assert SECRET not in told
    assert "in fault\n" in kept.read_text()


def test_debug_shows_the_fault(capsys: pytest.CaptureFixture[str]) -> None:
    assert boundary.guard(fault, debug=lambda: True) == 70
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["lsit"], 'inboxagent: there is no command "lsit"; did you mean "list"?'),
        (["frobnicate"], 'inboxagent: there is no command "frobnicate"; there are: init, enroll, list'),
        (["list", "--jsn"], "inboxagent: No such option '--jsn'. Did you mean '--json'?"),
        (["show"], "inboxagent: Missing argument 'ID'."),
    ],
)
def test_misuse_is_a_sentence_and_code_2(desk: Desk, words: list[str], sentence: str) -> None:
    assert sentence in desk.run(*words, config=False, code=2).stderr


def test_every_command_explains_itself(desk: Desk) -> None:
    overview = desk.run("--help", config=False).stdout
    from inboxagent.cli.commands import COMMANDS

    for name in COMMANDS:
        assert f"\n  {name} " in overview
        assert desk.run(name, "--help", config=False).stdout.startswith(f"Usage: inboxagent {name} ")


def test_the_version(desk: Desk) -> None:
    assert desk.run("--version", config=False).stdout == f"inboxagent {__version__}\n"


def test_no_configuration_is_code_78_with_an_example(desk: Desk) -> None:
    result = desk.run("list", config=False, code=78)
    assert "home/.config/inboxagent/config.toml" in result.stderr
    assert "password_command" in result.stderr


def test_a_state_that_is_damaged_is_code_74(desk: Desk) -> None:
    desk.enrol("k1")
    desk.enrol("k2")
    (store,) = (desk.folder / "state").glob("*.journal")
    store.write_bytes(store.read_bytes().replace(b"k1@", b"kl@", 1))
    desk.run("list", code=74)


def test_a_state_folder_that_cannot_be_made_is_code_73(desk: Desk) -> None:
    (desk.folder / "state").write_text("a file")
    desk.run("list", code=73)


def test_colour_is_for_terminals_and_not_for_those_who_want_none(desk: Desk) -> None:
    desk.enrol("k1")
    assert "\x1b[" not in desk.run("list").stdout
    assert "\x1b[" in on_terminal(desk)
    assert "\x1b[" not in on_terminal(desk, NO_COLOR="1")


def on_terminal(desk: Desk, **environment: str) -> str:
    """What `list` writes to a terminal."""
    ours, its = os.openpty()
    subprocess.run(desk.command("list"), stdout=its, env={**desk.shell(), **environment}, check=True, timeout=180)
    os.close(its)
    written = os.read(ours, 65_536).decode()
    os.close(ours)
    return written


def test_whoever_stops_reading_hears_no_complaint(desk: Desk) -> None:
    for number in range(5):
        desk.enrol(f"k{number}")
    listing = " ".join(f"'{word}'" for word in desk.command("list", "--json"))
    done = subprocess.run(["sh", "-c", f"{listing} | true"], capture_output=True, env=desk.shell(), check=False)
    assert done.stderr == b""


@pytest.mark.parametrize("words", [["list", "--json"], ["list"], ["check"], ["--help"]])
def test_a_closed_pipe_is_no_error(desk: Desk, words: list[str]) -> None:
    desk.enrol("k1")
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "inboxagent", *words]
    shell = {**desk.shell(), "INBOXAGENT_CONFIG": str(desk.config)}
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, env=shell, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_an_answer_that_cannot_be_written_is_a_sentence(desk: Desk) -> None:
    desk.enrol("k1")
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            desk.command("list"), stdout=full, stderr=subprocess.PIPE, text=True, env=desk.shell(), check=False
        )
        assert (done.returncode, done.stderr) == (
            73,
            "inboxagent: the answer cannot be written: No space left on device\n",
        )
        silent = subprocess.run(desk.command("list"), stdout=full, stderr=full, env=desk.shell(), check=False)
    assert silent.returncode == 73


def test_an_answer_for_nobody_is_none(desk: Desk) -> None:
    desk.enrol("k1")
    listing = " ".join(f"'{word}'" for word in desk.command("list"))
    done = subprocess.run(["sh", "-c", f"{listing} >&-"], capture_output=True, env=desk.shell(), check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_without_words_the_help_is_shown_once(desk: Desk) -> None:
    result = desk.run(config=False, code=2)
    assert result.stderr.startswith("Usage: inboxagent ")
    assert result.stderr.count("Usage:") == 1
    assert result.stdout == ""


INTERRUPT = """
import importlib.abc, os, signal, sys
class Interrupt(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == wanted:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupt())
wanted, sys.argv = sys.argv[1], ["inboxagent", "list"]
import runpy
runpy.run_module("inboxagent", run_name="__main__")
"""


@pytest.mark.parametrize("name", ["inboxagent.cli", "inboxagent.cli.commands", "click", "inboxagent.cli.look"])
def test_interrupted_while_something_is_imported_is_code_130(desk: Desk, name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPT, name], capture_output=True, text=True, env=desk.shell(), check=False
    )
    assert (done.returncode, done.stdout, done.stderr.strip()) == (130, "", "")


def test_interrupted_is_code_130(desk: Desk) -> None:
    code = (
        "import sys, time\nfrom inboxagent.cli.boundary import guard\n"
        "def wait():\n  print('waiting', flush=True)\n  time.sleep(60)\n"
        "sys.exit(guard(wait, debug=lambda: False))"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=desk.shell()) as process:
        assert process.stdout is not None
        until(process.stdout.readline, "it waits")
        process.send_signal(signal.SIGINT)
        assert process.wait(59) == 130
