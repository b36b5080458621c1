"""Faults that the simulation found, each as a story; the seeds are in tests/simulation/FOUND.md."""

from collections.abc import Callable
from datetime import timedelta

from inboxagent.outreach.limits import Limits
from inboxagent.outreach.outbox import Phase
from inboxagent.outreach.sequence import Sequence
from inboxagent.outreach.waits import Unit, Wait
from tests.stories.world import World, step


async def test_a_vacation_notice_is_not_the_message_to_answer_to() -> None:
    """Seed 2."""
    world = World()
    first = world.she_writes("anna@prospect.test")
    world.answer(
        "anna@prospect.test",
        answers=first,
        subject="Automatic reply: Our project",
        text="I am away for a while.\n",
        fields="Auto-Submitted: auto-replied",
    )
    conversation = await world.enrol("anna@prospect.test")
    assert conversation.latest is not None
    assert conversation.latest.message_id == first


async def test_not_now_is_an_answer() -> None:
    """Seed 3."""
    world = World()
    await world.begin("anna@prospect.test")
    await world.days(1)
    world.answer("anna@prospect.test", text="Not now, please ask me again in May.\n")
    await world.days(20)
    assert world.steps("anna@prospect.test") == []


async def test_a_letter_in_doubt_counts_for_the_gap() -> None:
    """Seed 1."""
    world = World()
    await world.begin("anna@prospect.test", "bart@prospect.test")
    world.transport.lose_line(Phase.DOT, accepted=True)
    times = []
    world.before = _noting(world, times)
    await world.days(4)
    assert len(times) == 2
    assert times[1] - times[0] >= world.limits.gap.total_seconds()


def _noting(world: World, times: list[float]) -> Callable[[str], None]:
    def note(effect: str) -> None:
        if effect == "dot":
            times.append(world.clock.booted)

    return note


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


async def test_a_letter_that_is_put_off_does_not_make_the_one_before_forgotten() -> None:
    """Seed 83: a greylisted letter has no intent yet, and its "later" was taken for a no to the letter before."""
    steps = (step("hello", 1), step("again", 2), step("last", 2))
    world = World(sequence=Sequence(name="quick", title="Quick", steps=steps), limits=Limits(person_per_week=2))
    await world.begin("anna@prospect.test")
    await world.days(2)
    world.transport.reply(Phase.RCPT, 451, "4.7.1 Greylisted, come back in five minutes")
    await world.days(4)
    assert world.steps("anna@prospect.test") == ["hello", "again"]
    await world.days(6)
    assert world.steps("anna@prospect.test") == ["hello", "again", "last"]
