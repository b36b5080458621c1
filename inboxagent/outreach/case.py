"""A message that came to be judged, and what follows from it for one conversation."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from inboxagent.mail.classify import Verdict
from inboxagent.mail.headers import Address, is_one_of
from inboxagent.mail.inbound import Inbound
from inboxagent.outreach.company import company
from inboxagent.outreach.events import By, Event, Word
from inboxagent.outreach.holds import Holder
from inboxagent.outreach.match import Match
from inboxagent.outreach.model import Mail, Me
from inboxagent.outreach.quotation import thread_root
from inboxagent.outreach.sequence import Sequence
from inboxagent.outreach.state import Conversation

LONGEST_TEXT = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A message as it came to be judged: parsed, matched, with its time of arrival (INTERNALDATE) and of reading."""

    message: Inbound
    received_at: datetime
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequence:
    """What follows for one conversation; `suppress` maps addresses to the reason never to write to them again, `heir`
    names the sequence that takes him over.

    `policy`: a letter of ours was refused as spam or by a policy, which may concern her whole account.
    """

    events: tuple[Event, ...] = ()
    suppress: Mapping[str, str] | None = None
    heir: str | None = None
    policy: bool = False


NOTHING = Consequence()
_NOBODY = Address(name="", address="")


def thread_mail(message: Inbound, received_at: datetime) -> Mail:
    """The message as one that a follow-up may answer to."""
    return Mail(
        message_id=message.message_id,
        at=received_at,
        subject=message.subject,
        from_=message.from_[0] if message.from_ else message.sender[0] if message.sender else _NOBODY,
        to=message.to,
        cc=message.cc,
        reply_to=message.reply_to,
        references=message.references or message.in_reply_to,
        thread_root=thread_root(message),
    )


@dataclass(frozen=True, slots=True)
class Case:
    """A message of somebody else, the conversation that it concerns, and the verdict on it."""

    conversation: Conversation
    found: Match
    verdict: Verdict
    arrival: Arrival
    me: Me
    sequence: Sequence | None

    @property
    def holder(self) -> Holder:
        """Who says when a hold ends, counted from when the message arrived."""
        return Holder(self.conversation, self.sequence, self.me, self.arrival.received_at)

    @property
    def author(self) -> str:
        """The address of the writer, his own where it is among several; empty where there is none."""
        message = self.arrival.message
        authors = [each.address for each in (*message.from_, *message.sender, *message.reply_to)]
        his = (each for each in authors if is_one_of(each, self.conversation.addresses))
        return next(his, authors[0] if authors else "")

    @property
    def from_him(self) -> bool:
        """Whether the prospect himself wrote it."""
        return is_one_of(self.author, self.conversation.addresses)

    @property
    def partners(self) -> frozenset[str]:
        """The addresses that the newest mail of the thread names, beside its writer."""
        latest = self.conversation.latest
        named = (*latest.to, *latest.cc, *latest.reply_to) if latest else ()
        return frozenset(each.address for each in named)

    @property
    def in_thread(self) -> bool:
        """Whether an id of the thread ties it to the conversation."""
        return self.found.evidence.in_thread

    def event(self, word: Word, because: str, **more: object) -> Event:
        """What happened by this message."""
        return Event(
            at=self.arrival.now,
            word=word,
            by=By.HIM,
            because=because,
            message_id=self.arrival.message.message_id,
            address=self.author or None,
            **more,  # type: ignore[arg-type]
        )

    def said(self, word: Word, because: str, **more: object) -> Event:
        """The event of a person's own words, with them and with the mail that a letter would now answer."""
        text = self.verdict.new_text[:LONGEST_TEXT] or None
        mail = thread_mail(self.arrival.message, self.arrival.received_at) if self.in_thread else None
        event = self.event(word, because, text=text, mail=mail, **more)
        # It came before it was read, whatever our clock says: what she wrote before that is no answer to it.
        return replace(event, at=max(event.at, self.arrival.received_at))


def is_colleague(case: Case) -> bool:
    """Whether the writer has an address at his company; public mail providers are none."""
    his = company(case.conversation.enrolment.prospect.address)
    return his is not None and company(case.author) == his


def prove(letter: Event, arrival: Arrival, because: str) -> Event:
    """The event that a letter, whose intent this is, did go out after all."""
    return Event(
        at=arrival.now,
        word=Word.SENT,
        because=f"it did go out: {because}",
        message_id=letter.message_id,
        step=letter.step,
        mail=letter.mail,
    )
