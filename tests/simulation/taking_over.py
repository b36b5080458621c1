"""`enroll --instead-of`: somebody takes the place of a person who has left, or who has handed the matter to him."""

from random import Random
from typing import TYPE_CHECKING

from inboxagent.outreach.events import Word
from inboxagent.outreach.state import Conversation, State
from tests.simulation.cases import Dot
from tests.simulation.characters import CHARACTERS
from tests.simulation.people import Person
from tests.simulation.post import Truth

if TYPE_CHECKING:
    from tests.simulation.command_line import CommandLine
    from tests.simulation.judge import Judge
    from tests.simulation.world import World

_BEHIND = 100  # the number of who takes a place is that of the one before him, and so much


def take_place(shell: "CommandLine", random: Random) -> None:
    """She takes up a proposal, days old as it may be; without one she is told at times who does the work now."""
    world, rules = shell.world, shell.world.rules().sequences
    everybody = [each for each in world.disk.contents.conversations.values() if each.enrolment.sequence in rules]
    open_ = [each for each in everybody if each.state is State.WAITING and _person(world, each).number < _BEHIND]
    found = [each for each in everybody if _is_proposed(world, each)] or open_
    if found:
        before = random.choice(found)
        shell.enrol(_successor(world, _person(world, before)), before.enrolment.sequence, instead_of=before.id)


def _person(world: "World", conversation: Conversation) -> Person:
    return world.judge.person_of(conversation)


def _is_proposed(world: "World", conversation: Conversation) -> bool:
    """Whether a colleague was proposed here, and has not been enrolled yet."""
    colleague = _person(world, conversation).colleague
    enrolled = {each.person.address for each in world.judge.records.values()}
    proposed = {each.address for each in conversation.events if each.word is Word.PROPOSED}
    return colleague in proposed and colleague not in enrolled


def _successor(world: "World", person: Person) -> Person:
    """The colleague of whom he has spoken."""
    known = next((each for each in world.people if each.address == person.colleague), None)
    if known is not None:
        return known
    number = person.number + _BEHIND
    chance = Random(f"{world.seed}/person/{number}")
    made = Person(
        number,
        world.post_office,
        chance,
        behave=CHARACTERS[chance.choice(("silent", "silent", "quick", "slow"))],
        card=dict(person.card),
        shared_domain=person.domain,
        given=person.colleague.partition("@")[0],
    )
    world.people.append(made)
    world.judge.partners[number].add(person.number)  # they have one thread
    return made


def i8_the_proposed_are_hers_to_enrol(judge: "Judge", dot: Dot) -> str | None:
    """Whoever is named by somebody who has left gets nothing, also no copy, before she has enrolled him."""
    enrolled = {each.person.address for each in judge.records.values()}
    named = {each.colleague for each in judge.world.people if any(post.truth is Truth.LEFT for post in each.posts)}
    found = named.intersection(dot.envelope.forward_paths) - enrolled
    return f"`{dot.step}` goes to {sorted(found)}, whom she has not enrolled" if found else None


def i8_the_place_is_taken(judge: "Judge", dot: Dot) -> str | None:
    """Nothing more goes out in a conversation whose place was taken, unless she resumes it."""
    record = judge.records[dot.conversation.id]
    if record.taken_over_at < 0.0 or record.restored or record.resumed_at > record.taken_over_at:
        return None
    return f"`{dot.step}` goes to {dot.person.name}, whose place was taken"
