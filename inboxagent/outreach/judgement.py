"""What an incoming message does to a conversation: verdict and match to events. Nothing here can cause a send."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from inboxagent.mail.classify import Kind, Verdict
from inboxagent.mail.compose import COPY_FIELD, MARK_FIELD
from inboxagent.mail.diagnosis import POLICY, diagnose
from inboxagent.mail.headers import Address, is_one_of, without_detail
from inboxagent.mail.inbound import Inbound
from inboxagent.outreach.company import company
from inboxagent.outreach.decide import workdays_of, zone_of
from inboxagent.outreach.events import ANSWERS, By, Event, Word
from inboxagent.outreach.holds import Holder
from inboxagent.outreach.match import Evidence, Match, readers
from inboxagent.outreach.model import Mail, Me
from inboxagent.outreach.quotation import thread_root
from inboxagent.outreach.schedule import add_wait
from inboxagent.outreach.sequence import Sequence
from inboxagent.outreach.state import Conversation, State

NO_STEPS: Mapping[str, str] = {}
LONGEST_TEXT = 2_000
DAY = timedelta(days=1)


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


def judge_hers(
    conversation: Conversation,
    found: Match,
    arrival: Arrival,
    me: Me,
    steps: Mapping[str, str] = NO_STEPS,
    sequence: Sequence | None = None,
) -> Consequence:
    """A message from her side: a letter of ours coming back as evidence, or her own hand, after which the rule may let
    an answered conversation go on. `steps` names the step of every token that our letters here can bear."""
    message, mine = arrival.message, me.addresses
    step = steps.get(token_in(message))
    if step is not None and not any(_is_copy(message, each) for each in conversation.events):
        return _judge_forgotten(conversation, step, arrival)
    if is_filed_by_us(message):
        return NOTHING
    letter = next((each for each in reversed(conversation.events) if _is_copy(message, each)), None)
    if letter is not None:
        return _judge_copy(conversation, letter, arrival)
    if found.evidence is Evidence.OURS or message.message_id in conversation.judged:
        return NOTHING
    if token := token_in(message):
        return _judge_of_another(conversation, token, arrival)
    in_thread = any(each in conversation.ids for each in message.thread_ids)
    to_him = _is_to_him(conversation, readers(message), mine)
    counts = in_thread or (sequence is not None and sequence.cc_counts)
    addressed = [each for each in readers(message) if each not in message.cc]
    if to_him and not counts and not _is_to_him(conversation, addressed, mine):
        return _judge_copy_to_him(conversation, found, arrival)
    why = f"she wrote to him herself: {found.because}" if to_him else "she wrote about this thread, but not to him"
    event = Event(
        at=arrival.received_at if to_him else arrival.now,
        word=Word.OWN_MAIL if to_him else Word.NOTE,
        by=By.HER,
        because=why,
        message_id=message.message_id,
        mail=thread_mail(message, arrival.received_at) if in_thread and to_him else None,
    )
    again = _goes_on(conversation, arrival, me, sequence) if to_him else ()
    return Consequence(events=(event, *again))


def _goes_on(conversation: Conversation, arrival: Arrival, me: Me, sequence: Sequence | None) -> tuple[Event, ...]:
    """With `after_my_answer` she need not say `resume`, unless he has written again since, or a hold waits for her."""
    if sequence is None or sequence.after_my_answer is None or conversation.state is not State.ANSWERED:
        return ()
    if any(hold.until is None for hold in conversation.holds):
        return ()
    at, dated = arrival.received_at, arrival.message.date
    written_at = min(at, dated) if dated else at  # a copy may be filed late, after he has written again
    if any(event.word in ANSWERS and event.at >= written_at for event in conversation.events):
        return ()
    zone, workdays = zone_of(conversation, sequence, me), workdays_of(conversation, sequence, me)
    end = add_wait(at, sequence.after_my_answer, zone, workdays)
    until = max(end, conversation.held_until or end)
    because = f"she answered him; it goes on if he is silent for {sequence.after_my_answer}"
    return (Event(at=at, word=Word.RESUMED, by=By.HER, because=because, until=until, step=sequence.again),)


def _judge_forgotten(conversation: Conversation, step: str, arrival: Arrival) -> Consequence:
    """Our letter, and the state knows nothing of it: an older copy was put back. It has gone all the same."""
    if step in conversation.passed:
        return NOTHING
    event = Event(
        at=arrival.received_at,
        word=Word.SENT,
        because="it did go out: its copy lies in her mailbox, although the state, an older copy, knew nothing of it",
        message_id=arrival.message.message_id,
        step=step,
        mail=thread_mail(arrival.message, arrival.received_at),
    )
    return Consequence(events=(event,))


def _judge_of_another(conversation: Conversation, token: str, arrival: Arrival) -> Consequence:
    """A letter of ours in another conversation with him: no touch of hers. Where this one has taken over from that one,
    it is the letter to answer to, perhaps under another name."""
    latest, message_id = conversation.latest, arrival.message.message_id
    if latest is None or message_id in conversation.ids or not latest.message_id.startswith(f"<{token}@"):
        return NOTHING
    return Consequence(events=(_renamed(latest, None, message_id, arrival.now),))


def is_filed_by_us(message: Inbound) -> bool:
    """Whether we filed it ourselves: it is no touch of hers, and proves nothing that we did not know."""
    return bool(message.field(COPY_FIELD.lower()))


def token_in(message: Inbound) -> str:
    """The token of our letter whose copy this is; empty where it is none. It outlives another Message-ID."""
    return message.field(MARK_FIELD.lower()).strip()


def _is_copy(message: Inbound, event: Event) -> bool:
    """Whether it is the letter of this intent, also where a server gave it another Message-ID."""
    if event.word is not Word.INTENT or event.message_id is None:
        return False
    token = token_in(message)
    return event.message_id == message.message_id or (bool(token) and event.message_id.startswith(f"<{token}@"))


def _judge_copy(conversation: Conversation, letter: Event, arrival: Arrival) -> Consequence:
    """A copy in her mailbox proves that a letter went, also one that was put off or released since."""
    events: list[Event] = []
    if letter.step not in conversation.passed:
        events.append(_proof(letter, arrival, "a copy of the letter lies in her mailbox"))
    message_id = arrival.message.message_id
    if message_id not in conversation.ids:
        events.append(_renamed(letter.mail, letter.step, message_id, arrival.now))
    return Consequence(events=tuple(events))


def _renamed(mail: Mail | None, step: str | None, message_id: str, now: datetime) -> Event:
    """The name under which he has got our letter: an answer to it names this one, and so must our next letter."""
    if mail is not None:
        mail = replace(mail, message_id=message_id, references=(*mail.references, mail.message_id))
    because = "her server gave our letter this Message-ID"
    return Event(at=now, word=Word.NOTE, because=because, message_id=message_id, step=step, mail=mail)


def _is_to_him(conversation: Conversation, written_to: Iterable[Address], mine: frozenset[str]) -> bool:
    """Whether he, or somebody who took part in the newest mail of the thread, is among these."""
    latest = conversation.latest
    people = (latest.from_, *latest.reply_to, *latest.to, *latest.cc) if latest else ()
    partners = conversation.addresses | {each.address for each in people if each.address not in mine}
    return any(is_one_of(each.address, partners) for each in written_to)


def _judge_copy_to_him(conversation: Conversation, found: Match, arrival: Arrival) -> Consequence:
    """Told, so that she sees why her mail moved no clock; an answer to it is no answer in this thread."""
    because = f"she wrote to others, with a copy to him: {found.because}; no touch (cc_counts: no)"
    event = Event(at=arrival.received_at, word=Word.NOTE, by=By.HER, because=because)
    return NOTHING if event in conversation.events else Consequence(events=(event,))


def judge_his(
    conversation: Conversation, found: Match, verdict: Verdict, arrival: Arrival, me: Me, sequence: Sequence | None
) -> Consequence:
    """A message from anybody else. The sequence says when a hold ends, and in which window."""
    case = _Case(conversation, found, verdict, arrival, me, sequence)
    consequence = NOTHING if _is_history(case) else _JUDGES[verdict.kind](case)
    if consequence.events and _was_heard(conversation, consequence.events[0]):
        consequence = NOTHING
    return replace(consequence, events=(*_evidence(case), *consequence.events))


def _is_history(case: "_Case") -> bool:
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


@dataclass(frozen=True, slots=True)
class _Case:
    conversation: Conversation
    found: Match
    verdict: Verdict
    arrival: Arrival
    me: Me
    sequence: Sequence | None

    @property
    def holder(self) -> Holder:
        return Holder(self.conversation, self.sequence, self.me, self.arrival.received_at)

    @property
    def author(self) -> str:
        message = self.arrival.message
        authors = [each.address for each in (*message.from_, *message.sender, *message.reply_to)]
        his = (each for each in authors if is_one_of(each, self.conversation.addresses))
        return next(his, authors[0] if authors else "")

    @property
    def from_him(self) -> bool:
        return is_one_of(self.author, self.conversation.addresses)

    @property
    def in_thread(self) -> bool:
        return self.found.evidence.in_thread

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

    def said(self, word: Word, because: str, **more: object) -> Event:
        """The event of a person's own words, with them and with the mail that a letter would now answer."""
        text = self.verdict.new_text[:LONGEST_TEXT] or None
        mail = thread_mail(self.arrival.message, self.arrival.received_at) if self.in_thread else None
        return self.event(word, because, text=text, mail=mail, **more)


