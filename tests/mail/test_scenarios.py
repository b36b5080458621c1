"""The hard cases of machine answers, reports and what he says, each as the message it is about and its verdict.

What a verdict does to a conversation stands with the judgement; here are the states that follow from it at once.
"""

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

from inboxagent.mail.classify import Kind, Verdict, classify
from inboxagent.mail.inbound import Inbound, parse
from inboxagent.outreach.case import Arrival
from inboxagent.outreach.events import Word
from inboxagent.outreach.fold import advance, fold
from inboxagent.outreach.judgement import judge_his
from inboxagent.outreach.match import Evidence, Match, index, match
from inboxagent.outreach.model import Me
from inboxagent.outreach.state import Conversation, State
from tests.fakes.messages import ANNA
from tests.fakes.people import MONDAY, enrolled, mail

HER = Me(name="Maya Lind", address="maya@lind.example", zone="Europe/Berlin")
NOW = datetime(2026, 8, 31, 10, tzinfo=UTC)  # a Monday
FOOTER = 'If you want no more mail from me, answer "unsubscribe".'
REPLY = {"In-Reply-To": "<1@lind.example>", "Subject": "Re: Proposal"}
AUTO = {"Auto-Submitted": "auto-replied"}


@dataclass(frozen=True)
class Case:
    """A message as fields and text, and what must be said of it."""

    number: int
    text: str
    kind: Kind
    fields: dict[str, str] = field(default_factory=dict)
    says: dict[str, Any] = field(default_factory=dict)
    title: str = ""


def message(case: Case) -> Inbound:
    fields = {"From": f"Anna <{ANNA}>", "To": "maya@lind.example", "Message-ID": f"<c{case.number}@prospect.test>"}
    fields |= {"Subject": "Proposal", "MIME-Version": "1.0", "Content-Type": "text/plain; charset=utf-8", **case.fields}
    return parse("\r\n".join([*(f"{name}: {value}" for name, value in fields.items()), "", case.text]).encode())


def verdict_on(case: Case) -> Verdict:
    return classify(message(case), ours=[FOOTER], now=NOW, replies_to_ours="In-Reply-To" in case.fields)


def dsn(status: str, action: str, diagnostic: str, original: str = "Message-ID: <1@lind.example>") -> tuple[str, Any]:
    """The text and the fields of a delivery report on her letter to Anna."""
    parts = (
        "Content-Type: text/plain\r\n\r\nYour letter was not delivered.",
        "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.prospect.test\r\n\r\n"
        f"Final-Recipient: rfc822; {ANNA}\r\nAction: {action}\r\n"
        f"Status: {status}\r\nDiagnostic-Code: smtp; {diagnostic}",
        f"Content-Type: message/rfc822-headers\r\n\r\n{original}",
    )
    text = "".join(f"--x\r\n{part}\r\n\r\n" for part in parts) + "--x--\r\n"
    sender = {"From": "MAILER-DAEMON@mx.prospect.test", "Subject": "Undelivered Mail Returned to Sender"}
    return text, sender | {"Content-Type": 'multipart/report; report-type=delivery-status; boundary="x"'}


def reported(number: int, title: str, report: tuple[str, Any], kind: Kind, **says: Any) -> Case:
    return Case(number, report[0], kind, report[1], says, title)


RECEIPT_FIELDS = {"Content-Type": 'multipart/report; report-type=disposition-notification; boundary="x"'}
RECEIPT = (
    "--x\r\nContent-Type: text/plain\r\n\r\nYour message was displayed.\r\n\r\n"
    "--x\r\nContent-Type: message/disposition-notification\r\n\r\n"
    f"Final-Recipient: rfc822; {ANNA}\r\nOriginal-Message-ID: <1@lind.example>\r\n"
    "Disposition: manual-action/MDN-sent-manually; displayed\r\n\r\n--x--\r\n"
)

