"""A short run of the torture; `./run torture` is the long one."""

import pytest

from tests.edge.store.torture import torture


@pytest.mark.parametrize("writers", [1, 2])
def test_a_kill_loses_nothing_acknowledged_and_leaves_no_half_change(writers: int) -> None:
    assert torture(12, writers, seed=writers) > 12 * writers
