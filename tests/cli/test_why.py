"""`why` tells the story in plain sentences: word for word, as it stands in `golden/`. UPDATE_GOLDEN=1 writes it anew.

The stories are lived by the real agent in a year to come, so that every date is told with its year.
"""

import os
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from inboxagent.agent.enrolment import enroll
from inboxagent.agent.wish import Wish
from inboxagent.outreach.events import By, Event, Word
from inboxagent.outreach.model import Prospect
from inboxagent.rules.parse import parse_rule
from tests.cli.desk import Desk
from tests.fakes.mailbox import FakeMailbox
from tests.stories.people import ANNE, COLLEAGUE
from tests.stories.world import StoryClock, World

GOLDEN = Path(__file__).parent / "golden"
MONDAY = datetime(2031, 11, 3, 10, 0, tzinfo=UTC)
RULE = """\
---
sequence: Quick
about: Two letters and a task, for the reasons.
language: en
send:
  days: Mon-Fri
  between: 8:30-11:30
out_of_office: 1 business day
after_my_answer: 3 business days
---

## nudge
wait: 3 business days

Good morning, this is the nudge about our project.

## ring
do: task
wait: 2 business days

Ring her.

## last
wait: 5 business days

Good morning, this is the last about our project.
"""
AWAY = "Auto-Submitted: auto-replied"


async def away(world: World) -> None:
    await world.days(1)
    world.answer(ANNE, text="I am travelling. I will answer on my return on 17 November 2031.\n", fields=AWAY)
    await world.days(1)


async def answered(world: World) -> None:
    await world.days(4)
    world.answer(ANNE, text="Thank you. What would the second part cost?\n")
    await world.days(1)


async def a_colleague(world: World) -> None:
    await world.days(4)
    world.answer(COLLEAGUE, answers=world.newest_to(ANNE), text="I take over from Anne.\n")
    await world.days(1)


async def bounced(world: World) -> None:
    await world.days(4)
    letter = world.newest_to(ANNE)
    assert letter is not None
    world.bounce(ANNE, letter)
    await world.days(1)


async def opted_out(world: World) -> None:
    await world.days(4)
    world.answer(ANNE, text="Please stop writing to me.\n")
    await world.days(1)


async def not_now(world: World) -> None:
    await world.days(4)
    world.answer(ANNE, text="Not now, please come back to me in May.\n")
    await world.days(1)


async def her_own_hand(world: World) -> None:
    await world.days(1)
    world.she_writes(ANNE, answers=world.newest_to(ANNE))
    await world.days(1)
    note(world, "called, wants a quote by Friday")


def note(world: World, text: str) -> None:
    """As `note` writes it down."""
    call = Event(at=world.clock.at, word=Word.NOTE, because=f"she noted: {text}", by=By.HER, text=text)
    with world.store.transaction("a note") as ledger:
        ledger.append(world.of(ANNE).id, call)


async def her_date(world: World) -> None:
    await world.days(1)
    note(world, "called, wants a quote")
    world.command(ANNE, Word.RESUMED, until=MONDAY + timedelta(days=15))
    await world.days(1)
    world.she_writes(ANNE, answers=world.newest_to(ANNE))
    await world.days(1)


async def away_when_she_answers(world: World) -> None:
    await world.days(4)
    world.answer(ANNE, text="Thank you. What would the second part cost?\n")
    await world.days(1)
    world.answer(ANNE, text="I am travelling. I will answer on my return on 27 November 2031.\n", fields=AWAY)
    await world.days(1)
    world.she_writes(ANNE, answers=world.newest_to(ANNE))
    await world.days(1)


async def a_task(world: World) -> None:
    await world.days(8)


STORIES: Mapping[str, Callable[[World], Awaitable[None]]] = {
    each.__name__: each
    for each in (
        *(away, answered, a_colleague, bounced, opted_out, not_now, her_own_hand, a_task),
        *(her_date, away_when_she_answers),
    )
}


@pytest.mark.parametrize("name", STORIES)
async def test_the_reasons_word_for_word(name: str, desk: Desk) -> None:
    sequence, problems = parse_rule("rules/quick.md", RULE, {})
    assert sequence is not None, problems
    world = World(sequence=sequence, clock=StoryClock(MONDAY))
    world.she_writes(ANNE)
    person = Prospect(address=ANNE, name="Anne Moreau", fields={"zone": "Europe/Madrid"})
    await enroll(
        world.account, FakeMailbox(world.server), world.store, world.clock, Wish(sequence=sequence, prospect=person)
    )
    world.server.listeners.pop()
    await STORIES[name](world)
    told = _why(desk, world)
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        path.write_text(told)
    assert told == path.read_text()


def _why(desk: Desk, world: World) -> str:
    """What `why` says of the conversation on a desk with the same rule; secret tokens are left out."""
    (desk.folder / "rules" / "quick.md").write_text(RULE)
    conversation = world.of(ANNE)
    with desk.composition.store.transaction("a story") as ledger:
        ledger.enrol(conversation.id, *conversation.events)
    said = desk.run("why", ANNE).stdout
    return re.sub(r"[0-9a-f]{40}@lind\.test", "…@lind.test", said)
