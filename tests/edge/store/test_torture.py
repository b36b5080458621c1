"""A short run of the torture; `python tests/edge/store/torture.py ROUNDS` is the long one."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def torture() -> ModuleType:
    spec = importlib.util.spec_from_file_location("torture", Path(__file__).with_name("torture.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("writers", [1, 2])
def test_a_kill_loses_nothing_acknowledged_and_leaves_no_half_change(torture: ModuleType, writers: int) -> None:
    assert torture.torture(12, writers, seed=writers) > 12 * writers
