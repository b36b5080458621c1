"""What follows a death or a fault: the agent is started again until it is calm, and she settles what is in doubt."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from inboxagent.agent.copies import OWED
from inboxagent.outreach.events import Word
from tests.torture.lives import ONCE
from tests.torture.promises import broken_when_calm
from tests.torture.stage import Stage

Trouble = TypeVar("Trouble")
PAUSES = (200.0, 900.0, 3_600.0, 7_200.0, 9_000.0)
"""Seconds after which somebody starts it again."""


@dataclass(slots=True, kw_only=True)
class Trial(Generic[Trouble]):
    """A scene that was played, and the trouble there was in it, if any: what it hit (None: it never came to that), what
    was broken, and how many seconds it took."""

    scene: str
    trouble: Trouble | None
    hit: str | None = None
    broken: list[str] = field(default_factory=list)
    seconds: float = 0.0


def played(trial: Trial[Any], play: Callable[[], None]) -> None:
    """Play it; what never happens is broken too."""
    begun = time.monotonic()
    try:
        play()
    except AssertionError as error:
        trial.broken.append(f"stuck: {error}")
    trial.seconds = time.monotonic() - begun


def calm_down(stage: Stage, later: float, patience: float = 0.0) -> None:
    """Start it again and again, until a start changes nothing, and longer than it may leave a server alone."""
    before = _known(stage)
    for pause in PAUSES:
        ended = stage.run(*ONCE, later=later + pause)
        assert ended.code == 0, f"run ended with {ended.code}"
        if (after := _known(stage)) == before and pause > patience:
            return
        before = after
    raise AssertionError("it does not come to rest")


def _known(stage: Stage) -> object:
    events = {address: len(each.events) for address, each in stage.conversations().items()}
    return events, stage.copies(), stage.fact(OWED), [len(stage.letters(each)) for each in stage.people.values()]


def end_well(stage: Stage, later: float) -> Iterator[str]:
    """The last word: what is in doubt is settled by her, who has asked; then everybody has what he should have."""
    yield from broken_when_calm(stage)
    doubts = {address: each.pending for address, each in stage.conversations().items() if each.pending is not None}
    for address, intent in doubts.items():
        has_it = intent.message_id in {each.message_id for each in stage.letters(address)}
        ended = stage.run("drop" if has_it else "release", address, later=later)
        assert ended.code == 0, f"{address} is in doubt, and her word ends with {ended.code}"
    if doubts:
        stage.run(*ONCE, later=later + 60)
        calm_down(stage, later + 120)
        yield from broken_when_calm(stage)
    for address, conversation in stage.conversations().items():
        unknown = stage.world.unknown(address)
        sent = (each.step or "" for each in conversation.events if each.word is Word.SENT)
        steps = set(sent) if unknown else {each.step for each in stage.letters(address)}
        beginning = address not in {*stage.untouchable, *stage.forgotten, *stage.intended}
        if beginning and "one" not in steps:
            yield f"stuck: {address} has not got the first letter"
        on_time = not any(each.word is Word.UNCERTAIN for each in conversation.events)
        if beginning and on_time and later > 3 * 86_400 and not unknown and "two" not in steps:
            yield f"stuck: {address} has not got the second letter"
