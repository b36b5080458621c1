"""Which conversations a message concerns, and by what."""

from base64 import b64encode
from dataclasses import replace
from datetime import timedelta

import pytest

from inboxagent.mail.inbound import Inbound, parse_headers
from inboxagent.outreach.case import thread_mail
from inboxagent.outreach.events import Word
from inboxagent.outreach.fold import fold
from inboxagent.outreach.match import Evidence, Known, concerns, find, index, is_hers, match, match_ids
from tests.fakes.messages import ANNA, MAYA, message, report
from tests.fakes.people import MONDAY, enrolled, happened, mail

MINE = frozenset({MAYA, "m.lind@home.example"})
OTHER = "bart@prospect.test"


@pytest.fixture
def known() -> Known:
    """Anna in c1, whose thread is `<1@lind.example>` and a follow-up `<2@...>`, and who got `<5@...>` beside it; Bart
    in c2, in a thread of his own."""
    intent = happened(Word.INTENT, message_id="<2@lind.example>", step="nudge", mail=mail(2))
    bart = enrolled(OTHER)
    assert bart.enrolment is not None
    own = replace(bart, enrolment=replace(bart.enrolment, thread=("<9@lind.example>",), latest=mail(9)))
    aside = happened(Word.OWN_MAIL, message_id="<5@lind.example>")
    return index([fold("c1", [enrolled(), intent, aside]), fold("c2", [own])], MINE)


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
        ({"author": "x@x.test", "Reply_To": f"Anna <{ANNA}>"}, {"c1": Evidence.ADDRESS}),
        ({"author": "x@x.test", "Sender": ANNA}, {"c1": Evidence.ADDRESS}),
        ({"author": "x@x.test", "To": f"{MAYA}, {ANNA}"}, {}),
        ({"author": f"team: {ANNA}, x@x.test;"}, {"c1": Evidence.ADDRESS}),
        ({"author": "x@x.test", "Message_ID": "<2@lind.example>"}, {"c1": Evidence.OURS}),
        ({"author": "anna+x@prospect.test"}, {"c1": Evidence.ADDRESS}),
        ({"author": "joanna+x@prospect.test"}, {}),
        ({"author": "maya+x@lind.example", "To": "anna+x@prospect.test"}, {"c1": Evidence.TO_HIM}),
        ({"author": "x@x.test", "In_Reply_To": "<5@lind.example>"}, {"c1": Evidence.ASIDE}),
        ({"author": ANNA, "In_Reply_To": "<5@lind.example>"}, {"c1": Evidence.ADDRESS}),
        ({"author": MAYA, "To": "x@x.test", "In_Reply_To": "<5@lind.example>"}, {}),
        ({"author": MAYA, "To": ANNA}, {"c1": Evidence.TO_HIM}),
        ({"author": "M.Lind@home.example", "To": "x@x.test", "Cc": OTHER}, {"c2": Evidence.TO_HIM}),
        ({"author": MAYA, "To": "x@x.test", "Bcc": ANNA}, {"c1": Evidence.TO_HIM}),
        ({"author": MAYA, "To": "boss@lind.example", "References": "<1@lind.example>"}, {"c1": Evidence.TO_HIM}),
        ({"author": MAYA, "To": "x@x.test"}, {}),
        ({"author": MAYA, "To": ANNA, "Message_ID": "<2@lind.example>"}, {"c1": Evidence.OURS}),
    ],
)
def test_by_what_a_message_is_linked(known: Known, fields: dict[str, str], found: dict[str, Evidence]) -> None:
    inbound = message(**({"Subject": "Another matter"} | fields))
    assert {each.conversation_id: each.evidence for each in match(inbound, known)} == found
    assert {each.conversation_id: each.evidence for each in find(inbound, MONDAY, known)} == found
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
        ({"author": MAYA, "Reply_To": "anna+x@prospect.test"}, False),
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
        {"Subject": "WG: Re: PROPOSAL"},
        {"Content_Type": 'multipart/report; boundary="b"'},
        {"Return_Path": "<>"},
        {"X_Failed_Recipients": ANNA},
        {"author": "Mail Delivery System <MAILER-DAEMON@mx.test>"},
        {"author": "postmaster@mx.test"},
    ],
)
def test_what_may_be_a_report_or_a_quotation_is_read_whole(known: Known, fields: dict[str, str]) -> None:
    inbound = message(**({"author": "x@x.test", "Subject": "Undelivered"} | fields))
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


# --- what somebody unknown quotes

