"""Faults that the simulation found, each as a story; the seeds are in tests/simulation/FOUND.md."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from inboxagent.agent.brake import release
from inboxagent.cli import progress
from inboxagent.errors import Refused, StateUnwritable
from inboxagent.outreach.events import Word
from inboxagent.outreach.limits import Limits
from inboxagent.outreach.outbox import Phase
from inboxagent.outreach.rulebook import Rulebook
from inboxagent.outreach.sequence import Expiry, Sequence
from inboxagent.outreach.unsubscribing import Unsubscribing
from inboxagent.outreach.waits import Unit, Wait
from tests.stories.world import MAYA, OFFICE, PROPOSAL, World, step


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


async def _touched_on_friday() -> tuple[World, list[datetime], datetime]:
    """The next letter goes a business day after Friday afternoon; the times of the dots, and of that touch."""
    nudge = replace(step("nudge", 1), wait=Wait(amount=1, unit=Unit.BUSINESS_DAY))
    world = World(sequence=Sequence(name="quick", title="Quick", steps=(nudge,)))
    times: list[datetime] = []
    world.before = lambda effect: times.append(world.clock.at) if effect == "dot" else None
    await world.pass_time(days=4, hours=6)
    await world.begin("anna@prospect.test")
    touched_at = world.clock.at
    assert f"{touched_at:%a %H:%M}" == "Fri 16:00"
    return world, times, touched_at


async def test_no_wait_ends_sooner_for_having_been_held() -> None:
    """Seed 10: a night's hold moved Friday afternoon to early Saturday; a business day from there ends early."""
    world, times, touched_at = await _touched_on_friday()
    await world.pass_time(hours=1)
    world.command("anna@prospect.test", Word.HELD, until=world.clock.at + timedelta(hours=15))
    await world.days(5)
    assert len(times) == 1
    assert times[0] - touched_at >= timedelta(days=3)


async def test_leaving_out_a_step_that_is_not_for_him_keeps_the_date_she_set() -> None:
    """Seeds 55, 74: the step behind it went days before the date that she had named."""
    offer = replace(step("offer", 1), expires=Expiry(day=date(2026, 11, 1)))
    world = World(sequence=Sequence(name="quick", title="Quick", steps=(offer, step("last", 1))))
    await world.begin("anna@prospect.test")
    named = world.clock.at + timedelta(days=8)
    world.command("anna@prospect.test", Word.RESUMED, until=named)
    desk: Any = SimpleNamespace(
        rulebook=Rulebook(sequences={"quick": world.sequence}, phrases={}), config=SimpleNamespace(me=MAYA)
    )
    (event,) = progress._skip(desk, world.of("anna@prospect.test"), world.clock.at).events
    assert (event.step, event.until) == ("offer", named)


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


async def test_no_wait_ends_sooner_for_a_letter_that_is_delayed() -> None:
    """Seeds 10331, 10742: a notice of the night moved Friday evening to early Saturday; see the hold above."""
    world, times, touched_at = await _touched_on_friday()
    await world.pass_time(hours=15)
    newest = world.newest_to("anna@prospect.test")
    assert newest is not None
    world.bounce("anna@prospect.test", newest, status="4.4.1", action="delayed")
    await world.days(5)
    assert Word.DELAYED in world.words("anna@prospect.test")
    assert len(times) == 1
    assert times[0] - touched_at >= timedelta(days=3)


async def test_a_clock_put_forward_is_not_forgotten_by_a_process_that_dies_over_it() -> None:
    """Seeds 5015, 5027: it had noted how both clocks go, and died before it wrote down that she has to be asked."""
    for effect in range(1, 9):
        world = World()
        await world.begin("anna@prospect.test")
        await world.days(1)
        world.clock.at += timedelta(days=5)
        world.die_at = len(world.effects) + effect
        await world.days(2)
        assert (world.deaths, world.letters()) == (1, []), f"killed at {world.effects[world.die_at - 1]}"


async def test_the_step_behind_one_that_may_have_gone_waits_for_it() -> None:
    """Seed 10485: she had `again` sent again, then took it out of the rule; `last` was counted from the one before."""
    first, again, last = step("hello", 1), step("again", 1), step("last", 5)
    world = World(sequence=Sequence(name="quick", title="Quick", steps=(first, again, last)))
    times: list[datetime] = []
    world.before = lambda effect: times.append(world.clock.at) if effect == "dot" else None
    await world.begin("anna@prospect.test")
    while not times:
        await world.cycle()
        world.clock.pass_time(timedelta(minutes=30))
    world.transport.lose_line(Phase.DOT, accepted=True)
    await world.days(4)
    assert len(times) == 2
    world.command("anna@prospect.test", Word.RELEASED, step="again")
    world.books["quick"] = replace(world.sequence, steps=(first, last))
    await world.days(14)
    assert len(times) == 3
    assert times[2] - times[1] >= timedelta(days=5)


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


