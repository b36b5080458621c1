"""Responses of IMAP servers as they were seen on the wire, and what they mean."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inboxagent.edge.imap_answers import (
    Message,
    Piece,
    decode_name,
    quote,
    read_internaldate,
    read_mailboxes,
    read_message,
    read_statuses,
    uid_set,
)
from inboxagent.edge.imap_names import DRAFTS, SENT, find_drafts, find_special
from inboxagent.edge.imap_search import any_of, queries
from inboxagent.ports import Search


@pytest.mark.parametrize(
    ("pieces", "name", "path"),
    [
        ([b'(\\HasNoChildren) "/" INBOX'], "INBOX", ("INBOX",)),
        ([b'() "." inbox'], "INBOX", ("INBOX",)),
        ([b'(\\Marked) "/" "Clients/A B"'], "Clients/A B", ("Clients", "A B")),
        ([b'() NIL "one/flat"'], "one/flat", ("one/flat",)),
        ([b'() "\\\\" "back\\\\slash \\"q\\""'], 'back\\slash "q"', ("back", 'slash "q"')),
        ([b'() "/" 2026'], "2026", ("2026",)),
        ([b'() "/" NIL'], "NIL", ("NIL",)),
        ([b'() "/" [Gmail]/Sent'], "[Gmail]/Sent", ("[Gmail]", "Sent")),
        ([b'() "/" "Entw&APw-rfe"'], "Entwürfe", ("Entwürfe",)),
        ([b'() "/" "R&-D"'], "R&D", ("R&D",)),
        ([b'() "/" "Ping&bad"'], "Ping&bad", ("Ping&bad",)),
        ([b'() "/" "\xc3\xa4"'], "Ã¤", ("Ã¤",)),
        ([(b'() "/" {8}', b'a "b" (c'), b""], 'a "b" (c', ('a "b" (c',)),
    ],
)
def test_mailboxes(pieces: list[Piece], name: str, path: tuple[str, ...]) -> None:
    (box,) = read_mailboxes(tuple(pieces))
    assert (box.name, box.path) == (name, path)


def test_two_spellings_of_one_name_stay_two_mailboxes() -> None:
    boxes = read_mailboxes(
        (
            b'() "/" "&AOQ-"',
            b'() "/" "\xe4"',
            b'() "/" "&AOQ-"',
        )
    )
    assert len(boxes) == len({box.name for box in boxes}) == 2


@pytest.mark.parametrize("line", [b"", b"INBOX", b'(\\A "/" INBOX', b'() "/"', b'() "/ INBOX'])
def test_what_is_no_list_response(line: bytes) -> None:
    if line:
        with pytest.raises(ValueError, match="LIST"):
            read_mailboxes((line,))
    else:
        assert read_mailboxes((line,)) == ()


def test_statuses() -> None:
    pieces: list[Piece] = [
        b"Inbox (UIDNEXT 7 UIDVALIDITY 9)",
        b'"A (b) c" (UIDVALIDITY 4294967295 UIDNEXT 4294967295 ) ',
        (b"{4}", b'x\\"y'),
        b" (UIDNEXT 1)",
        b"odd (UIDNEXT NIL)",
    ]
    assert read_statuses(tuple(pieces)) == {
        b"INBOX": {"UIDNEXT": 7, "UIDVALIDITY": 9},
        b"A (b) c": {"UIDNEXT": 4294967295, "UIDVALIDITY": 4294967295},
        b'x\\"y': {"UIDNEXT": 1},
        b"odd": {},
    }
    for line in (b"INBOX", b"INBOX (UIDNEXT)", b"(UIDNEXT 7)"):
        with pytest.raises(ValueError):
            read_statuses((line,))


AT = datetime(2026, 3, 2, 7, 30, 15, tzinfo=UTC)
DATE = b'INTERNALDATE " 2-Mar-2026 08:30:15 +0100"'
SECTION = b"BODY[HEADER.FIELDS (FROM)]<0> {4}"
FIELDS = {"HEADER.FIELDS": b"abcd"}


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ([(b"(UID 3 " + DATE + b" RFC822.SIZE 9 " + SECTION, b"abcd"), b")"], Message(3, AT, 9, FIELDS)),
        (
            [(b"(uid 3 " + DATE.lower() + b" rfc822.size 9 " + SECTION.lower(), b"abcd"), b")"],
            Message(3, AT, 9, FIELDS),
        ),
        ([(b"(" + DATE + b" UID 3 " + SECTION, b"abcd"), b" RFC822.SIZE 9)"], Message(3, AT, 9, FIELDS)),
        ([(b"(FLAGS () UID 3 " + DATE + b" RFC822.SIZE 9 " + SECTION, b"abcd"), b")"], Message(3, AT, 9, FIELDS)),
        ([(b"(UID 3 " + DATE + b" RFC822.SIZE 9 " + SECTION, b"abcd"), b" FLAGS ())"], Message(3, AT, 9, FIELDS)),
        (
            [(b"(BODY[HEADER]<0> {2}", b"hh"), (b" BODY[TEXT]<0> {3}", b"UID"), b" UID 4)"],
            Message(4, None, 0, {"HEADER": b"hh", "TEXT": b"UID"}),
        ),
        (
            [b'(UID 5 BODY[HEADER]<0> "a \\"UID 99\\" b" BODY[TEXT]<0> NIL)'],
            Message(5, None, 0, {"HEADER": b'a "UID 99" b', "TEXT": b""}),
        ),
        ([(b'(UID 6 body[header] "" body[text] {1}', b"t"), b")"], Message(6, None, 0, {"HEADER": b"", "TEXT": b"t"})),
        ([b"(FLAGS (\\Seen))"], None),
        ([b"(UID 7 FLAGS ())"], Message(7, None, 0, {})),
    ],
)
def test_messages_in_every_form_that_servers_use(record: list[Piece], message: Message | None) -> None:
    assert read_message(record) == message


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("17-Jul-1996 02:44:25 -0700", datetime(1996, 7, 17, 9, 44, 25, tzinfo=UTC)),
        (" 1-JAN-2026 00:00:00 +0530", datetime(2025, 12, 31, 18, 30, tzinfo=UTC)),
        ("1-Jan-2026 23:59:60 +0000", datetime(2026, 1, 1, 23, 59, 59, tzinfo=UTC)),
        ("31-Feb-2026 00:00:00 +0000", None),
        ("01-Jan-0001 00:00:00 +0100", None),
        ("2026-01-01 00:00:00", None),
        ("1-Jan-2026 24:00:00 +0000", None),
        ("1-Foo-2026 00:00:00 +0000", None),
        ("31-Dec-9999 23:59:59 -0100", None),
    ],
)
def test_internaldates(text: str, instant: datetime | None) -> None:
    assert read_internaldate(f'INTERNALDATE "{text}"'.encode()) == instant


@given(st.lists(st.one_of(st.binary(), st.tuples(st.binary(), st.binary())), max_size=4))
def test_whatever_a_server_says_is_read_or_refused(pieces: list[Piece]) -> None:
    for read in (read_mailboxes, read_statuses, read_message):
        try:
            read(tuple(pieces))
        except ValueError:
            continue


@given(st.binary())
def test_a_name_is_some_text(wire: bytes) -> None:
    assert len(decode_name(wire)) <= len(wire)


def test_a_control_character_never_gets_into_a_command() -> None:
    assert quote(b'a "b" \\') == b'"a \\"b\\" \\\\"'
    for evil in (b"a\r\nb LOGOUT", b"\0", b"\x7f"):
        with pytest.raises(ValueError, match="control character"):
            quote(evil)


@given(st.sets(st.integers(1, 60), min_size=1))
def test_uid_sets(uids: set[int]) -> None:
    runs = [run.split(":") for run in uid_set(uids).split(",")]
    assert {uid for run in runs for uid in range(int(run[0]), int(run[-1]) + 1)} == uids


@given(st.integers(1, 40))
def test_or_takes_exactly_two(number: int) -> None:
    words = iter(any_of(["key"] * number).split())

    def consume() -> int:
        return 1 if next(words) == "key" else consume() + consume()

    assert consume() == number
    assert next(words, None) is None


@pytest.mark.parametrize("text", ["jörg@prospect.test", "<ÄÖ\udcff.long@x.test>", 'a"b\\c', "ü", "a\r\nb X"])
def test_searches_are_ascii_and_one_line(text: str) -> None:
    for query in queries(Search(address=text, message_ids=[text])):
        assert query.isascii()
        assert query.isprintable()


def boxes(*lines: bytes) -> list:  # type: ignore[type-arg]
    """LIST responses, parsed."""
    return list(read_mailboxes(lines))


def test_sent_by_its_mark_then_by_its_name() -> None:
    """Case 86: SPECIAL-USE, in any case of letters, then the usual names, modified UTF-7 or not; a guess never."""
    named = boxes(b'() "." INBOX.Old.Sent', b'() "." INBOX.Sent', b'(\\Noselect) "." Sent', b'() "." INBOX')
    sent = find_special(named, "\\sent", SENT)
    assert sent is not None
    assert sent.name == "INBOX.Sent"
    marked = find_special([*named, *boxes(b'(\\SENT) "." INBOX.Anything')], "\\sent", SENT)
    assert marked is not None
    assert marked.name == "INBOX.Anything"
    assert find_special(boxes(b'() "/" INBOX', b'() "/" Sentinel'), "\\sent", SENT) is None
    for name in (b"Gesendete Objekte", b"&AMk-l&AOk-ments envoy&AOk-s", b"INBOX/Enviados", b"Sent Items"):
        assert find_special(boxes(b'() "/" "' + name + b'"'), "\\sent", SENT) is not None


def test_drafts_only_where_drafts_are() -> None:
    assert find_drafts(boxes(b'() "/" Drafts', b'() "/" Clients/Drafts')) == {"Drafts"}
    assert find_drafts(boxes(b'() "." INBOX.Entw&APw-rfe')) == {"INBOX.Entwürfe"}
    assert find_drafts(boxes(b'() "/" [Gmail]/Drafts')) == {"[Gmail]/Drafts"}
    assert find_drafts(boxes(b'() "/" Drafts', b'(\\Drafts) "/" Pieces')) == {"Pieces"}
    assert all(name == name.lower() for name in SENT | DRAFTS)
