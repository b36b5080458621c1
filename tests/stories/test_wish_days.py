"""What he wishes and what her rule makes of it: later, no, a promise, a receipt; colleagues, copies, priorities."""

from dataclasses import replace

import pytest

from inboxagent.errors import Refused
from inboxagent.outreach.events import Word
from inboxagent.outreach.handing import Handed, hand_on
from inboxagent.outreach.state import State
from tests.stories.people import ANNE, BART
from tests.stories.test_rule_days import happenings, read, world_of
from tests.stories.world import DAY, HOUR, World

STEPS = (
    "## one\nwait: 3 days\n\nThe first.\n\n## two\nwait: 40 days\n\nThe second.\n\n## again\nwait: 9 days\n\nAgain.\n"
)
LATER = "## hello\nwait: 60 days\n\nStill there?\n"
OFFICE = "send:\n  days: Mon-Fri\n  between: 9:00-17:00\n"


def sent(world: World, address: str = ANNE) -> list[tuple[str | None, str]]:
    """The steps that went to him in all his conversations, each with its day."""
    found = [each for each in world.store.conversations() if address in each.addresses]
    letters = [event for each in found for event in each.events if event.word is Word.SENT]
    return [(event.step, f"{event.at:%a %d %b %H:%M}") for event in sorted(letters, key=lambda each: each.at)]


async def told(words: str, *, settings: str = "", later: bool = False) -> World:
    """Anne has had the first letter, and answers it with these words."""
    heirs = (read(LATER, "later"),) if later else ()
    world = await world_of(read(STEPS, settings=settings), *heirs)
    await world.days(4)
    world.answer(ANNE, text=words)
    return world


async def test_case_47_not_now_in_may() -> None:
    world = await told("Not now, call me in May.\n", settings=OFFICE)
    await world.days(1)
    anne = world.of(ANNE)
    assert (anne.state, anne.court) == (State.HELD, "his")
    assert f"{anne.held_until:%Y-%m-%d %H:%M}" == "2027-05-03 09:00", "1 May is a Saturday"
    assert anne.because.endswith("held to the first business day from Sat 1 May 2027")
    await world.days(190)
    assert sent(world)[1][0] == "two"
    assert sent(world)[1][1].startswith("Mon 03 May")


async def test_case_47_without_a_day_the_rule_says_how_long() -> None:
    world = await told("Not now. I will get back to you some time later.\n", settings="not_now: 6 weeks\n")
    await world.days(1)
    assert "he names no day, so held 6 weeks" in world.of(ANNE).because
    await world.days(60)
    assert sent(world)[1] == ("two", "Fri 18 Dec 00:00")


async def test_she_agrees_and_the_letter_still_goes_on_the_day_he_asked_for() -> None:
    world = await told("Not now, call me in May.\n", settings=OFFICE)
    await world.days(1)
    world.she_writes(ANNE, text="Until May, then.\n")
    await world.days(190)
    assert sent(world)[1][1].startswith("Mon 03 May")


async def test_what_she_writes_shortly_before_that_day_begins_the_wait_anew() -> None:
    world = await told("Not now, call me in May.\n", settings=OFFICE)
    await world.days(172)
    world.she_writes(ANNE, text="I shall be in your town on Tuesday.\n")
    await world.days(30)
    assert len(sent(world)) == 1
    await world.days(30)
    assert sent(world)[1][1].startswith("Mon 07 Jun"), "40 days after her mail of 27 April"


async def test_an_answer_ends_what_he_asked_for() -> None:
    world = await told("Not now, call me in May.\n")
    await world.days(5)
    world.answer(ANNE, text="I have thought about it. Could you send me the figures?\n")
    await world.days(300)
    assert world.state(ANNE) == "answered"
    assert len(sent(world)) == 1


