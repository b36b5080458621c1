"""Sections 1, 2 and 4 of the hard cases as days with Anne, on the fakes: where she stands, and what goes to her."""

import pytest

from tests.stories.hard_cases import CASES, Case, write
from tests.stories.people import ANNE, COLLEAGUE
from tests.stories.world import MAYA, World

KNOWN = {
    "him": ANNE,
    "her": MAYA.address,
    "colleague": COLLEAGUE,
    "private": "anne@home.test",
    "subject": "Our project",
}


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
async def test_case(case: Case) -> None:
    world = World()
    m1 = world.she_writes(ANNE)
    await world.enrol(ANNE)
    await world.days(1)
    world.server.deliver(write(case, world.clock.at, m1=m1, **KNOWN))
    await world.days(1)
    conversation = world.of(ANNE)
    assert (world.state(ANNE), world.words(ANNE)) == (case.state, ["enrolled", *case.events])
    assert case.because in conversation.because
    await world.days(4)
    assert world.steps(ANNE) == (["nudge"] if case.goes_on else [])
    if case.state in ("answered", "stopped"):
        await world.days(60)
        assert world.letters() == []


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES if case.state == "held"])
async def test_a_hold_ends_by_itself_and_the_letter_goes(case: Case) -> None:
    """Cases 21 to 28, 47 and 50: a pause that has a date is no end."""
    world = World()
    m1 = world.she_writes(ANNE)
    await world.enrol(ANNE)
    await world.days(1)
    world.server.deliver(write(case, world.clock.at, m1=m1, **KNOWN))
    await world.cycle()
    until = world.of(ANNE).held_until
    assert until is not None
    await world.days((until - world.clock.at).days - 0.5)
    assert world.steps(ANNE) == []
    await world.days(8)
    assert world.steps(ANNE)[:1] == ["nudge"]
