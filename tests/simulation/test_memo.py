"""What is remembered by its bytes is what the functions themselves say."""

from datetime import UTC, datetime, timedelta

import pytest

from inboxagent.mail import classify, compose, inbound
from inboxagent.mail.compose import Outgoing
from inboxagent.mail.headers import Address
from tests.simulation import memo
from tests.simulation.post import HER, report, write

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def _message(number: int, text: str, *, answers: str | None = None, fields: tuple[str, ...] = ()) -> bytes:
    return write(
        "anna@prospect.test",
        HER,
        "Re: Our project",
        text,
        at=NOON + timedelta(hours=number),
        message_id=f"<{number}@prospect.test>",
        answers=answers,
        references=(answers,) if answers else (),
        fields=fields,
    )


MESSAGES = [
    _message(1, "Yes, let us talk.\n", answers="<a@lind.test>"),
    _message(2, "Yes, let us talk.\n", answers="<b@lind.test>"),
    _message(3, "Yes, let us talk.\n"),
    _message(4, "I am away until 9 March 2026.\n", fields=("Auto-Submitted: auto-replied",)),
    _message(5, "unsubscribe\n", answers="<a@lind.test>"),
    _message(6, "Not now, please ask me again in May.\n", answers="<a@lind.test>"),
    _message(7, "Yes.\n").replace(b"Message-ID: <7@prospect.test>\r\n", b""),
    _message(8, "Yes, let us talk.\n").replace(b"anna@prospect.test", b"Bo Ek <Bo@other.test>"),
    _message(9, "Yes, let us talk.\n").replace(b"To: ", b"To: c@d.test,\r\n "),
    _message(10, "Yes, let us talk.\n").replace(b"To: ", b"To: c@d.test, "),
    _message(11, "Hello\n", fields=("List-Unsubscribe: <mailto:off@x.test>", "List-Unsubscribe: <https://x.test>")),
    _message(12, "Hello\n").replace(b"From: anna", b"From: noreply"),
    _message(13, "Hello\n").replace(b"From: anna", "From: Åsa Ö <anna".encode()).replace(b".test\r", b".test>\r", 1),
    report("a@b.test", "<a@lind.test>", at=NOON, message_id="<r@mx>", status="5.1.1", action="failed", words="550 no"),
]


@pytest.mark.parametrize("raw", MESSAGES)
def test_a_message_is_read_the_same(raw: bytes) -> None:
    header = raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    for _ in range(2):
        assert memo.parse(raw) == inbound.parse(raw)
        assert memo.parse_headers(header) == inbound.parse_headers(header)
        for linked in (True, False):
            remembered = memo.classify(memo.parse(raw), now=NOON, replies_to_ours=linked)
            assert remembered == classify.classify(inbound.parse(raw), now=NOON, replies_to_ours=linked)


def test_a_letter_is_written_the_same() -> None:
    for number in range(3):
        letter = Outgoing(
            from_=Address("Maya Lind", HER),
            to=(Address("Anna", "anna@prospect.test"),),
            subject="Re: Our project",
            text="Good morning,\n\nhow are you?\n",
            message_id=f"<{number}@lind.test>",
            date=NOON + timedelta(hours=number),
            in_reply_to="<0@prospect.test>",
            references=("<0@prospect.test>", f"<{number}@prospect.test>"),
            token=f"token{number}",
            list_unsubscribe=f"unsubscribe {number}" if number else "",
        )
        assert memo.compose(letter) == compose.compose(letter)