async def test_what_a_colleague_puts_off_is_hers_to_judge() -> None:
    world = await world_of(read(STEPS))
    await world.days(4)
    world.answer("jane@prospect.test", text="Not now, call me in May.\n", answers=world.newest_to(ANNE))
    await world.days(300)
    assert world.state(ANNE) == "answered"


async def test_who_has_asked_for_may_already_is_enrolled_until_may() -> None:
    world = World(sequence=read(STEPS, settings=OFFICE))
    world.she_writes(ANNE)
    world.answer(ANNE, text="Not now, call me in May.\n")
    assert (await world.enrol(ANNE)).state is State.HELD
    await world.days(190)
    assert sent(world)[0][0] == "one"
    assert sent(world)[0][1].startswith("Mon 03 May")


async def test_who_has_said_no_already_is_not_enrolled() -> None:
    world = World(sequence=read(STEPS))
    world.she_writes(ANNE)
    world.answer(ANNE, text="Not interested.\n")
    with pytest.raises(Refused, match="he says no"):
        await world.enrol(ANNE)


async def test_case_50_a_promise_and_the_step_for_those_who_forget_it() -> None:
    world = await told("Thanks, will look at it and come back next week.\n", settings=f"again: again\n{OFFICE}")
    await world.days(1)
    assert world.state(ANNE) == "held"
    assert "he promises to answer by Sun 15 Nov 2026" in world.of(ANNE).because
    await world.days(30)
    assert [step for step, _ in sent(world)] == ["one", "again"]
    assert sent(world)[1][1].startswith("Mon 16 Nov")


async def test_case_50_a_promise_without_a_time_is_an_answer() -> None:
    world = await told("Thanks, I will look at it and come back to you.\n", settings="again: again\n")
    await world.days(100)
    assert world.state(ANNE) == "answered"


async def test_case_46_a_no_ends_it() -> None:
    world = await told("Not interested.\n")
    await world.days(100)
    assert happenings(world)[-1][0] == "refusal"
    assert (world.state(ANNE), world.of(ANNE).court, len(sent(world))) == ("stopped", "hers", 1)


async def test_case_46_a_no_is_not_for_ever_where_the_rule_says_so() -> None:
    world = await told("Not interested.\n", settings="refused: later\n", later=True)
    await world.days(90)
    old, new = world.store.conversations()
    assert (old.state, new.enrolment.origin) == (State.STOPPED, old.id)
    assert f"later takes over ({new.id})" in old.because
    assert sent(world) == [("one", "Thu 05 Nov 10:00"), ("hello", "Tue 05 Jan 10:00")], "60 days after his no"


async def test_what_she_noted_goes_on_with_him() -> None:
    """The sequence that takes over has a field that comes from her notes."""
    later = read("## hello\nwait: 60 days\n\n{{ told }}\n", "later", "fields:\n  told: {required: true, from: note}\n")
    world = await world_of(read(STEPS, settings="lost: later\n"), later)
    await world.days(4)
    world.command(ANNE, Word.NOTE, text="You will look at it again in spring.")
    found = hand_on(
        world.of(ANNE), "later", world.account.rules(), world.store.conversations(), world.clock.at, by_her=True
    )
    assert isinstance(found, Handed)
    enrolment = found.event.enrolment
    assert enrolment is not None
    assert enrolment.prospect.fields["told"] == "You will look at it again in spring."


NOTED = "## hello\nwait: 60 days\n\n{{ told }}\n"


@pytest.mark.parametrize("field", ["{required: true, from: note}", "{fallback: Still there?, from: note}"])
async def test_a_note_goes_to_nobody_by_itself(field: str) -> None:
    """She noted something for her own eyes; after the last letter another sequence takes over."""
    later = read(NOTED, "later", f"fields:\n  told: {field}\n")
    world = await world_of(read(STEPS))
    await world.days(1)
    one = read("## one\nwait: 3 days\n\nOne.\n", settings="then: later\n")  # the file is edited while he is inside
    world.books |= {"proposal": one, "later": later}
    world.command(ANNE, Word.SKIPPED, step="one", until=world.clock.at)
    world.command(ANNE, Word.NOTE, text="Difficult man, pays late.")
    await world.days(80)
    assert not any("Difficult" in each.text for each in world.letters())
    waits = "required" in field
    assert len(world.letters()) == (0 if waits else 1)
    assert world.state(ANNE) == ("held" if waits else "finished")
    if waits:
        assert "what she noted last would say it, and goes to nobody without her word" in world.of(ANNE).because
        world.command(ANNE, Word.RESUMED)
        await world.days(80)
        assert ["Difficult man, pays late." in each.text for each in world.letters()] == [True]


