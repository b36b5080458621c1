"""What a letter is made of besides its header: text, quotation, attachments."""

import email
import email.policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inboxagent.mail.body import Attachment, Quotation, body
from inboxagent.mail.flowed import quote


def read(octets: bytes) -> EmailMessage:
    message = email.message_from_bytes(octets, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def attached(name: str = "a.pdf", media_type: str = "application/pdf", content: bytes = b"x") -> Attachment:
    return Attachment(name=name, media_type=media_type, content=content)


@given(st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=120), st.binary(max_size=300))
def test_any_name_and_any_octets_come_back(name: str, content: bytes) -> None:
    """RFC 2231; no line is longer than it may be, and no boundary is taken for content."""
    octets = body("Hello", None, [attached(name, content=content)], "<k@lind.example>")
    (part,) = read(octets).iter_attachments()
    assert part.get_payload(decode=True) == content
    assert str(part.get_filename()).encode("utf-8", "surrogatepass") == name.encode("utf-8", "surrogatepass")
    assert max(map(len, octets.split(b"\r\n"))) <= 998


@pytest.mark.parametrize("name", ["", "a\r\nBcc: x@y.test", "a\x00b", "a\u2028b"])
def test_a_name_that_no_field_can_carry(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be the name of an attachment"):
        body("Hello", None, [attached(name)], "<k>")


@pytest.mark.parametrize("media_type", ["pdf", "a/b\r\nX: y", "text/plain; charset=x", ""])
def test_what_is_no_media_type(media_type: str) -> None:
    with pytest.raises(ValueError, match="is not a media type"):
        body("Hello", None, [attached(media_type=media_type)], "<k>")


def test_a_message_is_attached_as_a_mere_file() -> None:
    """RFC 2046, 5.2.1: a message may not be in base64, and 8bit may be recoded on the way."""
    (part,) = read(
        body("Hello", None, [attached("a.eml", "message/rfc822", b"From: x\r\n\r\n")], "<k>")
    ).iter_attachments()
    assert (part.get_content_type(), part.get_payload(decode=True)) == ("application/octet-stream", b"From: x\r\n\r\n")


def test_the_same_letter_is_the_same_octets() -> None:
    one, two = (body("Hello", None, [attached()], "<k>") for _ in range(2))
    assert one == two != body("Hello", None, [attached()], "<other>")


def test_a_quotation_stands_below_with_one_more_mark() -> None:
    quotation = Quotation(heading="Anna, 5 March:", text="Yes.\r\n\r\n> old\r\nFrom here\r\n")
    text = read(body("Hello", quotation, [], "<k>")).get_content().replace("\r\n", "\n")
    assert text == "Hello\n\nAnna, 5 March:\n> Yes.\n>\n>> old\n> From here\n"


def test_long_lines_are_quoted_as_flowed_ones() -> None:
    lines = quote("word " * 40).split("\n")
    assert all(line.startswith("> ") and len(line) <= 74 for line in lines)
    assert all(line.endswith(" ") for line in lines[:-1])
