"""Her own hand: her month, and what she does with her mail program and her editor, at any moment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from inboxagent.cli import change
from inboxagent.outreach.state import State
from tests.simulation import memo
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
        campaign = self._plan_campaign()
        for person in self.world.people:
            if person.number not in campaign:
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

    def _plan_campaign(self) -> set[int]:
        """In some months she writes to several on one morning, and enrols them all at once."""
        random = Random(f"{self.world.seed}/campaign")
        if random.random() < 0.5 or "campaign" in self.without:
            return set()
        numbers = set(random.sample(range(30), 8))
        first_at = random.uniform(DAY, 10 * DAY)
        sequence = random.choice(("brisk", "night", "brisk", "night", "alder"))
        if random.random() < 0.4:  # late in the evening, so that three hours later is another day
            first_at, sequence = random.randint(1, 9) * DAY + random.uniform(12.5, 15.5) * HOUR, "night"
        for person in (each for each in self.world.people if each.number in numbers):
            self.world.timeline.at(first_at, lambda person=person: self.write_to(person))  # type: ignore[misc]
            enrol_at = first_at + random.uniform(MINUTE, 10 * MINUTE)
            self.world.timeline.at(enrol_at, lambda person=person: self._enrol(person, sequence))  # type: ignore[misc]
        return numbers

    def _begin_with(self, person: Person) -> None:
        random = Random(f"{self.world.seed}/begin/{person.number}")
        first_at = random.uniform(0.0, 14 * DAY)
        sequence = random.choice(("proposal", "brisk", "brisk", "night", "night", "alder", "alder", "birch", "birch"))
        timeline = self.world.timeline
        if (night := self._before_the_long_night(random)) is not None and person.number % 5 == 0:
            first_at, sequence = night, "night"
        if random.random() < 0.1:
            timeline.at(first_at, lambda: self._enrol(person, "opener", new=True))
            return
        if random.random() < 0.3:  # he had asked her something
            timeline.at(first_at - HOUR, lambda: _unit(person.say("Could you make us an offer?\n", linked=False)))
        ties = Random(f"{self.world.seed}/ties/{person.number}")
        partner = ties.choice([each for each in self.world.people if each is not person] or [person])
        together = partner is not person and ties.random() < 0.12
        timeline.at(first_at, lambda: self.write_to(person, partner=partner if together else None))
        enrol_at = first_at + random.choice((1.0, MINUTE, HOUR, 6 * HOUR, 2 * DAY)) * random.uniform(0.5, 1.5)
        if random.random() < 0.12:  # and he answers at about the time at which she enrols him
            answer_at = enrol_at + random.uniform(-2.0, 2.0) * random.choice((1.0, MINUTE, HOUR))
            timeline.at(max(answer_at, first_at + 30.0), lambda: _unit(person.say("Thank you, I will read it.\n")))
        timeline.at(enrol_at, lambda: self._enrol(person, sequence))
        if random.random() < 0.15:  # and for something else, with a letter of its own
            timeline.at(enrol_at + random.uniform(0.0, 3 * DAY), lambda: self._enrol(person, "opener", new=True))
        if ties.random() < 0.1:  # she gives the same command again, before the first has ended or long after it
            again_at = enrol_at + ties.choice((0.1, 1.0, DAY)) * ties.uniform(0.1, 1.0)
            timeline.at(again_at, lambda: self._enrol(person, sequence))
        if ties.random() < 0.2:  # and she begins a second conversation with him
            again_at = enrol_at + ties.uniform(HOUR, 6 * DAY)
            other = ties.choice(("brisk", "night", "night", "alder", "birch"))
            timeline.at(again_at, lambda: self.write_to(person))
            timeline.at(again_at + ties.choice((MINUTE, HOUR)), lambda: self._enrol(person, other))

    def _before_the_long_night(self, random: Random) -> float | None:
        """When to write so that three hours and two days later an hour comes twice in Europe; None in other months."""
        epoch = self.world.timeline.epoch
        if epoch.month != 10:
            return None
        twice = datetime(epoch.year, 10, 25, tzinfo=UTC) + timedelta(minutes=random.uniform(5.0, 45.0))
        return (twice - timedelta(days=2, hours=3) - epoch).total_seconds()

    # -- with her mail program -------------------------------------------------------------------------------------

    def write_to(
        self,
        person: Person,
        *,
        linked: bool = False,
        author: str = HER,
        partner: Person | None = None,
        late: float = 0.0,
    ) -> None:
        """She sends him, or him and a partner, a message from one of her programs; it lies in Sent a moment later, or
        so many seconds."""
        self.written += 1
        newest = person.received[-1] if linked and person.received else None
        message_id = f"<{self.written}.{person.name}@lind.test>"
        subject = f"Re: {newest.subject.removeprefix('Re: ')}" if newest else f"Our project, part {self.written % 3}"
        people = [person, *([partner] if partner else [])]
        raw = write(
            f"Maya Lind <{author}>",
            ", ".join(each.address for each in people),
            subject,
            "Good morning,\n\nhere is what we spoke about.\n\nMaya\n",
            at=self.world.timeline.true_now,
            message_id=message_id,
            answers=newest.message_id if newest else None,
            references=tuple(person.thread[-6:]) if newest else (),
        )
        post = Post(raw, Truth.HERS, tuple(each.number for each in people), message_id)
        self.world.judge.arrives(post)
        for each in people:
            self.world.judge.partners[each.number] |= {other.number for other in people if other is not each}
        wrote_at = self.world.timeline.seconds
        if late:
            self.world.timeline.after(late, lambda: self._file(post, people, wrote_at))
        else:
            self._file(post, people, wrote_at)
        for each in people:
            each.receive(memo.parse(raw), delay=2.0)

    def _file(self, post: Post, people: list[Person], wrote_at: float) -> None:
        judge, now = self.world.judge, self.world.timeline.seconds
        self.world.server.file(post, "Sent")
        for each in people:
            judge.hers[each.number].append(now)
        judge.wrote_at[now] = wrote_at

    def _answer(self, random: Random) -> None:
        """She answers somebody from a telephone that files its copy when it has a line again; he may have written once
        more by then."""
        rules = self.world.rules().sequences
        goes_on = {name for name, each in rules.items() if each.after_my_answer}
        found = [each for each in self.world.disk.contents.conversations.values() if each.state is State.ANSWERED]
        waiting = [each for each in found if each.enrolment.sequence in goes_on]
        if not waiting:
            return
        chosen, late = random.choice(waiting), random.choice((0.0, MINUTE, HOUR, 5 * HOUR))
        person = self.world.judge.person_of(chosen)
        if random.random() < 0.15:  # what follows is to wait for her all the same
            self.shell.command("pause", chosen.id, change._pause)
        self._write_from_telephone(person, late, random)

    def _phone(self, random: Random) -> None:
        late = random.choice((0.0, 0.0, MINUTE, HOUR))
        self._write_from_telephone(random.choice(self.world.people), late, random)

    def _write_from_telephone(self, person: Person, late: float, random: Random) -> None:
        """He, or whom he has asked to, may answer before there is a copy."""
        self.write_to(person, linked=True, late=late)
        if late and random.random() < 0.6:
            words = "And one more thing: when could you begin?\n"
            author = random.choice((person.address, person.colleague))
            again = random.uniform(3.0, late)
            self.world.timeline.after(again, lambda: _unit(person.say(words, author=author)))

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
    "answer": Her._answer,
    "new mail": Her._new_mail,
    "move": Her._move,
    "delete": Her._delete,
    "folder": Her._folder,
    "edit": Her._edit,
}
ACTS = (*COMMANDS, *_BY_HAND)
OFTEN = {"move": 12, "phone": 5, "answer": 8, "pause all": 1, "brake": 12, "folder": 2, "suppress": 1, "forget": 1}
"""How often in a month, on the average; other acts three times."""


def _unit(_: object) -> None:
    """What an agenda wants its acts to return."""
