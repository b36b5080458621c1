"""`suppress`, `forget` and `export`, as she gives them at the command line."""

import json
from random import Random
from typing import TYPE_CHECKING

from inboxagent.cli import privacy
from inboxagent.errors import InboxagentError
from inboxagent.outreach.erasure import person_of
from tests.simulation.people import DAY, HOUR, Person
from tests.simulation.process import ProcessDiedError

if TYPE_CHECKING:
    from tests.simulation.command_line import CommandLine

FORGETTING = "she has somebody forgotten"
"""Why the store is changed then."""


def suppress(shell: "CommandLine", random: Random) -> None:
    """Never again to one of them, or to anybody at his company."""
    person = random.choice(shell.world.people)
    whom = person.address if random.random() < 0.6 else person.address.partition("@")[2]
    if random.random() < 0.6:
        return
    desk = shell.desk(shell.world.machine.process("command"))
    try:
        entry = privacy._entry(whom)
        privacy._suppress(desk, entry, "she wants it so")
    except (InboxagentError, ProcessDiedError):
        return
    shell.world.judge.never.add(entry)
    shell.world.judge.counts["suppress"] += 1
    _try_again(shell, person, random)


def forget(shell: "CommandLine", random: Random) -> None:
    """One of them asks to be forgotten."""
    person = random.choice(shell.world.people)
    if random.random() < 0.5:
        forget_him(shell, person, random)


def forget_him(shell: "CommandLine", person: Person, random: Random) -> None:
    """She gives him what is kept about him, and has it erased."""
    world = shell.world
    desk = shell.desk(world.machine.process("command"))
    before = world.disk.contents
    try:
        his = person_of(person.address, desk.store.conversations())
        world.judge.erased |= his.addresses
        _export(shell, person, json.dumps(privacy._known(desk, his)))
        privacy._forget(desk, his)
    except InboxagentError:
        return
    except ProcessDiedError:  # it may have done its work, or not
        world.judge.may_forget(before, world.disk.contents)
        return
    world.judge.never |= his.addresses
    world.judge.counts["forget"] += 1
    _try_again(shell, person, random)


def _try_again(shell: "CommandLine", person: Person, random: Random) -> None:
    """Days later she has forgotten that, too, and enrols him."""
    later = random.uniform(HOUR, 8 * DAY)
    shell.world.timeline.after(later, lambda: shell.enrol(person, "night"))


def _export(shell: "CommandLine", person: Person, told: str) -> None:
    """What is exported has all that he said and was sent, as far as the judge knows of it."""
    for key, conversation in shell.world.disk.contents.conversations.items():
        if person.address not in conversation.addresses:
            continue
        missing = [each.message_id for each in conversation.events if each.message_id and each.message_id not in told]
        if key not in told or missing:
            shell.world.judge.complain("export_is_everything", f"{key}: {missing} is not told", person)
