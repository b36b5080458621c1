"""One account at work: her people, her servers, and processes of the agent, one after the other, that may be killed."""

import json
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import Protocol

from inboxagent.cli.embedded import WIRE
from inboxagent.edge.store import JournalStore, open_store
from inboxagent.outreach.events import Word
from inboxagent.outreach.state import Conversation
from tests.torture.effects import Life, Moment
from tests.torture.nursery import Nursery, Process, end

LONGEST = 180.0  # seconds that any process may take
STEPS = {"one": b"did the proposal", "two": b"which part", "three": b"close the file"}


class World(Protocol):
    """Her servers, as whoever is not the agent sees them."""

    ports: Mapping[int, str]
    """What is spoken at which port that the agent connects to."""
    address: str
    """Hers."""

    def letters(self, address: str) -> Sequence[bytes]:
        """What has reached this person."""

    def unknown(self, address: str) -> bool:
        """Whether there is nobody of that name, so that a letter comes back."""

    def mail(self, mailbox: str) -> Sequence[bytes]:
        """What lies in one of her mailboxes."""

    def deliver(self, message: bytes) -> None:
        """Into her INBOX."""

    def settle(self) -> None:
        """Wait until nothing is on its way."""


class Desk(Protocol):
    """Where her configuration is."""

    folder: Path
    config: Path


@dataclass(frozen=True, slots=True)
class Letter:
    """One of ours, as it has reached somebody."""

    message_id: str
    step: str


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended, and what it did until then; an effect that begins with `~` can be done by half."""

    code: int
    effects: tuple[str, ...]

    @property
    def killed(self) -> bool:
        return self.code == -signal.SIGKILL


@dataclass
class Running:
    """A process of the agent."""

    process: Process
    effects: Path

    @property
    def alive(self) -> bool:
        return self.process.wait(0) is None

    def stop(self) -> None:
        """As systemd does."""
        if self.alive:
            end(self.process, signal.SIGTERM)

    def end(self) -> Ended:
        """Wait for it. Raises AssertionError where it never ends."""
        code = self.process.wait(LONGEST)
        if code is None:
            end(self.process, signal.SIGKILL)
            self.process.wait(LONGEST)
            raise AssertionError(f"it has not ended within {LONGEST:g} s")
        told = self.effects.read_text().splitlines() if self.effects.exists() else []
        return Ended(code, tuple(told))


class Stage:
    """What happens to her account, and what everybody knows of it."""

    def __init__(self, desk: Desk, world: World, people: Mapping[str, str], nursery: Nursery) -> None:
        """Her folder has a configuration, a sequence `quick` and nobody in it yet."""
        self.world = world
        self.people = people  # their addresses by name
        self.folder = desk.folder
        self.config = desk.config
        self.log = desk.folder / "torture.log"
        self.intended: dict[str, frozenset[str]] = {}  # by whom there is an answer: what was on its way before it
        self.untouchable: set[str] = set()  # who is not to get anything more, as she said
        self.forgotten: set[str] = set()
        self.lies_in_inbox: list[bytes] = []
        self._nursery = nursery
        self._lives = 0
        self.moved: Callable[[float], None] = lambda later: None  # told how far ahead the next process is

    # -- the agent

    def begin(self, *words: str, later: float = 0.0, moment: Moment | None = None, impatient: bool = False) -> Running:
        """Start a process with these words, in which a name stands for its address; the rest is as in `Life`."""
        self._lives += 1
        self.moved(later)
        effects = self.folder / f"effects.{self._lives}"
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        command, *rest = words
        life = Life(
            words=(command, "--config", str(self.config), *(self.people.get(each, each) for each in rest)),
            environ={**kept, "HOME": str(self.folder)},
            effects=effects,
            log=self.log,
            ports=self.world.ports,
            later=later,
            moment=moment,
            impatient=impatient,
        )
        return Running(self._nursery.begin(life), effects)

    def run(self, *words: str, later: float = 0.0, impatient: bool = False) -> Ended:
        """A process to its end."""
        return self.begin(*words, later=later, impatient=impatient).end()

    def list_people(self) -> None:
        """Write down whom `enroll --csv people.csv` enrols."""
        rows = "".join(f"{address},the portal\n" for address in self.people.values())
        (self.folder / "people.csv").write_text(f"address,project\n{rows}")

    # -- what is known

    def conversations(self) -> dict[str, Conversation]:
        """By address, read anew. Raises AssertionError where the store is damaged."""
        if not any(self.folder.glob("state/*.journal")):
            return {}
        store = self._store
        assert (damage := store.check()) == [], f"the store is damaged: {damage}"
        return {each.enrolment.prospect.address: each for each in store.conversations()}

    @property
    def _store(self) -> JournalStore:
        return open_store(self.folder / "state", self.world.address)

    def fact(self, name: str) -> object:
        """A fact of the store."""
        return self._store.fact(name)

    def letters(self, address: str) -> list[Letter]:
        """Ours that have reached him."""
        return [_letter(raw) for raw in self.world.letters(address) if b"X-Inboxagent:" in raw]

    def copies(self) -> list[str]:
        """The Message-IDs of ours in Sent."""
        return [_letter(raw).message_id for raw in self.world.mail("Sent") if b"X-Inboxagent:" in raw]

    def told(self) -> Iterator[Mapping[str, object]]:
        """The log of all processes; a line that was cut off by a death is none."""
        for line in self.log.read_text().splitlines() if self.log.exists() else ():
            try:
                document = json.loads(line)
            except ValueError:
                continue
            if isinstance(document, dict):
                yield document

    # -- the people

    def answer(self, name: str, words: str) -> None:
        """He answers the newest he has; from now on nothing may go to him that was not on its way."""
        address = self.people[name]
        known = self.conversations().get(address)
        events = known.events if known else ()
        self.intended[address] = frozenset(each.message_id or "" for each in events if each.word is Word.INTENT)
        got = self.letters(address)
        thread = got[-1].message_id if got else (known.enrolment.thread[-1] if known else "")
        reply = EmailMessage()
        reply["From"], reply["To"], reply["Subject"] = address, self.world.address, "Re: The proposal"
        reply["Date"], reply["Message-ID"] = formatdate(), make_msgid(domain="prospect.test")
        reply["In-Reply-To"] = reply["References"] = thread
        reply.set_content(words)
        raw = reply.as_bytes(policy=WIRE)
        self.world.deliver(raw)
        self.lies_in_inbox.append(str(reply["Message-ID"]).encode())


def _letter(raw: bytes) -> Letter:
    name = next(line for line in raw.splitlines() if line.lower().startswith(b"message-id:"))
    step = next((step for step, words in STEPS.items() if words in raw), "?")
    return Letter(name.partition(b":")[2].strip().decode(), step)


Act = Callable[[Stage], None]
"""What somebody does."""
