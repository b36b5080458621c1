"""What the service's unit hands over, read as systemd reads it (systemd.exec(5), "Credentials"); for root alone."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from inboxagent.edge.system_identity import USER
from inboxagent.errors import ConfigError

UNITS = Path("/etc/systemd/system")
STORES = tuple(Path(folder) for folder in ("/etc", "/run", "/usr/local/lib", "/usr/lib"))
PATIENCE = 30.0  # seconds for a security chip
_SETTING = re.compile(r"\s*((Load|Set)Credential(Encrypted)?)\s*=\s*(?:([^:\s]+)(?::(.*))?)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Handed:
    """A credential by its name: a file or a value, as it is or encrypted. `setting` names the line of the unit."""

    name: str
    setting: str
    source: str

    def fetch(self) -> bytes:
        """What the service would get. Raises ConfigError with what to do."""
        if self.setting == "SetCredential":
            return _unescape(self.source)
        if self.setting == "SetCredentialEncrypted":
            return self._decrypt("-", "".join(self.source.split()).encode())
        path = self._path()
        if self.setting == "LoadCredentialEncrypted":
            return self._decrypt(str(path), b"")
        try:
            return path.read_bytes()
        except OSError as error:
            raise ConfigError(f"{self}: {path} cannot be read: {error.strerror}") from None

    def _path(self) -> Path:
        """A path that is not absolute is looked for in systemd's stores of credentials."""
        folders = ("credstore.encrypted", "credstore") if "Encrypted" in self.setting else ("credstore",)
        places = [store / folder / (self.source or self.name) for store in STORES for folder in folders]
        return next((each for each in places if each.is_file()), places[0])

    def _decrypt(self, path: str, value: bytes) -> bytes:
        words = ["systemd-creds", "decrypt", f"--name={self.name}", path, "-"]
        try:
            done = subprocess.run(words, input=value, capture_output=True, check=False, timeout=PATIENCE)
        except FileNotFoundError:
            raise ConfigError(f"{self}: systemd-creds, which decrypts it, is not installed") from None
        except subprocess.TimeoutExpired:
            raise ConfigError(f"{self}: it was not decrypted within {PATIENCE:g} s") from None
        if done.returncode == 0:
            return done.stdout
        said = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise ConfigError(f"{self}: it cannot be decrypted here: {said}; try it: sudo {' '.join(words)}")

    def __str__(self) -> str:
        return f'the credential "{self.name}" ({self.setting}= of the unit)'


def unit_of(account: Path) -> str:
    """The unit of an account, by its folder below /etc/inboxagent."""
    return f"{USER}.service" if account == Path() else f"{USER}@{account}.service"


def handed_over(account: Path, units: Path = UNITS) -> list[Handed]:
    """What the account's unit and its drop-ins hand over. Of one name, a file goes before a value, as systemd has it;
    the value is for where there is no such file."""
    found: dict[str, dict[str, Handed]] = {"Load": {}, "Set": {}}
    for line in _lines(account, units):
        setting = _SETTING.fullmatch(line)
        if setting is None:
            continue
        word, kind, name, source = setting[1], setting[2], setting[4], setting[5] or ""
        if name is None:  # an empty one takes the earlier ones back
            found[kind].clear()
        else:
            found[kind][name] = Handed(name, word, source.replace("%i", str(account)).strip())
    present = {name: each for name, each in found["Load"].items() if name not in found["Set"] or each._path().is_file()}
    return list({**found["Set"], **present}.values())


def _lines(account: Path, units: Path) -> Iterator[str]:
    """Each setting on one line: a backslash at the end goes on in the next (systemd.syntax(7))."""
    names = [unit_of(account)] if account == Path() else [f"{USER}@.service", unit_of(account)]
    for unit in [units / names[0], *(drop for name in names for drop in sorted((units / f"{name}.d").glob("*.conf")))]:
        if unit.is_file():
            yield from re.sub(r"\\\n", " ", unit.read_text()).splitlines()


def _unescape(value: str) -> bytes:
    try:
        return value.encode().decode("unicode_escape").encode("latin-1")
    except ValueError:
        return value.encode()
