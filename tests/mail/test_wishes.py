"""What a verdict says beside its kind: until when an answer is promised, and who is named instead."""

from datetime import UTC, datetime

import pytest

from inboxagent.mail.classify import Kind, Verdict, classify
from inboxagent.mail.inbound import parse

NOW = datetime(2026, 3, 3, 10, tzinfo=UTC)  # a Tuesday


def judge(text: str, *fields: str) -> Verdict:
    head = ["From: Nils <nils@kontor.example>", "To: maya@lind.example", "In-Reply-To: <m1@lind.example>", *fields]
    head += ["Subject: Re: Offer", "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8"]
    return classify(parse(("\r\n".join(head) + "\r\n\r\n" + text + "\r\n").encode()), now=NOW)


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("Thanks, will look at it and come back next week.", "2026-03-15"),
        ("I'll get back to you by Friday.", "2026-03-06"),
        ("I'll let you know tomorrow, or on Monday at the latest.", "2026-03-09"),
        ("We will get back to you next month.", "2026-04-30"),
        ("I'll let you know in two weeks.", "2026-03-17"),
        ("Ich melde mich nächste Woche bei Ihnen.", "2026-03-15"),
        ("Je reviens vers vous la semaine prochaine.", "2026-03-15"),
        ("Le responderé el 20 de marzo.", "2026-03-20"),
        ("来週改めてご連絡いたします。", "2026-03-15"),
        ("I'll get back to you.", "None"),
        ("I am at a fair on Monday. I will get back to you.", "None"),
    ],
)
def test_a_promise_ends_with_the_time_it_names(text: str, until: str) -> None:
    verdict = judge(text)
    assert (verdict.kind, verdict.intent, str(verdict.promised_until)) == (Kind.REPLY, "promise", until)


def test_the_words_of_the_promise_are_kept() -> None:
    assert judge("I'll get back to you by Friday.").because.endswith('; promised: "friday"')


def test_no_promise_no_date() -> None:
    assert judge("Shall I get back to you next week?").promised_until is None


@pytest.mark.parametrize(
    ("text", "successor"),
    [
        ("I have left the company. Please write to Ben: Ben.Berg@kontor.example.", "ben.berg@kontor.example"),
        ("Nils (nils@kontor.example) no longer works here; maya@lind.example may ask ben@kontor.example.", "ben@kont"),
        ("Nils arbeitet nicht mehr bei uns. Bitte wenden Sie sich an ben@kontor.example", "ben@kontor.example"),
        ("I have left the company. Ben will help you.", None),
    ],
)
def test_who_left_may_name_his_successor(text: str, successor: str | None) -> None:
    verdict = judge(text, "Auto-Submitted: auto-replied")
    assert (verdict.kind, verdict.intent) == (Kind.AUTO_REPLY, "left")
    assert (verdict.successor or "").startswith(successor or "")
    assert (verdict.successor is None) is (successor is None)


def test_who_is_only_away_has_no_successor() -> None:
    away = judge("I am away until Friday. In urgent cases: ben@kontor.example", "Auto-Submitted: auto-replied")
    assert (away.intent, away.successor) == (None, None)