async def test_whoever_of_two_pressed_the_button_is_not_written_to() -> None:
    """Seed 800009: a letter to two, and the mail program of one of them asks from an address that nobody knows."""
    world = World(unsubscribing=Unsubscribing(by_mail=True))
    shared = world.she_writes("anna@prospect.test, pia@other.test")
    await world.enrol("anna@prospect.test", message_id=shared)
    await world.days(4)
    (letter,) = world.letters()
    assert {each.address for each in letter.to} == {"anna@prospect.test", "pia@other.test"}
    (token,) = letter.fields["x-inboxagent"]
    world.answer("unsubscribe@programs.example", subject=f"unsubscribe {token}", text="\n")
    await world.cycle()
    assert world.state("anna@prospect.test") == "stopped"
    world.she_writes("pia@other.test")
    with pytest.raises(Refused, match="never to be written to"):
        await world.enrol("pia@other.test")


async def test_an_answer_that_lies_there_when_he_is_enrolled_holds_his_colleague() -> None:
    """Seed 800072: she was enrolled before he wrote "not now", he only after it."""
    world = World(sequence=Sequence(name="quick", title="Quick", steps=(step("hello", 3),), company=True))
    await world.begin("vera@guild.test")
    await world.days(1)
    first = world.she_writes("tara@guild.test")
    world.clock.pass_time(timedelta(hours=1))
    world.answer("tara@guild.test", answers=first, text="Not now, please ask me again in May.\n")
    world.clock.pass_time(timedelta(hours=1))
    await world.enrol("tara@guild.test")
    await world.days(10)
    assert world.state("vera@guild.test") == "held"
    assert world.steps("vera@guild.test") == []


async def test_a_letter_of_a_clock_that_was_wrong_counts() -> None:
    """Seed 800049: the clock was a day ahead when the letter went, and right again before the next one was due."""
    soon = replace(step("second", 1, subject="Another matter"), wait=Wait(amount=1, unit=Unit.HOUR))
    other = Sequence(name="other", title="Other", steps=(soon,), hours=OFFICE)
    world = World(books={"other": other}, limits=Limits(person_gap=timedelta(days=1)))
    await world.pass_time(hours=10)
    await world.begin("anna@prospect.test")
    await world.days(2)
    await world.enrol("anna@prospect.test", other, new=True, subject="Another matter")
    world.clock.boots = "its clock is wrong from the start"
    world.clock.at += timedelta(hours=25)
    await world.pass_time(hours=1)
    assert world.steps("anna@prospect.test") == ["nudge"]
    gone_at = world.clock.boot()
    world.clock.at -= timedelta(hours=25)
    times: list[float] = []
    world.before = _noting(world, times)
    await world.days(7)
    assert world.steps("anna@prospect.test")[:2] == ["nudge", "second"]
    assert times[0] - gone_at >= timedelta(days=1).total_seconds()


async def test_a_late_copy_of_hers_is_no_answer_to_what_was_read_by_a_clock_that_was_behind() -> None:
    """Seed 800127: his second message stood before hers in the events, and came behind it."""
    patient = replace(PROPOSAL, after_my_answer=Wait(amount=2, unit=Unit.DAY))
    world = World(sequence=patient)
    await world.begin("anna@prospect.test")
    await world.days(1)
    first = world.answer("anna@prospect.test")
    await world.cycle()
    await world.pass_time(hours=4)
    late = world.mail(MAYA.address, "anna@prospect.test", answers=first)
    await world.pass_time(hours=1)
    second = world.mail("anna@prospect.test", answers=first, text="And one more thing: when could you begin?\n")
    world.server.deliver(second, received_at=world.clock.at)
    world.clock.at -= timedelta(hours=20)
    await world.cycle()
    await world.pass_time(hours=1)
    world.clock.at += timedelta(hours=20)
    world.server.deliver(late, "Sent")
    await world.days(10)
    assert world.state("anna@prospect.test") == "answered"
    assert world.steps("anna@prospect.test") == []


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


async def test_the_button_of_his_other_mailbox_ends_all_that_she_writes_him_about() -> None:
    """Seed 700032: whoever unsubscribes from an address that nobody knew was waited for in his other conversations."""
    world = World()
    await world.begin("anna@prospect.test")
    await world.days(5)
    assert world.steps("anna@prospect.test") == ["nudge"]
    other = replace(world.sequence, name="other")
    world.books["other"] = other
    await world.enrol("anna@prospect.test", other, new=True, subject="Another matter")
    token = world.letters()[-1].message_id.partition("@")[0].strip("<")
    world.answer("unsubscribe@mail.example", subject=f"unsubscribe {token}", text="\n")
    await world.pass_time(hours=1)
    assert [each.events[-1].word for each in world.store.conversations()] == [Word.UNSUBSCRIBE, Word.UNSUBSCRIBE]


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


