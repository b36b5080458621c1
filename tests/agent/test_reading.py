"""Reading: what takes long says all along that it goes on."""

from datetime import timedelta
from itertools import pairwise

import pytest

from tests.fakes import mailbox
from tests.simulation.manager import unit
from tests.stories.people import ANNE
from tests.stories.world import World


@pytest.mark.parametrize(
    ("call", "page", "author"), [("headers", 5, "nobody@elsewhere.test"), ("message", 1_000, ANNE)]
)
async def test_a_slow_server_is_no_hang(monkeypatch: pytest.MonkeyPatch, call: str, page: int, author: str) -> None:
    """P7: pages without an event, or one of letters to read, each after a quarter of the time of the watchdog."""
    monkeypatch.setattr(mailbox, "_SEVERAL", page)
    world = World()
    await world.begin(ANNE)
    await world.days(1)
    for _ in range(30):
        world.server.deliver(world.mail(author))
    slow = unit().watchdog / 4
    world.before = lambda effect: world.clock.pass_time(timedelta(seconds=slow)) if effect == call else None
    beats: list[float] = []
    world.beat = lambda: beats.append(world.clock.boot())
    await world.cycle()
    assert beats[-1] - beats[0] > unit().watchdog
    assert max(after - before for before, after in pairwise(beats)) <= 2 * slow
