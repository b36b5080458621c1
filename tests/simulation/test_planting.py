"""Every plant is one: it changes what the agent looks up, wherever it does so, and the agent comes by in a month."""

import functools
import inspect
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, ModuleType
from typing import Any

import pytest

from tests.simulation import mutants
from tests.simulation.planting import MUTANTS, Change, Patch, agent_modules
from tests.simulation.setting import Setting
from tests.simulation.world import simulate


@contextmanager
def _planted(name: str) -> Iterator[Patch]:
    patch = Patch()
    try:
        MUTANTS[name].plant(patch)
        yield patch
    finally:
        patch.undo()


@pytest.mark.parametrize("name", MUTANTS)
def test_every_fault_can_be_planted_and_taken_back(name: str) -> None:
    with _planted(name) as patch:
        changes = list(patch.changes)
        assert changes
        assert all(each.now is not each.before for each in changes)
    assert all(each.now is each.before for each in changes)
    assert all(each.own == (each.name in vars(each.place)) for each in changes if not each.is_entry)


@pytest.mark.parametrize("name", MUTANTS)
def test_no_plant_misses_a_name_under_which_the_agent_knows_it(name: str) -> None:
    """A function that another module imported stays what it was there, unless it is replaced there too."""
    with _planted(name) as patch:
        functions = [each.before for each in patch.changes if isinstance(each.place, ModuleType)]
        missed = [
            f"{module.__name__}.{known_as}"
            for module in agent_modules()
            for known_as, found in vars(module).items()
            if any(found is each for each in functions if callable(each))
        ]
    assert missed == []


def test_the_agent_comes_by_every_place_where_a_fault_is_planted() -> None:
    """Functions are called within a few months, over the real journal where the plant is; constants are looked up."""
    for journal in (False, True):
        left: dict[int, list[Change]] = defaultdict(list)
        for name in (name for name in MUTANTS if MUTANTS[name].months.journal is journal):
            with _planted(name) as patch:
                for each in patch.changes:
                    left[id(each.before)] += [] if _is_looked_up(each) else [each]
        for seed in (1, 4, 6, 7, 11, 22, 8, 0, 13, 2):
            left = {key: places for key, places in left.items() if places}
            if left:
                for called in _called(left, Setting(seed=seed, journal=journal, days=12 if journal else 30)):
                    del left[called]
        assert [f"{places[0].place} {places[0].name}" for places in left.values()] == []


def _is_looked_up(change: Change) -> bool:
    """Whether it is a constant that some function of the module names."""
    if inspect.isroutine(change.before) or hasattr(change.before, "cache_clear"):
        return False
    assert isinstance(change.place, ModuleType)
    functions = [each for each in _functions(change.place) if each.__module__ == change.place.__name__]
    return any(change.name in names for each in functions for names in _names(each.__code__))


def _functions(module: ModuleType) -> Iterator[Any]:
    for each in vars(module).values():
        yield from filter(inspect.isfunction, vars(each).values() if inspect.isclass(each) else (each,))


def _names(code: CodeType) -> Iterator[tuple[str, ...]]:
    yield code.co_names
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from _names(each)


def _called(places: dict[int, list[Change]], setting: Setting) -> set[int]:
    """Which of these functions somebody calls in a month, in one of their places."""
    called: set[int] = set()
    patch = Patch()
    try:
        for key, changes in places.items():
            for each in changes:
                replace = patch.put if each.is_entry else patch.set
                replace(each.place, each.name, _telling(each.before, key, called))
        simulate(setting)
    finally:
        patch.undo()
    return called


def _telling(function: Callable[..., Any], key: int, called: set[int]) -> Callable[..., Any]:
    @functools.wraps(function)
    def told(*more: Any, **others: Any) -> Any:
        called.add(key)
        return function(*more, **others)

    return told


def test_the_table_ends_with_one_line_for_the_record() -> None:
    found = [mutants.Found("a", "i1", 0, 1), mutants.Found("b", "i2", 6, 7), mutants.Found("c", "i2", 2, 3)]
    assert mutants.summary(found) == "3 of 3 found, median 3 seeds, worst 7"
    assert mutants.summary([*found, mutants.Found("d", None, -1, 40)]).startswith("3 of 4 found")