def _judge_reply(case: _Case) -> Consequence:
    event = case.said(Word.REPLY, f"{_who_answered(case)}: {case.verdict.because} ({case.found.because})")
    return Consequence(events=(event, *_proposal(case)))


def _who_answered(case: _Case) -> str:
    """Whose words these are, in words: his, a colleague's, somebody else's."""
    if case.from_him:
        return "he answered" if case.in_thread else "he wrote outside the thread"
    author = case.author or "somebody"
    if case.author and _is_colleague(case):
        author = f"his colleague {author}"
    return f"{author} answered in the thread" if case.in_thread else f"{author} seems to have got a letter of ours"


def _is_colleague(case: _Case) -> bool:
    """Whether the writer has an address at his company; public mail providers are none."""
    his = company(case.conversation.enrolment.prospect.address)
    return his is not None and company(case.author) == his


def _proposal(case: _Case) -> tuple[Event, ...]:
    """An address that nobody knew answers an id that only his side can know: perhaps his own. She is told, once."""
    conversation, latest = case.conversation, case.conversation.latest
    partners = {each.address for each in (*latest.to, *latest.cc, *latest.reply_to)} if latest else set()
    told = {each.address for each in conversation.events if each.word is Word.PROPOSED}
    strange = case.author and not case.from_him and not _is_colleague(case) and case.author not in partners | told
    if not strange or case.found.evidence not in (Evidence.THREAD, Evidence.ASIDE):
        return ()
    because = f"{case.author} may be another address of his: {case.found.because}; nothing is sent there by itself"
    return (case.event(Word.PROPOSED, because),)


