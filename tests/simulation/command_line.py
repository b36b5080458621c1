"""What she does with the command line: each command as a process of its own, which may die at any effect."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from inboxagent.agent.brake import release
from inboxagent.agent.enrolment import enroll
from inboxagent.agent.wish import Wish
from inboxagent.cli import change, ending, progress
from inboxagent.errors import InboxagentError
from inboxagent.outreach.events import Word
from inboxagent.outreach.model import Prospect
from inboxagent.outreach.state import Conversation, State
from tests.simulation.authoring import FIELDS
from tests.simulation.people import DAY, MINUTE, Person
from tests.simulation.privacy_line import forget, suppress
from tests.simulation.process import Process, ProcessDiedError
from tests.simulation.taking_over import take_place

if TYPE_CHECKING:
    from tests.simulation.world import World


NOWHERE = Path("/nowhere")  # where messages would lie that were set aside


class CommandLine:
    """Her commands; those that the agenda of her month names take the chance they are played with."""

    def __init__(self, world: "World") -> None:
        self.world = world

    def enrol(self, person: Person, sequence: str, *, new: bool = False, instead_of: str | None = None) -> None:
        """`inboxagent enroll`."""
        self.world.loop.create_task(self._enrol(person, sequence, new, instead_of))

    async def _enrol(self, person: Person, name: str, new: bool, instead_of: str | None) -> None:
        world = self.world
        process = world.machine.process("command")
        process.begins("enrolling")
        process.writing_to = person.address
        sequence = world.rules().sequences[name]
        began_at = world.timeline.seconds
        fields = {name: value for name, value in person.card.items() if name not in FIELDS or name in sequence.fields}
        wish = Wish(
            sequence=sequence,
            prospect=Prospect(address=person.address, fields=fields),
            newest=True,
            new=new,
            instead_of=instead_of,
        )
        mailbox = world.machine.mailbox(process)
        try:
            conversation = await enroll(world.account, mailbox, world.machine.store(process), world.clock, wish)
        except (InboxagentError, ProcessDiedError) as error:
            world.judge.counts[f"enrol: {type(error).__name__}"] += 1
            self._enrolled_anyway(person, began_at, new)
            return
        finally:
            world.machine.disconnect(mailbox)
        world.judge.enrols(conversation, person, self._history_until(person, began_at, new), began_at)

    def _enrolled_anyway(self, person: Person, began_at: float, new: bool) -> None:
        """A command that died may have done its work."""
        for key, each in self.world.disk.contents.conversations.items():
            if key not in self.world.judge.records and person.address in each.addresses:
                self.world.judge.enrols(each, person, self._history_until(person, began_at, new), began_at)

    def _history_until(self, person: Person, began_at: float, new: bool) -> float:
        """What he wrote before her last message is history; without one, all that was there.

        Hers is also what she writes while she enrols him, and what went in her name, of which an older copy of the
        state knows nothing.
        """
        judge = self.world.judge
        hers = [*judge.hers[person.number], *(judge.reached[person.number] if judge.restored_at >= 0.0 else ())]
        return began_at if new or not hers else max(hers)

    def desk(self, process: Process) -> Any:
        """What a command finds: the store, the clock, the rules, the configuration."""
        world = self.world
        return SimpleNamespace(
            store=world.machine.store(process),
            clock=world.clock,
            rulebook=world.rules(),
            rules=world.rules,
            config=SimpleNamespace(me=world.account.me, state=NOWHERE),
            home=world.account.home,
            lock_path=world,
            next_of=lambda conversation: None,
        )

    def command(self, name: str, conversation_id: str, doing: Callable[..., change.Answer], *more: Any) -> None:
        """One command of hers on one conversation, as the command line does it."""
        world = self.world
        desk = self.desk(world.machine.process("command"))
        answer: change.Answer | None = None
        before: Conversation | None = None
        try:
            with desk.store.transaction(f"she changes {conversation_id}") as ledger:
                before = conversation = ledger.conversation(conversation_id)
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
            world.judge.records.command(name, conversation_id, her_wait=wait, until=until)
            world.judge.check(name, before)

    def _is_written(self, conversation_id: str, answer: change.Answer) -> bool:
        found = self.world.disk.contents.conversations[conversation_id]
        return all(each in found.events for each in answer.events)

    def _one(self, random: Random, *states: State) -> Conversation | None:
        found = [each for each in self.world.disk.contents.conversations.values() if each.state in states]
        return random.choice(found) if found else None

    def pause(self, random: Random) -> None:
        found = self._one(random, State.WAITING, State.HELD, State.ANSWERED)
        if found is not None:
            self.command("pause", found.id, change._pause)

    def resume(self, random: Random) -> None:
        found = self._one(random, State.HELD, State.ANSWERED, State.STOPPED)
        if found is not None:
            wait = random.choice((None, None, "2 hours", "3 days"))
            self.command("resume", found.id, change._resume, wait)

    def stop(self, random: Random) -> None:
        found = self._one(random, State.WAITING, State.HELD, State.ANSWERED)
        if found is not None and random.random() < 0.4:
            self.command("stop", found.id, ending._stop, Word.STOPPED)

    def won(self, random: Random) -> None:
        self._end(random, "won", Word.WON)

    def lost(self, random: Random) -> None:
        self._end(random, "lost", Word.LOST)

    def _end(self, random: Random, name: str, word: Word) -> None:
        found = self._one(random, State.WAITING, State.HELD, State.ANSWERED)
        if found is not None and random.random() < 0.4:
            self.command(name, found.id, ending._stop, word)

    def hold(self, random: Random) -> None:
        found = self._one(random, State.WAITING, State.HELD)
        if found is not None:
            self.command("hold", found.id, progress._hold, self._day(random))

    def note(self, random: Random) -> None:
        found = self._one(random, State.WAITING, State.HELD, State.ANSWERED)
        if found is not None:
            self.command("note", found.id, progress._note, "called him", None)

    def next(self, random: Random) -> None:
        found = self._one(random, State.WAITING, State.HELD, State.ANSWERED)
        if found is not None:
            self.command("next", found.id, progress._note, "called him", self._day(random))
            if random.random() < 0.3:  # and she sends him what he asked for
                person = self.world.judge.person_of(found)
                self.world.timeline.after(random.uniform(MINUTE, DAY), lambda: self.world.her.write_to(person))

    def _day(self, random: Random) -> str:
        return (self.world.clock.now() + timedelta(days=random.randint(2, 8))).date().isoformat()

    def skip(self, random: Random) -> None:
        found = self._one(random, State.WAITING, State.HELD)
        if found is not None:
            self.command("skip", found.id, progress._skip)

    def done(self, random: Random) -> None:
        for each in list(self.world.disk.contents.conversations.values()):
            if each.tasks:
                self.command("done", each.id, lambda _, found, now: progress._done(found, now, None))

    def settle(self, random: Random) -> None:
        """She decides what nobody knows."""
        for each in list(self.world.disk.contents.conversations.values()):
            if each.pending is not None:
                doing = change._release if random.random() < 0.5 else change._drop
                self.command("release" if doing is change._release else "drop", each.id, doing)

    def pause_all(self, random: Random) -> None:
        span = DAY if random.random() < 0.6 else 6 * DAY  # for a day, or a week in which much falls due
        self.pause_all_for(random.uniform(MINUTE, span))

    def pause_all_for(self, seconds: float) -> None:
        """`inboxagent pause --all`, and `resume --all` so much later."""
        self.world.paused_everything = True
        self.world.timeline.after(seconds, self.resume_all)

    def resume_all(self) -> None:
        """`inboxagent resume --all`."""
        if self.world.paused_everything:
            self.world.judge.resumed_at = self.world.timeline.seconds
        self.world.paused_everything = False

    def release_brake(self, _: Random | None = None) -> None:
        """`inboxagent release --brake`."""
        process, due = self.world.machine.process("command"), 0
        try:
            with self.world.machine.store(process).transaction("she releases the brake") as ledger:
                due = release(ledger, self.world.clock.now())
        except InboxagentError:
            return
        except ProcessDiedError:
            pass  # it may have done its work, or not
        self.world.judge.sees_brake_released(due)


COMMANDS: Mapping[str, Callable[[CommandLine, Random], None]] = {
    "pause": CommandLine.pause,
    "resume": CommandLine.resume,
    "stop": CommandLine.stop,
    "settle": CommandLine.settle,
    "pause all": CommandLine.pause_all,
    "brake": CommandLine.release_brake,
    "hold": CommandLine.hold,
    "note": CommandLine.note,
    "next": CommandLine.next,
    "skip": CommandLine.skip,
    "done": CommandLine.done,
    "won": CommandLine.won,
    "lost": CommandLine.lost,
    "suppress": suppress,
    "forget": forget,
    "instead": take_place,
}
