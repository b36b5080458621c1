"""The bytes that go on the wire, pinned: one thread of five letters as other programs will read it for years."""

import email
import email.policy
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from inboxagent.mail.body import Attachment, Quotation
from inboxagent.mail.compose import Outgoing, compose, dot_stuff, mark_copy
from inboxagent.mail.headers import Address
from inboxagent.mail.inbound import parse

GOLDEN = Path(__file__).parent / "golden"
MAYA = Address("Maya Lind", "maya@lind.example")
ANNA = Address("Anna Öberg", "anna@prospect.test")
FIRST = "<5f1c0a77d0e94b6b8f0d2a@lind.example>"
HIS = "<AM0PR07MB3876C5F9C1B3A7D0E4F2A1B5C6D7@AM0PR07MB3876.eurprd07.prod.outlook.test>"
LONG = f"<{'0123456789abcdef' * 12}@a-rather-long-name-of-a-mail-host.prospect.test>"
SECOND = "<8b2d6c3f4a5e697887960a1b2c3d4e5f60718293@lind.example>"
THIRD = "<c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f7@lind.example>"
FOURTH = "<d1e2f3a4b5c6d7e8f90a1b2c3d4e5f6071829304@lind.example>"

LETTERS = {
    "1-first": Outgoing(
        from_=MAYA,
        to=(ANNA,),
        subject="Proposal for the customer portal",
        text="Dear Anna,\n\nhere is the proposal we spoke about.\n\nMaya Lind",
        message_id=FIRST,
        date=datetime(2026, 3, 2, 9, 40, tzinfo=UTC),
        token="5f1c0a77d0e94b6b8f0d2a",
    ),
    "2-follow-up": Outgoing(
        from_=MAYA,
        to=(ANNA,),
        cc=(Address("Jürgen Maßmann", "j.massmann@bücher.example"),),
        subject="Re: Proposal for the customer portal",
        text=(
            "Dear Anna,\n\ndid the proposal reach you safely? It is a long paragraph, so that it has to be broken into "
            "lines that a narrow window can show and a wide one can join again.\n\n"
            "- the first point\n- the second one, which is so long that it does not fit on one line either, by far\n\n"
            "  indented: kept\n\nFrom here on it is easy.\n.\n> not a quotation\n\n-- \nMaya Lind"
        ),
        message_id=SECOND,
        date=datetime(2026, 3, 5, 9, 40, tzinfo=UTC),
        in_reply_to=FIRST,
        references=(FIRST,),
        token=SECOND[1:41],
    ),
    "3-answer-to-long-ids": Outgoing(
        from_=Address("Maya Lind", "m.lind@studio.example"),
        to=(Address("山田 太郎", "taro@prospect.test"), ANNA),
        subject="Re: Übersicht für Łódź – 報告書",
        text="Grüße aus Malmö: žluťoučký kůň, 山田様.\n\nhttps://lind.example/" + "a-path-that-nobody-can-break/" * 4,
        message_id=THIRD,
        date=datetime(2026, 3, 11, 9, 40, tzinfo=UTC),
        in_reply_to=LONG,
        references=(FIRST, SECOND, HIS, LONG),
        token=THIRD[1:41],
        list_unsubscribe=f"unsubscribe {THIRD[1:41]}",
    ),
    "4-long-chain": Outgoing(
        from_=MAYA,
        to=(ANNA,),
        subject="Re: Proposal for the customer portal",
        text="Shall I close the file?",
        message_id=FOURTH,
        date=datetime(2026, 4, 21, 9, 9, tzinfo=UTC),
        in_reply_to=THIRD,
        references=(FIRST, SECOND, *(f"<{n:040d}@prospect.test>" for n in range(150)), HIS, LONG, THIRD),
        token="d1e2f3a4b5c6d7e8f90a1b2c3d4e5f6071829304",
    ),
    "6-with-everything": Outgoing(
        from_=MAYA,
        to=(ANNA,),
        subject="Re: Proposal for the customer portal",
        text="Dear Anna,\n\nhere are the prices again.\n\n-- \nMaya Lind\nLind & Söhne",
        message_id="<0a1b2c3d4e5f60718293a4b5c6d7e8f901234567@lind.example>",
        date=datetime(2026, 5, 4, 9, 9, tzinfo=UTC),
        in_reply_to=FOURTH,
        references=(FIRST, THIRD, FOURTH),
        token="0a1b2c3d4e5f60718293a4b5c6d7e8f901234567",
        list_unsubscribe="unsubscribe 0a1b2c3d4e5f60718293a4b5c6d7e8f901234567",
        unsubscribe_page="https://lind.example/no?t=0a1b2c3d4e5f60718293a4b5c6d7e8f901234567",
        quotation=Quotation(
            heading="Maya Lind, 21 April 2026:",
            text="Shall I close the file?\n\n> an older one\nFrom what I heard it would be a pity, and this line is so "
            "long that it has to be broken.\n.\n",
        ),
        attachments=(
            Attachment(name="Übersicht – Preise 2026.pdf", media_type="application/pdf", content=bytes(range(256)) * 2),
            Attachment(name='a "quoted" name.txt', media_type="text/plain", content=b".\r\nFrom a file\n"),
        ),
    ),
}


