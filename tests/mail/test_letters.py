"""Our own letters as bytes: the thread kept, the lines within limits, nothing smuggled in."""

import email
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inboxagent.mail.compose import LONGEST_REFERENCES, Outgoing, compose, dot_stuff, trim_references
from inboxagent.mail.headers import Address
from inboxagent.mail.inbound import parse

WHEN = datetime(2026, 3, 3, 10, tzinfo=timezone(timedelta(hours=1)))


def letter(**changes: object) -> Outgoing:
    usual: dict[str, object] = {
        "from_": Address("Maya Lind", "maya@lind.example"),
        "to": (Address("Anna", "anna@prospect.test"),),
        "subject": "Re: Proposal",
        "text": "Dear Anna",
        "message_id": "<m2@lind.example>",
        "date": WHEN,
    }
    return Outgoing(**{**usual, **changes})  # type: ignore[arg-type]


def test_names_subjects_and_texts_of_any_script_come_back_as_they_were():
    """Case 76."""
    people = (Address("Łukasz, Żółć", "l@z.test"), Address("山田", "y@j.test"))
    sent = letter(to=people, cc=people[:1], subject="Re: Übersicht – 報告", text="Grüße\r\nund 山\rEnde")
    message = parse(compose(sent))
    assert (message.to, message.cc, message.subject) == (people, people[:1], "Re: Übersicht – 報告")
    assert message.text.splitlines() == ["Grüße", "und 山", "Ende"]
    assert message.date == WHEN.astimezone(UTC)


def test_ids_of_any_length_stay_whole_and_lines_short():
    ids = tuple(f"<{'x' * length}{length}@host.example>" for length in (10, 78, 120, 400, 950))
    raw = compose(letter(in_reply_to=ids[-1], references=ids, message_id=ids[-1]))
    assert parse(raw).references == ids
    assert parse(raw).in_reply_to == ids[-1:]
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    assert b"=?" not in raw


def test_a_long_chain_loses_its_middle():
    chain = tuple(f"<{number:05d}{'x' * 60}@host.example>" for number in range(400))
    kept = trim_references(chain)
    assert sum(len(each) + 3 for each in kept) <= LONGEST_REFERENCES
    assert (kept[0], kept[-1]) == (chain[0], chain[-1])
    assert list(kept) == sorted(kept)
    assert len(kept) > 50


def test_plain_ascii_travels_as_it_is_and_everything_as_crlf():
    raw = compose(letter(text="one\n\ntwo"))
    assert b"Content-Transfer-Encoding: 7bit" in raw
    assert raw.endswith(b"\r\n\r\none\r\n\r\ntwo\r\n")
    assert b"\n" not in raw.replace(b"\r\n", b"")


def test_very_long_lines_are_encoded():
    assert max(len(line) for line in compose(letter(text="x" * 5000)).split(b"\r\n")) <= 998


def test_there_is_no_bcc_no_auto_submitted_and_a_token_only_where_one_is_given():
    names = {name.lower() for name in email.message_from_bytes(compose(letter())).keys()}  # noqa: SIM118
    assert names == {
        "message-id",
        "date",
        "from",
        "to",
        "subject",
        "content-type",
        "content-transfer-encoding",
        "mime-version",
    }
    assert b"\r\nX-Inboxagent: abc\r\n" in compose(letter(token="abc"))


@pytest.mark.parametrize("bad", ["a\r\nBcc: x@y.test", "a\nb", "a\x00b", "a\u2028b", "a\x85b"])
@pytest.mark.parametrize("field", ["subject", "name", "address", "message_id", "in_reply_to", "references", "token"])
def test_no_field_can_smuggle_in_another(field, bad):
    changes = {
        "name": {"to": (Address(bad, "a@b.test"),)},
        "address": {"to": (Address("A", bad + "@b.test"),)},
        "references": {"references": (f"<{bad}@x>",)},
        "in_reply_to": {"in_reply_to": f"<{bad}@x>"},
        "message_id": {"message_id": f"<{bad}@x>"},
    }.get(field, {field: bad})
    with pytest.raises(ValueError):
        compose(letter(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"to": ()},
        {"date": datetime(2026, 3, 3)},  # noqa: DTZ001
        {"to": (Address("", "nobody"),)},
        {"to": (Address("", "jörg@x.test"),)},
        {"to": (Address("", "a@b.test>, <c@d.test"),)},
        {"message_id": "m@x"},
    ],
)
def test_what_cannot_be_sent_is_refused(changes):
    with pytest.raises(ValueError):
        compose(letter(**changes))


@given(st.binary(max_size=300))
def test_dot_stuffing_is_undone_by_the_receiver(data):
    wire = dot_stuff(data)
    lines = wire.removesuffix(b"\r\n").split(b"\r\n")
    undone = b"\r\n".join(line.removeprefix(b".") if line.startswith(b".") else line for line in lines)
    assert wire.endswith(b"\r\n")
    assert b"\r\n.\r\n" not in b"\r\n" + wire
    plain = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").removesuffix(b"\n").replace(b"\n", b"\r\n")
    assert undone == plain


@given(st.text(max_size=60), st.text(max_size=400))
def test_any_text_is_written_or_refused(subject, text):
    try:
        raw = compose(letter(subject=subject, text=text))
    except ValueError:
        return
    assert raw.count(b"\r\nSubject:") == 1
    assert parse(raw).message_id == "<m2@lind.example>"
