"""The files that ship beside the code: in a wheel they lie inside the package, in a checkout at its top."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent


def find(name: str) -> Path:
    """The shipped folder of that name, `rules` for one."""
    inside = PACKAGE / "shipped" / name
    return inside if inside.is_dir() else PACKAGE.parent / name
