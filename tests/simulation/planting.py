"""How a fault is planted: a patch of the agent in memory that can be taken back."""

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from types import ModuleType
from typing import Any

from inboxagent.outreach import fold
from inboxagent.outreach.events import Event, Word
from inboxagent.outreach.state import Conversation, replace

_MISSING: Any = object()


@dataclass(frozen=True, slots=True)
class Change:
    """One attribute or table entry that a plant replaces. `before` is what was found under the name."""

    place: Any
    name: Any
    before: Any
    is_entry: bool = False
    own: bool = True  # it was the place's own, and not inherited

    @property
    def now(self) -> Any:
        """What is found there at this moment."""
        return self.place[self.name] if self.is_entry else getattr(self.place, self.name)

    def undo(self) -> None:
        """As it was."""
        if self.is_entry:
            self.place[self.name] = self.before
        elif self.own:
            setattr(self.place, self.name, self.before)
        else:
            delattr(self.place, self.name)


class Patch:
    """Changes attributes and table entries, and puts them back."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self._later: list[Callable[[], None]] = []

    def set(self, place: Any, name: str, value: Any) -> Any:
        """Replace an attribute; returns the old one."""
        old = getattr(place, name)
        self.changes.append(Change(place, name, old, own=name in vars(place)))
        setattr(place, name, value)
        return old

    def set_everywhere(self, place: ModuleType, name: str, value: Any) -> Any:
        """Replace what a module defines under every name by which the agent knows it; returns the old one."""
        old = getattr(place, name)
        for module in agent_modules():
            for known_as in [known_as for known_as, found in vars(module).items() if found is old]:
                self.set(module, known_as, value)
        return old

    def put(self, table: Mapping[Any, Any], key: Any, value: Any) -> Any:
        """Replace an entry; returns the old one."""
        old = table[key]
        self.changes.append(Change(table, key, old, is_entry=True))
        table[key] = value  # type: ignore[index] # a table is read only for those who mean well
        return old

    def later(self, act: Callable[[], None]) -> None:
        """Something else to be done when everything is as it was."""
        self._later.append(act)

    def undo(self) -> None:
        """Everything is as it was."""
        while self.changes:
            self.changes.pop().undo()
        while self._later:
            self._later.pop()()


def leave(patch: Patch, word: Word, field: str) -> None:
    """Plant that an event leaves one field of a conversation as it was."""

    def effect(conversation: Conversation, event: Event) -> Conversation:
        return replace(original(conversation, event), **{field: getattr(conversation, field)})

    original = patch.put(fold._EFFECTS, word, effect)


def agent_modules() -> Iterator[ModuleType]:
    """Where the agent looks names up: what reads, decides and sends, as far as it is loaded."""
    for name, module in sorted(sys.modules.items()):
        if name.startswith(("inboxagent.agent.", "inboxagent.outreach.", "inboxagent.mail.", "inboxagent.daemon")):
            yield module


@dataclass(frozen=True, slots=True)
class Months:
    """In which months a fault can show: told in words, and by seed; `journal`: over the real journal."""

    words: str = ""
    are_such: Callable[[int], bool] = lambda seed: True
    journal: bool = False

    def seeds(self, first: int) -> Iterator[int]:
        """Theirs, from this one on."""
        return filter(self.are_such, count(first))


ANY_MONTH = Months()
OVER_THE_JOURNAL = Months("over the journal", journal=True)  # those take longer


@dataclass(frozen=True, slots=True)
class Mutant:
    """A planted fault, and where it is to be looked for."""

    plant: Callable[[Patch], object]
    months: Months = ANY_MONTH


MUTANTS: dict[str, Mutant] = {}


def mutant(words: str, months: Months = ANY_MONTH) -> Callable[[Callable[[Patch], object]], Callable[[Patch], object]]:
    """Name a planted fault."""

    def enter(plant: Callable[[Patch], object]) -> Callable[[Patch], object]:
        if words in MUTANTS:
            raise ValueError(f"two plants are called {words!r}")
        MUTANTS[words] = Mutant(plant, months)
        return plant

    return enter
