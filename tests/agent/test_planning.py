"""Planning: what stands is not decided again, and says what would be decided anew."""

from datetime import timedelta

import pytest

from inboxagent.agent import planning
from inboxagent.agent.planning import Planned, Planner
from inboxagent.outreach import decide as deciding
from inboxagent.outreach.decide import Action, Rest, Send, Wait
from inboxagent.outreach.events import By, Event, Word
from tests.simulation.setting import Setting
from tests.simulation.world import simulate
from tests.stories.people import ANNE, BART
from tests.stories.world import DAY, HOUR, World


@pytest.fixture
def decided(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Of whom it was asked what to do."""
    asked: list[str] = []

    def decide(conversation, *more):  # type: ignore[no-untyped-def]
        asked.append(conversation.enrolment.prospect.address)
        return deciding.decide(conversation, *more)

    monkeypatch.setattr(planning, "decide", decide)
    return asked


async def planner_of(world: World) -> Planner:
    await world.begin(ANNE, BART)
    return Planner(world.account, world.store, world.clock, lambda word, fields: None)


async def test_nobody_is_decided_again_before_his_turn(decided: list[str]) -> None:
    world = World()
    planner = await planner_of(world)
    decided.clear()
    first = planner.plan()
    assert sorted(decided) == [ANNE, BART]
    assert [type(each.action) for each in first] == [Wait, Wait]
    world.clock.pass_time(HOUR)
    assert list(planner.plan()) == list(first)
    assert len(decided) == 2
    world.clock.at = max(each.action.at for each in first if isinstance(each.action, Wait))
    assert [type(each.action) for each in planner.plan()] == [Send, Send]


async def test_only_who_has_changed_is_decided_again(decided: list[str]) -> None:
    world = World()
    planner = await planner_of(world)
    planner.plan()
    decided.clear()
    with world.store.transaction("she pauses him") as ledger:
        ledger.append(world.of(ANNE).id, Event(at=world.clock.at, word=Word.HELD, because="she said so", by=By.HER))
    actions = {each.address: each.action for each in planner.plan()}
    assert decided == [ANNE]
    assert isinstance(actions[ANNE], Rest)


async def test_a_clock_that_was_put_back_asks_everybody_again(decided: list[str]) -> None:
    """What was decided at noon says nothing about the morning."""
    world = World()
    planner = await planner_of(world)
    world.clock.pass_time(30 * DAY)
    assert [type(each.action) for each in planner.plan()] == [Send, Send]
    world.clock.at -= 30 * DAY
    assert [type(each.action) for each in planner.plan()] == [Wait, Wait]
    decided.clear()
    world.clock.at -= timedelta(seconds=1)
    planner.plan()
    assert sorted(decided) == [ANNE, BART]


@pytest.mark.parametrize("seed", [1, 6])
def test_what_stands_is_what_would_be_decided_anew(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In every cycle of a simulated month, with clocks that leap and rules that are edited."""
    compared = 0
    original = Planner.plan

    def plan(self: Planner) -> object:
        nonlocal compared
        standing = original(self)
        anew = original(Planner(self._account, self._store, self._clock, self._observe))
        assert list(map(_said, standing)) == list(map(_said, anew))
        compared += 1
        return standing

    monkeypatch.setattr(Planner, "plan", plan)
    assert simulate(Setting(seed=seed, days=15, journal=False)).violations == ()
    assert compared > 100


def _said(planned: Planned) -> tuple[str, int, Action | tuple[object, ...]]:
    """A wait is described from where it was seen first; when it ends, and what comes then, is the same."""
    action = planned.action
    waits = (action.at, action.step, action.do, action.skips) if isinstance(action, Wait) else action
    return planned.conversation_id, planned.priority, waits
