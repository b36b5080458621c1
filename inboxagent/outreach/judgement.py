"""What an incoming message does to a conversation: verdict and match to events. Nothing here can cause a send."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from inboxagent.mail.classify import Kind, Verdict
from inboxagent.mail.diagnosis import POLICY, diagnose
from inboxagent.mail.headers import is_one_of, without_detail
from inboxagent.outreach.case import LONGEST_TEXT, NOTHING, Arrival, Case, Consequence, is_colleague, prove
from inboxagent.outreach.events import By, Event, Word
from inboxagent.outreach.his_words import judge_human, judge_not_now, judge_reply
from inboxagent.outreach.match import Evidence, Match
from inboxagent.outreach.model import Me
from inboxagent.outreach.sequence import Sequence
from inboxagent.outreach.state import Conversation

DAY = timedelta(days=1)


def judge_his(
    conversation: Conversation, found: Match, verdict: Verdict, arrival: Arrival, me: Me, sequence: Sequence | None
) -> Consequence:
    """A message from anybody else. The sequence says when a hold ends, and in which window."""
    case = Case(conversation, found, verdict, arrival, me, sequence)
    consequence = NOTHING if _is_history(case) else _JUDGES[verdict.kind](case)
    if consequence.events and _was_heard(conversation, consequence.events[0]):
        consequence = NOTHING
    return replace(consequence, events=(*_evidence(case), *consequence.events))


def _is_history(case: Case) -> bool:
    """Whether it was there when he was enrolled, or is a message of hers that a list or form handed on."""
    conversation, message_id = case.conversation, case.arrival.message.message_id
    if message_id in conversation.enrolment.history:
        # An id proves little: what he sends under that of her own letter is no letter of hers.
        newest = conversation.enrolment.latest
        if newest is None or newest.message_id != message_id or is_one_of(newest.from_.address, conversation.addresses):
            return True
        return not case.from_him
    hers = (Word.INTENT, Word.SENT, Word.OWN_MAIL)
    return not case.from_him and any(e.message_id == message_id and e.word in hers for e in conversation.events)


def _was_heard(conversation: Conversation, event: Event) -> bool:
    """Whether this was said before: two messages may bear one Message-ID, and both have their say."""
    said = (event.word, event.message_id, event.text)
    return any(said == (each.word, each.message_id, each.text) for each in conversation.events)


def _judge_auto_reply(case: Case) -> Consequence:
    if case.verdict.intent in ("left", "unmonitored"):
        if case.from_him or is_colleague(case):
            return _judge_departure(case)
        if case.author in case.partners:  # an address that nobody knew may be his own
            return Consequence(events=(case.event(Word.NOTE, f"{case.author} is gone: {case.verdict.because}"),))
    if case.verdict.intent == "ticket" and not (case.sequence and case.sequence.ticket):
        because = f"the receipt of a service desk ({case.verdict.because}); it goes on (ticket: go on)"
        return Consequence(events=(case.event(Word.NOTE, because),))
    until, till = replace(case.holder, now=case.arrival.now).until_after_return(case.verdict.return_date)
    if _is_echo(case, until):
        because = f"another automatic answer within a day, which changes nothing: {case.verdict.because}"
        return Consequence(events=(case.event(Word.NOTE, because),))
    because = f"automatic answer ({case.verdict.because}); {till}"
    return Consequence(events=(case.event(Word.AUTO_REPLY, because, until=until),))


def _is_echo(case: Case, until: datetime) -> bool:
    """Whether a machine of his has held it within a day, and it would hardly be longer: one change a day is enough."""
    now, message_id = case.arrival.now, case.arrival.message.message_id
    held_at = {hold.at for hold in case.conversation.holds}
    notes = [each for each in case.conversation.events if each.word is Word.AUTO_REPLY and each.at in held_at]
    return any(
        each.message_id != message_id and now - each.at < DAY and each.until is not None and until - each.until < DAY
        for each in notes
    )


def _judge_departure(case: Case) -> Consequence:
    """He has left, or nobody reads there any more. Whoever is named instead is proposed, never written to."""
    if case.verdict.intent == "left" and not case.from_him:
        return Consequence(events=(case.event(Word.NOTE, f"{case.author} has left: {case.verdict.because}"),))
    gone = "he has left" if case.verdict.intent == "left" else "nobody reads there any more"
    because = f"{gone}: {case.verdict.because}"
    address = case.conversation.enrolment.prospect.address
    ended = _bounced(case, because, address, True)
    successor = case.verdict.successor
    # Without an id of ours it may be forged: it ends this conversation, but buries no address.
    suppress = {address: because} if case.in_thread and case.from_him else None
    if successor is None:
        return Consequence(events=(ended,), suppress=suppress)
    proposed = replace(
        case.event(Word.PROPOSED, f"{successor} is named in his place; nothing is sent there by itself"),
        address=successor,
    )
    return Consequence(events=(ended, proposed), suppress=suppress)


def _judge_unsubscribe(case: Case) -> Consequence:
    if case.found.evidence in (Evidence.QUOTE, Evidence.ASIDE):  # a stranger's word: it pauses, and buries nobody
        return judge_reply(case)
    because = f"he asked not to be written to: {case.verdict.because}"
    written = {case.author, case.conversation.enrolment.prospect.address} - {""}
    if case.in_thread and not _is_known(case):  # it is whoever of those the letter went to has this address as well
        written |= case.partners - case.me.addresses
    addresses = written | {without_detail(each) for each in written}  # whoever means the mailbox means all of it
    event = case.event(Word.UNSUBSCRIBE, because, text=case.verdict.new_text[:LONGEST_TEXT] or None)
    return Consequence(events=(event,), suppress=dict.fromkeys(sorted(addresses), because))


def _is_known(case: Case) -> bool:
    """Whether the letter went to the writer, or to somebody of his company."""
    return case.from_him or case.author in case.partners or is_colleague(case)


def _judge_bounce(case: Case) -> Consequence:
    failed = [each for each in case.verdict.recipients if is_one_of(each, case.conversation.addresses)]
    if case.verdict.recipients and not failed:
        others = ", ".join(case.verdict.recipients)
        return Consequence(events=(case.event(Word.NOTE, f"did not reach {others}, who is not the prospect"),))
    address = failed[0] if failed else case.conversation.enrolment.prospect.address
    because = f"did not reach {address}: {case.verdict.because}"
    if _is_dead(case):
        # A report without an id of ours may be forged: it ends this conversation, but buries no address.
        suppress = None if case.found.evidence is Evidence.RECIPIENT else {address: because}
        return Consequence(events=(_bounced(case, because, address, True),), suppress=suppress)
    bounced, policy = _bounced(case, because, address, False), _is_policy(case)
    if case.conversation.soft_bounces == 0:
        return Consequence(events=(bounced,), policy=policy)
    hold = Event(at=case.arrival.now, word=Word.HELD, because=f"the second letter that {because}")
    return Consequence(events=(bounced, hold), policy=policy)


def _is_policy(case: Case) -> bool:
    """Whether the report, which names a letter of ours, says that it was refused as spam or by a policy."""
    report = case.arrival.message.report
    refused = report.recipients if report and case.in_thread else ()
    return any(diagnose(each.status, each.diagnostic) in POLICY for each in refused)


def _is_dead(case: Case) -> bool:
    """Whether the prospect's own address is dead, whatever the report says of other recipients."""
    report = case.arrival.message.report
    addresses = case.conversation.addresses
    his = [each for each in report.recipients if is_one_of(each.address, addresses)] if report else []
    return any(each.permanent for each in his) if his else case.verdict.permanent is True