MACHINES = [
    Case(21, "I am on holiday.", Kind.AUTO_REPLY, AUTO | REPLY, title="Gmail vacation"),
    Case(
        *(22, "Ich bin nicht im Büro.", Kind.AUTO_REPLY),
        {"Auto-Submitted": "auto-generated", "Subject": "Automatische Antwort: Proposal"},
        title="Exchange",
    ),
    Case(23, "Fine with me.", Kind.REPLY, REPLY | {"X-Auto-Response-Suppress": "All"}, title="a forwarding hop"),
    Case(
        *(24, "I am away.", Kind.AUTO_REPLY),
        {"Subject": "[External] Automatic reply: Proposal"},
        title="nothing but a subject behind a tag",
    ),
    Case(
        *(25, "I am out of the office until 7 September.", Kind.AUTO_REPLY, AUTO),
        says={"return_date": date(2026, 9, 8)},
        title="a fresh mail",
    ),
    Case(
        *(26, "I am away. Back on 8 September.", Kind.AUTO_REPLY, AUTO | REPLY),
        says={"return_date": date(2026, 9, 8)},
        title="a date of return",
    ),
    Case(27, "I am out of the office.", Kind.AUTO_REPLY, AUTO, {"return_date": None}, "no date"),
    Case(
        *(30, "I have left the company. Please contact Ben: ben@prospect.test", Kind.AUTO_REPLY, AUTO),
        says={"intent": "left", "successor": "ben@prospect.test"},
        title="who left names Ben",
    ),
    Case(
        *(31, "This mailbox is no longer monitored.", Kind.AUTO_REPLY),
        REPLY | {"From": "noreply@prospect.test"},
        {"intent": "unmonitored"},
        "nobody reads it",
    ),
    Case(
        *(32, "We have received your request. Your ticket number is #123. Do not reply to this mail.", Kind.AUTO_REPLY),
        REPLY | {"Subject": "[#123] Re: Proposal"},
        {"intent": "ticket"},
        "a ticket",
    ),
    Case(
        *(33, f"Gladly, on Tuesday.\r\n\r\n> Shall we talk?\r\n> {FOOTER}", Kind.REPLY, REPLY),
        title="her footer quoted",
    ),
    Case(
        *(33, f"Gladly, on Tuesday.\r\n\r\n{FOOTER}", Kind.REPLY, REPLY),
        title="her footer quoted without a mark",
    ),
    Case(33, "Sorry, I was out of office last week. Send it again?", Kind.REPLY, REPLY, title="was away"),
    Case(34, RECEIPT, Kind.OTHER, RECEIPT_FIELDS, title="a read receipt"),
    Case(
        *(36, "Your message is being held. Click here to confirm that you are a human.", Kind.AUTO_REPLY, REPLY),
        title="challenge and response",
    ),
    Case(
        37, "What is new with us.", Kind.OTHER, {"Precedence": "bulk", "List-Id": "<n.prospect.test>"}, title="a list"
    ),
]

REPORTS = [
    reported(
        *(39, "an unknown user", dsn("5.1.1", "failed", "550 5.1.1 User unknown"), Kind.BOUNCE),
        permanent=True,
        recipients=(ANNA,),
        original_message_id="<1@lind.example>",
    ),
    reported(40, "still trying", dsn("4.4.1", "delayed", "connection timed out"), Kind.DELAYED, permanent=False),
    reported(40, "given up", dsn("4.4.1", "failed", "connection timed out"), Kind.BOUNCE, permanent=False),
    reported(41, "full for good", dsn("5.2.2", "failed", "552 5.2.2 Mailbox full"), Kind.BOUNCE, permanent=False),
    reported(41, "full for now", dsn("4.2.2", "failed", "452 4.2.2 Over quota"), Kind.BOUNCE, permanent=False),
    reported(
        42, "a policy", dsn("5.7.1", "failed", "554 5.7.1 Message rejected as spam"), Kind.BOUNCE, permanent=False
    ),
    reported(
        *(43, "backscatter", dsn("5.1.1", "failed", "550 User unknown", "Subject: Cheap watches"), Kind.BOUNCE),
        original_ids=(),
    ),
]

WORDS = [
    Case(46, "Not interested.", Kind.REPLY, REPLY, {"intent": "refusal"}, "a refusal"),
    Case(47, "Not now, call me in May.", Kind.NOT_NOW, REPLY, {"contact_after": date(2027, 5, 1)}, "in May"),
    Case(48, "Stop", Kind.UNSUBSCRIBE, REPLY, title="one word"),
    Case(48, "unsubscribe!", Kind.UNSUBSCRIBE, REPLY, title="another word"),
    Case(48, "I'll stop by on Tuesday.", Kind.REPLY, REPLY, title="he only stops by"),
    Case(49, "Please remove me from your list, but my colleague may like it.", Kind.UNSUBSCRIBE, REPLY, title="not me"),
    Case(
        *(50, "Thanks, will look at it and come back next week.", Kind.REPLY, REPLY),
        {"intent": "promise", "promised_until": date(2026, 9, 13)},
        "a promise",
    ),
    Case(51, "What does it cost?", Kind.REPLY, REPLY, {"intent": "question"}, "a question"),
    Case(52, f"\r\n-- \r\nAnna Berg\r\n\r\n> {FOOTER}", Kind.REPLY, REPLY, {"intent": None}, "only a signature"),
    Case(53, "Zoveel geld heb ik niet over.", Kind.REPLY, REPLY, title="another language"),
]

NAMED = [pytest.param(case, id=f"case {case.number}: {case.title}") for case in MACHINES + REPORTS + WORDS]


@pytest.mark.parametrize("case", NAMED)
def test_case(case: Case) -> None:
    verdict = verdict_on(case)
    assert verdict.kind is case.kind, verdict.because
    assert {name: getattr(verdict, name) for name in case.says} == case.says
    assert verdict.because