async def test_no_wait_ends_sooner_for_a_proof_that_comes_late() -> None:
    """Seed 830433: a letter of Friday noon was proved in the night to Sunday, and two business days ended early."""
    nudge, again = replace(step("nudge", 1), wait=Wait(amount=1, unit=Unit.HOUR)), step("again", 2)
    steps = (nudge, replace(again, wait=Wait(amount=1, unit=Unit.BUSINESS_DAY)))
    world = World(sequence=Sequence(name="quick", title="Quick", steps=steps))
    await world.pass_time(days=4, hours=5)
    await world.begin("anna@prospect.test")
    world.transport.lose_line(Phase.DOT, accepted=True)
    times: list[datetime] = []
    world.before = lambda effect: times.append(world.clock.at) if effect == "dot" else None
    await world.pass_time(hours=2)
    assert f"{times[0]:%a %H:%M}" == "Fri 16:00"
    await world.pass_time(days=1, hours=12)
    world.server.deliver(world.transport.accepted[0].message, "Sent")
    await world.days(4)
    assert world.words("anna@prospect.test")[1:3] == ["uncertain", "sent"]
    assert f"{times[1]:%a %H:%M}" >= "Mon 16:00"


async def test_our_letter_to_somebody_else_closes_no_promise_of_his() -> None:
    """Seed 830392: he got a copy of it; she then enrolled him although his "next week" was open in another thread."""
    world = World()
    world.she_writes("dina@prospect.test, bella@other.test")
    await world.enrol("dina@prospect.test")
    await world.days(2)
    second = world.she_writes("bella@other.test", subject="Another matter")
    world.answer("bella@other.test", answers=second, text="Thank you! I will come back to you next week.\n")
    await world.days(4)
    assert world.steps("dina@prospect.test") == ["nudge"]
    world.command("dina@prospect.test", Word.STOPPED)
    conversation = await world.enrol("bella@other.test", subject="Our project")
    assert conversation.state == "held"


async def test_no_hold_ends_by_a_clock_that_she_has_not_confirmed() -> None:
    """Seed 840515: it was put right before she released the brake, and the letter went before the day she had named."""
    world = World()
    await world.begin("anna@prospect.test")
    await world.days(1)
    until = world.clock.at + timedelta(days=5)
    world.command("anna@prospect.test", Word.HELD, until=until)
    await world.days(1)
    world.clock.at += timedelta(days=4.5)
    await world.days(1)
    assert world.state("anna@prospect.test") == "held"
    world.clock.at -= timedelta(days=4.5)
    with world.store.transaction("she releases the brake") as ledger:
        release(ledger, world.clock.at)
    times: list[datetime] = []
    world.before = lambda effect: times.append(world.clock.at) if effect == "dot" else None
    await world.days(9)
    assert times[0] >= until


async def test_an_answer_that_is_deleted_during_an_enrolment_is_an_answer() -> None:
    """Seed 840596: the search for the thread had shown it."""
    world = World()
    world.she_writes("anna@prospect.test")
    world.clock.pass_time(timedelta(hours=1))
    world.answer("anna@prospect.test")

    def delete(effect: str) -> None:
        if effect == "headers":
            for uid in list(world.server.boxes["INBOX"].messages):
                world.server.expunge("INBOX", uid)

    world.before = delete
    with pytest.raises(Refused, match="he answered"):
        await world.enrol("anna@prospect.test")


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


async def test_the_button_of_a_forgotten_letter_is_heard_at_an_enrolment() -> None:
    """Seed 851627: the state that knew of the letter was lost, and the mail was from an address that nobody knew."""
    world = World(unsubscribing=Unsubscribing(by_mail=True), files_sent=True)
    await world.begin("anna@prospect.test")
    before = world.memory.contents.copy()
    await world.days(4)
    (token,) = world.letters()[0].fields["x-inboxagent"]
    renamed = world.transport.accepted[0].message.replace(world.letters()[0].message_id.encode(), b"<q1@mx.lind.test>")
    world.server.deliver(renamed, "Sent")
    world.answer("unsubscribe@programs.example", answers=None, subject=f"unsubscribe {token}", text="\n")
    world.memory.contents = replace(before, conversations={})
    world.memory.changes += 1
    world.start()
    with pytest.raises(Refused, match="List-Unsubscribe"):
        await world.enrol("anna@prospect.test")
