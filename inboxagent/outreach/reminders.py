"""What waits for her in a conversation: a task, or a question of his. She is told once, with what it is about."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from inboxagent.mail.headers import base_subject
from inboxagent.mail.intent import asks
from inboxagent.outreach.events import By, Event, Word
from inboxagent.outreach.model import Me
from inboxagent.outreach.schedule import add_wait, day_words
from inboxagent.outreach.sequence import ONE_BUSINESS_DAY, Sequence
from inboxagent.outreach.state import Conversation, State, ends
from inboxagent.outreach.workdays import Workdays

MOST_STORY = 8  # events of the story so far
LONGEST_LINE = 72


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """What to tell her from `at` on; `key` is the same whenever it is asked."""

    key: str
    at: datetime
    subject: str
    text: str


def reminders(conversation: Conversation, sequence: Sequence | None, me: Me) -> Iterator[Reminder]:
    """All that waits for her there."""
    for task in conversation.tasks:
        yield _of_task(conversation, task, me)
    if (asked := question(conversation)) is not None:
        yield _of_question(conversation, asked, sequence, me)


def question(conversation: Conversation) -> Event | None:
    """His oldest question since her last word to him, or since she let it go on, where it is her turn."""
    if conversation.state is not State.ANSWERED:
        return None
    said = [(_said_at(event), event) for event in conversation.events]
    hers = max((at for at, event in said if _is_settled_by(event)), default=None)
    waiting = (event for at, event in said if event.word is Word.REPLY and (hers is None or at > hers))
    return next((event for event in waiting if asks(event.text or "")), None)


def unheard(conversation: Conversation) -> Event | None:
    """His oldest answer that came after the conversation had ended for good, and to which she has not answered: it
    changes nothing any more, so that she would not learn of it."""
    if not conversation.final:
        return None
    ended = next(place for place, event in enumerate(conversation.events) if ends(event))
    later = conversation.events[ended + 1 :]
    hers = max((_said_at(event) for event in later if _is_settled_by(event)), default=None)
    answers = (event for event in later if event.word is Word.REPLY)
    return next((event for event in answers if hers is None or _said_at(event) > hers), None)


def _is_settled_by(event: Event) -> bool:
    """Whether what he asked before needs no answer any more."""
    return event.word is Word.OWN_MAIL or event.is_call or (event.word is Word.RESUMED and event.by is By.HER)


def _said_at(event: Event) -> datetime:
    """When it arrived; it may have been read later."""
    return event.mail.at if event.mail is not None else event.at


def _of_question(conversation: Conversation, asked: Event, sequence: Sequence | None, me: Me) -> Reminder:
    wait = sequence.my_turn if sequence else ONE_BUSINESS_DAY
    workdays = Workdays(regions=(me.country,) if me.country else (), absent=me.absent)
    since = _said_at(asked)
    then = f"then: inboxagent resume {conversation.id}"
    paused = any(hold.until is None for hold in conversation.holds)
    if sequence is not None and sequence.after_my_answer is not None and not paused:
        then = f"then it goes on if he is silent for {sequence.after_my_answer}"
    return Reminder(
        key=f"{conversation.id} question {asked.at.isoformat()}",
        at=add_wait(since, wait, ZoneInfo(me.zone), workdays),
        subject=f"{_who(conversation)} waits for your answer",
        text="\n".join(
            [
                f"{_who(conversation)} asked you something on {_when(since, me)}, and has had no answer yet:",
                "",
                *_quoted(asked.text or ""),
                "",
                f"It stands in {_where(conversation)}. Answer in your own mail program.",
                f"Nothing goes out by itself until you have; {then}",
            ]
        ),
    )


def _of_task(conversation: Conversation, task: Event, me: Me) -> Reminder:
    prospect = conversation.enrolment.prospect
    fields = sorted(prospect.fields.items())
    return Reminder(
        key=f"{conversation.id} task {task.at.isoformat()}",
        at=task.at,
        subject=f"To do: {task.step}, {_who(conversation)}",
        text="\n".join(
            [
                task.text or f"`{task.step}` is due.",
                "",
                f"It is for {_who(conversation)} <{prospect.address}>, in {_where(conversation)}.",
                *(f"{name}: {value}" for name, value in fields),
                "",
                "So far:",
                *_story(conversation, me),
                "",
                f"When it is done: inboxagent done {conversation.id} {task.step}",
            ]
        ),
    )


_STORY = {
    Word.ENROLLED: "enrolled",
    Word.SENT: "letter `{step}` went out",
    Word.OWN_MAIL: "you wrote to him",
    Word.NOTE: "you noted: {text}",
    Word.REPLY: "he answered: {text}",
    Word.AUTO_REPLY: "automatic answer",
    Word.DONE: "you did `{step}`",
}


def _story(conversation: Conversation, me: Me) -> Iterator[str]:
    told = [
        each for each in conversation.events if each.word in _STORY and (each.word is not Word.NOTE or each.is_call)
    ]
    for event in told[-MOST_STORY:]:
        text = " ".join((event.text or "").split())[:LONGEST_LINE]
        yield f"  {_when(_said_at(event), me)}  {_STORY[event.word].format(step=event.step, text=text)}"


def _quoted(text: str) -> list[str]:
    return [f"> {line}".rstrip() for line in text.splitlines()]


def _who(conversation: Conversation) -> str:
    return conversation.enrolment.prospect.name or conversation.enrolment.prospect.address


def _where(conversation: Conversation) -> str:
    subject = base_subject(conversation.latest.subject) if conversation.latest else ""
    thread = f'the thread "{subject}"' if subject else "a thread without a subject"
    return f"{thread} ({conversation.id}, {conversation.enrolment.sequence})"


def _when(at: datetime, me: Me) -> str:
    local = at.astimezone(ZoneInfo(me.zone))
    return f"{day_words(local.date())} {local:%H:%M}"
