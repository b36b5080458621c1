"""A few of the faults of the line that `./run torture` tries, between a whole agent and Dovecot and Postfix."""

import pytest

from tests.servers.lab import Lab
from tests.torture import faults
from tests.torture.proxy import Fault


@pytest.mark.parametrize("scene", faults.SCENES)
def test_a_line_that_fails_at_a_nasty_place_breaks_no_promise(lab: Lab, scene: str) -> None:
    trials = list(faults.torture(3, lab, (scene,)))
    assert [each.broken for each in trials] == [[]] * 4
    assert any(each.hit for each in trials)


def test_a_fault_has_a_name_by_which_it_is_played_again() -> None:
    fault = Fault(scene="once", service="imap", from_server=True, at=7, deed="cut within")
    assert Fault.read(str(fault)) == fault
