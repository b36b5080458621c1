"""What an incoming message does to a conversation: verdict and match to events. Nothing here can cause a send."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from inboxagent.mail.classify import Kind, Verdict
from inboxagent.mail.headers import Address
from inboxagent.mail.inbound import Inbound
from inboxagent.outreach.events import By, Event, Word
from inboxagent.outreach.match import Evidence, Match
from inboxagent.outreach.model import Mail
from inboxagent.outreach.schedule import add_wait, admit
from inboxagent.outreach.sequence import Hours, Unit, Wait
from inboxagent.outreach.state import Conversation

LONGEST_TEXT = 2_000
HOLD_WITHOUT_DATE = timedelta(days=7)
AFTER_HIS_RETURN = Wait(amount=1, unit=Unit.BUSINESS_DAY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A message as it came to be judged: parsed, matched, with its time of arrival (INTERNALDATE) and of reading."""

    message: Inbound
    received_at: datetime
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequence:
    """What follows for one conversation; `suppress` maps addresses to the reason never to write to them again."""

    events: tuple[Event, ...] = ()
    suppress: Mapping[str, str] | None = None


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
    )


def judge_hers(conversation: Conversation, found: Match, arrival: Arrival) -> Consequence:
    """A message from her side: one of our letters coming back as evidence, or her own hand."""
    message_id = arrival.message.message_id
    if conversation.pending is not None and conversation.pending.message_id == message_id:
        return Consequence(events=(_proof(conversation, arrival, "a copy of the letter lies in her mailbox"),))
    if found.evidence is Evidence.OURS or message_id in conversation.judged:
        return NOTHING
    in_thread = any(each in conversation.ids for each in arrival.message.thread_ids)
    event = Event(
        at=arrival.received_at,
        word=Word.OWN_MAIL,
        by=By.HER,
        because=f"she wrote to him herself: {found.because}",
        message_id=message_id,
        mail=thread_mail(arrival.message, arrival.received_at) if in_thread else None,
    )
    return Consequence(events=(event,))


def judge_his(
    conversation: Conversation, found: Match, verdict: Verdict, arrival: Arrival, hours: Hours | None, zone: ZoneInfo
) -> Consequence:
    """A message from anybody else. `hours` and `zone` place the end of a hold in the sequence's window."""
    if arrival.message.message_id in conversation.judged:
        return NOTHING
    judge = _JUDGES.get(verdict.kind, _judge_other)
    consequence = judge(_Case(conversation, found, verdict, arrival, hours, zone))
    return Consequence(events=(*_evidence(conversation, arrival), *consequence.events), suppress=consequence.suppress)


@dataclass(frozen=True, slots=True)
class _Case:
    conversation: Conversation
    found: Match
    verdict: Verdict
    arrival: Arrival
    hours: Hours | None
    zone: ZoneInfo

    @property
    def author(self) -> str:
        message = self.arrival.message
        authors = message.from_ or message.sender or message.reply_to
        return authors[0].address if authors else ""

    @property
    def from_him(self) -> bool:
        return self.author in self.conversation.addresses

    def event(self, word: Word, because: str, **more: object) -> Event:
        return Event(
            at=self.arrival.now,
            word=word,
            by=By.HIM,
            because=because,
            message_id=self.arrival.message.message_id,
            address=self.author or None,
            **more,  # type: ignore[arg-type]
        )


def _judge_reply(case: _Case) -> Consequence:
    if case.from_him:
        who = "he answered" if case.found.evidence is Evidence.THREAD else "he wrote outside the thread"
    else:
        who = f"{case.author or 'somebody'} answered in the thread"
    in_thread = case.found.evidence is Evidence.THREAD
    event = case.event(
        Word.REPLY,
        f"{who} ({case.found.because}): {case.verdict.because}",
        text=case.verdict.new_text[:LONGEST_TEXT] or None,
        mail=thread_mail(case.arrival.message, case.arrival.received_at) if in_thread else None,
    )
    return Consequence(events=(event,))


def _judge_auto_reply(case: _Case) -> Consequence:
    until, till = _return(case)
    because = f"automatic answer ({case.verdict.because}); {till}"
    return Consequence(events=(case.event(Word.AUTO_REPLY, because, until=until),))