def _bounced(case: Case, because: str, address: str, permanent: bool) -> Event:
    return Event(
        at=case.arrival.now,
        word=Word.BOUNCE,
        by=By.HIM,
        because=because,
        message_id=case.arrival.message.message_id,
        address=address,
        permanent=permanent,
    )


def _judge_delayed(case: Case) -> Consequence:
    return Consequence(events=(case.event(Word.DELAYED, f"not delivered yet: {case.verdict.because}"),))


def _judge_other(case: Case) -> Consequence:
    """Receipts, lists, newsletters: logged where they belong to the thread, else left alone."""
    if not case.in_thread:
        return NOTHING
    return Consequence(events=(case.event(Word.NOTE, f"no answer: {case.verdict.because}"),))


_JUDGES: Mapping[Kind, Callable[[Case], Consequence]] = {
    Kind.REPLY: judge_human,
    Kind.AUTO_REPLY: _judge_auto_reply,
    Kind.UNSUBSCRIBE: _judge_unsubscribe,
    Kind.BOUNCE: _judge_bounce,
    Kind.DELAYED: _judge_delayed,
    Kind.NOT_NOW: judge_not_now,
    Kind.OTHER: _judge_other,
}


def _evidence(case: Case) -> tuple[Event, ...]:
    """Whoever names the Message-ID of a letter of which nobody knew whether it went out proves that it did."""
    message = case.arrival.message
    named = {*message.thread_ids, *(message.report.original_ids if message.report else ()), *case.verdict.original_ids}
    for event in reversed(case.conversation.events):
        if event.word is Word.INTENT and event.message_id in named and event.step not in case.conversation.passed:
            return (prove(event, case.arrival, "an answer names it"),)
    return ()
