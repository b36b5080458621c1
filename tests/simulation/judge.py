"""The judge: stands outside, knows everything, and holds each thing that happens against the invariants."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from inboxagent.agent.brake import STEADY
from inboxagent.outreach.events import Word
from inboxagent.outreach.outbox import Envelope
from inboxagent.outreach.state import Conversation
from inboxagent.outreach.stoppage import FACT as STOPPED
from inboxagent.ports import Fetched
from tests.fakes.store import Contents
from tests.simulation import memo
from tests.simulation.cases import Commit, Dot, Violation
from tests.simulation.never import Forgotten
from tests.simulation.people import Person
from tests.simulation.post import Post
from tests.simulation.privacy_line import FORGETTING
from tests.simulation.process import Process
from tests.simulation.records import Record, Records
from tests.simulation.smtp import Letter
from tests.simulation.told import Notices, is_notice

if TYPE_CHECKING:
    from tests.simulation.world import World


class Judge:
    """Keeps what is true, and what was acknowledged."""

    def __init__(self, world: "World", checks: Mapping[str, Iterable[Callable[..., str | None]]]) -> None:
        self.world = world
        self.violations: list[Violation] = []
        self.records = Records(self)
        self.notices = Notices()
        self.acknowledged = Contents()
        self.taken: dict[str, list[float]] = defaultdict(list)  # by the Message-ID that we gave
        self.reached: dict[int, list[float]] = defaultdict(list)  # by person: when our letters were accepted
        self.letters_to: dict[int, list[tuple[float, datetime, str]]] = defaultdict(list)  # by person: of which
        self.partners: dict[int, set[int]] = defaultdict(set)  # by person: to whom she wrote in the same mail
        self.taken_as: dict[str, str] = {}
        self.accepted: list[tuple[float, datetime]] = []  # true seconds, and what the machine's clock said
        self.hers: dict[int, list[float]] = defaultdict(list)  # her own mails by person: when they could be seen
        self.truth: dict[str, Post] = {}
        self.appended: Counter[str] = Counter()
        self.server_copies: Counter[str] = Counter()
        self.copied_at: dict[str, float] = {}  # when the server filed its copy of a letter
        self.wrote_at: dict[float, float] = {}  # when she wrote what could be seen later, by when it could
        self.counts: Counter[str] = Counter()
        self.reading_ok_at = 0.0
        self.brake_released_at = -1.0
        self.resumed_at = -1.0  # when `pause --all` last ended
        self.erased: set[str] = set()  # the addresses of whom she had forgotten
        self.let_go = (-1.0, 0)  # when she last let go more letters than the brake allows, and how many
        self.never: set[str] = set()  # addresses and @domains that were suppressed at any time
        self.restored_at = -2.0
        self.server_stopped_at = -2.0  # when it was last written down that her server lets nothing go
        self.leapt_at = -2.0  # when a clock that the agent knew was put forward by far
        self._checks = checks
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
        if is_notice(letter):
            self.check("notice", self.notices.begins(process, envelope, letter))
            return
        self.check("envelope", envelope)
        now = self.world.timeline.seconds
        found = self._pending(self.world.disk.contents, letter.message_id)
        if found is None or found.pending is None:
            self.complain("i10_intent_before_dot", f"the dot of {letter.message_id} has no intent")
            return
        self.records.inherit(found)
        self.records.notice(found)
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
            raw=message,
            recipient_at=recipient_at,
            conversation=found,
            durable=self._pending(self.world.disk.durable, letter.message_id),
            step=step,
            sequence=self.records.intended.get(letter.message_id)
            or self.world.rules().sequences[found.enrolment.sequence],
        )
        self.counts["dots"] += 1
        self.check("dot", case, record.person)
        record.dots.append((now, step))
        record.her_step = record.her_step or step

    def takes(self, letter: Letter) -> None:
        """The server has accepted a letter."""
        ours = memo.parse(letter.ours)
        now = self.world.timeline.seconds
        if is_notice(ours):
            self.counts["told"] += 1
            self.notices.takes(ours.message_id)
            return
        self.counts["accepted"] += 1
        self.accepted.append((now, self.world.clock.now()))
        self.taken[ours.message_id].append(now)
        self.taken_as[ours.message_id] = memo.parse(letter.raw).message_id
        conversation = next(
            (each for each in self.world.disk.contents.conversations.values() if ours.message_id in each.ids), None
        )
        if conversation is not None:
            self.records.inherit(conversation)
        record = self.records.get(conversation.id) if conversation else None
        if any(path in self.never for path in letter.envelope.forward_paths):
            return  # it was on the wire when she had him forgotten
        if conversation is None:
            self.complain("i10_intent_before_dot", f"{ours.message_id} was accepted and nobody knows of it")
        if conversation is None or record is None:  # an enrolment that died may be there after a power cut
            return
        intent = next(e for e in conversation.events if e.word is Word.INTENT and e.message_id == ours.message_id)
        record.taken.append((now, intent.step or ""))
        record.accepted.append(self.world.clock.now())
        self.reached[record.person.number].append(now)
        self.letters_to[record.person.number].append((now, self.world.clock.now(), conversation.id))
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
        if why == FORGETTING:
            self.forgets(before, after)
            return
        if why == "she was reminded":
            self.notices.is_written_down(process)
        if len(after.suppressions) != len(before.suppressions):
            self.never |= after.suppressions.keys()
        if before.facts.get(STOPPED) != after.facts.get(STOPPED):
            self.server_stopped_at = self.world.timeline.seconds
        for key in fresh:
            self.records.inherit(after.conversations[key])
            self.records.notice(after.conversations[key])
        case = Commit(seconds=self.world.timeline.seconds, process=process, before=before, after=after, fresh=fresh)
        self.check("commit", case)

    def forgets(self, before: Contents, after: Contents) -> None:
        """She had somebody forgotten: his conversations are gone, and those of others that named him rewritten."""
        for key in before.conversations.keys() - after.conversations.keys():
            record = self.records.forget(key)
            if record is not None:
                self.check("forgotten", Forgotten(record.person, after), record.person)

    def may_forget(self, before: Contents, after: Contents) -> None:
        """The command died: after the next power cut either may be found, and what is the same in both has to be."""
        known = self.acknowledged.conversations.items()
        both = {key: each for key, each in known if after.conversations.get(key) == each}
        self.acknowledged = Contents(both, suppressions=self.acknowledged.suppressions)
        self.forgets(before, after)

    def enrols(self, conversation: Conversation, person: Person, answers_since: float, began_at: float) -> None:
        """An enrolment was acknowledged."""
        record = Record(person, self.world.timeline.seconds, answers_since, names=set(conversation.enrolment.thread))
        self.records[conversation.id] = record
        self.counts["enrolled"] += 1
        before = self.records.get(conversation.enrolment.origin or "")
        if before is not None:
            self.counts["took a place"] += 1
            before.taken_over_at = self.world.timeline.seconds
        self.check("enrolled", (conversation, record, began_at), person)

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

    def restores(self, lost: Contents, *, forgotten: bool) -> None:
        """An old copy of the state was put back: what is not in it can only be learnt again from her mailboxes.

        Whom never to write to is `forgotten` only where nothing is left of what was there.
        """
        if lost == self.world.disk.contents:
            return  # nothing had changed since it was made
        if forgotten:
            self.never.clear()
        for address in sorted(self.never):
            if not self.world.disk.suppresses(address):
                self.complain("i8_never_again_after_a_restore", f"{address} is suppressed no more")
        self.never |= self.world.disk.contents.suppressions.keys()
        self.acknowledged = self.world.disk.contents
        self.restored_at = self.world.timeline.seconds
        self.letters_to.clear()
        self.accepted.clear()  # the limits are counted from what the state knows
        self.counts["old backups"] += 1
        self.records.restore(self.acknowledged, lost)
        self.notices.restores()

    def sees_brake_released(self, letters: int) -> None:
        """She lets everything go, and so many letters as were due when the brake was put on."""
        self.brake_released_at = self.world.timeline.seconds
        if letters:
            self.let_go = self.brake_released_at, letters

    def sees_clock_set(self, leap: float) -> None:
        """The wall clock is about to be set; the agent can tell where it has noted how both clocks went together."""
        noted, clock = self.world.disk.contents.facts.get(STEADY), self.world.clock
        if leap < 0.0:
            self.leapt_at = -2.0
        elif leap > 3_700.0 and isinstance(noted, dict) and noted["boot_id"] == clock.boot_id():
            passed = (clock.now() - datetime.fromisoformat(noted["at"])).total_seconds()
            if abs(passed - (clock.boot() - noted["boot"])) < 60.0:
                self.leapt_at = self.world.timeline.seconds

    def hers_around(self, person: Person) -> list[float]:
        """When she wrote to him, or to somebody who has taken part in his thread, or whose place he has taken."""
        near = {person.number, *self.partners[person.number]}
        near |= {each for number in tuple(near) for each in self.partners[number]}
        return [at for number in near for at in self.hers[number]]

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
