"""Days in Maya's mailbox, told as stories."""

from dataclasses import replace

from tests.stories.people import ANNE, BART, CRIS, DORA, EMIL
from tests.stories.world import OFFICE, PROPOSAL, World

AWAY = "Auto-Submitted: auto-replied"

FIVE_PEOPLE = """
Mon 02 Nov 10:00  anne  enrolled
Mon 02 Nov 10:00  bart  enrolled
Mon 02 Nov 10:00  cris  enrolled
Mon 02 Nov 10:00  dora  enrolled
Mon 02 Nov 10:00  emil  enrolled
Mon 02 Nov 11:00  dora  bounce
Tue 03 Nov 10:00  emil  unsubscribe
Thu 05 Nov 10:00  anne  sent nudge
Thu 05 Nov 10:01  bart  sent nudge
Thu 05 Nov 10:03  cris  sent nudge
Thu 05 Nov 11:00  cris  auto_reply
Fri 06 Nov 11:00  bart  reply
Mon 09 Nov 10:00  anne  sent question
Thu 12 Nov 11:00  cris  resumed
Mon 16 Nov 10:00  anne  sent last
Mon 16 Nov 10:00  anne  finished
Mon 16 Nov 10:03  cris  sent question
Mon 23 Nov 10:03  cris  sent last
Mon 23 Nov 10:03  cris  finished
""".strip()


async def test_five_people_and_what_becomes_of_them() -> None:
    """Anne never answers, Bart answers, Cris is away (21), Dora's address is dead (39), Emil opts out (48)."""
    world = World(sequence=replace(PROPOSAL, hours=OFFICE))
    await world.begin(ANNE, BART, CRIS, DORA, EMIL)
    await world.pass_time(hours=1)
    world.bounce(DORA, str(world.newest_to(DORA)))
    await world.days(23 / 24)
    world.answer(EMIL, text="unsubscribe\n")
    await world.pass_time(days=2, hours=1)
    world.answer(CRIS, text="I am out of the office.\n", fields=AWAY)
    await world.days(1)
    world.answer(BART, text="Yes, please go on.\n")
    await world.days(30)
    assert world.diary() == FIVE_PEOPLE
    assert world.steps(ANNE) == ["nudge", "question", "last"]
    assert (world.steps(BART), world.steps(DORA), world.steps(EMIL)) == (["nudge"], [], [])
    assert "unsubscribe" in (world.store.suppression(EMIL) or "")
    assert world.store.suppression(DORA) is not None
    assert world.store.suppression(BART) is None
