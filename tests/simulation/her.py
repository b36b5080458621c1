"""Her own hand: her month, and what she does with her mail program and her editor, at any moment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from inboxagent.mail.inbound import parse
from tests.simulation.command_line import COMMANDS, CommandLine
from tests.simulation.people import DAY, HOUR, MINUTE, Person
from tests.simulation.post import HER, HER_OTHER, Post, Truth, write

if TYPE_CHECKING:
    from tests.simulation.world import World


@dataclass
class Her:
    """Maya. `without` names what she leaves undone."""

    world: "World"
    without: frozenset[str] = frozenset()
    written: int = 0

    def __post_init__(self) -> None:
        self.shell = CommandLine(self.world)

    # -- the plan of her month -------------------------------------------------------------------------------------

    def plan(self, until: float) -> None:
        """Whom she writes to and enrols, and what else she does."""
        for person in self.world.people:
            self._begin_with(person)
        for act in ACTS:
            random = Random(f"{self.world.seed}/her/{act}")
            for _ in range(random.randint(0, 2 * OFTEN.get(act, 3))):
                at = random.uniform(DAY, until)
                self.world.timeline.at(at, lambda random=random, act=act: self._do(act, random))  # type: ignore[misc]
        settling = Random(f"{self.world.seed}/her/settling")
        for day in range(1, int(until / DAY)):
            if settling.random() < 0.6:
                at = day * DAY + settling.uniform(0, DAY)
                self.world.timeline.at(at, lambda: self._do("settle", settling))

    def _do(self, act: str, random: Random) -> None:
        if act in self.without:
            return
        if act in COMMANDS:
            COMMANDS[act](self.shell, random)
        else:
            _BY_HAND[act](self, random)

    def _enrol(self, person: Person, sequence: str, *, new: bool = False) -> None:
        if "enrol" not in self.without:
            self.shell.enrol(person, sequence, new=new)

    def _begin_with(self, person: Person) -> None:
        random = Random(f"{self.world.seed}/begin/{person.number}")
        first_at = random.uniform(0.0, 14 * DAY)
        sequence = random.choice(("proposal", "brisk", "brisk", "night", "night", "alder", "alder", "birch", "birch"))
        timeline = self.world.timeline
        if random.random() < 0.1:
            timeline.at(first_at, lambda: self._enrol(person, "opener", new=True))
            return
        if random.random() < 0.3:  # he had asked her something
            timeline.at(first_at - HOUR, lambda: _unit(person.say("Could you make us an offer?\n", linked=False)))
        timeline.at(first_at, lambda: self.write_to(person))
        enrol_at = first_at + random.choice((1.0, MINUTE, HOUR, 6 * HOUR, 2 * DAY)) * random.uniform(0.5, 1.5)
        if random.random() < 0.12:  # and he answers at about the time at which she enrols him
            answer_at = enrol_at + random.uniform(-2.0, 2.0) * random.choice((1.0, MINUTE, HOUR))
            timeline.at(max(answer_at, first_at + 30.0), lambda: _unit(person.say("Thank you, I will read it.\n")))
        timeline.at(enrol_at, lambda: self._enrol(person, sequence))

    # -- with her mail program -------------------------------------------------------------------------------------

    def write_to(self, person: Person, *, linked: bool = False, author: str = HER) -> None:
        """She sends him a message from one of her programs; it lies in Sent a moment later."""
        self.written += 1
        newest = person.received[-1] if linked and person.received else None
        message_id = f"<{self.written}.{person.name}@lind.test>"
        subject = f"Re: {newest.subject.removeprefix('Re: ')}" if newest else f"Our project, part {self.written % 3}"
        raw = write(
            f"Maya Lind <{author}>",
            person.address,
            subject,
            "Good morning,\n\nhere is what we spoke about.\n\nMaya\n",
            at=self.world.timeline.true_now,
            message_id=message_id,
            answers=newest.message_id if newest else None,
            references=tuple(person.thread[-6:]) if newest else (),
        )
        post = Post(raw, Truth.HERS, (person.number,), message_id)
        self.world.judge.arrives(post)
        self.world.server.file(post, "Sent")
        self.world.judge.hers[person.number].append(self.world.timeline.seconds)
        person.receive(parse(raw), delay=2.0)

    def _phone(self, random: Random) -> None:
        self.write_to(random.choice(self.world.people), linked=True)

    def _new_mail(self, random: Random) -> None:
        self.write_to(random.choice(self.world.people), author=random.choice((HER, HER_OTHER)))

    def _move(self, random: Random) -> None:
        source = random.choice(("INBOX", "INBOX", "Junk", "Archive"))
        targets = [name for name in ("Archive", "Trash", "Clients") if name in self.world.server.boxes]
        uids = list(self.world.server.boxes[source].messages)[-6:] if source in self.world.server.boxes else []
        if uids:
            self.world.server.put(source, random.choice(uids), random.choice(targets))

    def _delete(self, random: Random) -> None:
        source = random.choice(("INBOX", "Trash"))
        uids = list(self.world.server.boxes[source].messages)
        if uids:
            self.world.server.remove(source, random.choice(uids))

    def _folder(self, random: Random) -> None:
        boxes = self.world.server.boxes
        if "Clients" not in boxes:
            self.world.server.create("Clients")
        elif random.random() < 0.5:
            self.world.server.rename("Clients", f"Clients {random.randint(1, 99)} old")

    # -- with her editor -------------------------------------------------------------------------------------------

    def _edit(self, random: Random) -> None:
        self.world.rules.edit(random.choice(("brisk", "night", "opener", "alder", "birch", "alder")), random)

    def tidy_up(self) -> None:
        """Before the calm days she looks after everything: what is uncertain, braked, paused."""
        self.shell.resume_all()
        self.shell.settle(Random(f"{self.world.seed}/her/tidy"))
        self.shell.release_brake()


_BY_HAND: Mapping[str, Callable[[Her, Random], None]] = {
    "phone": Her._phone,
    "new mail": Her._new_mail,
    "move": Her._move,
    "delete": Her._delete,
    "folder": Her._folder,
    "edit": Her._edit,
}
ACTS = (*COMMANDS, *_BY_HAND)
OFTEN = {"move": 12, "phone": 5, "pause all": 1, "folder": 2}
"""How often in a month, on the average; other acts three times."""


def _unit(_: object) -> None:
    """What an agenda wants its acts to return."""