FORWARDED = """\
Hello Maya, Anna gave me this; could we talk?

-------- Forwarded Message --------
Subject: Proposal
Date: Mon, 2 Nov 2026 09:00:00 +0000
From: Maya Lind <maya@lind.example>
To: Anna <Anna@prospect.test>

Here it is.
"""
INDEX = b64encode(bytes(range(22)) + b"0").decode()
INDEX_OF_A_REPLY = b64encode(bytes(range(22)) + b"0 and a bit more").decode()


def quoted(inbound: Inbound, known: Known) -> dict[str, str]:
    """What is found, and by what."""
    assert all(each.evidence is Evidence.QUOTE for each in find(inbound, MONDAY, known))
    return {each.conversation_id: each.because for each in find(inbound, MONDAY, known)}


def test_a_message_that_quotes_ours_under_the_subject_of_the_thread(known: Known) -> None:
    jane = "jane@prospect.test"
    by_address = quoted(message(jane, FORWARDED, Subject="Fwd: Proposal"), known)
    assert by_address == {"c1": "under the subject of the thread its text names anna@prospect.test"}
    by_id = quoted(message(jane, "> Message-ID: <2@lind.example>\n> Hello.\n", Subject="AW: proposal"), known)
    assert by_id == {"c1": "its text quotes <2@lind.example>"}
    attached = (
        "--b\r\nContent-Type: text/plain\r\n\r\nSee below.\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
        "From: x@x.test\r\nMessage-ID: <1@lind.example>\r\n\r\nHere it is.\r\n--b--\r\n"
    )
    kind = 'multipart/mixed; boundary="b"'
    assert quoted(message(jane, attached, Subject="Fwd: Proposal", Content_Type=kind), known).keys() == {"c1"}


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("Hello.\n", {"Subject": "Re: Proposal"}),
        (FORWARDED, {"Subject": "Something else"}),
        (FORWARDED.replace("Anna@prospect.test", "anna@other.test"), {"Subject": "Proposal"}),
        (FORWARDED, {"Subject": "Proposal", "List_Id": "<clients.test>"}),
        (FORWARDED, {"Subject": "Proposal", "Precedence": "bulk"}),
        (f"Write to {OTHER}, who has another thread.\n", {"Subject": "Proposals"}),
        ("<1@LIND.example> <3@lind.example>\n", {"Subject": "Proposal"}),
    ],
)
def test_a_subject_or_a_quotation_alone_is_nothing(known: Known, text: str, fields: dict[str, str]) -> None:
    assert find(message("x@x.test", text, **fields), MONDAY, known) == ()


def test_her_own_mail_quotes_nobody(known: Known) -> None:
    assert find(message(MAYA, FORWARDED, To="boss@lind.example", Subject="Fwd: Proposal"), MONDAY, known) == ()


def test_an_answer_that_has_only_the_thread_index_of_the_thread() -> None:
    told = enrolled()
    assert told.enrolment is not None
    latest = thread_mail(message(MAYA, To=ANNA, Thread_Index=INDEX), MONDAY)
    known = index([fold("c1", [replace(told, enrolment=replace(told.enrolment, latest=latest))])], MINE)
    inbound = message("jane@prospect.test", Subject="Other", Thread_Index=INDEX_OF_A_REPLY)
    assert concerns(inbound, known)
    (found,) = match(inbound, known)
    assert found.evidence is Evidence.THREAD
    assert found.because.startswith("it has the Thread-Index AAEC")
    text = f"From: Maya\n> Thread-Index: {INDEX}\n"
    (found,) = find(message("x@x.test", text, Subject="Re: Proposal"), MONDAY, known)
    assert found.evidence is Evidence.QUOTE
    for strange in ("", "AAECAw==", "no base64 at all", b64encode(bytes(30)).decode()):
        assert match(message("x@x.test", Subject="Other", Thread_Index=strange), known) == ()


# --- reports that return nothing


@pytest.mark.parametrize(
    ("recipient", "original", "days", "found"),
    [
        (ANNA, "", 1.0, Evidence.RECIPIENT),
        (ANNA, "", 7.9, Evidence.RECIPIENT),  # the follow-up went out a day after Monday
        (ANNA, "", 8.1, None),
        (ANNA, "<never@written.test>", 1.0, None),
        (ANNA, "<2@lind.example>", 30.0, Evidence.REPORT),
        ("x@x.test", "", 1.0, None),
    ],
)
def test_a_report_by_its_recipient(known: Known, recipient: str, original: str, days: float, found: Evidence) -> None:
    inbound = report(recipient, original)
    matches = find(inbound, MONDAY + timedelta(days=days), known)
    assert [each.evidence for each in matches] == ([found] if found else [])
