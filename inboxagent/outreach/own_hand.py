"""Her own hand: a letter of ours that comes back to her mailbox, or a mail that she wrote herself."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from inboxagent.mail.compose import COPY_FIELD, MARK_FIELD
from inboxagent.mail.headers import Address, is_one_of
from inboxagent.mail.inbound import Inbound
from inboxagent.outreach.case import NOTHING, Arrival, Consequence, prove, thread_mail
from inboxagent.outreach.decide import workdays_of, zone_of
from inboxagent.outreach.events import ANSWERS, By, Event, Word
from inboxagent.outreach.match import Evidence, Match, readers
from inboxagent.outreach.model import Mail, Me
from inboxagent.outreach.schedule import add_wait
from inboxagent.outreach.sequence import Sequence
from inboxagent.outreach.state import Conversation, State

NO_STEPS: Mapping[str, str] = {}
_FORGOTTEN = "the state, an older copy, knew nothing of it"


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
    letter = next((each for each in reversed(conversation.events) if _is_copy(message, each)), None)
    if letter is not None:
        return _judge_copy(conversation, letter, arrival)
    if is_filed_by_us(message):
        return NOTHING
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
    because = f"she answered him; it goes on if he is silent for {sequence.after_my_answer}"
    # Not `held_until`, which is no date while a letter is in doubt.
    last = max(conversation.holds, key=lambda each: each.until or at, default=None)
    if last is not None and last.until is not None and last.until > end:
        end, day = last.until, last.until.astimezone(zone)
        because += f", and not before {day:%a} {day.day} {day:%b %Y}: {last.because}"
    event = Event(at=at, word=Word.RESUMED, by=By.HER, because=because, until=end, step=sequence.again)
    return (replace(event, message_id=arrival.message.message_id),)


def _judge_forgotten(conversation: Conversation, step: str, arrival: Arrival) -> Consequence:
    """Our letter, and the state knows nothing of it: an older copy was put back. It has gone all the same. Where a step
    has several copies, by more than one name, an answer may name any of them."""
    message_id = arrival.message.message_id
    if step in conversation.passed:
        known = message_id in conversation.ids
        return NOTHING if known else Consequence(events=(_another_name(conversation, step, arrival),))
    event = Event(
        at=arrival.received_at,
        word=Word.SENT,
        because=f"it did go out: its copy lies in her mailbox, although {_FORGOTTEN}",
        message_id=message_id,
        step=step,
        mail=thread_mail(arrival.message, arrival.received_at),
    )
    return Consequence(events=(event,))


def _another_name(conversation: Conversation, step: str, arrival: Arrival) -> Event:
    """Of the copy that we filed ourselves the server has one of its own; or the step went twice, by her decision."""
    message_id, token = arrival.message.message_id, token_in(arrival.message)
    latest = conversation.latest
    if latest is not None and latest.message_id.startswith(f"<{token}@"):
        return _renamed(latest, step, message_id, arrival.now)
    because = f"a copy of `{step}` in her mailbox has this Message-ID, although {_FORGOTTEN}"
    return Event(at=arrival.now, word=Word.NOTE, because=because, message_id=message_id, step=step)


def _judge_of_another(conversation: Conversation, token: str, arrival: Arrival) -> Consequence:
    """A letter of ours in another conversation with him: no touch of hers. Where this one has taken over from that one,
    it is the letter to answer to, perhaps under another name."""
    latest, message_id = conversation.latest, arrival.message.message_id
    if latest is None or message_id in conversation.ids or not latest.message_id.startswith(f"<{token}@"):
        return NOTHING
    return Consequence(events=(_renamed(latest, None, message_id, arrival.now),))


def is_filed_by_us(message: Inbound) -> bool:
    """Whether we filed it ourselves: it is no touch of hers, and proves only what an older copy of the state forgot."""
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
        events.append(prove(letter, arrival, "a copy of the letter lies in her mailbox"))
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
