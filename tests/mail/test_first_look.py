"""The smallest tour through the package: in, judged, out."""

from datetime import UTC, datetime

import pytest

from inboxagent.mail.classify import Kind, classify
from inboxagent.mail.compose import Outgoing, compose, dot_stuff
from inboxagent.mail.headers import Address
from inboxagent.mail.inbound import parse, parse_headers

HEAD = "From: Anna Prospect <anna@prospect.test>\r\nTo: maya@lind.example\r\nMessage-ID: <r1@prospect.test>\r\n"


def letter(**changes: object) -> Outgoing:
    given: dict[str, object] = {
        "from_": Address("Maya Lind", "maya@lind.example"),
        "to": (Address("Anna", "anna@prospect.test"),),
        "subject": "Re: Proposal",
        "text": "Dear Anna,\n.\nMaya",
        "message_id": "<m2@lind.example>",
        "date": datetime(2026, 3, 3, 10, tzinfo=UTC),
        "in_reply_to": "<m1@lind.example>",
        "references": ("<m1@lind.example>",),
    }
    return Outgoing(**{**given, **changes})  # type: ignore[arg-type]


def test_what_is_composed_is_parsed_back():
    message = parse(compose(letter()))
    assert message.message_id == "<m2@lind.example>"
    assert message.thread_ids == ("<m1@lind.example>",)
    assert message.text.splitlines() == ["Dear Anna,", ".", "Maya"]


def test_long_ids_keep_every_byte():
    long_id = f"<{'A' * 120}@eurprd01.prod.example>"
    assert long_id.encode() in compose(letter(in_reply_to=long_id, references=(long_id,)))


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "Hello\r\nBcc: all@everywhere.test"},
        {"to": (Address("Anna\nBcc: x@y.test", "anna@prospect.test"),)},
        {"message_id": "<a@b>\r\nX: y"},
        {"token": "two words"},
    ],
)
def test_header_injection_is_refused(changes):
    with pytest.raises(ValueError):
        compose(letter(**changes))


def test_leading_dots_are_doubled():
    assert dot_stuff(b"a\r\n.\r\n..b") == b"a\r\n..\r\n...b\r\n"


def test_a_header_section_alone_is_enough_for_sifting():
    message = parse_headers((HEAD + "In-Reply-To: <m1@lind.example>\r\n\r\n").encode())
    assert not message.complete
    assert message.thread_ids == ("<m1@lind.example>",)


@pytest.mark.parametrize(
    ("field", "text", "kind"),
    [
        ("Subject: Re: Proposal", "I'll stop by on Tuesday.", Kind.REPLY),
        ("Subject: Re: Proposal", "STOP", Kind.UNSUBSCRIBE),
        ("Subject: Re: Proposal", "Please un\u200bsubscribe!", Kind.UNSUBSCRIBE),
        ("Auto-Submitted: auto-replied (vacation)", "Away.", Kind.AUTO_REPLY),
        ("X-Auto-Response-Suppress: All", "Yes, on Monday.", Kind.REPLY),
    ],
)
def test_verdicts(field, text, kind):
    body = "Content-Type: text/plain; charset=utf-8\r\n\r\n" + text
    verdict = classify(parse((HEAD + field + "\r\n" + body).encode()))
    assert (verdict.kind, bool(verdict.because)) == (kind, True)
