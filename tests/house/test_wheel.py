"""The wheel: built here without an index, and installed as `pipx install .` does it, in an environment of its own."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

from inboxagent import __version__

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = sysconfig.get_paths()["purelib"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built by the backend that pyproject.toml names."""
    folder = tmp_path_factory.mktemp("wheel")
    build = f"import hatchling.build; print(hatchling.build.build_wheel({str(folder)!r}))"
    done = subprocess.run([sys.executable, "-c", build], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / done.stdout.split()[-1]


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`inboxagent` of the installed wheel. What it needs is taken from here, so that no index is asked."""
    place = tmp_path_factory.mktemp("installed")
    venv.create(place, symlinks=True)
    pip = [sys.executable, "-m", "pip", "--python", str(place / "bin" / "python"), "install", "--quiet"]
    subprocess.run([*pip, "--no-index", "--no-deps", "--no-compile", str(wheel)], check=True)
    site = next(place.glob("lib/python*/site-packages"))
    (site / "needed.pth").write_text(f"{PACKAGES}\n")
    return place / "bin" / "inboxagent"


def content(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def metadata(wheel: Path) -> Message:
    return message_from_bytes(next(text for name, text in content(wheel).items() if name.endswith("/METADATA")))


def tracked(*folders: str) -> list[str]:
    """The files of these folders that git knows."""
    listed = subprocess.run(["git", "ls-files", "-z", *folders], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.split("\0") if name]


def test_it_holds_the_code_the_rules_the_phrases_and_the_units(wheel: Path) -> None:
    held = content(wheel)
    names = {name: f"inboxagent/shipped/{name}" for name in tracked("rules", "systemd")}
    names |= {name: name for name in tracked("inboxagent")}
    assert {"rules/proposal.md", "rules/phrases/de.yaml", "systemd/user/inboxagent.service"} <= names.keys()
    missing = [name for name, inside in names.items() if held.get(inside) != (ROOT / name).read_bytes()]
    assert missing == []
    others = {name for name in held if ".dist-info/" not in name} - set(names.values())
    assert others == set()


def test_it_says_its_licence_and_what_it_needs(wheel: Path) -> None:
    told = metadata(wheel)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (told["Name"], told["Version"]) == ("inboxagent", __version__)
    assert (told["License-Expression"], told.get_all("License-File")) == ("Apache-2.0", ["LICENSE"])
    assert told["Requires-Python"] == project["requires-python"]
    assert [name for name in content(wheel) if name.endswith(".dist-info/licenses/LICENSE")]
    needed = [each for each in told.get_all("Requires-Dist", []) if "extra ==" not in each]
    assert sorted(needed) == sorted(each.replace(".yaml", "-yaml") for each in project["dependencies"])


def run(program: Path, home: Path, *words: str) -> str:
    """A command of the installed program, far from the checkout, in a home of its own."""
    environ = {"HOME": str(home), "PATH": f"{program.parent}:/usr/bin:/bin", "LANG": "C.UTF-8"}
    command = [str(program), *words]
    done = subprocess.run(command, cwd=home, env=environ, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{words}: {done.stderr}"
    return done.stdout


def test_it_works_where_no_checkout_is(program: Path, tmp_path: Path) -> None:
    assert run(program, tmp_path, "--version") == f"inboxagent {__version__}\n"
    found = subprocess.run(
        [program.parent / "python", "-c", "import inboxagent; print(inboxagent.__file__)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(program.parent.parent) in found.stdout
    assert "--imap" in run(program, tmp_path, "init", "--help")
    assert "_INBOXAGENT_COMPLETE" in run(program, tmp_path, "completion", "bash")
    assert run(program, tmp_path, "man").startswith(".TH INBOXAGENT 1")


def test_the_rules_and_the_units_are_found_in_it(program: Path, tmp_path: Path) -> None:
    who = ("--address", "maya@lind.example", "--name", "Maya Lind", "--zone", "UTC", "--password-command", "pass maya")
    places = ("--imap", "imap.lind.example", "--smtp", "smtp.lind.example")
    run(program, tmp_path, "init", "--no-login", *who, *places)
    run(program, tmp_path, "rules", "new", "mine")
    copy = tmp_path / ".config" / "inboxagent" / "rules" / "mine.md"
    assert copy.read_text().count("\n## ") > 1
    run(program, tmp_path, "check", str(copy))
    assert "Maya" in run(program, tmp_path, "preview", str(copy))  # the greeting and the sign-off are of the phrases
    told = run(program, tmp_path, "service", "install")
    unit = tmp_path / ".config" / "systemd" / "user" / "inboxagent.service"
    assert f"Written: {unit}\n" in told
    assert f"ExecStart={program} run\n" in unit.read_text()


def test_it_understands_mail_there(program: Path, tmp_path: Path) -> None:
    letter = tmp_path / "letter.eml"
    letter.write_bytes(
        b"From: anna@prospect.test\r\nSubject: Re: Portal\r\n\r\nNein danke, wir haben kein Interesse.\r\n"
    )
    assert json.loads(run(program, tmp_path, "classify", "--json", str(letter)))["intent"] == "refusal"


@pytest.mark.parametrize(
    ("tool", "words"), [("pipx", ["install", "."]), ("uv", ["tool", "install", "--python", sys.executable, "."])]
)
def test_the_installers_that_the_readme_names(tool: str, words: list[str], tmp_path: Path) -> None:
    if not shutil.which(tool):
        pytest.skip(f"not installed: {tool}")
    if not os.environ.get("INBOXAGENT_ASK_INDEX"):
        pytest.skip(f"{tool} asks the package index; INBOXAGENT_ASK_INDEX=1 allows it")
    places = {
        **{name: str(tmp_path / "bin") for name in ("PIPX_BIN_DIR", "UV_TOOL_BIN_DIR")},
        **{name: str(tmp_path / "tools") for name in ("PIPX_HOME", "UV_TOOL_DIR")},
    }
    subprocess.run([tool, *words], cwd=ROOT, env={**os.environ, **places}, check=True, timeout=600)
    assert run(tmp_path / "bin" / "inboxagent", tmp_path, "--version") == f"inboxagent {__version__}\n"
