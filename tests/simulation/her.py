"""Her own hand: what she does with her mail program, her editor and the command line, at any moment."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from inboxagent.agent.brake import BRAKE, BRAKE_RELEASED, LEAPT
from inboxagent.agent.enrolment import enroll
from inboxagent.agent.wish import Wish
from inboxagent.cli import change, ending, progress
from inboxagent.errors import InboxagentError
from inboxagent.mail.inbound import parse
from inboxagent.outreach.events import Word
from inboxagent.outreach.model import Prospect
from inboxagent.outreach.state import Conversation, State
from inboxagent.ports import REWOUND
from tests.simulation.authoring import FIELDS
from tests.simulation.people import DAY, HOUR, MINUTE, Person
from tests.simulation.post import HER, HER_OTHER, Post, Truth, write
from tests.simulation.process import ProcessDiedError

if TYPE_CHECKING:
    from tests.simulation.world import World

ACTS = (
    "pause", "resume", "stop", "settle", "pause all", "phone", "new mail", "move", "delete", "folder", "edit", "brake",
    "hold", "note", "next", "skip", "done", "won", "lost",
)  # fmt: skip


@dataclass
class Her:
    """Maya. `without` names what she leaves undone."""

    world: "World"
    random: Random
    without: frozenset[str] = frozenset()
    written: int = 0

    # -- the plan of her month -------------------------------------------------------------------------------------

    def plan(self, until: float) -> None:
        """Whom she writes to and enrols, and what else she does."""
        for person in self.world.people:
            self._begin_with(person)
        for act in ACTS:
            often = {"move": 12, "phone": 5, "edit": 3, "pause all": 1, "folder": 2, "brake": 3}.get(act, 3)
            random = Random(f"{self.world.seed}/her/{act}")
            for _ in range(random.randint(0, 2 * often)):
                at = random.uniform(DAY, until)
                doing = getattr(self, "_" + act.replace(" ", "_"))
                self.world.timeline.at(at, lambda doing=doing, random=random, act=act: self._do(act, doing, random))
        settling = Random(f"{self.world.seed}/her/settling")
        for day in range(1, int(until / DAY)):
            if settling.random() < 0.6:
                at = day * DAY + settling.uniform(0, DAY)
                self.world.timeline.at(at, lambda: self._do("settle", self._settle, settling))

    def _do(self, act: str, doing: Callable[[Random], None], random: Random) -> None:
        if act not in self.without:
            doing(random)

    def _begin_with(self, person: Person) -> None:
        random = Random(f"{self.world.seed}/begin/{person.number}")
        first_at = random.uniform(0.0, 14 * DAY)
        sequence = random.choice(("proposal", "brisk", "brisk", "night", "night", "alder", "alder", "birch", "birch"))
        timeline = self.world.timeline
        if random.random() < 0.1:
            timeline.at(first_at, lambda: self.enrol(person, "opener", new=True))
            return
        if random.random() < 0.3:  # he had asked her something
            timeline.at(first_at - HOUR, lambda: _unit(person.say("Could you make us an offer?\n", linked=False)))
        timeline.at(first_at, lambda: self.write_to(person))
        enrol_at = first_at + random.choice((1.0, MINUTE, HOUR, 6 * HOUR, 2 * DAY)) * random.uniform(0.5, 1.5)
        if random.random() < 0.12:  # and he answers at about the time at which she enrols him
            answer_at = enrol_at + random.uniform(-2.0, 2.0) * random.choice((1.0, MINUTE, HOUR))
            timeline.at(max(answer_at, first_at + 30.0), lambda: _unit(person.say("Thank you, I will read it.\n")))
        timeline.at(enrol_at, lambda: self.enrol(person, sequence))

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

    # -- with the command line -------------------------------------------------------------------------------------

    def enrol(self, person: Person, sequence: str, *, new: bool = False) -> None:
        """`inboxagent enroll`."""
        if "enrol" not in self.without:
            self.world.loop.create_task(self._enrol(person, sequence, new))

    async def _enrol(self, person: Person, name: str, new: bool) -> None:
        world = self.world
        process = world.process("command")
        sequence = world.rules().sequences[name]
        began_at = world.timeline.seconds
        hers = [at for at in world.judge.hers[person.number] if at < began_at]
        fields = {name: value for name, value in person.card.items() if name not in FIELDS or name in sequence.fields}
        wish = Wish(
            sequence=sequence,
            prospect=Prospect(address=person.address, fields=fields),
            newest=True,
            new=new,
        )
        mailbox = world.mailbox(process)
        try:
            conversation = await enroll(world.account, mailbox, world.store(process), world.clock, wish)
        except (InboxagentError, ProcessDiedError) as error:
            world.judge.counts[f"enrol: {type(error).__name__}"] += 1
            self._enrolled_anyway(process, person, began_at, hers, new)
            return
        finally:
            world.forget(mailbox)
        world.judge.enrols(conversation, person, self._history_until(began_at, hers, new), began_at)

    def _enrolled_anyway(self, process: Any, person: Person, began_at: float, hers: list[float], new: bool) -> None:
        """A command that died may have done its work."""
        for key, each in self.world.disk.contents.conversations.items():
            if key not in self.world.judge.records and person.address in each.addresses:
                self.world.judge.enrols(each, person, self._history_until(began_at, hers, new), began_at)

    def _history_until(self, began_at: float, hers: list[float], new: bool) -> float:
        """What he wrote before her last message is history; without one, all that was there."""
        return began_at if new or not hers else max(hers)

    def command(self, name: str, conversation_id: str, doing: Callable[..., change.Answer], *more: Any) -> None:
        """One command of hers on one conversation, as the command line does it."""
        world = self.world
        process = world.process("command")
        desk: Any = SimpleNamespace(
            store=world.store(process),
            clock=world.clock,
            rulebook=world.rules(),
            rules=world.rules,
            config=SimpleNamespace(me=world.account.me),
            home=world.account.home,
            lock_path=world,
        )
        answer: change.Answer | None = None
        try:
            with desk.store.transaction(f"she changes {conversation_id}") as ledger:
                conversation = ledger.conversation(conversation_id)
                if conversation is None:
                    return
                answer = doing(desk, conversation, world.clock.now(), *more)
                if answer.events:
                    ledger.append(conversation_id, *answer.events)
                if answer.heir is not None:
                    ledger.enrol(answer.heir.conversation_id, answer.heir.event)
        except InboxagentError:
            return
        except ProcessDiedError:  # it may have done its work before it died
            if not answer or not self._is_written(conversation_id, answer):
                return
        if answer and answer.events:
            wait = name == "next" or (name == "resume" and bool(more[0]))
            until = answer.events[-1].until if name in ("hold", "next") else None
            world.judge.commands(name, conversation_id, her_wait=wait, until=until)

    def _is_written(self, conversation_id: str, answer: change.Answer) -> bool:
        found = self.world.disk.contents.conversations[conversation_id]
        return all(each in found.events for each in answer.events)

    def _one(self, random: Random, *states: State) -> Conversation | None:
        found = [each for each in self.world.disk.contents.conversations.values() if each.state in states]
        return random.choice(found) if found else None

    def _pause(self, random: Random) -> None:
        found = self._one(random, State.WAITING, State.WAITING, State.HELD)
        if found is not None:
            self.command("pause", found.id, change._pause)

    def _resume(self, random: Random) -> None:
        found = self._one(random, State.HELD, State.ANSWERED, State.STOPPED)
        if found is not None:
            wait = random.choice((None, None, "2 hours", "3 days"))
            self.command("resume", found.id, change._resume, wait)

    def _stop(self, random: Random) -> None:
        found = self._one(random, State.WAITING, State.HELD, State.ANSWERED)
        if found is not None and random.random() < 0.4:
            self.command("stop", found.id, ending._stop, Word.STOPPED)

    def _won(self, random: Random) -> None:
        self._end(random, "won", Word.WON)

    def _lost(self, random: Random) -> None:
        self._end(random, "lost", Word.LOST)

    def _end(self, random: Random, name: str, word: Word) -> None:
        found = self._one(random, State.WAITING, State.HELD, State.ANSWERED)
        if found is not None and random.random() < 0.4:
            self.command(name, found.id, ending._stop, word)

    def _hold(self, random: Random) -> None:
        found = self._one(random, State.WAITING, State.HELD)
        if found is not None:
            self.command("hold", found.id, progress._hold, self._day(random))

    def _note(self, random: Random) -> None:
        found = self._one(random, State.WAITING, State.HELD, State.ANSWERED)
        if found is not None:
            self.command("note", found.id, progress._note, "called him", None)

    def _next(self, random: Random) -> None:
        found = self._one(random, State.WAITING, State.HELD, State.ANSWERED)
        if found is not None:
            self.command("next", found.id, progress._note, "called him", self._day(random))

    def _day(self, random: Random) -> str:
        return (self.world.clock.now() + timedelta(days=random.randint(2, 8))).date().isoformat()

    def _skip(self, random: Random) -> None:
        found = self._one(random, State.WAITING, State.HELD)
        if found is not None:
            self.command("skip", found.id, progress._skip)

    def _done(self, random: Random) -> None:
        for each in list(self.world.disk.contents.conversations.values()):
            if each.tasks:
                self.command("done", each.id, lambda _, found, now: progress._done(found, now, None))

    def _settle(self, random: Random) -> None:
        """She decides what nobody knows."""
        for each in list(self.world.disk.contents.conversations.values()):
            if each.pending is not None:
                doing = change._release if random.random() < 0.5 else change._drop
                self.command("release" if doing is change._release else "drop", each.id, doing)

    def _pause_all(self, random: Random) -> None:
        self.world.paused_everything = True
        self.world.timeline.after(random.uniform(MINUTE, DAY), self.resume_all)

    def resume_all(self) -> None:
        """`inboxagent resume --all`."""
        self.world.paused_everything = False

    def _brake(self, random: Random) -> None:
        self.release_brake()

    def release_brake(self) -> None:
        """`inboxagent release --brake`."""
        process = self.world.process("command")
        try:
            with self.world.store(process).transaction("she releases the brake") as ledger:
                brake = ledger.fact(BRAKE)
                if all(ledger.fact(each) is None for each in (BRAKE, REWOUND, LEAPT)):
                    return
                for asking in (REWOUND, LEAPT):
                    ledger.remember(asking, None)
                if brake is not None:
                    ledger.remember(BRAKE_RELEASED, True)
        except (InboxagentError, ProcessDiedError):
            return
        self.world.judge.brake_released_at = self.world.timeline.seconds

    def tidy_up(self) -> None:
        """Before the calm days she looks after everything: what is uncertain, braked, paused."""
        self.resume_all()
        self._settle(Random(f"{self.world.seed}/her/tidy"))
        self.release_brake()


def _unit(_: object) -> None:
    """What an agenda wants its acts to return."""
