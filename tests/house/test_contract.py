"""The import contract speaks of everything there is: a new package cannot slip past it."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]


def rooms() -> set[str]:
    """The packages and modules directly inside `inboxagent`, as the layers name them."""
    found = (ROOT / "inboxagent").iterdir()
    return {path.stem for path in found if path.suffix == ".py" or any(path.glob("*.py"))} - {"__init__", "__main__"}


def test_every_room_has_its_layer() -> None:
    arrows = next(contract for contract in CONTRACTS if contract["type"] == "layers")
    named = set(re.findall(r"\w+", " ".join(arrows["layers"])))
    assert rooms() <= named


def test_every_pure_package_is_kept_pure() -> None:
    core = next(contract for contract in CONTRACTS if contract["name"] == "The core touches nothing")
    pure = {f"inboxagent.{name}" for name in ("mail", "outreach", "rules")} & {f"inboxagent.{name}" for name in rooms()}
    assert pure <= set(core["source_modules"])
