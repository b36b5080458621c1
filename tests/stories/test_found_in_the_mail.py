"""Faults of reading and sending that the simulation found; the seeds are in tests/simulation/FOUND.md."""

from datetime import timedelta

from inboxagent.errors import StateUnwritable
from inboxagent.outreach.events import Word
from inboxagent.outreach.outbox import Phase
from inboxagent.outreach.sequence import Sequence
from inboxagent.outreach.waits import Unit, Wait
from tests.stories.world import MAYA, World, step


async def test_not_now_is_an_answer() -> None:
    """Seed 3."""
    world = World()
    await world.begin("anna@prospect.test")
    await world.days(1)
    world.answer("anna@prospect.test", text="Not now, please ask me again in May.\n")
    await world.days(20)
    assert world.steps("anna@prospect.test") == []


async def test_an_id_that_the_server_gives_is_learnt() -> None:
    """Seed 45."""
    world = World()
    await world.begin("anna@prospect.test")
    world.transport.reply(Phase.DOT, 250, "2.0.0 OK <q1@mx.lind.test>")
    await world.days(4)
    world.answer("kim@prospect.test", answers="<q1@mx.lind.test>")
    await world.cycle()
    assert world.state("anna@prospect.test") == "answered"


async def test_an_answer_that_is_moved_during_the_last_look_is_seen() -> None:
    """Seed 1004."""
    world = World()
    await world.begin("anna@prospect.test")
    answers: list[int] = []

    def meddle(effect: str) -> None:
        if effect == "body":
            world.answer("anna@prospect.test")
            answers.append(max(world.server.boxes["INBOX"].messages))
        if effect == "headers" and answers:
            world.server.move("INBOX", answers.pop(), "Archive")

    world.before = meddle
    await world.days(4)
    assert world.steps("anna@prospect.test") == []
    assert world.state("anna@prospect.test") == "answered"


async def test_our_letter_is_no_word_of_hers_where_another_sequence_has_taken_over() -> None:
    """Seed 0: her server gives our letter another Message-ID and files it late, after he has answered."""
    heir = Sequence(
        name="later", title="Later", steps=(step("hello", 3),), after_my_answer=Wait(amount=2, unit=Unit.DAY)
    )
    first = Sequence(name="first", title="First", steps=(step("nudge", 3),), then="later")
    world = World(sequence=first, books={"later": heir})
    await world.begin("anna@prospect.test")
    await world.days(4)
    assert world.steps("anna@prospect.test") == ["nudge"]
    gone = world.transport.accepted[-1].message
    world.answer("anna@prospect.test")
    await world.cycle()
    world.clock.pass_time(timedelta(minutes=5))
    world.server.deliver(gone.replace(b"Message-ID: <", b"Message-ID: <renamed.", 1), "Sent")
    await world.days(9)
    assert world.state("anna@prospect.test") == "answered"
    assert world.steps("anna@prospect.test") == ["nudge"]


async def test_an_answer_of_hers_ends_no_hold_of_hers() -> None:
    """She paused, or named a day; he wrote, she answered, and `after_my_answer` let it go on all the same."""
    rule = Sequence(
        name="quick", title="Quick", steps=(step("last", 1),), after_my_answer=Wait(amount=2, unit=Unit.DAY)
    )
    world = World(sequence=rule)
    people = ("anna@prospect.test", "bart@prospect.test", "cleo@prospect.test", "dora@prospect.test")
    await world.begin(*people)
    day = world.clock.at + timedelta(days=9)
    world.command(people[0], Word.HELD)
    world.command(people[1], Word.HELD, until=day)
    for each in people:
        world.answer(each)
    await world.pass_time(hours=1)
    world.command(people[3], Word.HELD)
    for each in people:
        world.she_writes(each)
    await world.days(5)
    assert [world.steps(each) for each in people] == [[], [], ["last"], []]
    await world.days(10)
    assert [world.steps(each) for each in people] == [[], ["last"], ["last"], []]


async def test_a_question_that_she_has_settled_is_not_told_her_again() -> None:
    """Seeds 33, 36: she resumed, which says that his question is settled; when he wrote again she was told of it once
    more, in the place of what he asked now."""
    world = World(remind_to=MAYA.address)
    await world.begin("anna@prospect.test")
    await world.pass_time(hours=1)
    world.answer("anna@prospect.test", text="What would two days of it cost?\n")
    await world.days(4)
    assert len(world.told()) == 1
    world.command("anna@prospect.test", Word.RESUMED, until=world.clock.at + timedelta(days=30))
    await world.pass_time(hours=1)
    world.answer("anna@prospect.test", text="When could you begin?\n")
    await world.pass_time(hours=2)
    assert len(world.told()) == 1
    await world.days(4)
    assert len(world.told()) == 2
    assert "> When could you begin?" in world.told()[1].text