def _return(case: _Case) -> tuple[datetime, str]:
    """The end of the hold, and why then: a business day after his return, in the window; seven days without a date."""
    day = case.verdict.return_date
    if day is None or _noon(day, case.zone) <= case.arrival.now:
        until = case.arrival.now + HOLD_WITHOUT_DATE
        return until, f"no date of return in it, so held {HOLD_WITHOUT_DATE.days} days"
    until = add_wait(_midnight(day, case.zone), AFTER_HIS_RETURN, case.zone)
    if case.hours is not None:
        until = admit(until, case.hours, case.zone, case.conversation.id, spread=False).at
    return until, f"he is back on {day:%a} {day.day} {day:%b %Y}, so held to the business day after"


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(0), zone)


def _noon(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(12), zone)


def _judge_unsubscribe(case: _Case) -> Consequence:
    because = f"he asked not to be written to: {case.verdict.because}"
    addresses = {case.author, case.conversation.enrolment.prospect.address} - {""}
    event = case.event(Word.UNSUBSCRIBE, because, text=case.verdict.new_text[:LONGEST_TEXT] or None)
    return Consequence(events=(event,), suppress=dict.fromkeys(sorted(addresses), because))


def _judge_bounce(case: _Case) -> Consequence:
    failed = [each for each in case.verdict.recipients if each in case.conversation.addresses]
    if case.verdict.recipients and not failed:
        others = ", ".join(case.verdict.recipients)
        return Consequence(events=(case.event(Word.NOTE, f"did not reach {others}, who is not the prospect"),))
    address = failed[0] if failed else case.conversation.enrolment.prospect.address
    because = f"did not reach {address}: {case.verdict.because}"
    if case.verdict.permanent:
        return Consequence(events=(_bounced(case, because, address, True),), suppress={address: because})
    if case.conversation.soft_bounces == 0:
        return Consequence(events=(_bounced(case, because, address, False),))
    hold = Event(at=case.arrival.now, word=Word.HELD, because=f"the second letter in a row {because}")
    return Consequence(events=(_bounced(case, because, address, False), hold))


def _bounced(case: _Case, because: str, address: str, permanent: bool) -> Event:
    return Event(
        at=case.arrival.now,
        word=Word.BOUNCE,
        by=By.HIM,
        because=because,
        message_id=case.arrival.message.message_id,
        address=address,
        permanent=permanent,
    )


def _judge_delayed(case: _Case) -> Consequence:
    return Consequence(events=(case.event(Word.DELAYED, f"not delivered yet: {case.verdict.because}"),))


def _judge_other(case: _Case) -> Consequence:
    """Receipts, lists, newsletters: logged where they belong to the thread, else left alone."""
    if case.found.evidence is Evidence.ADDRESS:
        return NOTHING
    return Consequence(events=(case.event(Word.NOTE, f"no answer: {case.verdict.because}"),))


_JUDGES: Mapping[Kind, Callable[[_Case], Consequence]] = {
    Kind.REPLY: _judge_reply,
    Kind.AUTO_REPLY: _judge_auto_reply,
    Kind.UNSUBSCRIBE: _judge_unsubscribe,
    Kind.BOUNCE: _judge_bounce,
    Kind.DELAYED: _judge_delayed,
}


def _evidence(conversation: Conversation, arrival: Arrival) -> tuple[Event, ...]:
    """Whoever names the Message-ID of an interrupted send proves that it went out."""
    pending = conversation.pending
    if pending is None or pending.message_id is None:
        return ()
    report = arrival.message.report
    named = (*arrival.message.thread_ids, *(report.original_ids if report else ()))
    return (_proof(conversation, arrival, "an answer names it"),) if pending.message_id in named else ()


def _proof(conversation: Conversation, arrival: Arrival, because: str) -> Event:
    pending = conversation.pending
    assert pending is not None
    return Event(
        at=arrival.now,
        word=Word.SENT,
        because=f"it did go out: {because}",
        message_id=pending.message_id,
        step=pending.step,
    )
