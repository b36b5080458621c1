"""The demo: what it shows is what the README says it shows, and nothing in it went wrong."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from inboxagent.edge.rulefolders import RuleFiles

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
BLOCK = re.compile(r"<!-- demo -->\n```\n(.*?)```\n<!-- /demo -->", re.DOTALL)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a person sees who is not at a terminal."""
    environment = {**os.environ, "HOME": str(tmp_path_factory.mktemp("home")), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "inboxagent", "demo"], capture_output=True, text=True, timeout=600, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_the_readme_shows_what_the_demo_shows(shown: str) -> None:
    """Set UPDATE_README=1 to write the new transcript."""
    transcript = "".join(line for line in shown.splitlines(keepends=True) if "│" not in line)
    readme = README.read_text()
    if os.environ.get("UPDATE_README") == "1":
        README.write_text(BLOCK.sub(lambda _: f"<!-- demo -->\n```\n{transcript}```\n<!-- /demo -->", readme))
    found = BLOCK.search(README.read_text())
    assert found is not None
    assert found[1] == transcript


def test_every_step_of_the_sequence_can_be_read(shown: str) -> None:
    letters = " ".join(line.partition("│")[2].strip() for line in shown.splitlines() if "│" in line)
    for step in RuleFiles(ROOT / "rules", ROOT / "rules")().sequences["proposal"].steps:
        last_words = " ".join(step.letter.split("{{ sign_off }}")[0].split())[-40:]
        plain = last_words.rpartition("}}")[2].strip()
        assert plain in letters, step.word


def test_its_seven_people_end_where_they_should(shown: str) -> None:
    end = dict(re.findall(r"^  (\w+) +(\w+) +\d touches", shown, re.MULTILINE))
    assert end == {
        "Anne": "finished",
        "Bart": "answered",
        "Cris": "answered",
        "Dora": "stopped",
        "Emil": "stopped",
        "Fay": "answered",
        "Gina": "answered",
    }
    assert len(re.findall("gets a reminder: Gina Rossi waits for your answer", shown)) == 1
    assert "0 after an answer, 0 twice, 0 without exactly one copy in Sent" in shown


def test_an_interrupted_demo_says_so_in_one_line(tmp_path: Path) -> None:
    environment = {**os.environ, "HOME": str(tmp_path), "TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-u", "-m", "inboxagent", "demo"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment) as process:
        assert process.stdout is not None
        assert any("enroll proposal" in line for line in process.stdout)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=180)
    assert (process.returncode, said) == (130, "The demo was interrupted; nothing of it is left.\n")
    assert list(tmp_path.iterdir()) == []


WITHOUT = """
import sys
sys.modules.update(dict.fromkeys(("aiosmtpd", "pymap", "msal")))  # as if they were not installed
from inboxagent.cli import main
sys.exit(main())
"""


@pytest.mark.parametrize(("words", "code"), [(["--help"], 0), (["man"], 0), (["demo", "--help"], 0), (["demo"], 2)])
def test_without_the_packages_of_the_demo_only_the_demo_is_missing(words: list[str], code: int) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, *words], capture_output=True, text=True, timeout=180, env=environment
    )
    assert done.returncode == code, done.stderr
    assert ("the demo needs the package" in done.stderr) is (code == 2)
