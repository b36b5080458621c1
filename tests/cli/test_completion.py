"""What shells and readers are told of the commands."""

import os
import shutil
import subprocess
import sys

import pytest

from inboxagent.cli.commands import COMMANDS
from tests.cli.desk import Desk


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_a_script_of_its_own(desk: Desk, shell: str) -> None:
    script = desk.run("completion", shell, config=False).stdout
    assert f"_INBOXAGENT_COMPLETE={shell}_complete" in script


def test_commands_and_options_are_completed() -> None:
    def complete(words: str, position: int) -> str:
        told = {"_INBOXAGENT_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(position)}
        command = [sys.executable, "-c", "from inboxagent.cli import main; main()"]
        return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **told}, check=False).stdout

    assert complete("inboxagent re", 1).split() == ["plain,resume", "plain,release", "plain,restore"]
    assert "plain,--dry-run" in complete("inboxagent run --d", 2)


def test_the_manual_names_every_command_and_option(desk: Desk) -> None:
    page = desk.run("man", config=False).stdout
    for name in COMMANDS:
        assert f"\n.SS {name}" in page
    assert ".SS auth login" in page
    assert "\\-\\-dry\\-run" in page
    if shutil.which("man"):
        told = {"PATH": "/usr/bin:/bin", "MANWIDTH": "100"}
        command = ["man", "--warnings", "-l", "-"]
        assert subprocess.run(command, capture_output=True, text=True, check=False, env=told, input=page).stderr == ""
