"""The judge: stands outside, knows everything, and holds each thing that happens against the invariants."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from inboxagent.agent.account import Account
from inboxagent.mail.inbound import Inbound
from inboxagent.outreach.events import By, Event, Word
from inboxagent.outreach.limits import Limits
from inboxagent.outreach.outbox import Envelope
from inboxagent.outreach.rulebook import Rulebook
from inboxagent.outreach.sequence import Sequence
from inboxagent.outreach.state import Conversation, State
from inboxagent.ports import Fetched
from tests.fakes.store import Contents
from tests.simulation import memo
from tests.simulation.disk import Disk
from tests.simulation.imap import SimulatedServer
from tests.simulation.people import Person
from tests.simulation.post import HIS_WORDS, Post, Truth
from tests.simulation.process import Process
from tests.simulation.smtp import Letter
from tests.simulation.timeline import MachineClock, Timeline


class World(Protocol):
    """What the judge can see."""

    timeline: Timeline
    clock: MachineClock
    server: SimulatedServer
    disk: Disk
    people: list[Person]
    account: Account
    limits: Limits
    holder: Process | None
    paused_everything: bool
    poll: float
    ids_are_hidden: bool

    def rules(self) -> Rulebook:
        """The rule files as they are now."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was broken: by which invariant, when (true seconds), with whom, and what happened."""

    invariant: str
    seconds: float
    person: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A letter at the moment in which its dot is written."""

    seconds: float
    process: Process
    person: Person
    envelope: Envelope
    letter: Inbound
    recipient_at: float
    conversation: Conversation
    durable: Conversation | None
    step: str
    sequence: Sequence  # as it was when the intent was written


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A transaction that was acknowledged: what is new in it."""

    seconds: float
    process: Process
    before: Contents
    after: Contents
    fresh: Mapping[str, tuple[Event, ...]]


@dataclass
class Record:
    """What the judge knows of one conversation."""

    person: Person
    enrolled_at: float
    answers_since: float  # what became visible before is history
    paused_since: float | None = None
    stopped_since: float | None = None
    held_until: datetime | None = None  # she holds it
    next_at: datetime | None = None  # the next date that she set, unless she is in touch with him before
    called_at: list[float] = field(default_factory=list)
    resumed_at: float = -1.0
    her_wait: bool = False
    her_step: str = ""  # the step that went after a wait of hers
    passed_at: list[float] = field(default_factory=list)  # when steps without a letter would have gone, or she did it
    closed: frozenset[str] = frozenset()  # what had been said when another sequence was to take over
    seen: int = 0  # how many of its events have been noticed
    restored_at: float = -1.0  # when an old backup has forgotten a part of it
    accepted: list[datetime] = field(default_factory=list)  # what the machine's clock said
    letters: list[tuple[str, str]] = field(default_factory=list)  # step and Message-ID of what was taken
    names: set[str] = field(default_factory=set)  # Message-IDs of the thread that can be known
    dots: list[tuple[float, str]] = field(default_factory=list)
    taken: list[tuple[float, str]] = field(default_factory=list)

    def resumes(self, seconds: float, *, her_wait: bool) -> None:
        """It goes on from then, with the wait of its step or one of hers."""
        self.resumed_at, self.her_wait, self.her_step = seconds, her_wait, ""
        self.passed_at = [at for at in self.passed_at if at <= seconds]

    def is_closed(self, post: Post) -> bool:
        """Whether it had been said when another sequence was to take over."""
        if post.message_id:
            return post.message_id in self.closed
        return bool(self.closed) and (post.visible_at or 0.0) < self.enrolled_at

    @property
    def restored(self) -> bool:
        """Whether the state has forgotten a part of it."""
        return self.restored_at >= 0.0


Check = Callable[["Judge", object], str | None]


