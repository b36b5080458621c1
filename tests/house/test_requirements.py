"""The locked requirements: complete, hashed, in step with each other, and silent about where they come from."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SETS = ["run", "demo", "dev"]
NAMED = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)


def read(name: str) -> str:
    return (ROOT / "requirements" / f"{name}.txt").read_text()


def versions(name: str) -> dict[str, str]:
    return dict(NAMED.findall(read(name)))


def canonical(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[<>=\[;]", requirement)[0].strip()).lower()


@pytest.mark.parametrize("name", SETS)
def test_no_line_names_an_index(name: str) -> None:
    assert not re.search(r"https?:|file:|--(extra-)?index-url|--find-links|@", read(name))


@pytest.mark.parametrize("name", SETS)
def test_every_requirement_is_pinned_and_hashed(name: str) -> None:
    entries = re.split(r"\n(?=[a-z])", read(name).split("\n", 1)[1])
    for entry in entries:
        assert NAMED.match(entry), entry
        assert "--hash=sha256:" in entry, entry


def test_a_larger_set_holds_the_smaller_ones_in_the_same_versions() -> None:
    assert versions("run").items() <= versions("demo").items() <= versions("dev").items()


def test_nobody_has_to_compile() -> None:
    if not os.environ.get("INBOXAGENT_ASK_INDEX"):
        pytest.skip("wheels for x86-64 and arm64 are asked of the package index; INBOXAGENT_ASK_INDEX=1 allows it")
    subprocess.run([ROOT / "requirements" / "wheels"], check=True, env={**os.environ, "PYTHON": sys.executable})


def test_everything_the_project_asks_for_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    assert {canonical(name) for name in project["dependencies"]} <= versions("run").keys()
    assert {canonical(name) for name in extras["demo"]} <= versions("demo").keys()
    assert {canonical(name) for name in extras["dev"]} - {"inboxagent"} <= versions("dev").keys()
    assert not {"pytest", "mypy", "ruff"} & versions("demo").keys()
