"""What will happen when, and every letter as it would go, if nothing else happens meanwhile."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from inboxagent.mail.compose import Outgoing
from inboxagent.outreach.decide import outlook
from inboxagent.outreach.events import By, Event, Word
from inboxagent.outreach.letter import address_letter, as_mail
from inboxagent.outreach.model import Me
from inboxagent.outreach.personalise import RenderError, render
from inboxagent.outreach.phrases import Phrases
from inboxagent.outreach.sequence import Sequence, Step
from inboxagent.outreach.state import Conversation, State, advance


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """A step that is ahead: when it is due and why then, and its letter, or why it could not be written."""

    step: Step
    at: datetime
    because: str
    letter: Outgoing | None
    fault: str = ""


def foresee(
    conversation: Conversation, sequence: Sequence, phrases: Phrases, me: Me, now: datetime
) -> Iterator[Coming]:
    """The steps ahead in their order, as if each letter went at its time; none where it rests until she acts."""
    if conversation.state is State.HELD and conversation.held_until is not None:
        now = max(now, conversation.held_until)
        ended = Event(at=now, word=Word.RESUMED, because="the hold ends", by=By.AGENT)
        conversation = advance(conversation, ended)
    while (wait := outlook(conversation, sequence, now, ZoneInfo(me.zone))) is not None:
        step = sequence.step(wait.step)
        assert step is not None  # outlook speaks of this sequence
        letter, fault = _write(conversation, sequence, step, phrases, me, wait.at)
        coming = Coming(step=step, at=wait.at, because=wait.because, letter=letter, fault=fault)
        yield coming
        conversation, now = _sent(conversation, coming), wait.at


def resumed(conversation: Conversation, now: datetime) -> Conversation:
    """The conversation as it would be if she resumed it now; itself where that changes nothing."""
    return advance(conversation, Event(at=now, word=Word.RESUMED, because="as if she resumed it now", by=By.HER))


def _write(
    conversation: Conversation, sequence: Sequence, step: Step, phrases: Phrases, me: Me, at: datetime
) -> tuple[Outgoing | None, str]:
    """The letter, or why there is none."""
    try:
        words = render(sequence, step, conversation.enrolment.prospect.fields, phrases, me_name=me.name)
        letter = address_letter(conversation, me, subject=words.subject, text=words.text, token=step.word, now=at)
    except (RenderError, ValueError) as error:
        return None, str(error)
    return letter, ""


def _sent(conversation: Conversation, coming: Coming) -> Conversation:
    mail = as_mail(coming.letter) if coming.letter else None
    word, because = coming.step.word, "as if it had gone"
    intent = Event(at=coming.at, word=Word.INTENT, because=because, step=word, mail=mail)
    sent = Event(at=coming.at, word=Word.SENT, because=because, step=word)
    return advance(advance(conversation, intent), sent)