async def test_after_a_no_a_note_goes_to_nobody_either() -> None:
    later = read(NOTED, "later", "fields:\n  told: {required: true, from: note}\n")
    world = await world_of(read(STEPS))
    world.books |= {"proposal": read(STEPS, settings="refused: later\n"), "later": later}
    await world.days(4)
    world.command(ANNE, Word.NOTE, text="Difficult man, pays late.")
    world.answer(ANNE, text="Not interested.\n")
    await world.days(80)
    assert (world.state(ANNE), len(world.letters())) == ("stopped", 1)
    assert "without her word" in world.of(ANNE).because


async def test_who_says_no_again_hears_no_more() -> None:
    rules = read(STEPS, settings="refused: later\nthen: later\n"), read(LATER, "later")
    world = await world_of(*rules)
    await world.days(4)
    world.answer(ANNE, text="Not interested.\n")
    await world.days(90)
    world.answer(ANNE, text="Not interested.\n")
    await world.days(200)
    assert [str(each.state) for each in world.store.conversations()] == ["stopped", "stopped"]
    assert len(sent(world)) == 2


async def test_a_no_after_the_last_letter_still_hands_on_and_only_once() -> None:
    world = await world_of(read("## one\nwait: 3 days\n\nOne.\n", settings="refused: later\n"), read(LATER, "later"))
    await world.days(4)
    assert world.state(ANNE) == "finished"
    for _ in range(2):
        world.answer(ANNE, text="Not interested.\n")
        await world.days(1)
    await world.days(90)
    assert [each.enrolment.sequence for each in world.store.conversations()] == ["proposal", "later"]
    assert len(sent(world)) == 1, "the second no was to the heir as well"


async def test_who_thinks_better_of_his_no_at_once_is_not_written_to() -> None:
    """Both of his mails lie there when the daemon looks: the second one concerns what the first one began."""
    world = await told("Not interested.\n", settings="refused: later\n", later=True)
    world.answer(ANNE, text="On second thoughts: could you send me the figures?\n")
    await world.days(90)
    assert [str(each.state) for each in world.store.conversations()] == ["stopped", "answered"]
    assert len(sent(world)) == 1


async def test_a_no_outside_the_thread_is_hers_to_judge() -> None:
    world = await world_of(read(STEPS, settings="refused: later\n"), read(LATER, "later"))
    await world.days(4)
    world.answer(ANNE, text="Not interested.\n", subject="Hello", answers=None)
    await world.days(100)
    assert world.state(ANNE) == "answered"


async def test_a_sequence_that_is_not_there_stops_all_the_same() -> None:
    world = await told("Not interested.\n", settings="refused: later\n")
    await world.days(100)
    assert world.state(ANNE) == "stopped"
    assert "no readable rule file `later`" in world.of(ANNE).because


TICKET = "We have received your request. Your ticket number is #123.\n"


@pytest.mark.parametrize(("setting", "letters", "word"), [("", 2, "note"), ("ticket: hold\n", 1, "auto_reply")])
async def test_case_32_a_receipt_of_a_service_desk(setting: str, letters: int, word: str) -> None:
    world = await world_of(read(STEPS, settings=setting))
    await world.days(40)
    world.answer(ANNE, text=TICKET, fields="Auto-Submitted: auto-generated")
    await world.days(5)
    assert word in world.words(ANNE)
    assert len(sent(world)) == letters


