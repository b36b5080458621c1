"""Three sentences a language and verdict: sentences.toml as messages, each with what it is."""

import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from inboxagent.mail.classify import Kind, Verdict, classify
from inboxagent.mail.inbound import parse

NOW = datetime(2026, 3, 3, 10, tzinfo=UTC)
TABLE = tomllib.loads((Path(__file__).parent / "sentences.toml").read_text("utf-8"))


def rows(verdict: str) -> list[object]:
    """The sentences on one verdict; a dated one comes with its day."""
    return [
        pytest.param(*([row] if isinstance(row, str) else row), id=f"{language}-{number}")
        for language, verdicts in TABLE.items()
        for number, row in enumerate(verdicts[verdict], 1)
    ]


def judge(text: str, *fields: str) -> Verdict:
    head = ["From: Nils <nils@kontor.example>", "In-Reply-To: <m1@lind.example>", "Subject: Re: Offer", *fields]
    head += ["MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit"]
    return classify(parse(("\r\n".join(head) + "\r\n\r\n" + text + "\r\n").encode()), now=NOW, replies_to_ours=True)


def test_three_a_language_and_verdict() -> None:
    assert {len(sentences) for verdicts in TABLE.values() for sentences in verdicts.values()} == {3}
    assert {tuple(verdicts) for verdicts in TABLE.values()} == {("stop", "later", "away", "refusal", "promise")}


@pytest.mark.parametrize("text", rows("stop"))
def test_stop(text: str) -> None:
    assert judge(text).kind is Kind.UNSUBSCRIBE


@pytest.mark.parametrize(("text", "day"), rows("later"))
def test_later(text: str, day: str) -> None:
    verdict = judge(text)
    assert (verdict.kind, str(verdict.contact_after)) == (Kind.NOT_NOW, day)


@pytest.mark.parametrize(("text", "day"), rows("away"))
def test_away(text: str, day: str) -> None:
    verdict = judge(text, "Auto-Submitted: auto-replied")
    assert (verdict.kind, str(verdict.return_date)) == (Kind.AUTO_REPLY, day)


@pytest.mark.parametrize("text", rows("refusal"))
def test_refusal(text: str) -> None:
    verdict = judge(text)
    assert (verdict.kind, verdict.intent) == (Kind.REPLY, "refusal")


@pytest.mark.parametrize("text", rows("promise"))
def test_promise(text: str) -> None:
    verdict = judge(text)
    assert (verdict.kind, verdict.intent) == (Kind.REPLY, "promise")
