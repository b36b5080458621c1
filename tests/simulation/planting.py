"""How a fault is planted: a patch of the agent in memory that can be taken back."""

from collections.abc import Callable
from typing import Any


class Patch:
    """Changes attributes and table entries, and puts them back."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []

    def set(self, place: Any, name: str, value: Any) -> Any:
        """Replace an attribute; returns the old one."""
        old = getattr(place, name)
        setattr(place, name, value)
        self._undo.append(lambda: setattr(place, name, old))
        return old

    def put(self, table: Any, key: Any, value: Any) -> Any:
        """Replace an entry; returns the old one."""
        old = table[key]
        table[key] = value
        self._undo.append(lambda: table.__setitem__(key, old))
        return old

    def later(self, act: Callable[[], None]) -> None:
        """Something else to be done when everything is as it was."""
        self._undo.insert(0, act)

    def undo(self) -> None:
        """Everything is as it was."""
        while self._undo:
            self._undo.pop()()


Plant = Callable[[Patch], object]
MUTANTS: dict[str, Plant] = {}


def mutant(words: str) -> Callable[[Plant], Plant]:
    """Name a planted fault."""

    def enter(plant: Plant) -> Plant:
        MUTANTS[words] = plant
        return plant

    return enter
