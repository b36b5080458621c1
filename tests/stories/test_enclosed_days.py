"""What goes with a letter besides its words: a signature, files, the message it answers, a way to say no."""

import email
import email.policy
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest

from inboxagent.edge.enclosures import enclosures_in
from inboxagent.outreach.outbox import Phase
from inboxagent.outreach.unsubscribing import Unsubscribing
from tests.stories.people import ANNE, BART
from tests.stories.world import PROPOSAL, World

BROCHURE = b"%PDF-1.7 \x00\xff\r\n.\r\n" * 40


def letters(world: World) -> list[EmailMessage]:
    """Every letter that a server has accepted, as a mail program reads it."""
    accepted = [
        email.message_from_bytes(each.message, policy=email.policy.default) for each in world.transport.accepted
    ]
    return [each for each in accepted if isinstance(each, EmailMessage)]


def words(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def attaching(*names: str) -> World:
    """A world in which the first step attaches these files."""
    first, *others = PROPOSAL.steps
    return World(sequence=replace(PROPOSAL, steps=(replace(first, attach=names), *others)))


async def test_what_the_rule_attaches_arrives(tmp_path: Path) -> None:
    """The octets and the name as they are; the next letter has none; the copy in Sent has them too."""
    (tmp_path / "Übersicht & Preise.pdf").write_bytes(BROCHURE)
    (tmp_path / "notes").write_text("plain\n")
    world = attaching("Übersicht & Preise.pdf", "notes")
    world.enclosures = enclosures_in(tmp_path)
    world.start()
    await world.begin(ANNE)
    await world.days(8)
    first, second = letters(world)
    attached = {each.get_filename(): each.get_payload(decode=True) for each in first.iter_attachments()}
    assert attached == {"Übersicht & Preise.pdf": BROCHURE, "notes": b"plain\n"}
    assert [each.get_content_type() for each in first.iter_attachments()] == [
        *("application/pdf", "application/octet-stream")
    ]
    assert "this is the nudge" in words(first)
    assert (list(second.iter_attachments()), second["References"].split()[-1]) == ([], first["Message-ID"])
    assert any(world.transport.accepted[0].message in each.raw for each in world.server.boxes["Sent"].messages.values())


@pytest.mark.parametrize("missing", ["gone.pdf", "folder"])
async def test_a_file_that_is_missing_keeps_the_letter_back(tmp_path: Path, missing: str) -> None:
    """Case 80: not sent, and she is told which file; back in its place, the letter goes when she resumes."""
    (tmp_path / "folder").mkdir()
    world = attaching(missing)
    world.enclosures = enclosures_in(tmp_path)
    world.start()
    await world.begin(ANNE)
    await world.days(20)
    assert (world.transport.handed_over, world.state(ANNE)) == ([], "held")
    assert f"{tmp_path / missing}, which it attaches, cannot be read" in world.of(ANNE).because


async def test_a_letter_that_is_too_big_for_the_server_is_held() -> None:
    """SIZE, or a 552: the letter is refused, he is none the worse, and the others go."""
    world = World()
    await world.begin(ANNE, BART)
    world.transport.reply(Phase.MAIL, 552, "5.3.4 Message size exceeds fixed limit")
    await world.days(4)
    assert sorted([world.state(ANNE), world.state(BART)]) == ["held", "waiting"]
    assert world.store.suppression(ANNE) is None
    assert len(world.transport.accepted) == 1


async def test_her_signature_stands_below(tmp_path: Path) -> None:
    """Edited, it counts at once; where the rule says no there is none; an answer that quotes it adds nothing."""
    signature = tmp_path / "signature.txt"
    signature.write_text("Maya Lind\nLind & Söhne\n")
    world = World(enclosures=enclosures_in(tmp_path))
    await world.begin(ANNE)
    await world.days(3.5)
    signature.write_text("Maya\n")
    await world.days(4)
    world.books["proposal"] = replace(world.sequence, signature=False)
    await world.days(8)
    ends = [words(each).rpartition("Maya\n\n")[2] if "-- " in words(each) else "" for each in letters(world)]
    assert ends == ["-- \nMaya Lind\nLind & Söhne\n", "-- \nMaya\n", ""]
    world.answer(ANNE, text=f"Yes.\n\n{words(letters(world)[0])}")
    await world.cycle()
    assert "Söhne" not in str(world.of(ANNE).events[-1].text)


async def test_a_signature_that_cannot_be_read_keeps_the_letter_back(tmp_path: Path) -> None:
    (tmp_path / "signature.txt").write_bytes(b"M\xe4ya")
    world = World(enclosures=enclosures_in(tmp_path))
    await world.begin(ANNE)
    await world.days(5)
    assert world.transport.accepted == []
    assert "signature.txt cannot be read" in world.of(ANNE).because


async def test_the_message_that_is_answered_is_quoted_where_the_rule_says_so() -> None:
    """Case 76: his or hers, without what it quoted itself; her own words coming back are no answer of his."""
    world = World(sequence=replace(PROPOSAL, quote=True))
    world.she_writes(ANNE, text="Dear Anne,\n\nhere it is. From me.\n> an old quotation\n")
    await world.enrol(ANNE)
    await world.days(8)
    first, second = map(words, letters(world))
    assert first.partition("maya@lind.test, 2 November 2026:\n")[2] == "> Dear Anne,\n>\n> here it is. From me.\n"
    assert "\n> this is the nudge about our project.\n" in second
    assert "here it is" not in second


async def test_a_message_that_is_gone_is_not_quoted() -> None:
    world = World(sequence=replace(PROPOSAL, quote=True))
    await world.begin(ANNE)
    world.server.expunge("Sent", 1)
    await world.days(4)
    assert ">" not in words(letters(world)[0])


async def test_a_page_to_say_no_on() -> None:
    """RFC 8058, only where she has such a page; the address by mail stays."""
    world = World(unsubscribing=Unsubscribing(by_mail=True, page="https://lind.example/no?t={token}"))
    await world.begin(ANNE)
    await world.days(4)
    (letter,) = letters(world)
    token = letter["Message-ID"][1:41]
    by_mail = f"<mailto:maya@lind.test?subject=unsubscribe%20{token}>"
    assert letter["List-Unsubscribe"] == f"<https://lind.example/no?t={token}>, {by_mail}"
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
