"""What an incoming message is: an ordered tuple of detectors, each of which says why; the first opinion counts."""

import functools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum

from inboxagent.mail import phrases
from inboxagent.mail.headers import base_subject, decode
from inboxagent.mail.inbound import Inbound
from inboxagent.mail.intent import intent, not_now, opt_out
from inboxagent.mail.machine import (
    is_away_subject,
    read_absence,
    responder_field,
    responder_subject,
    says_automatic,
    sounds_away,
)
from inboxagent.mail.newtext import new_text
from inboxagent.mail.notice import read_notice
from inboxagent.mail.promised import find_promised
from inboxagent.mail.report import Report


class Kind(StrEnum):
    """The kinds of incoming mail that are told apart."""

    REPLY = "reply"
    AUTO_REPLY = "auto_reply"
    BOUNCE = "bounce"
    DELAYED = "delayed"
    UNSUBSCRIBE = "unsubscribe"
    NOT_NOW = "not_now"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a message is and because of which words.

    `recipients`, `permanent` (the address is dead) and the original ids are of reports; `return_date` is the first day
    on which an absent writer is back, `contact_after` the day from which he wants to be written to again,
    `promised_until` the last day of the time within which he promises to answer, `successor` the address that somebody
    who left asks to write to instead.
    """

    kind: Kind
    because: str
    intent: str | None = None
    recipients: tuple[str, ...] = ()
    permanent: bool | None = None
    original_message_id: str | None = None
    original_ids: tuple[str, ...] = ()
    new_text: str = ""
    return_date: date | None = None
    contact_after: date | None = None
    promised_until: date | None = None
    successor: str | None = None

    @property
    def recipient(self) -> str | None:
        """The first failed recipient."""
        return self.recipients[0] if self.recipients else None


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a detector is asked: the message, what we sent, the time, whether it answers a letter of ours."""

    message: Inbound
    ours: tuple[str, ...]
    now: datetime
    replies_to_ours: bool

    @functools.cached_property
    def new_text(self) -> str:
        """His own words in the message; reports are judged without them."""
        return new_text(self.message, self.ours)

    @property
    def answers(self) -> bool:
        """Whether it is an answer to something, ours or not."""
        message = self.message
        return (
            self.replies_to_ours
            or bool(message.thread_ids)
            or base_subject(message.subject) != " ".join(message.subject.split())
        )


def classify(
    message: Inbound,
    *,
    ours: Iterable[str] = (),
    now: datetime | None = None,
    replies_to_ours: bool = False,
) -> Verdict:
    """The verdict on a message. `ours` are texts we sent, which are never judged; `now` defaults to the message's Date.

    Weak signs of a machine (a word of the subject) count only where the message `replies_to_ours`. Total.
    """
    question = Question(
        message=message,
        ours=tuple(ours),
        now=now or message.date or datetime(1970, 1, 1, tzinfo=UTC),
        replies_to_ours=replies_to_ours,
    )
    opinions = (detector(question) for detector in DETECTORS)
    return next(opinion for opinion in opinions if opinion is not None)


def _reported(question: Question) -> Verdict | None:
    """Machine-readable reports (RFC 3464, 8098, 5965)."""
    report = question.message.report
    return _verdict_of(report) if report else None


def _notified(question: Question) -> Verdict | None:
    """Delivery notices in prose."""
    report = read_notice(question.message)
    return _verdict_of(report) if report else None


def _verdict_of(report: Report) -> Verdict:
    kind = _REPORTS[report.kind]
    return Verdict(
        kind=kind,
        because=report.because,
        recipients=tuple(dict.fromkeys(each.address for each in report.recipients if each.address)),
        permanent=_all_dead(report) if kind in (Kind.BOUNCE, Kind.DELAYED) else None,
        original_message_id=report.original_message_id,
        original_ids=report.original_ids,
    )


def _all_dead(report: Report) -> bool | None:
    return all(each.permanent for each in report.recipients) if report.recipients else None


_REPORTS = {
    "bounce": Kind.BOUNCE,
    "delayed": Kind.DELAYED,
    "delivered": Kind.OTHER,
    "receipt": Kind.OTHER,
    "complaint": Kind.UNSUBSCRIBE,
}


