"""What the judge knows of each conversation: from its events, from her commands, and from what she and he wrote."""

from collections.abc import Container
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from inboxagent.outreach.events import ANSWERS, By, Event, Word
from inboxagent.outreach.sequence import Sequence
from inboxagent.outreach.state import Conversation, State
from tests.fakes.store import Contents
from tests.simulation.people import Person
from tests.simulation.post import HIS_WORDS, Post, Truth

if TYPE_CHECKING:
    from tests.simulation.judge import Judge


@dataclass
class Record:
    """What the judge knows of one conversation."""

    person: Person
    enrolled_at: float
    answers_since: float  # what became visible before is history
    paused_since: float | None = None
    stopped_since: float | None = None
    held_until: datetime | None = None  # she holds it
    next_at: datetime | None = None  # the next date that she set: the earliest, also if she writes to him before
    called_at: list[float] = field(default_factory=list)
    resumed_at: float = -1.0
    let_go_at: float = -1.0  # when a command of hers let it go on
    her_wait: bool = False
    her_step: str = ""  # the step that went after a wait of hers
    passed_at: list[float] = field(default_factory=list)  # when steps without a letter would have gone, or she did it
    tried: list[tuple[float, str]] = field(default_factory=list)  # letters that she released or left at that, by step
    closed: frozenset[str] = frozenset()  # what had been said when another sequence was to take over
    seen: int = 0  # how many of its events have been noticed
    taken_over_at: float = -1.0  # when she enrolled somebody in his place
    restored_at: float = -1.0  # when an old backup has forgotten a part of it
    accepted: list[datetime] = field(default_factory=list)  # what the machine's clock said
    letters: list[tuple[str, str]] = field(default_factory=list)  # step and Message-ID of what was taken
    names: set[str] = field(default_factory=set)  # Message-IDs of the thread that can be known
    learnt: set[str] = field(default_factory=set)  # those that only a copy told: an answer names them, no report does
    dots: list[tuple[float, str]] = field(default_factory=list)
    taken: list[tuple[float, str]] = field(default_factory=list)

    def resumes(self, seconds: float, *, her_wait: bool) -> None:
        """It goes on from then, with the wait of its step or one of hers."""
        self.resumed_at, self.her_wait, self.her_step = seconds, her_wait, ""
        self.passed_at = [at for at in self.passed_at if at <= seconds]

    def is_in_touch(self, at: datetime) -> None:
        """Her own hand, on the day that she had named or later, does what was to come then."""
        if self.next_at is not None and at >= self.next_at:
            self.next_at = None

    def is_closed(self, post: Post) -> bool:
        """Whether it had been said when another sequence was to take over."""
        if post.message_id:
            return post.message_id in self.closed
        return bool(self.closed) and (post.visible_at or 0.0) < self.enrolled_at

    @property
    def restored(self) -> bool:
        """Whether the state has forgotten a part of it."""
        return self.restored_at >= 0.0


