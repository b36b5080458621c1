"""Which conversations a message concerns, and by what."""

from dataclasses import replace

import pytest

from inboxagent.mail.inbound import parse_headers
from inboxagent.outreach.events import Word
from inboxagent.outreach.match import Evidence, Known, concerns, index, is_hers, match, match_ids
from inboxagent.outreach.state import fold
from tests.fakes.messages import ANNA, MAYA, message, report
from tests.fakes.people import enrolled, happened, mail

MINE = frozenset({MAYA, "m.lind@home.example"})
OTHER = "bart@prospect.test"


@pytest.fixture
def known() -> Known:
    """Anna in c1, whose thread is `<1@lind.example>` and a follow-up `<2@...>`; Bart in c2, in a thread of his own."""
    intent = happened(Word.INTENT, message_id="<2@lind.example>", step="nudge", mail=mail(2))
    bart = enrolled(OTHER)
    assert bart.enrolment is not None
    own = replace(bart, enrolment=replace(bart.enrolment, thread=("<9@lind.example>",), latest=mail(9)))
    return index([fold("c1", [enrolled(), intent]), fold("c2", [own])], MINE)


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"In_Reply_To": "<1@lind.example>"}, {"c1": Evidence.THREAD}),
        ({"In_Reply_To": "<2@lind.example>"}, {"c1": Evidence.THREAD}),
        ({"References": "<x@x.test> <2@lind.example> <y@y.test>"}, {"c1": Evidence.THREAD}),
        ({"References": "<1@lind.example> <9@lind.example>"}, {"c1": Evidence.THREAD, "c2": Evidence.THREAD}),
        ({}, {"c1": Evidence.ADDRESS}),
        ({"author": "ANNA@Prospect.TEST"}, {"c1": Evidence.ADDRESS}),
        ({"author": "x@x.test", "In_Reply_To": "<1@lind.example>"}, {"c1": Evidence.THREAD}),
        ({"author": "x@x.test", "In_Reply_To": "<1@LIND.example>"}, {}),
        ({"author": "x@x.test"}, {}),
        ({"author": "x@x.test", "Subject": "Re: Proposal"}, {}),
        ({"author": "x@x.test", "Reply_To": f"Anna <{ANNA}>"}, {"c1": Evidence.ADDRESS}),
        ({"author": "x@x.test", "Sender": ANNA}, {"c1": Evidence.ADDRESS}),
        ({"author": "x@x.test", "To": f"{MAYA}, {ANNA}"}, {}),
        ({"author": f"team: {ANNA}, x@x.test;"}, {"c1": Evidence.ADDRESS}),
        ({"author": "x@x.test", "Message_ID": "<2@lind.example>"}, {"c1": Evidence.OURS}),
        ({"author": MAYA, "To": ANNA}, {"c1": Evidence.TO_HIM}),
        ({"author": "M.Lind@home.example", "To": "x@x.test", "Cc": OTHER}, {"c2": Evidence.TO_HIM}),
        ({"author": MAYA, "To": "x@x.test", "Bcc": ANNA}, {"c1": Evidence.TO_HIM}),
        ({"author": MAYA, "To": "boss@lind.example", "References": "<1@lind.example>"}, {"c1": Evidence.TO_HIM}),
        ({"author": MAYA, "To": "x@x.test"}, {}),
        ({"author": MAYA, "To": ANNA, "Message_ID": "<2@lind.example>"}, {"c1": Evidence.OURS}),
    ],
)
def test_by_what_a_message_is_linked(known: Known, fields: dict[str, str], found: dict[str, Evidence]) -> None:
    inbound = message(**fields)
    assert {each.conversation_id: each.evidence for each in match(inbound, known)} == found
    assert concerns(inbound, known) == bool(found)


@pytest.mark.parametrize(
    ("fields", "hers"),
    [
        ({"author": MAYA}, True),
        ({"author": "Maya Lind <M.Lind@Home.Example>"}, True),
        ({"author": ANNA}, False),
        ({"author": ""}, False),
        ({"author": f"{MAYA}, {ANNA}"}, False),
        ({"author": ANNA, "Reply_To": MAYA}, False),
        ({"author": ANNA, "Sender": MAYA}, False),
        ({"author": MAYA, "Reply_To": ANNA}, False),
        ({"author": MAYA, "Sender": OTHER}, False),
        ({"author": MAYA, "Reply_To": "office@lind.example"}, True),
        ({"author": f"Maya Lind <{MAYA}> via Group <group@lind.example>"}, False),
    ],
)
def test_what_is_hers(known: Known, fields: dict[str, str], hers: bool) -> None:
    assert is_hers(message(**fields), known) is hers


def test_a_report_is_linked_by_what_it_returns_only(known: Known) -> None:
    (found,) = match(report(), known)
    assert (found.conversation_id, found.evidence) == ("c1", Evidence.REPORT)
    assert match(report(original="<never@written.test>"), known) == ()
    assert [each.conversation_id for each in match_ids(("<9@lind.example>",), known)] == ["c2"]


@pytest.mark.parametrize(
    "fields",
    [
        {"Content_Type": 'multipart/report; boundary="b"'},
        {"Return_Path": "<>"},
        {"X_Failed_Recipients": ANNA},
        {"author": "Mail Delivery System <MAILER-DAEMON@mx.test>"},
        {"author": "postmaster@mx.test"},
    ],
)
def test_what_may_be_a_report_is_read_whole(known: Known, fields: dict[str, str]) -> None:
    inbound = message(**({"author": "x@x.test"} | fields))
    assert concerns(inbound, known)
    assert not concerns(inbound, index([], MINE)), "with nobody enrolled no body is read"


def test_the_header_section_alone_is_enough() -> None:
    known = index([fold("c1", [enrolled()])], MINE)
    assert concerns(parse_headers(b"From: anna@prospect.test\r\nMessage-ID: <a1@prospect.test>\r\n\r\n"), known)


def test_each_conversation_once_by_its_strongest_evidence(known: Known) -> None:
    (found,) = match(message(In_Reply_To="<1@lind.example>", References="<2@lind.example>"), known)
    assert found.evidence is Evidence.THREAD
    assert found.because == "it names <1@lind.example>"


def test_addresses_are_known_in_lower_case_however_they_were_enrolled() -> None:
    known = index([fold("c1", [enrolled("Anna@Prospect.Test")])], MINE)
    assert [each.conversation_id for each in match(message(), known)] == ["c1"]
