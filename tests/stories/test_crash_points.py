"""The process dies at a named point between deciding and recording, and starts again on what was left.

The names C1 to C23 and what has to follow from each are those of the research into sending once; the points that need
a real process, a real disk or a command line stand beside those tests (tests/house/test_named_cases.py has the list).
"""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from inboxagent.mail.inbound import parse
from inboxagent.outreach.outbox import Phase
from tests.stories.people import ANNE
from tests.stories.world import HOUR, World

ALL = ["nudge", "question", "last"]


async def due() -> World:
    """Anne's first follow-up falls due within the next hours."""
    world = World()
    await world.begin(ANNE)
    await world.days(2.9)
    return world


def die_at(world: World, *path: str) -> None:
    """Kill the process at the last of these effects, each the next of its name after the one before."""
    ahead = list(path)

    def step(effect: str) -> None:
        if ahead and effect == ahead[0]:
            del ahead[0]
            if not ahead:
                world.die_at = len(world.effects) + 1

    world.before = step


@dataclass(frozen=True, kw_only=True)
class Point:
    """Where it dies while the first letter goes out, and what is true an hour after the restart and at the end."""

    name: str
    path: tuple[str, ...]
    has_it: int = 0  # what the server has accepted when the process dies
    then: str = "waiting"  # the state after the restart; `held`: it is in doubt, and she has to say
    steps: tuple[str, ...] = ("nudge",)  # what has been accepted an hour later
    copies: int = 1  # of that letter in Sent
    says: int | None = None  # the code of the answer to the dot, where it is not yes


DOUBT = {"then": "held", "copies": 0}
POINTS = [
    Point(name="C3 before connecting", path=("hand_over",)),
    Point(name="C4 after MAIL and RCPT", path=("body",)),
    Point(name="C5 after the body, before the look", path=("body", "status")),
    Point(name="C7 the intent is not written yet", path=("body", "commit")),
    Point(name="C8 the intent is durable", path=("body", "committed"), steps=(), **DOUBT),  # type: ignore[arg-type]
    Point(name="C8 about to write the dot", path=("dot",), steps=(), **DOUBT),  # type: ignore[arg-type]
    Point(name="C10 accepted, 250 not read", path=("answer",), has_it=1, **DOUBT),  # type: ignore[arg-type]
    Point(name="C11 250 read, not recorded", path=("answer", "commit"), has_it=1, **DOUBT),  # type: ignore[arg-type]
    Point(name="C12 recorded, before QUIT", path=("answer", "committed"), has_it=1),
    Point(name="C13 before the APPEND", path=("answer", "holds"), has_it=1),
    Point(name="C13 in the APPEND", path=("answer", "append"), has_it=1),
    Point(name="C14 appended, not recorded", path=("append", "commit"), has_it=1),
    Point(name="C14 appended and recorded", path=("append", "committed"), has_it=1),
    Point(name="C15 451 not read", path=("answer",), says=451, steps=(), **DOUBT),  # type: ignore[arg-type]
    Point(name="C15 451 not recorded", path=("answer", "commit"), says=451, steps=(), **DOUBT),  # type: ignore[arg-type]
    Point(name="C15 451 recorded", path=("answer", "committed"), says=451),
]


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.name)
async def test_killed_while_a_letter_goes_out(point: Point) -> None:
    """C3, C4, C5, C7, C8, C10, C11, C12, C13, C14, C15: what is known is right, and nothing goes twice."""
    world = await due()
    if point.says:
        world.transport.reply(Phase.DOT, point.says, "4.3.0 later")
    die_at(world, *point.path)
    while not world.deaths:
        world.clock.pass_time(timedelta(minutes=10))
        await world.cycle()
    assert len(world.transport.accepted) == point.has_it
    await world.pass_time(hours=1)
    assert world.steps(ANNE) == list(point.steps)
    assert (world.state(ANNE), world.of(ANNE).uncertain) == (point.then, point.then == "held")
    await world.days(30)
    assert world.steps(ANNE) == (list(point.steps) if point.then == "held" else ALL)
    sent = [parse(each.raw).text for each in world.server.boxes["Sent"].messages.values()]
    assert len([each for each in sent if "this is the nudge" in each]) == point.copies


@pytest.mark.parametrize("path", [("headers",), ("message",), ("message", "commit"), ("message", "committed")])
async def test_killed_while_mailboxes_are_read(path: tuple[str, ...]) -> None:
    """C1, C2: the cursor passes his answer only together with the verdict on it, and it is counted once."""
    world = await due()
    before = world.store.cursors()["INBOX"]
    world.answer(ANNE)
    die_at(world, *path)
    await world.cycle()
    assert world.deaths == 1
    assert (world.store.cursors()["INBOX"] != before) == ("reply" in world.words(ANNE))
    await world.days(30)
    assert world.words(ANNE) == ["enrolled", "reply"]
    assert world.transport.accepted == []


@pytest.mark.parametrize("path", [("body", "message"), ("body", "commit"), ("body", "committed"), ("abort",)])
async def test_killed_after_the_look_found_an_answer(path: tuple[str, ...]) -> None:
    """C6: the letter on the wire lacks its dot, and is never finished."""
    world = await due()
    die_at(world, *path)
    dying = world.before

    def he_answers(effect: str) -> None:
        if effect == "body" and world.of(ANNE).touches == 1 and not world.deaths:
            world.answer(ANNE)
        dying(effect)

    world.before = he_answers
    await world.days(30)
    assert world.deaths == 1
    assert world.words(ANNE) == ["enrolled", "reply"]
    assert world.transport.accepted == []


@pytest.mark.parametrize("path", [("message",), ("message", "commit"), ("message", "committed")])
async def test_killed_when_evidence_was_found(path: tuple[str, ...]) -> None:
    """C16: it is found again, and the sequence goes on."""
    world = await due()
    world.transport.lose_line(Phase.DOT, accepted=True)
    await world.pass_time(hours=6)
    assert world.of(ANNE).uncertain
    world.server.deliver(world.transport.accepted[0].message, "Sent")
    die_at(world, *path)
    await world.days(30)
    assert world.deaths == 1
    assert world.words(ANNE).count("sent") == 3
    assert world.steps(ANNE) == ALL


@pytest.mark.parametrize("moment", ["status", "committed"])
async def test_suspended_between_body_and_dot(moment: str) -> None:
    """C23: hours later the look is stale and the letter withdrawn; what came meanwhile is read before the next try."""
    world = await due()
    ahead = ["body", moment]

    def sleep(effect: str) -> None:
        if ahead and effect == ahead[0]:
            del ahead[0]
            if not ahead:
                world.clock.pass_time(5 * HOUR)
                world.server.deliver(world.mail(ANNE, answers=world.newest_to(ANNE)))

    world.before = sleep
    await world.days(30)
    assert world.transport.accepted == []
    assert (world.state(ANNE), world.words(ANNE)[-1]) == ("answered", "reply")
    assert not world.of(ANNE).uncertain


async def test_suspended_after_the_dot() -> None:
    """C23: the line is dead when the machine wakes; nobody knows, and nothing goes by itself."""
    world = await due()
    world.transport.lose_line(Phase.DOT, accepted=True)

    def sleep(effect: str) -> None:
        if effect == "answer":
            world.before = lambda _: None
            world.clock.pass_time(9 * HOUR)

    world.before = sleep
    await world.days(30)
    assert world.of(ANNE).uncertain
    assert world.steps(ANNE) == ["nudge"]