class Records(dict[str, Record]):
    """By the conversation's id. `intended` are the rule files as they were when a letter's intent was written."""

    def __init__(self, judge: "Judge") -> None:
        super().__init__()
        self.intended: dict[str, Sequence] = {}
        self._forgotten: dict[str, Record] = {}
        self._judge = judge

    def notice(self, conversation: Conversation) -> None:
        """What its events say since the last time; a process may have died between writing them and saying so."""
        record = self.get(conversation.id)
        if record is None:
            return
        for event in conversation.events[record.seen :]:
            match event.word:
                case Word.DROPPED | Word.RELEASED:
                    before = conversation.events[: conversation.events.index(event)]  # clocks may go back meanwhile
                    intent = [each for each in before if each.word is Word.INTENT][-1]
                    tried_at = (intent.at - self._judge.world.timeline.epoch).total_seconds()
                    record.tried.append((tried_at, intent.step or ""))
                case Word.INTENT:
                    rules = self._judge.world.rules().sequences
                    self.intended[event.message_id or ""] = rules[conversation.enrolment.sequence]
                case Word.SENT if event.because.startswith("accepted") and not self._judge.world.ids_are_hidden:
                    # An id that her server gave a letter is known from the moment in which its answer is recorded.
                    record.names.add(self._judge.taken_as.get(event.message_id or "", event.message_id or ""))
                case Word.SKIPPED | Word.TASK | Word.DONE:
                    at = (event.until or event.at) if event.word is Word.SKIPPED else event.at
                    record.passed_at.append((at - self._judge.world.timeline.epoch).total_seconds())
                case Word.NOTE if event.is_call:
                    record.called_at.append((event.at - self._judge.world.timeline.epoch).total_seconds())
                    record.is_in_touch(event.at)
                case Word.OWN_MAIL:
                    record.is_in_touch(event.at)
                    record.learnt.add(event.message_id or "")
                case Word.NOTE if event.because.startswith("her server gave our letter"):
                    record.learnt.add(event.message_id or "")
                case Word.RESUMED if event.by is By.HER and event.because.startswith("she answered him"):
                    self._go_on(conversation, record, event)
            if event.word in (Word.INTENT, Word.SKIPPED, Word.TASK, Word.FINISHED):
                self._judge.counts[event.word] += 1
        record.seen = len(conversation.events)

    def _go_on(self, conversation: Conversation, record: Record, event: Event) -> None:
        """Where the rule says so, a message of hers resumes a conversation, from when she wrote it."""
        self._judge.counts["resumed by her answer"] += 1
        filed_at = (event.at - self._judge.world.timeline.epoch).total_seconds()
        hers = self._judge.hers_around(record.person)
        wrote_at = next((self._judge.wrote_at[at] for at in hers if -2.0 < at - filed_at < 2.0), None)
        if wrote_at is None:
            self._judge.complain("law_2", f"{conversation.id}: resumed in her name, and she did nothing")
            return
        until = conversation.events.index(event)
        heard = {each.message_id for each in conversation.events[:until] if each.word in ANSWERS}
        noted = (each for each in record.person.posts if each.message_id in heard)
        since = [each for each in noted if (each.visible_at or 0.0) > wrote_at]
        if since:
            text = f"{conversation.id}: it goes on after her answer, and he wrote {since[0].message_id} since"
            self._judge.complain("p1_her_answer_was_the_last_word", text)
        record.resumes(wrote_at, her_wait=True)

    def inherit(self, conversation: Conversation) -> None:
        """A sequence that takes over has the history of the one before."""
        origin = self.get(conversation.enrolment.origin or "")
        same = origin is not None and origin.person.address == conversation.enrolment.prospect.address
        if origin is not None and same and conversation.id not in self:
            self._judge.counts["handed on"] += 1
            now = self._judge.world.timeline.seconds
            self[conversation.id] = replace(
                origin,
                enrolled_at=now,
                names=set(conversation.enrolment.thread) - origin.learnt,
                learnt=origin.learnt & set(conversation.enrolment.thread),
                paused_since=None,
                stopped_since=None,
                held_until=None,
                next_at=None,
                closed=self._closed_for(conversation),
                seen=0,
                dots=[],
                passed_at=[at for at in origin.passed_at if at <= now],
                called_at=list(origin.called_at),
                tried=list(origin.tried),
                taken=list(origin.taken),
                letters=list(origin.letters),
                accepted=list(origin.accepted),
            )

    def _closed_for(self, heir: Conversation) -> frozenset[str]:
        """His words that are no answer to an heir: those to which the rule, or she, let another sequence follow."""
        origin = self._judge.world.disk.contents.conversations.get(heir.enrolment.origin or "")
        ended = origin is not None and origin.state is State.STOPPED
        return frozenset(heir.enrolment.history) if ended else frozenset()

    def command(
        self, name: str, conversation_id: str, *, her_wait: bool = False, until: datetime | None = None
    ) -> None:
        """A command of hers was acknowledged."""
        record, now = self.get(conversation_id), self._judge.world.timeline.seconds
        if record is None:
            return
        self._judge.counts[name] += 1
        if name == "pause":
            record.paused_since = now
        if name in ("stop", "won", "lost"):
            record.stopped_since = now
        if name in ("resume", "next"):
            record.paused_since = record.stopped_since = None
            record.resumes(now, her_wait=her_wait)
            record.let_go_at = now
            record.held_until, record.next_at = None, until
        if name == "hold":
            record.held_until = until

    def forget(self, conversation_id: str) -> Record | None:
        """She had him forgotten; an old copy of the state may bring him back."""
        record = self.pop(conversation_id, None)
        if record is not None:
            self._forgotten[conversation_id] = record
        return record

    def restore(self, found: Contents, lost: Contents) -> None:
        """Of what an old copy has forgotten, her mailboxes alone can tell."""
        for key in sorted(self._forgotten.keys() & found.conversations.keys()):
            self[key] = self._forgotten.pop(key)
        for key, record in self.items():
            conversation = found.conversations.get(key)
            if conversation is lost.conversations.get(key):
                continue
            record.accepted.clear()
            record.restored_at = self._judge.world.timeline.seconds
            record.paused_since = record.stopped_since = record.held_until = record.next_at = None
            if conversation is not None:  # the others come back with another copy, if at all
                record.seen = len(conversation.events)
                record.names = set(conversation.enrolment.thread) | (record.names & conversation.ids)

    def open_answers(self, record: Record, seconds: float, noted: Container[str] = ()) -> list[Post]:
        """His answers that a look at that time had to see, or that were `noted` before she deleted them, and that
        nothing of hers has closed."""
        since = max(record.answers_since, record.resumed_at)
        partners = self._judge.partners[record.person.number]
        others = [each for each in self._judge.world.people if each.number in partners]
        theirs = [post for each in others for post in each.posts if record.names.intersection(post.names)]
        return [
            each
            for each in (*record.person.posts, *theirs)
            if each.truth in (*HIS_WORDS, Truth.OPT_OUT)
            and not self._has_come(each)
            and not record.is_closed(each)
            and (each.was_visible(seconds) or each.message_id in noted)
            and (each.from_him or (record.names | record.learnt).intersection(each.names))
            and (each.visible_at or 0.0) > since
        ]

    def _has_come(self, post: Post) -> bool:
        """Whether the time is there that he named himself, wherever on earth the days are counted: the week is over in
        which he promised to answer, or May has begun."""
        if post.truth not in _NAMED or post.visible_at is None:
            return False
        came = self._judge.world.timeline.epoch + timedelta(seconds=post.visible_at)
        named = (_NAMED[post.truth](near) for near in (came - AROUND_THE_EARTH, came + AROUND_THE_EARTH))
        return self._judge.world.timeline.true_now >= min(named) - AROUND_THE_EARTH


def _end_of_next_week(at: datetime) -> datetime:
    monday = at + timedelta(days=7 - at.weekday())
    return monday.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=7)


def _next_may(at: datetime) -> datetime:
    return datetime(at.year + (at.month >= 5), 5, 1, tzinfo=UTC)


_NAMED = {Truth.PROMISE: _end_of_next_week, Truth.NOT_NOW: _next_may}
AROUND_THE_EARTH = timedelta(hours=14)
