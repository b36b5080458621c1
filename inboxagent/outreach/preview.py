"""What will happen when, and every letter as it would go, if nothing else happens meanwhile."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from inboxagent.mail.compose import Outgoing
from inboxagent.mail.headers import Address
from inboxagent.outreach.decide import look_ahead
from inboxagent.outreach.events import By, Event, Word
from inboxagent.outreach.fold import advance
from inboxagent.outreach.letter import NOTHING_ENCLOSED, Enclosures, address_letter, as_mail, enclose
from inboxagent.outreach.model import Me
from inboxagent.outreach.personalise import RenderError
from inboxagent.outreach.phrases import Phrasebook
from inboxagent.outreach.sequence import Do, Sequence, Step
from inboxagent.outreach.state import Conversation
from inboxagent.outreach.writing import write


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """A step that is ahead: when it is due and why then, and its letter, or why it could not be written; or when and
    why it will be passed over."""

    step: Step
    at: datetime
    because: str
    letter: Outgoing | None
    fault: str = ""
    passed_over: bool = False
    quotes: bool = False  # the message that is answered will stand below


def foresee(
    conversation: Conversation,
    sequence: Sequence,
    phrasebook: Phrasebook,
    me: Me,
    now: datetime,
    tone: str | None = None,
    enclosures: Enclosures = NOTHING_ENCLOSED,
) -> Iterator[Coming]:
    """The steps ahead in their order, as if each went at its time; none where it rests until she acts. `tone` stands in
    for the enrolment's. What is quoted is not known before it goes."""
    while True:
        told = len(conversation.events)
        conversation, wait = look_ahead(conversation, sequence, now, me)
        yield from _passed_over(conversation.events[told:], sequence)
        if wait is None:
            return
        step = sequence.step(wait.step)
        assert step is not None  # the outlook speaks of this sequence
        letter, fault = _write(conversation, sequence, step, phrasebook, me, wait.at, tone, enclosures)
        quotes = sequence.quote and letter is not None and letter.in_reply_to is not None
        coming = Coming(step=step, at=wait.at, because=wait.because, letter=letter, fault=fault, quotes=quotes)
        yield coming
        conversation, now = _over(conversation, coming), wait.at


def _passed_over(events: Iterable[Event], sequence: Sequence) -> Iterator[Coming]:
    for event in events:
        step = sequence.step(event.step) if event.step and event.word is Word.SKIPPED else None
        if step is not None:
            yield Coming(
                step=step, at=event.until or event.at, because=event.because, letter=None, fault="", passed_over=True
            )


def resumed(conversation: Conversation, now: datetime) -> Conversation:
    """The conversation as it would be if she resumed it now; itself where that changes nothing."""
    return advance(conversation, Event(at=now, word=Word.RESUMED, because="as if she resumed it now", by=By.HER))


def _write(
    conversation: Conversation,
    sequence: Sequence,
    step: Step,
    phrasebook: Phrasebook,
    me: Me,
    at: datetime,
    tone: str | None,
    enclosures: Enclosures,
) -> tuple[Outgoing | None, str]:
    """The letter, or the task as a letter to herself; or why there is none."""
    try:
        words = write(conversation, sequence, step, phrasebook, me, at, tone)
        if step.do is Do.TASK:
            return _note_to_her(words.text, step, me, at), ""
        letter = address_letter(conversation, me, subject=words.subject, text=words.text, token=step.word, now=at)
        letter = enclose(letter, sequence, step, enclosures)
    except (RenderError, ValueError) as error:
        return None, str(error)
    return letter, ""


def _note_to_her(text: str, step: Step, me: Me, at: datetime) -> Outgoing:
    her = Address(name=me.name, address=me.address)
    return Outgoing(from_=her, to=(), subject=f"To do: {step.word}", text=text, message_id="", date=at)


def _over(conversation: Conversation, coming: Coming) -> Conversation:
    word, because = coming.step.word, "as if it had gone"
    if coming.step.do is Do.TASK:
        return advance(conversation, Event(at=coming.at, word=Word.TASK, because=because, step=word))
    mail = as_mail(coming.letter) if coming.letter else None
    intent = Event(at=coming.at, word=Word.INTENT, because=because, step=word, mail=mail)
    sent = Event(at=coming.at, word=Word.SENT, because=because, step=word)
    return advance(advance(conversation, intent), sent)