async def test_a_letter_in_doubt_that_she_releases_waits_for_the_colleague_who_has_answered() -> None:
    """Seed 31: `release` means a letter in doubt, and no colleague who has answered meanwhile."""
    world = World(sequence=Sequence(name="quick", title="Quick", steps=(step("hello", 1),), company=True))
    await world.begin("anna@prospect.test", "bart@prospect.test")
    world.transport.lose_line(Phase.DOT)
    await world.days(2)
    doubtful, other = sorted(
        ("anna@prospect.test", "bart@prospect.test"), key=lambda each: not world.of(each).uncertain
    )
    assert world.of(doubtful).uncertain
    world.answer(other)
    await world.pass_time(hours=1)
    letters = len(world.letters())
    world.command(doubtful, Word.RELEASED, step="hello")
    await world.days(3)
    assert world.state(doubtful) == "held"
    assert len(world.letters()) == letters
    world.command(doubtful, Word.RESUMED)
    await world.days(3)
    assert len(world.letters()) == letters + 1


async def test_a_letter_that_an_older_copy_forgot_is_known_by_the_name_that_her_server_gave_it() -> None:
    """Seed 20063: Sent had our copy of it and the server's; an answer from elsewhere that named the latter was lost."""
    world = World()
    await world.begin("anna@prospect.test")
    await world.days(2)
    yesterday = world.memory.contents.copy()
    await world.days(2)
    assert world.steps("anna@prospect.test") == ["nudge"]
    ours = world.letters()[-1].message_id
    (filed,) = (each.raw for each in world.server.boxes["Sent"].messages.values() if ours.encode() in each.raw)
    given = "<q4@mx.lind.test>"
    world.server.deliver(filed.replace(ours.encode(), given.encode()), "Sent")
    world.memory.contents = yesterday
    world.memory.changes += 1
    world.start()
    await world.pass_time(hours=1)
    latest = world.of("anna@prospect.test").latest
    assert latest is not None
    assert latest.message_id == given
    world.answer("anna@home.example", answers=given)
    await world.days(12)
    assert world.state("anna@prospect.test") == "answered"
    assert world.steps("anna@prospect.test") == ["nudge"]


async def test_a_full_disk_does_not_have_her_told_twice() -> None:
    """Seeds 800263, 800508: the mail to herself had gone, and could not be noted."""
    world = World(remind_to=MAYA.address)
    await world.begin("anna@prospect.test")
    await world.days(1)
    world.answer("anna@prospect.test", text="Could you begin in March?\n")
    full: list[str] = []

    def fill(effect: str) -> None:
        if effect == "answer":
            full.append(effect)
        if effect == "commit" and len(full) == 1:
            full.append(effect)
            raise StateUnwritable("the disk is full")

    world.before = fill
    await world.days(6)
    assert len(full) > 1
    assert len(world.told()) == 1


async def test_our_own_copy_proves_what_an_older_copy_of_the_state_took_for_put_off() -> None:
    """Seed 830457: the copy of the state was made when the letter had been put off, which went a minute later."""
    world = World()
    await world.begin("anna@prospect.test")
    yesterday = None

    def save(effect: str) -> None:
        nonlocal yesterday
        if world.words("anna@prospect.test")[-1] == "deferred" and yesterday is None:
            yesterday = world.memory.contents.copy()

    world.transport.reply(Phase.DOT, 451, "4.3.0 Come back in a moment")
    world.before = save
    await world.days(5)
    assert world.steps("anna@prospect.test") == ["nudge"]
    assert yesterday is not None
    world.memory.contents = yesterday
    world.memory.changes += 1
    world.start()
    await world.days(3)
    assert world.steps("anna@prospect.test") == ["nudge"]


async def test_a_copy_that_bears_an_old_time_is_read_where_its_mailbox_is_renumbered() -> None:
    """Seed 851026: an older copy of the state knew a letter as released; its copy in Sent was as old as the letter."""
    world = World()
    await world.begin("anna@prospect.test")
    world.transport.lose_line(Phase.DOT, accepted=True)
    await world.days(4)
    tried_at = next(each.at for each in world.of("anna@prospect.test").events if each.word is Word.INTENT)
    world.paused = "she travels"
    world.command("anna@prospect.test", Word.RELEASED, step="nudge")
    await world.days(3)
    ours = b"X-Inboxagent-Copy: filed by inboxagent\r\n" + world.transport.accepted[0].message
    world.server.deliver(ours, "Sent", received_at=tried_at)
    world.server.renumber("Sent")
    world.paused = None
    await world.days(1)
    assert world.steps("anna@prospect.test") == ["nudge"]
