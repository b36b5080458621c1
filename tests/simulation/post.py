"""Messages as bytes, as people and mail systems write them, and what each of them is in truth."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from enum import StrEnum

HER = "maya@lind.test"
HER_OTHER = "m.lind@home.test"


class Truth(StrEnum):
    """What a message is, whatever the agent takes it for."""

    ANSWER = "answer"
    NOT_NOW = "not now"
    REFUSAL = "refusal"
    PROMISE = "promise"  # to answer next week
    OPT_OUT = "opt-out"
    AWAY = "away"
    DEAD = "dead"
    SOFT = "soft"
    DELAYED = "delayed"
    NOTHING = "nothing"  # newsletters, receipts
    HERS = "hers"
    LETTER = "letter"
    STRANGER = "stranger"
    NOTICE = "notice"  # what the agent writes to her
    LEFT = "left"  # the company, as his responder says


HIS_WORDS = (Truth.ANSWER, Truth.NOT_NOW, Truth.REFUSAL, Truth.PROMISE)
"""What a person has said; a promise of his keeps her silent until it is broken."""


@dataclass(slots=True)
class Post:
    """One message, wherever copies of it lie. `about` are the prospects it concerns; times are true seconds.

    `lies_in` counts the watched mailboxes that hold it now.
    """

    raw: bytes
    truth: Truth
    about: tuple[int, ...] = ()
    message_id: str = ""
    original: str | None = None  # of a report: the letter that it returns
    from_him: bool = True  # from an address that is known to be his
    names: tuple[str, ...] = ()  # the Message-IDs that it answers to
    subject: str = ""  # of a stranger's
    visible_at: float | None = None
    gone_at: float | None = None
    back: datetime | None = None  # the day of return that it names
    lies_in: set[tuple[str, int, int]] = field(default_factory=set)

    def was_visible(self, seconds: float) -> bool:
        """Whether a look at that time had to see it."""
        seen = self.visible_at is not None and self.visible_at <= seconds
        return seen and (self.gone_at is None or self.gone_at > seconds)


def write(
    author: str,
    to: str,
    subject: str,
    text: str,
    *,
    at: datetime,
    message_id: str,
    answers: str | None = None,
    references: Sequence[str] = (),
    fields: Sequence[str] = (),
) -> bytes:
    """A message; without a Message-ID where that is empty."""
    lines = [
        f"From: {author}",
        f"To: {to}",
        f"Subject: {subject}",
        f"Date: {format_datetime(at)}",
        *([f"Message-ID: {message_id}"] if message_id else []),
        *([f"In-Reply-To: {answers}"] if answers else []),
        *([f"References: {' '.join(references)}"] if references else []),
        *fields,
        "Content-Type: text/plain; charset=utf-8",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n" + text.replace("\n", "\r\n")).encode()


def complaint(address: str, original: str, *, at: datetime, message_id: str) -> bytes:
    """What his provider sends when he calls a letter of hers spam (RFC 5965)."""
    header = (
        f"From: Feedback Loop <fbl@feedback.example>\r\nTo: {HER}\r\nSubject: FW: a complaint\r\n"
        f"Date: {format_datetime(at)}\r\nMessage-ID: {message_id}\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\r\n\r\n'
    )
    text = (
        "--b\r\nContent-Type: text/plain\r\n\r\nThis is an email abuse report.\r\n--b\r\n"
        "Content-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nUser-Agent: Provider/1.0\r\n"
        "Version: 1\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
        f"From: {HER}\r\nTo: {address}\r\nMessage-ID: {original}\r\n\r\nGood morning.\r\n--b--\r\n"
    )
    return (header + text).encode()


def report(
    address: str, original: str, *, at: datetime, message_id: str, status: str, action: str, words: str
) -> bytes:
    """What a mail system says about a letter of hers (RFC 3464)."""
    header = (
        "Return-Path: <>\r\nFrom: Mail Delivery System <mailer-daemon@mx.lind.test>\r\n"
        f"To: {HER}\r\nSubject: Undelivered Mail Returned to Sender\r\nDate: {format_datetime(at)}\r\n"
        f"Message-ID: {message_id}\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
    )
    text = (
        "--b\r\nContent-Type: text/plain\r\n\r\nYour message could not be delivered.\r\n--b\r\n"
        "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.lind.test\r\n\r\n"
        f"Final-Recipient: rfc822; {address}\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: smtp; {words}\r\n\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
        f"From: {HER}\r\nTo: {address}\r\nMessage-ID: {original}\r\n--b--\r\n"
    )
    return (header + text).encode()
