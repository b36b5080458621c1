"""Three messages a language and verdict: languages/*.txt, as somebody writes who does business in that language."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from inboxagent.mail.classify import Kind, Verdict, classify
from inboxagent.mail.inbound import parse

FOLDER = Path(__file__).parent / "languages"
NOW = datetime(2026, 3, 3, 10, tzinfo=UTC)  # a Tuesday
PERSON = "From: Nils Kontor <nils@kontor.example>\r\nIn-Reply-To: <m1@lind.example>\r\n"
SENDERS = {
    Kind.BOUNCE: "From: Mail Delivery System <MAILER-DAEMON@mx.kontor.example>\r\n",
    Kind.DELAYED: "From: Mail Delivery System <MAILER-DAEMON@mx.kontor.example>\r\n",
    Kind.OTHER: "From: Kontor <news@kontor.example>\r\n",
}
DATED = {Kind.AUTO_REPLY: "return_date", Kind.NOT_NOW: "contact_after"}
RECIPIENT = "dora@fern.example"
QUOTED = "Shall we talk about the catalogue?"


@dataclass(frozen=True)
class Said:
    """One message of a file: what it is, the day that it names, and its bytes."""

    kind: Kind
    day: str
    raw: bytes


def said(block: str) -> Said:
    """A block "verdict [day]", fields if any, an empty line, the text."""
    first, _, rest = block.partition("\n")
    name, _, day = first.strip().partition(" ")
    kind = Kind(name)
    has_fields = rest.startswith(("Subject:", "List-"))
    fields, _, text = rest.partition("\n\n") if has_fields else ("Subject: Re: Offer", "", rest)
    head = SENDERS.get(kind, PERSON) + "".join(f"{line}\r\n" for line in fields.splitlines())
    head += "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    return Said(kind, day, (head + text.strip()).replace("\r\n", "\n").encode())


def read(path: Path) -> list[Said]:
    return [said(block) for block in path.read_text("utf-8").split("=== ")[1:]]


FILES = {path.stem: read(path) for path in sorted(FOLDER.glob("*.txt"))}
MESSAGES = [
    pytest.param(each, id=f"{language}-{each.kind}-{number % 3 + 1}")
    for language, messages in FILES.items()
    for number, each in enumerate(messages)
]


def judge(message: Said) -> Verdict:
    return classify(parse(message.raw), now=NOW, replies_to_ours=b"In-Reply-To" in message.raw)


@pytest.mark.parametrize("language", FILES)
def test_a_file_has_three_of_each_verdict(language: str) -> None:
    assert [message.kind for message in FILES[language]] == [kind for kind in Kind for _ in range(3)]


def test_the_languages_that_are_promised() -> None:
    assert len(FILES) >= 24


@pytest.mark.parametrize("message", MESSAGES)
def test_message(message: Said) -> None:
    verdict = judge(message)
    assert verdict.kind is message.kind, verdict.because
    if name := DATED.get(message.kind):
        assert str(getattr(verdict, name)) == message.day
    if message.kind in (Kind.BOUNCE, Kind.DELAYED):
        assert verdict.recipients == (RECIPIENT,)
    assert QUOTED not in verdict.new_text


def test_a_robot_in_a_language_that_no_pack_knows() -> None:
    text = "Barua yako kwa dora@fern.example haikufika."
    assert classify(parse(said(f"bounce\nSubject: Taarifa\n\n{text}").raw)).recipients == (RECIPIENT,)
    written_by_a_person = f"reply\nSubject: Taarifa\n\n{text}"
    assert classify(parse(said(written_by_a_person).raw)).kind is Kind.REPLY


def test_a_robot_that_names_nobody_says_nothing_of_a_delivery() -> None:
    notice = said("bounce\nSubject: Taarifa\n\nSeva itafungwa leo usiku.")
    assert classify(parse(notice.raw)).kind is not Kind.BOUNCE


def test_a_receipt_whose_words_no_pack_knows_is_known_by_its_time() -> None:
    assert classify(parse(said("other\nSubject: Read: Offer\n\nImesomwa 3.3.2026 10:02").raw)).kind is Kind.OTHER
    assert classify(parse(said("other\nSubject: Read: Offer\n\nNimeisoma, asante.").raw)).kind is Kind.REPLY