def written(name: str) -> bytes:
    """What `compose` makes of a letter, or of the copy in Sent."""
    if name == "5-copy-in-sent":
        return mark_copy(compose(LETTERS["2-follow-up"]))
    return compose(LETTERS[name])


@pytest.mark.parametrize("name", [*LETTERS, "5-copy-in-sent"])
def test_the_bytes_are_those_of_the_file(name: str) -> None:
    assert written(name) == (GOLDEN / f"{name}.eml").read_bytes()


def test_no_file_is_left_over() -> None:
    assert sorted(path.stem for path in GOLDEN.glob("*.eml")) == sorted([*LETTERS, "5-copy-in-sent"])


@pytest.mark.parametrize("name", LETTERS)
def test_lines_are_short_and_end_as_they_must(name: str) -> None:
    """RFC 5322, 2.1.1: 998 at most; text lines 78, unless a word or an id is longer."""
    raw = (GOLDEN / f"{name}.eml").read_bytes()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    body = raw.partition(b"\r\n\r\n")[2]
    assert max(len(line) for line in body.split(b"\r\n")) <= 78
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    assert dot_stuff(raw).count(b"\r\n..\r\n") == raw.count(b"\r\n.\r\n")


def test_a_standard_reader_finds_every_part() -> None:
    """Names by RFC 2231, octets as they were, and the quotation behind marks."""
    raw = (GOLDEN / "6-with-everything.eml").read_bytes()
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    found = {part.get_filename(): part.get_payload(decode=True) for part in message.iter_attachments()}
    assert found == {each.name: each.content for each in LETTERS["6-with-everything"].attachments}
    text = str(message.get_content() if not message.is_multipart() else next(message.iter_parts()).get_content())
    assert "-- \r\nMaya Lind\r\nLind & Söhne\r\n\r\nMaya Lind, 21 April 2026:\r\n> Shall I close the file?" in text
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize("name", LETTERS)
def test_what_is_read_is_what_was_meant(name: str) -> None:
    """People, subject and every Message-ID come back, byte for byte."""
    letter, message = LETTERS[name], parse((GOLDEN / f"{name}.eml").read_bytes())
    assert (message.subject, message.message_id) == (letter.subject, letter.message_id)
    assert [each.name for each in (*message.to, *message.cc)] == [each.name for each in (*letter.to, *letter.cc)]
    assert message.in_reply_to == ((letter.in_reply_to,) if letter.in_reply_to else ())
    assert set(message.references) <= set(letter.references)
    assert message.references[-1:] == letter.references[-1:]
    assert message.references[:1] == letter.references[:1]
