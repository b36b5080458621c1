"""The words of each language, one TOML file a language beside this module, read when first asked for and then kept."""

import functools
import importlib.resources
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pack:
    """The words of one language: its code (BCP 47) and lists of phrases by subject."""

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
    """One language from the text of its file; raises ValueError where it is not TOML or holds anything but lists."""
    table = tomllib.loads(text)
    order = table.pop("order", "dmy")
    lists = {subject: _strings(code, subject, phrases) for subject, phrases in table.items()}
    return Pack(code, lists, order)


def _strings(code: str, subject: str, phrases: object) -> tuple[str, ...]:
    if not isinstance(phrases, list) or not all(isinstance(phrase, str) for phrase in phrases):
        raise ValueError(f"{code}: {subject} is not a list of phrases")
    return tuple(phrases)
