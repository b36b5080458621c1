"""Case 69: rule files that are edited while people are inside, under the running daemon."""

from inboxagent.outreach.events import Word
from tests.stories.people import ANNE
from tests.stories.test_rule_days import happenings, read, world_of
from tests.stories.world import World

LETTERS = {
    "one": "Did the proposal reach you? One line is plenty.",
    "two": "Which part of it would you change first, if it were only for you to say?",
    "three": "Shall I put a smaller version of the same plan on your desk?",
}


def rule(*words: str, days: int = 3, **letters: str) -> str:
    """A file with these steps, each three days after the one before it."""
    texts = LETTERS | letters
    return "\n".join(f"## {word}\nwait: {days} days\n\n{texts[word]}\n" for word in words)


def edit(world: World, text: str) -> None:
    """She saves the file; the next look of the daemon finds it."""
    world.books["proposal"] = read(text)


def texts(world: World) -> list[str]:
    return [" ".join(each.text.split()) for each in world.letters()]


async def begun() -> World:
    """Anne has had the first letter, and the second is due in two days."""
    world = await world_of(read(rule("one", "two", "three")))
    await world.days(4)
    return world


async def test_a_changed_letter_counts_for_whoever_has_not_had_it() -> None:
    world = await begun()
    edit(world, rule("one", "two", "three", one="Another first letter.", two="Another second letter."))
    await world.days(3)
    assert texts(world) == [LETTERS["one"], "Another second letter."]


async def test_a_longer_wait_moves_the_date_that_is_ahead() -> None:
    """Case 69: what has gone stays as it was."""
    world = await begun()
    edit(world, rule("one", "two", "three", days=8))
    await world.days(30)
    assert [(step, day) for word, step, day in happenings(world) if word == "sent"][:2] == [("one", 3), ("two", 11)]


async def test_a_new_step_before_his_place_is_not_sent_to_him() -> None:
    world = await begun()
    edit(world, rule("zero", "one", "two", "three", zero="A letter before all others."))
    await world.days(30)
    assert texts(world) == list(LETTERS.values())


async def test_a_step_that_is_taken_out_is_passed_over() -> None:
    world = await begun()
    edit(world, rule("one", "three"))
    await world.days(30)
    assert texts(world) == [LETTERS["one"], LETTERS["three"]]


async def test_a_step_that_is_renamed_is_asked_about_and_never_sent_by_itself() -> None:
    world = await begun()
    await world.days(3)
    edit(world, rule("one", "question", "three", question=LETTERS["two"]))
    await world.days(30)
    assert texts(world) == [LETTERS["one"], LETTERS["two"]]
    assert (world.state(ANNE), world.of(ANNE).court) == ("held", "hers")
    assert world.of(ANNE).because.startswith("`question` reads like the letter that he has had as `two`")


async def test_she_says_that_it_is_the_same_step() -> None:
    world = await begun()
    await world.days(3)
    edit(world, rule("one", "question", "three", question=LETTERS["two"]))
    await world.days(10)
    world.command(ANNE, Word.SKIPPED, step="question", until=world.clock.at)
    world.command(ANNE, Word.RESUMED)
    await world.days(30)
    assert texts(world) == list(LETTERS.values())


async def test_she_says_that_it_is_another_one() -> None:
    world = await begun()
    await world.days(3)
    edit(world, rule("one", "question", "three", question=LETTERS["two"]))
    await world.days(10)
    world.command(ANNE, Word.RESUMED)
    await world.days(30)
    assert texts(world) == [LETTERS["one"], LETTERS["two"], LETTERS["two"], LETTERS["three"]]


async def test_a_file_that_is_gone_lets_everybody_rest() -> None:
    world = await begun()
    del world.books["proposal"]
    await world.days(30)
    assert texts(world) == [LETTERS["one"]]
    edit(world, rule("one", "two", "three"))
    await world.days(1)
    assert texts(world) == [LETTERS["one"], LETTERS["two"]]
