"""Prospects and what happens to them, for tests of the store and the fold."""

from datetime import UTC, datetime, timedelta

from inboxagent.mail.headers import Address
from inboxagent.outreach.events import Event, Word
from inboxagent.outreach.model import Enrolment, Mail, Prospect

MONDAY = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def mail(number: int, at: datetime = MONDAY) -> Mail:
    """Message number so-and-so of a thread."""
    return Mail(
        message_id=f"<{number}@lind.example>",
        at=at,
        subject="Proposal",
        from_=Address("Maya Lind", "maya@lind.example"),
        to=(Address("Anna", "anna@prospect.test"),),
    )


def enrolled(address: str = "anna@prospect.test", at: datetime = MONDAY) -> Event:
    """The event that begins a conversation with one touch behind it."""
    latest = mail(1, at)
    enrolment = Enrolment(
        sequence="proposal",
        prospect=Prospect(address=address, name="Anna", fields={"first_name": "Anna"}),
        latest=latest,
        touches=1,
        last_touch_at=at,
        thread=(latest.message_id,),
        history=("<0@prospect.test>",),
    )
    return Event(at=at, word=Word.ENROLLED, because="she enrolled the thread", enrolment=enrolment)


def happened(word: Word, days: float = 1, **fields: object) -> Event:
    """An event so many days after Monday."""
    return Event(at=MONDAY + timedelta(days=days), word=word, because=f"a test of {word}", **fields)  # type: ignore[arg-type]
