"""The words of each language, one TOML file a language beside this module, read when first asked for and then kept."""

import functools
import importlib.resources
import json
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class Pack:
    """The words of one language: its code (BCP 47), lists of phrases by subject, the order of its dates (dmy ...)."""

    code: str
    lists: Mapping[str, tuple[str, ...]]
    order: str

    def words(self, subject: str) -> tuple[str, ...]:
        """The phrases of one subject ("prefixes", "months", ...); empty where the language has none."""
        return self.lists.get(subject, ())


@functools.cache
def packs() -> tuple[Pack, ...]:
    """All languages, in the order of their codes."""
    folder = importlib.resources.files(__name__)
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    return tuple(read(file.name.removesuffix(".toml"), file.read_text("utf-8")) for file in files)


def read(code: str, text: str) -> Pack:
    """One language from its file: TOML, of which only `name = [list of strings]` (over several lines or one) and
    `order = "dmy"` are used. ValueError names what is anything else."""
    # That much of TOML is JSON after the equals sign, which is read thirty times as fast as tomllib does.
    lists: dict[str, tuple[str, ...]] = {}
    order = "dmy"
    for name, value in _settings(text):
        try:
            found = json.loads(value)
        except ValueError as wrong:
            raise ValueError(f"{code}: {name}: {wrong}") from wrong
        if name == "order" and found in ("dmy", "mdy", "ymd"):
            order = found
        elif isinstance(found, list) and all(isinstance(phrase, str) for phrase in found) and name not in lists:
            lists[name] = tuple(found)
        else:
            raise ValueError(f"{code}: {name} is not a list of phrases, or stands there twice")
    return Pack(code, lists, order)


def _settings(text: str) -> list[tuple[str, str]]:
    """Names and values; a value goes on until its bracket is closed, and a comma before that bracket is allowed."""
    settings: list[tuple[str, str]] = []
    for line in text.splitlines():
        if settings and settings[-1][1].startswith("[") and not settings[-1][1].endswith("]"):
            name, value = settings[-1]
            settings[-1] = (name, (value + " " + line.strip()).replace(", ]", "]"))
        elif line.strip() and not line.startswith("#"):
            name, _, value = line.partition("=")
            settings.append((name.strip(), value.strip()))
    return settings