STATES = {
    21: State.HELD,
    25: State.HELD,
    30: State.STOPPED,
    31: State.STOPPED,
    32: State.WAITING,
    33: State.ANSWERED,
    34: State.WAITING,
    37: State.WAITING,
    39: State.STOPPED,
    40: State.WAITING,
    41: State.WAITING,
    46: State.STOPPED,
    47: State.HELD,
    48: State.STOPPED,
    51: State.ANSWERED,
}


def after(case: Case) -> Conversation:
    """Her conversation with Anna once the message was judged."""
    before = fold("c1", [enrolled()])
    at = MONDAY + timedelta(days=1)
    found = Match(conversation_id="c1", evidence=Evidence.THREAD, because="it names her letter")
    arrival = Arrival(message=message(case), received_at=at, now=at)
    consequence = judge_his(before, found, verdict_on(case), arrival, HER, None)
    return reduce(advance, consequence.events, before)


@pytest.mark.parametrize("number", STATES)
def test_what_becomes_of_the_conversation(number: int) -> None:
    case = next(case for case in MACHINES + REPORTS + WORDS if case.number == number)
    assert after(case).state is STATES[number]


def test_a_person_whose_program_calls_his_answer_a_report() -> None:
    """Doubt about a human message is resolved as a human reply: a Content-Type alone bounces nothing."""
    raw = (
        b"From: Anna <anna@prospect.test>\r\nTo: maya@lind.test\r\nSubject: Re: The proposal\r\n"
        b"Message-ID: <odd@prospect.test>\r\nIn-Reply-To: <m1@lind.test>\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=x\r\n\r\nYes please\r\n"
    )
    assert classify(parse(raw)).kind is Kind.REPLY


def in_two_threads() -> tuple[Conversation, Conversation]:
    """Her conversations with Anna under two sequences, each with a thread of its own."""
    other = enrolled()
    assert other.enrolment is not None
    latest = replace(mail(7), subject="Training")
    elsewhere = replace(other.enrolment, sequence="training", latest=latest, thread=(latest.message_id,))
    return fold("c1", [enrolled()]), fold("c2", [replace(other, enrolment=elsewhere)])


def test_case_28_an_absence_holds_all_her_sequences_with_him() -> None:
    case = next(case for case in MACHINES if case.number == 26)
    note, verdict = message(case), verdict_on(case)
    both = in_two_threads()
    found = match(note, index(both, frozenset({"maya@lind.example"})))
    assert {each.conversation_id for each in found} == {"c1", "c2"}
    arrival = Arrival(message=note, received_at=NOW, now=NOW)
    for conversation in both:
        its = next(each for each in found if each.conversation_id == conversation.id)
        events = judge_his(conversation, its, verdict, arrival, HER, None).events
        held = reduce(advance, events, conversation)
        assert held.state is State.HELD
        assert held.held_until is not None
        assert held.held_until.date() == date(2026, 9, 8)  # the midnight in Berlin that begins the 9th


def test_case_38_two_machines_do_not_talk_for_ever() -> None:
    """Each answer to it is a note of his absence, the later ones of a day mere notes: none is written to, none moves
    the hold by a day."""
    conversation, ends = fold("c1", [enrolled()]), []
    found = Match(conversation_id="c1", evidence=Evidence.THREAD, because="it names her letter")
    for number in range(4):
        note = message(Case(900 + number, "I am out of the office.", Kind.AUTO_REPLY, AUTO | REPLY))
        at = MONDAY + timedelta(days=1, hours=number)
        arrival = Arrival(message=note, received_at=at, now=at)
        verdict = classify(note, now=at, replies_to_ours=True)
        events = judge_his(conversation, found, verdict, arrival, HER, None).events
        assert [event.word for event in events] == [Word.NOTE if number else Word.AUTO_REPLY]
        conversation = reduce(advance, events, conversation)
        ends.append(conversation.held_until)
    assert conversation.state is State.HELD
    assert max(ends) - min(ends) < timedelta(days=1)


ELSEWHERE = {
    29: "the calendar of a hold: tests/outreach/test_decide.py, tests/stories/test_her_hand.py",
    44: "sending: tests/stories/test_doubt.py",
    45: "sending: tests/stories/test_doubt.py, tests/stories/test_server_says_no.py",
}
LATER = {35, 54}  # calendar answers and opt-outs by List-Unsubscribe have not been asked for


def test_every_case_of_these_sections_is_a_test() -> None:
    here = {case.number for case in MACHINES + REPORTS + WORDS} | {28, 38}
    assert here | set(ELSEWHERE) | LATER == set(range(21, 55))
    root = Path(__file__).resolve().parents[2]
    for number, where in ELSEWHERE.items():
        for path in where.partition(": ")[2].split(", "):
            assert re.search(rf"Cases? [\d, ]*{number}\b", (root / path).read_text("utf-8")), (number, path)
