"""Days under rule files that say more: conditions, tasks, last days, variants, handing on, pace and tone."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from inboxagent.agent.enrolment import enroll
from inboxagent.agent.wish import Wish
from inboxagent.errors import Refused
from inboxagent.mail.inbound import parse
from inboxagent.outreach.decide import outlook
from inboxagent.outreach.events import Word
from inboxagent.outreach.model import Prospect
from inboxagent.outreach.outbox import Phase
from inboxagent.outreach.phrases import TONES, Phrases
from inboxagent.outreach.sequence import Sequence
from inboxagent.outreach.state import State
from inboxagent.outreach.writing import choose, write
from inboxagent.rules.parse import parse_rule
from tests.fakes.mailbox import FakeMailbox
from tests.stories.people import ANNE, BART
from tests.stories.world import DAY, MAYA, MONDAY, World

GREETING = {"greeting": {tone: f"{tone} hello," for tone in TONES}}
PHRASES = {"en": Phrases(language="en", texts=GREETING)}
LETTERS = "## one\nwait: 3 days\n\nThe first.\n\n{ring}\n## two\nwait: 4 days\n\nThe second.\n"
RING = "## ring\ndo: task\nwait: 2 days\n{lines}\nRing {{{{ company or 'them' }}}}.\n"


def read(text: str, name: str = "proposal", settings: str = "") -> Sequence:
    """A rule file with these settings and steps."""
    sequence, problems = parse_rule(f"rules/{name}.md", f"---\nsequence: Test\n{settings}---\n\n{text}", PHRASES)
    assert sequence is not None, problems
    return sequence


def with_ring(settings: str = "", lines: str = "") -> Sequence:
    return read(LETTERS.format(ring=RING.format(lines=lines)), settings=settings)


async def world_of(*sequences: Sequence, **fields: str) -> World:
    """Anne was written to and enrolled in the first of the sequences."""
    world = World(sequence=sequences[0], books={each.name: each for each in sequences})
    world.she_writes(ANNE)
    await world.enrol(ANNE) if not fields else await enrolled_with(world, fields)
    return world


async def enrolled_with(world: World, fields: dict[str, str], **more: object) -> None:
    wish = Wish(sequence=world.sequence, prospect=Prospect(address=ANNE, fields=fields), newest=True, **more)  # type: ignore[arg-type]
    await enroll(world.account, FakeMailbox(world.server), world.store, world.clock, wish)
    world.server.listeners.pop()


def happenings(world: World, address: str = ANNE) -> list[tuple[str, str | None, float]]:
    """Word, step and day of what happened to his conversation, newest conversation."""
    told = [each for each in world.of(address).events if each.word not in (Word.ENROLLED, Word.INTENT)]
    return [(str(each.word), each.step, round((each.at - MONDAY) / DAY, 1)) for each in told]


async def test_a_task_is_hers_and_the_next_wait_runs_from_it() -> None:
    world = await world_of(with_ring())
    await world.days(30)
    assert happenings(world) == [("sent", "one", 3), ("task", "ring", 5), ("sent", "two", 9), ("finished", None, 9)]
    assert [each.text for each in world.of(ANNE).tasks] == ["Ring them."]
    assert world.of(ANNE).touches == 3


async def test_when_it_is_done_the_wait_begins_anew() -> None:
    world = await world_of(with_ring())
    await world.days(7)
    world.command(ANNE, Word.DONE, step="ring")
    await world.days(20)
    assert happenings(world)[2:4] == [("done", "ring", 7), ("sent", "two", 11)]
    assert world.of(ANNE).tasks == ()


async def test_a_step_whose_condition_is_false_is_passed_over_and_the_wait_runs_from_there() -> None:
    rule = with_ring("fields:\n  value: {type: number, fallback: 0}\n", "if: value >= 20000\n")
    world = await world_of(rule)
    await world.days(30)
    assert happenings(world)[:3] == [("sent", "one", 3), ("skipped", "ring", 5), ("sent", "two", 9)]
    assert world.of(ANNE).events[-4].because == "`ring` is passed over: not so: value >= 20000"
    rich = await world_of(rule, value="25000")
    await rich.days(30)
    assert ("task", "ring", 5.0) in happenings(rich)


async def test_an_offer_is_never_sent_late() -> None:
    offer = "## one\nwait: 3 days\nexpires: 2026-11-04\n\nThe offer.\n\n## two\nwait: 4 days\n\nThe second.\n"
    world = await world_of(read(offer))
    await world.days(30)
    assert happenings(world)[:2] == [("skipped", "one", 3), ("sent", "two", 7)]


async def test_an_offer_that_was_held_past_its_day_is_not_sent() -> None:
    offer = "## one\nwait: 3 days\nexpires: 2026-11-05\n\nThe offer.\n\n## two\nwait: 4 days\n\nThe second.\n"
    world = await world_of(read(offer))
    await world.days(1)
    world.command(ANNE, Word.HELD, until=MONDAY + 6 * DAY)
    await world.days(30)
    assert [step for word, step, _ in happenings(world) if word == "sent"] == ["two"]


async def test_the_last_step_hands_on_to_another_sequence() -> None:
    """Case 72: nurture with its own long spacing, in the same thread, and nobody is forgotten."""
    first = read("## one\nwait: 3 days\n\nThe first.\n", settings="then: later\n")
    later = read("## hello\nwait: 60 days\n\nStill there?\n", "later")
    world = await world_of(first, later)
    await world.days(90)
    old, new = world.store.conversations()
    assert old.state is State.FINISHED
    assert new.enrolment.origin == old.id
    assert f"later takes over ({new.id})" in old.because
    assert [event.step for event in new.events if event.word is Word.SENT] == ["hello"]
    assert parse(world.transport.accepted[-1].message).in_reply_to == (old.events[-2].message_id,)
    sent = [event.at for event in new.events if event.word is Word.SENT]
    assert sent[0] - MONDAY == timedelta(days=63)


async def test_an_answer_to_the_old_letters_reaches_the_heir() -> None:
    first = read("## one\nwait: 3 days\n\nThe first.\n", settings="then: later\n")
    world = await world_of(first, read("## hello\nwait: 60 days\n\nStill there?\n", "later"))
    await world.days(10)
    world.answer(ANNE, text="Let us talk.\n")
    await world.days(90)
    assert [str(each.state) for each in world.store.conversations()] == ["answered", "answered"]
    assert len(world.transport.accepted) == 1


async def test_a_sequence_that_is_not_there_holds_instead_of_forgetting() -> None:
    world = await world_of(read("## one\nwait: 3 days\n\nThe first.\n", settings="then: later\n"))
    await world.days(10)
    assert world.state(ANNE) == "held"
    assert "no readable rule file `later`" in world.of(ANNE).because


@pytest.mark.parametrize("heir", ["then", "refused"])
async def test_who_lacks_what_the_next_sequence_needs_is_not_even_enrolled(heir: str) -> None:
    """Case 75."""
    first = read("## one\nwait: 3 days\n\nThe first.\n", settings=f"{heir}: later\n")
    later = read("## hello\nwait: 60 days\n\nAbout {{ topic }}.\n", "later", "fields:\n  topic: {required: true}\n")
    with pytest.raises(Refused, match='lacks "topic"'):
        await world_of(first, later)


async def test_who_may_be_enrolled() -> None:
    rule = read(
        "## one\nwait: 3 days\n\nThe first.\n",
        settings="for: value >= 3000\nfields:\n  value: {type: number, fallback: 0}\n",
    )
    with pytest.raises(Refused, match=r"proposal is not for anne@prospect\.test; it is for: value >= 3000"):
        await world_of(rule)
    assert (await world_of(rule, value="3000")).state(ANNE) == "waiting"


async def test_her_answer_lets_it_go_on_where_the_rule_says_so() -> None:
    rule = replace(with_ring("after_my_answer: 5 days\nagain: two\n"))
    world = await world_of(rule)
    await world.days(4)
    world.answer(ANNE, text="Could you send me the figures?\n")
    await world.days(1)
    assert world.state(ANNE) == "answered"
    world.she_writes(ANNE, answers=world.of(ANNE).latest.message_id)  # type: ignore[union-attr]
    await world.days(20)
    assert happenings(world)[-3:] == [("resumed", "two", 5), ("sent", "two", 10), ("finished", None, 10)]


@pytest.mark.parametrize(
    ("text", "fields", "word"),
    [
        ("I am out of the office until 23 November 2026.\n", "Auto-Submitted: auto-replied", "auto_reply"),
        ("Not now, please come back to me on 23 November 2026.\n", "", "not_now"),
    ],
)
async def test_what_names_a_day_while_it_is_her_turn_holds_when_her_answer_lets_it_go_on(
    text: str, fields: str, word: str
) -> None:
    world = await world_of(with_ring("after_my_answer: 5 days\nagain: two\n"))
    await world.days(4)
    world.answer(ANNE, text="Could you send me the figures?\n")
    await world.days(1)
    world.answer(ANNE, text=text, fields=fields)
    await world.days(1)
    assert world.words(ANNE)[-2:] == ["reply", word]
    world.she_writes(ANNE)
    await world.days(30)
    words = {event.word: event for event in world.of(ANNE).events}
    assert words["sent"].step == "two"
    assert words["sent"].at.date() >= date(2026, 11, 23)
    assert "not before" in words["resumed"].because


@pytest.mark.parametrize("doubt", [False, True])
async def test_nothing_that_she_does_meanwhile_brings_the_day_that_he_named_nearer(doubt: bool) -> None:
    """She writes once more; or the letter before was in doubt all the time, and she leaves it at that."""
    world = await world_of(with_ring("after_my_answer: 2 days\n"))
    if doubt:
        world.transport.lose_line(Phase.DOT, accepted=False)
    await world.days(4)
    world.answer(ANNE, text="Could you send me the figures?\n")
    await world.days(1)
    world.answer(ANNE, text="Not now, please come back to me on 15 December 2026.\n")
    await world.days(1)
    world.she_writes(ANNE)
    await world.days(1)
    if doubt:
        world.command(ANNE, Word.DROPPED, step="one")
    else:
        world.she_writes(ANNE)
    await world.days(60)
    acted = [each for each in world.of(ANNE).events if each.word in (Word.SENT, Word.TASK) and each.step != "one"]
    assert [each.step for each in acted] == ["ring", "two"]
    assert acted[0].at.date() == date(2026, 12, 15)


async def test_after_my_answer_never_passes_over_a_newer_answer() -> None:
    world = await world_of(with_ring("after_my_answer: 5 days\n"))
    await world.days(4)
    world.answer(ANNE, text="Could you send me the figures?\n")
    await world.days(1)
    world.she_writes(ANNE)
    world.answer(ANNE, text="And the dates.\n")
    await world.days(20)
    assert world.state(ANNE) == "answered"


async def test_after_my_answer_is_not_misled_by_a_copy_that_is_filed_late() -> None:
    world = await world_of(with_ring("after_my_answer: 5 days\n"))
    await world.days(4)
    world.answer(ANNE, text="Could you send me the figures?\n")
    await world.days(1)
    letter = world.mail(MAYA.address, ANNE)
    await world.days(0.2)
    world.answer(ANNE, text="Thank you, that settles it.\n")
    await world.days(0.2)
    world.server.deliver(letter, "Sent")
    await world.days(20)
    assert world.state(ANNE) == "answered"


async def test_without_it_her_answer_changes_nothing() -> None:
    world = await world_of(with_ring())
    await world.days(4)
    world.answer(ANNE, text="Could you send me the figures?\n")
    await world.days(1)
    world.she_writes(ANNE)
    await world.days(20)
    assert world.state(ANNE) == "answered"


async def test_the_days_after_his_return_are_the_rules() -> None:
    world = await world_of(with_ring("out_of_office: 3 business days\n"))
    await world.days(1)
    away = "I am out of the office until 6 November 2026.\n"
    world.answer(ANNE, text=away, fields="Auto-Submitted: auto-replied")
    await world.days(1)
    assert world.of(ANNE).held_until is not None
    assert f"{world.of(ANNE).held_until:%a %d %b}" in ("Wed 11 Nov", "Tue 10 Nov")
    assert world.of(ANNE).because.endswith("so held to 3 business days after")


async def test_everybody_gets_one_of_the_letters_and_always_the_same() -> None:
    text = "## one\nwait: 3 days\ntest: 70 / 30\n\n### A: short\n\nShort.\n\n### B: long\n\nMuch longer.\n"
    rule = read(text)
    (step,) = rule.steps
    people = [f"p{number}@prospect.test" for number in range(1000)]
    names = [choose(step, each).name for each in people]  # type: ignore[union-attr]
    assert 640 < names.count("A") < 760
    assert names == [choose(step, each.upper()).name for each in people]  # type: ignore[union-attr]
    world = await world_of(rule)
    await world.days(5)
    (intent,) = (each for each in world.of(ANNE).events if each.word is Word.INTENT)
    chosen = choose(step, ANNE)
    assert chosen is not None
    assert (intent.variant, intent.text) == (chosen.name, chosen.letter)


async def test_pace_and_tone_of_one_enrolment() -> None:
    rule = read("## one\nwait: 4 days\n\n{{ greeting }}\n\nThe first.\n")
    world = World(sequence=rule)
    world.she_writes(ANNE)
    await enrolled_with(world, {}, tone="brief", pace=1.5)
    conversation = world.of(ANNE)
    letter = write(conversation, rule, rule.steps[0], PHRASES, MAYA, world.clock.at)
    assert letter.text == "brief hello,\n\nThe first."
    ahead = outlook(conversation, rule, world.clock.at, MAYA)
    assert ahead is not None
    assert (ahead.at - MONDAY, ahead.because) == (6 * DAY, "6 days after Mon 2 Nov 10:00")


async def test_a_new_thread_goes_at_once_whatever_its_wait() -> None:
    rule = read("## one\n\nThe first, {{ my_name }}.\n\n## two\nwait: 4 days\n\nAgain, {{ days_since }} days later.\n")
    world = World(sequence=rule)
    with pytest.raises(Refused, match="no `subject:` line"):
        await enrolled_with(world, {}, new=True)
    world.she_writes(ANNE)
    with pytest.raises(Refused, match="can only open a new thread: enrol with --new"):
        await enrolled_with(world, {})
    world = World(sequence=replace(rule, steps=(replace(rule.steps[0], wait=rule.steps[1].wait), rule.steps[1])))
    wish = Wish(sequence=world.sequence, prospect=Prospect(address=BART), new=True, subject="A question")
    await enroll(world.account, FakeMailbox(world.server), world.store, world.clock, wish)
    await world.days(10)
    first, second = (parse(each.message) for each in world.transport.accepted)
    assert (first.subject, second.subject) == ("A question", "Re: A question")
    assert happenings(world, BART)[:2] == [("sent", "one", 0), ("sent", "two", 4)]
    assert second.text.strip() == "Again, 4 days later."
