"""Fetches TinyDB's source, for its own tests, which the wheel lacks: `python tests/edge/store/tinydb_source.py`.

It is the version that is locked, by the hash that is locked. `./run test` does this once, before the tests.
"""

import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

LOCKED = Path(__file__).resolve().parents[3] / "requirements" / "dev.txt"


def requirement() -> str:
    """TinyDB's lines in the locked requirements, with its hashes."""
    found = re.search(r"^tinydb==.*(\n +--hash.*)+", LOCKED.read_text(), re.MULTILINE)
    assert found is not None
    return found[0]


def source() -> Path:
    """Where the source lies once it was fetched: in the environment that holds the same version."""
    return Path(sys.prefix) / re.split(r"[\s\\]", requirement().replace("==", "-"), maxsplit=1)[0]


def fetch(folder: Path) -> None:
    """Download and unpack it into this folder. Raises CalledProcessError."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        wanted = Path(temporary) / "wanted.txt"
        wanted.write_text(requirement() + "\n")
        command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", "download"]
        command += ["--no-deps", "--no-binary", "tinydb", "--require-hashes", "--retries", "3"]
        subprocess.run([*command, "--dest", temporary, "--requirement", str(wanted)], check=True)
        (packed,) = Path(temporary).glob("*.tar.gz")
        with tarfile.open(packed) as archive:
            archive.extractall(temporary, filter="data")
        (Path(temporary) / folder.name).rename(folder)


if __name__ == "__main__" and not source().exists():
    try:
        fetch(source())
    except subprocess.CalledProcessError:
        sys.exit("TinyDB's source could not be fetched, so its own tests are skipped; the lines above say why.")
