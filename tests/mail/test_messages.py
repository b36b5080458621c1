"""Each message file beside this one with what it is: a new case is a file and a row."""

from pathlib import Path

import pytest

from inboxagent.mail.classify import Kind, classify
from inboxagent.mail.inbound import parse

FOLDER = Path(__file__).parent / "messages"
OURS = "<m1.7f3a@lind.example>"
TEXT = 'Dear Bart, shall we talk about the catalogue? If not, answer "stop".'

# file, kind, recipient, whether the address is dead
REPORTS = [
    ("bounce-postfix", Kind.BOUNCE, "dora@gone.test", True),
    ("bounce-postfix-expired", Kind.BOUNCE, "dora@far.test", False),
    ("bounce-exim", Kind.BOUNCE, "dora@gone.test", True),
    ("bounce-mailbox-full", Kind.BOUNCE, "dora@full.test", False),
    ("bounce-qmail", Kind.BOUNCE, "dora@gone.test", True),
    ("refused-by-sieve", Kind.BOUNCE, "bart@bos.test", False),
    ("delay-postfix", Kind.DELAYED, "dora@slow.test", False),
    ("delay-prose", Kind.DELAYED, "dora@slow.test", False),
    ("delivered", Kind.OTHER, "bart@bos.test", None),
    ("receipt", Kind.OTHER, None, None),
    ("complaint", Kind.UNSUBSCRIBE, "emil@egg.test", None),
]

# file, kind, intent, day of return
MACHINES = [
    ("vacation-rfc3834", None, "2026-03-16"),
    ("vacation-exchange-de", None, "2026-03-21"),
    ("vacation-no-fields", None, "2026-03-21"),
    ("vacation-sounds-like-one", None, "2026-03-16"),
    ("left-the-company", "left", "None"),
    ("ticket", "ticket", "None"),
]

# file, kind, his own words
PEOPLE = [
    ("stop-word", Kind.UNSUBSCRIBE, "STOP"),
    ("stop-hidden", Kind.UNSUBSCRIBE, "Please unsubscribe me"),
    ("stop-by", Kind.REPLY, "I'll stop by on Tuesday, around ten."),
    ("reply-top", Kind.REPLY, "Yes, send it to me, please.\n\nBart"),
    ("reply-bottom", Kind.REPLY, "Gladly. Thursday?"),
    ("reply-inline", Kind.REPLY, "The large one.\n\nIn May."),
    ("reply-outlook", Kind.REPLY, "Who else uses it?"),
    ("reply-html-only", Kind.REPLY, "Yes,\ncall me."),
    ("reply-mobile", Kind.REPLY, "Klingt gut!"),
    ("forwarding-hop", Kind.REPLY, "Fine with me."),
    (
        "about-a-bounce",
        Kind.REPLY,
        "Your mail was undeliverable last time: mailbox full, says our administrator. Try this address.",
    ),
    ("no-message-id", Kind.REPLY, "Here I am."),
]


def message(name):
    return parse((FOLDER / f"{name}.eml").read_bytes())


@pytest.mark.parametrize(("name", "kind", "recipient", "dead"), REPORTS)
def test_reports(name, kind, recipient, dead):
    verdict = classify(message(name))
    assert (verdict.kind, verdict.recipient, verdict.permanent) == (kind, recipient, dead)
    assert verdict.original_message_id == OURS


def test_a_notice_that_returns_nothing_still_names_whom():
    verdict = classify(message("bounce-exchange"))
    assert (verdict.kind, verdict.recipients, verdict.permanent) == (Kind.BOUNCE, ("dora@corp.test",), True)
    assert verdict.original_message_id is None


@pytest.mark.parametrize(("name", "intent", "back"), MACHINES)
def test_automatic_answers(name, intent, back):
    verdict = classify(message(name))
    assert (verdict.kind, verdict.intent, str(verdict.return_date)) == (Kind.AUTO_REPLY, intent, back)


@pytest.mark.parametrize(("name", "kind", "words"), PEOPLE)
def test_what_people_write(name, kind, words):
    verdict = classify(message(name))
    assert (verdict.kind, verdict.new_text) == (kind, words)


def test_our_own_lines_are_never_his():
    quoted_badly = message("reply-outlook").text.replace("________________________________", "")
    raw = f"From: bart@bos.test\r\nSubject: Re: x\r\n\r\nFine.\r\n{TEXT}\r\n{quoted_badly[:0]}".encode()
    assert classify(parse(raw), ours=[TEXT]).new_text == "Fine."


@pytest.mark.parametrize(
    ("name", "intent"), [("refusal", "refusal"), ("promise", "promise"), ("reply-bottom", "question")]
)
def test_intents(name, intent):
    verdict = classify(message(name))
    assert (verdict.kind, verdict.intent) == (Kind.REPLY, intent)


def test_list_mail_concerns_no_conversation():
    assert classify(message("newsletter")).kind is Kind.OTHER


def test_a_weak_subject_counts_only_on_an_answer_to_ours():
    raw = b"From: a@b.test\r\nSubject: Urlaub\r\n\r\nIch bin am Strand.\r\n"
    assert classify(parse(raw)).kind is Kind.REPLY
    assert classify(parse(raw), replies_to_ours=True).kind is Kind.AUTO_REPLY


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.eml")), ids=lambda path: path.stem)
def test_every_verdict_says_why(path):
    assert '"' in classify(parse(path.read_bytes())).because


def test_a_message_without_an_id_gets_a_lasting_one():
    first, second = message("no-message-id"), message("no-message-id")
    assert first.message_id == second.message_id
    assert first.message_id.endswith("@no-message-id.invalid>")
    assert not first.has_message_id