def _automatic(question: Question) -> Verdict | None:
    """Fields that only responders set."""
    because = responder_field(question.message)
    return _auto_reply(question, because) if because else None


def _worded_as_automatic(question: Question) -> Verdict | None:
    """What responders write, for those that set no field."""
    message = question.message
    if because := responder_subject(message.subject):
        return _auto_reply(question, because)
    if hit := says_automatic(question.new_text, answers=question.answers):
        return _auto_reply(question, f'its text says "{hit.words}"')
    if question.replies_to_ours and is_away_subject(message.subject):
        return _auto_reply(question, f'subject "{message.subject[:60]}" on an answer to ours')
    if because := sounds_away(message.subject, question.new_text, question.now):
        return _auto_reply(question, f"it reads like an absence note: {because}")
    return None


def _auto_reply(question: Question, because: str) -> Verdict:
    message = question.message
    known = frozenset(each.address for each in (*message.from_, *message.sender, *message.reply_to, *message.to))
    absence = read_absence(f"{question.new_text}\n", question.now, known)
    if absence.back:
        because += f'; back: "{absence.back.words}"'
    return Verdict(
        kind=Kind.AUTO_REPLY,
        because=because,
        intent=absence.intent,
        new_text=question.new_text,
        return_date=absence.back.day if absence.back else None,
        successor=absence.successor,
    )


def _receipt(question: Question) -> Verdict | None:
    """Read receipts of programs that do not know RFC 8098: subject and text must both say so, or the text be nothing
    but a line with the time."""
    subject = phrases.fold(question.message.subject)
    if not any(subject.startswith(prefix) for prefix in phrases.words("receipt_subjects")):
        return None
    text = question.new_text[:LONGEST_RECEIPT]
    hit = phrases.find("receipt", text)
    words = hit.words if hit else text if "\n" not in text and _CLOCK.search(text) else ""
    return Verdict(kind=Kind.OTHER, because=f'read receipt: "{words[:120]}"') if words else None


LONGEST_RECEIPT = 600
_CLOCK = re.compile(r"(?<!\d)\d{1,2}[:.]\d\d(?!\d)")


def _mass_mail(question: Question) -> Verdict | None:
    """Newsletters and list mail concern nobody's conversation."""
    message = question.message
    for name in ("list-id", "list-unsubscribe"):
        if message.field(name) and not question.replies_to_ours:
            return Verdict(kind=Kind.OTHER, because=f'field "{name.title()}: {decode(message.field(name))[:80]}"')
    return None


def _opted_out(question: Question) -> Verdict | None:
    """He wants no more mail."""
    words = opt_out(question.new_text)
    return _human(question, Kind.UNSUBSCRIBE, f'he writes "{words}"') if words else None


def _put_off(question: Question) -> Verdict | None:
    """He wants mail later."""
    later = not_now(question.new_text, question.now)
    return _human(question, Kind.NOT_NOW, later.because, later.after) if later else None


def _answered(question: Question) -> Verdict:
    """Whatever a person may have written; doubt is resolved here."""
    words = question.new_text.strip().replace("\n", " ")
    because = f'a person writes "{words[:80]}"' if words else "nothing says that a machine wrote it"
    return _human(question, Kind.REPLY, because)


def _human(question: Question, kind: Kind, because: str, after: date | None = None) -> Verdict:
    wish = intent(question.new_text) if kind is Kind.REPLY else None
    promised = find_promised(question.new_text, question.now) if wish == "promise" else None
    return Verdict(
        kind=kind,
        because=f'{because}; promised: "{promised.words}"' if promised else because,
        intent=wish,
        new_text=question.new_text,
        contact_after=after,
        promised_until=promised.day if promised else None,
    )


Detector = Callable[[Question], Verdict | None]

DETECTORS: tuple[Detector, ...] = (
    _reported,
    _notified,
    _receipt,
    _automatic,
    _worded_as_automatic,
    _mass_mail,
    _opted_out,
    _put_off,
    _answered,
)