class Judge:
    """Keeps what is true, and what was acknowledged."""

    def __init__(self, world: World, checks: Mapping[str, Iterable[Callable[..., str | None]]]) -> None:
        self.world = world
        self.violations: list[Violation] = []
        self.records: dict[str, Record] = {}
        self.acknowledged = Contents()
        self.taken: dict[str, list[float]] = defaultdict(list)  # by the Message-ID that we gave
        self.taken_as: dict[str, str] = {}
        self.accepted: list[tuple[float, datetime]] = []  # true seconds, and what the machine's clock said
        self.hers: dict[int, list[float]] = defaultdict(list)  # her own mails by person: when they could be seen
        self.truth: dict[str, Post] = {}
        self.appended: Counter[str] = Counter()
        self.server_copies: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.reading_ok_at = 0.0
        self.brake_released_at = -1.0
        self.restored_at = -2.0
        self._checks = checks
        self._intended: dict[str, Sequence] = {}
        self.broken: Callable[[], None] = lambda: None

    # -- what happens ----------------------------------------------------------------------------------------------

    def check(self, kind: str, case: object, person: Person | None = None) -> None:
        """Hold a case against all invariants of its kind."""
        for each in self._checks.get(kind, ()):
            text = each(self, case)
            if text is not None:
                self.complain(each.__name__, text, person)

    def complain(self, invariant: str, text: str, person: Person | None = None) -> None:
        """Note a violation."""
        named = [each.name for each in self.world.people if f"{each.name}-works" in text or f"{each.name}@" in text]
        name = person.name if person else named[0] if named else self._name_of(text)
        self.violations.append(Violation(invariant, self.world.timeline.seconds, name, text))
        self.broken()

    def arrives(self, post: Post) -> None:
        """A message exists."""
        if post.message_id:
            self.truth[post.message_id] = post

    def dot(self, process: Process, envelope: Envelope, message: bytes, recipient_at: float) -> None:
        """A dot is about to be written."""
        letter = memo.parse(message)
        now = self.world.timeline.seconds
        found = self._pending(self.world.disk.contents, letter.message_id)
        if found is None or found.pending is None:
            self.complain("i10_intent_before_dot", f"the dot of {letter.message_id} has no intent")
            return
        self._inherit(found)
        self._notice(found)
        record = self.records.get(found.id)
        if record is None:
            return
        step = found.pending.step or ""
        case = Dot(
            seconds=now,
            process=process,
            person=record.person,
            envelope=envelope,
            letter=letter,
            recipient_at=recipient_at,
            conversation=found,
            durable=self._pending(self.world.disk.durable, letter.message_id),
            step=step,
            sequence=self._intended.get(letter.message_id) or self.world.rules().sequences[found.enrolment.sequence],
        )
        self.counts["dots"] += 1
        self.check("dot", case, record.person)
        record.dots.append((now, step))
        record.her_step = record.her_step or step

    def takes(self, letter: Letter) -> None:
        """The server has accepted a letter."""
        ours = memo.parse(letter.ours)
        now = self.world.timeline.seconds
        self.counts["accepted"] += 1
        self.accepted.append((now, self.world.clock.now()))
        self.taken[ours.message_id].append(now)
        self.taken_as[ours.message_id] = memo.parse(letter.raw).message_id
        conversation = next(
            (each for each in self.world.disk.contents.conversations.values() if ours.message_id in each.ids), None
        )
        if conversation is not None:
            self._inherit(conversation)
        record = self.records.get(conversation.id) if conversation else None
        if conversation is None or record is None:
            self.complain("i10_intent_before_dot", f"{ours.message_id} was accepted and nobody knows of it")
            return
        intent = next(e for e in conversation.events if e.word is Word.INTENT and e.message_id == ours.message_id)
        record.taken.append((now, intent.step or ""))
        record.accepted.append(self.world.clock.now())
        record.letters.append((intent.step or "", ours.message_id))
        if self.taken_as[ours.message_id] == ours.message_id:
            record.names.add(ours.message_id)
        self.check("taken", (conversation, record, intent), record.person)

    def commits(self, process: Process, before: Contents, after: Contents, why: str) -> None:
        """A transaction has returned."""
        fresh = {
            key: each.events[len(before.conversations[key].events) if key in before.conversations else 0 :]
            for key, each in after.conversations.items()
            if before.conversations.get(key) is not each
        }
        self.acknowledged = after
        for key in fresh:
            self._inherit(after.conversations[key])
            self._notice(after.conversations[key])
        case = Commit(seconds=self.world.timeline.seconds, process=process, before=before, after=after, fresh=fresh)
        self.check("commit", case)

    def _notice(self, conversation: Conversation) -> None:
        """What its events say since the last time; a process may have died between writing them and saying so."""
        record = self.records.get(conversation.id)
        if record is None:
            return
        for event in conversation.events[record.seen :]:
            match event.word:
                case Word.INTENT:
                    rules = self.world.rules().sequences
                    self._intended[event.message_id or ""] = rules[conversation.enrolment.sequence]
                case Word.SENT if event.because.startswith("accepted") and not self.world.ids_are_hidden:
                    # An id that her server gave a letter is known from the moment in which its answer is recorded.
                    record.names.add(self.taken_as[event.message_id or ""])
                case Word.SKIPPED | Word.TASK | Word.DONE:
                    at = (event.until or event.at) if event.word is Word.SKIPPED else event.at
                    record.passed_at.append((at - self.world.timeline.epoch).total_seconds())
                case Word.NOTE if event.is_call:
                    record.called_at.append((event.at - self.world.timeline.epoch).total_seconds())
                    record.next_at = None
                case Word.OWN_MAIL:
                    record.next_at = None
                case Word.RESUMED if event.by is By.HER and event.because.startswith("she answered him"):
                    self._go_on(conversation.id, record, event)
            if event.word in (Word.INTENT, Word.SKIPPED, Word.TASK, Word.FINISHED):
                self.counts[event.word] += 1
        record.seen = len(conversation.events)

    def _go_on(self, conversation_id: str, record: Record, event: Event) -> None:
        """Where the rule says so, a message of hers resumes a conversation, from when she wrote it."""
        self.counts["resumed by her answer"] += 1
        wrote_at = (event.at - self.world.timeline.epoch).total_seconds()
        if not any(-2.0 < at - wrote_at < 2.0 for at in self.hers[record.person.number]):
            self.complain("law_2", f"{conversation_id}: resumed in her name, and she did nothing")
        record.resumes(wrote_at, her_wait=True)

    def _inherit(self, conversation: Conversation) -> None:
        """A sequence that takes over has the history of the one before."""
        origin = self.records.get(conversation.enrolment.origin or "")
        if origin is not None and conversation.id not in self.records:
            self.counts["handed on"] += 1
            now = self.world.timeline.seconds
            self.records[conversation.id] = replace(
                origin,
                enrolled_at=now,
                names=set(conversation.enrolment.thread),
                paused_since=None,
                stopped_since=None,
                held_until=None,
                next_at=None,
                closed=self._closed_for(conversation),
                seen=0,
                dots=[],
                passed_at=[at for at in origin.passed_at if at <= now],
                called_at=list(origin.called_at),
                taken=list(origin.taken),
                letters=list(origin.letters),
                accepted=list(origin.accepted),
            )

    def _closed_for(self, heir: Conversation) -> frozenset[str]:
        """His words that are no answer to an heir: those to which the rule, or she, let another sequence follow."""
        origin = self.world.disk.contents.conversations.get(heir.enrolment.origin or "")
        ended = origin is not None and origin.state is State.STOPPED
        return frozenset(heir.enrolment.history) if ended else frozenset()

    def enrols(self, conversation: Conversation, person: Person, answers_since: float, began_at: float) -> None:
        """An enrolment was acknowledged."""
        record = Record(person, self.world.timeline.seconds, answers_since, names=set(conversation.enrolment.thread))
        self.records[conversation.id] = record
        self.counts["enrolled"] += 1
        self.check("enrolled", (conversation, record, began_at), person)

    def commands(
        self, name: str, conversation_id: str, *, her_wait: bool = False, until: datetime | None = None
    ) -> None:
        """A command of hers was acknowledged."""
        record, now = self.records.get(conversation_id), self.world.timeline.seconds
        if record is None:
            return
        self.counts[name] += 1
        if name == "pause":
            record.paused_since = now
        if name in ("stop", "won", "lost"):
            record.stopped_since = now
        if name in ("resume", "next"):
            record.paused_since = record.stopped_since = None
            record.resumes(now, her_wait=her_wait)
            record.held_until, record.next_at = None, until
        if name == "hold":
            record.held_until = until

    def appends(self, mailbox: str, raw: bytes) -> None:
        """The agent files a message."""
        message_id = memo.parse_headers(raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n").message_id
        self.appended[message_id] += 1
        self.check("append", (mailbox, raw, message_id))

    def fetches(self, process: Process, fetched: Fetched) -> None:
        """The agent reads a whole message."""
        self.check("fetch", (process, fetched))

    def restarts(self) -> None:
        """The state as a new process finds it."""
        self.check("restart", self.world.disk.contents)

    def restores(self, lost: Contents) -> None:
        """An old copy of the state was put back: what is not in it can only be learnt again from her mailboxes."""
        self.acknowledged = self.world.disk.contents
        self.restored_at = self.world.timeline.seconds
        self.accepted.clear()  # the limits are counted from what the state knows
        self.counts["old backups"] += 1
        for key, record in self.records.items():
            found = self.acknowledged.conversations.get(key)
            if found is lost.conversations.get(key):
                continue
            record.accepted.clear()
            record.restored_at = self.world.timeline.seconds
            record.paused_since = record.stopped_since = record.held_until = record.next_at = None
            if found is not None:  # the others come back with another copy, if at all
                record.seen = len(found.events)
                record.names = set(found.enrolment.thread) | (record.names & found.ids)

    # -- what is true ----------------------------------------------------------------------------------------------

    def open_answers(self, record: Record, seconds: float) -> list[Post]:
        """His answers that a look at that time had to see, and that nothing of hers has closed."""
        since = max(record.answers_since, record.resumed_at)
        return [
            each
            for each in record.person.posts
            if each.truth in (*HIS_WORDS, Truth.OPT_OUT)
            and not self._is_broken(each)
            and not record.is_closed(each)
            and each.was_visible(seconds)
            and (each.from_him or record.names.intersection(each.names))
            and (each.visible_at or 0.0) > since
        ]

    def _is_broken(self, post: Post) -> bool:
        """Whether he has let the week pass in which he promised to answer, wherever on earth the days are counted."""
        if post.truth is not Truth.PROMISE or post.visible_at is None:
            return False
        came = self.world.timeline.epoch + timedelta(seconds=post.visible_at)
        ends = []
        for near in (came - timedelta(hours=14), came + timedelta(hours=14)):
            monday = near + timedelta(days=7 - near.weekday())
            ends.append(monday.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=7, hours=-14))
        return self.world.timeline.true_now >= min(ends)

    def person_of(self, conversation: Conversation) -> Person:
        """Whose conversation it is."""
        address = conversation.enrolment.prospect.address
        return next(each for each in self.world.people if each.address == address)

    def _name_of(self, text: str) -> str:
        return next((each.person.name for key, each in self.records.items() if text.startswith(f"{key}:")), "")

    @staticmethod
    def _pending(contents: Contents, message_id: str) -> Conversation | None:
        for each in contents.conversations.values():
            if each.pending is not None and each.pending.message_id == message_id:
                return each
        return None