def _judge_human(case: _Case) -> Consequence:
    """His own plain words about whether and when; all else, and what others write, is an answer."""
    wishes = {"refusal": _judge_refusal, "promise": _judge_promise}
    judge = wishes.get(case.verdict.intent or "") if case.from_him else None
    return judge(case) if judge else _judge_reply(case)


def _judge_refusal(case: _Case) -> Consequence:
    """It ends the sequence to which he says no; whatever else she writes him about waits for her."""
    if not case.in_thread:
        return _judge_reply(case)
    heir = case.sequence.refused if case.sequence else None
    return Consequence(events=(case.said(Word.REFUSAL, f"he says no: {case.verdict.because}"),), heir=heir)


def _judge_promise(case: _Case) -> Consequence:
    last = case.verdict.promised_until
    if last is None:
        return _judge_reply(case)
    again = case.sequence.again if case.sequence else None
    return _judge_put_off(case, Word.PROMISE, *case.holder.until_promised(last), step=again)


def _judge_not_now(case: _Case) -> Consequence:
    if not case.from_him:
        return _judge_reply(case)
    return _judge_put_off(case, Word.NOT_NOW, *case.holder.until_asked(case.verdict.contact_after))


def _judge_put_off(case: _Case, word: Word, until: datetime, till: str, step: str | None = None) -> Consequence:
    """Held to the day that his words name; one that has come before they were read is hers to judge."""
    if until <= case.arrival.now:
        return _judge_reply(case)
    because = f"{case.verdict.because}; {till}"
    return Consequence(events=(case.said(word, because, until=until, step=step),))