async def test_case_30_who_has_left_names_somebody() -> None:
    world = await world_of(read(STEPS))
    await world.days(4)
    text = "I have left the company. Please contact Ben: ben@prospect.test\n"
    world.answer(ANNE, text=text, fields="Auto-Submitted: auto-replied")
    await world.days(100)
    assert world.words(ANNE)[-2:] == ["bounce", "proposed"]
    assert world.of(ANNE).events[-1].address == "ben@prospect.test"
    assert (world.state(ANNE), len(sent(world))) == ("stopped", 1)
    assert world.store.suppression(ANNE) is not None
    assert "ben@prospect.test" not in {
        path for each in world.transport.accepted for path in each.envelope.forward_paths
    }


COLLEAGUE = "bo@prospect.test"


@pytest.mark.parametrize(("setting", "state"), [("company: hold\n", "held"), ("", "waiting")])
async def test_case_7_colleagues_are_held_where_the_rule_says_so(setting: str, state: str) -> None:
    world = await world_of(read(STEPS, settings=setting))
    await world.begin(COLLEAGUE, "cy@mail.prospect.test", BART)
    await world.days(1)
    world.answer(ANNE, text="Could you send me the figures?\n")
    await world.days(1)
    assert world.state(COLLEAGUE) == state
    if state == "held":
        assert world.of(COLLEAGUE).court == "hers"
        assert world.of(COLLEAGUE).because.startswith(f"{ANNE} of the same company answered in ")
    assert world.state("cy@mail.prospect.test") == "waiting", "case 9: a part of a domain is another one"


async def test_case_8_people_at_a_public_provider_are_no_company() -> None:
    world = World(sequence=read(STEPS, settings="company: hold\n"))
    await world.begin("anna@gmail.com", "bo@gmail.com")
    world.answer("anna@gmail.com", text="Could you send me the figures?\n")
    await world.days(1)
    assert [world.state(each) for each in ("anna@gmail.com", "bo@gmail.com")] == ["answered", "waiting"]


@pytest.mark.parametrize(("setting", "day"), [("", 3), ("cc_counts: yes\n", 5)])
async def test_case_60_a_copy_to_him_counts_by_rule(setting: str, day: int) -> None:
    world = await world_of(read(STEPS, settings=setting))
    await world.days(2)
    world.she_writes("group@other.test", subject="For all of you", fields=f"Cc: {ANNE}")
    await world.days(10)
    assert happenings(world)[:2] == [("note" if day == 3 else "own_mail", None, 2), ("sent", "one", day)]
    if day == 3:
        assert world.of(ANNE).events[1].because.endswith("no touch (cc_counts: no)")


async def test_case_66_two_sequences_on_one_morning() -> None:
    """Case 66: the one of the higher priority goes, also where the other falls due a little sooner."""
    low, high = read(STEPS), read(STEPS, "customer", "priority: 5\n")
    world = World(sequence=low, books={"customer": high})
    world.she_writes(ANNE)
    await world.enrol(ANNE)
    world.clock.pass_time(2 * HOUR)
    world.she_writes(ANNE, subject="Your order")
    await world.enrol(ANNE, high)
    await world.days(6)
    sent_at = {
        each.enrolment.sequence: event.at
        for each in world.store.conversations()
        for event in each.events
        if event.word is Word.SENT
    }
    assert sent_at["proposal"] - sent_at["customer"] >= DAY


async def test_case_66_without_a_priority_the_first_goes_first() -> None:
    low = read(STEPS)
    world = World(sequence=low, books={"customer": replace(low, name="customer")})
    world.she_writes(ANNE)
    await world.enrol(ANNE)
    world.clock.pass_time(2 * HOUR)
    world.she_writes(ANNE, subject="Your order")
    await world.enrol(ANNE, world.books["customer"])
    await world.days(6)
    assert len(sent(world)) == 2
