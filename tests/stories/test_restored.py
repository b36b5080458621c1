"""An older copy of the state is put back: what had gone since is recognised in her mailbox, and never goes again."""

from tests.stories.people import ANNE
from tests.stories.world import World


async def test_letters_that_the_state_forgot_are_not_sent_again() -> None:
    """C21: the copies in Sent, filed by us, bear tokens that only our letters can bear."""
    world = World()
    await world.begin(ANNE)
    await world.days(2)
    yesterday = world.memory.contents.copy()
    await world.days(5.5)
    assert world.steps(ANNE) == ["nudge", "question"]
    world.memory.contents = yesterday
    world.memory.changes += 1
    world.start()
    await world.days(30)
    letters = [each.text for each in world.letters()]
    assert len(letters) == len(set(letters)), "a step went twice"
    assert world.words(ANNE).count("sent") == len(letters)
    assert any("an older copy" in event.because for event in world.of(ANNE).events)