def _judge_auto_reply(case: _Case) -> Consequence:
    if case.verdict.intent in ("left", "unmonitored") and (case.from_him or _is_colleague(case)):
        return _judge_departure(case)
    if case.verdict.intent == "ticket" and not (case.sequence and case.sequence.ticket):
        because = f"the receipt of a service desk ({case.verdict.because}); it goes on (ticket: go on)"
        return Consequence(events=(case.event(Word.NOTE, because),))
    until, till = replace(case.holder, now=case.arrival.now).until_after_return(case.verdict.return_date)
    if _is_echo(case, until):
        because = f"another automatic answer within a day, which changes nothing: {case.verdict.because}"
        return Consequence(events=(case.event(Word.NOTE, because),))
    because = f"automatic answer ({case.verdict.because}); {till}"
    return Consequence(events=(case.event(Word.AUTO_REPLY, because, until=until),))


def _is_echo(case: _Case, until: datetime) -> bool:
    """Whether a machine of his has held it within a day, and it would hardly be longer: one change a day is enough."""
    now, message_id = case.arrival.now, case.arrival.message.message_id
    held_at = {hold.at for hold in case.conversation.holds}
    notes = [each for each in case.conversation.events if each.word is Word.AUTO_REPLY and each.at in held_at]
    return any(
        each.message_id != message_id and now - each.at < DAY and each.until is not None and until - each.until < DAY
        for each in notes
    )


def _judge_departure(case: _Case) -> Consequence:
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


def _judge_unsubscribe(case: _Case) -> Consequence:
    if case.found.evidence in (Evidence.QUOTE, Evidence.ASIDE):  # a stranger's word: it pauses, and buries nobody
        return _judge_reply(case)
    because = f"he asked not to be written to: {case.verdict.because}"
    written = {case.author, case.conversation.enrolment.prospect.address} - {""}
    addresses = written | {without_detail(each) for each in written}  # whoever means the mailbox means all of it
    event = case.event(Word.UNSUBSCRIBE, because, text=case.verdict.new_text[:LONGEST_TEXT] or None)
    return Consequence(events=(event,), suppress=dict.fromkeys(sorted(addresses), because))


def _judge_bounce(case: _Case) -> Consequence:
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


def _is_policy(case: _Case) -> bool:
    """Whether the report, which names a letter of ours, says that it was refused as spam or by a policy."""
    report = case.arrival.message.report
    refused = report.recipients if report and case.in_thread else ()
    return any(diagnose(each.status, each.diagnostic) in POLICY for each in refused)


def _is_dead(case: _Case) -> bool:
    """Whether the prospect's own address is dead, whatever the report says of other recipients."""
    report = case.arrival.message.report
    addresses = case.conversation.addresses
    his = [each for each in report.recipients if is_one_of(each.address, addresses)] if report else []
    return any(each.permanent for each in his) if his else case.verdict.permanent is True


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
    if not case.in_thread:
        return NOTHING
    return Consequence(events=(case.event(Word.NOTE, f"no answer: {case.verdict.because}"),))


_JUDGES: Mapping[Kind, Callable[[_Case], Consequence]] = {
    Kind.REPLY: _judge_human,
    Kind.AUTO_REPLY: _judge_auto_reply,
    Kind.UNSUBSCRIBE: _judge_unsubscribe,
    Kind.BOUNCE: _judge_bounce,
    Kind.DELAYED: _judge_delayed,
    Kind.NOT_NOW: _judge_not_now,
    Kind.OTHER: _judge_other,
}


def _evidence(case: _Case) -> tuple[Event, ...]:
    """Whoever names the Message-ID of a letter of which nobody knew whether it went out proves that it did."""
    message = case.arrival.message
    named = {*message.thread_ids, *(message.report.original_ids if message.report else ()), *case.verdict.original_ids}
    for event in reversed(case.conversation.events):
        if event.word is Word.INTENT and event.message_id in named and event.step not in case.conversation.passed:
            return (_proof(event, case.arrival, "an answer names it"),)
    return ()


def _proof(letter: Event, arrival: Arrival, because: str) -> Event:
    return Event(
        at=arrival.now,
        word=Word.SENT,
        because=f"it did go out: {because}",
        message_id=letter.message_id,
        step=letter.step,
        mail=letter.mail,
    )
