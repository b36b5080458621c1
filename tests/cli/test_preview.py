"""`preview`: every date with its reason, every letter as it would go."""

import json
from datetime import UTC, datetime

import pytest

from inboxagent.edge.system import SystemClock
from inboxagent.outreach.events import By, Word
from inboxagent.outreach.localise import say
from tests.cli.desk import Desk, ago, event


def test_a_conversation_shows_what_is_ahead(desk: Desk) -> None:
    desk.enrol("k1")
    one, two = desk.ask("preview", "k1")
    keys = ("step", "kind", "at", "because", "to", "cc", "subject", "letter", "quotes", "attachments", "fault")
    assert tuple(one) == keys
    assert (one["step"], one["kind"], one["subject"]) == ("one", "mail", "Re: Proposal")
    assert one["because"].startswith("2 days after ")
    assert one["letter"] == "Hello, did the proposal for the portal arrive?"
    assert two["because"].startswith("3 days after ")
    text = desk.run("preview", "k1").stdout
    assert "  | Subject: Re: Proposal\n  |\n  | Hello, did the proposal for the portal arrive?\n" in text


def test_behind_a_dated_hold_the_dates_move_on(desk: Desk) -> None:
    desk.enrol("k1", event(Word.AUTO_REPLY, "away", until=ago(-5)), days_ago=0)
    one, _ = desk.ask("preview", "k1")
    assert one["at"] > f"{ago(-6.9):%Y-%m-%dT%H:%M}"


def test_on_hold_it_says_what_would_happen_if_she_resumed(desk: Desk) -> None:
    desk.enrol("k1", event(Word.REPLY, "he answered", by=By.HIM))
    result = desk.run("preview", "k1")
    assert "Nothing goes out as it is. If you resumed it now:" in result.stderr
    assert "did the proposal for the portal arrive?" in result.stdout
    assert desk.ask("show", "k1")["state"] == "answered"


def test_what_is_over_has_nothing_ahead(desk: Desk) -> None:
    desk.enrol("k1", event(Word.UNSUBSCRIBE, "no mail", by=By.HIM))
    result = desk.run("preview", "k1")
    assert (result.stdout, "No letter is ahead." in result.stderr) == ("", True)
    assert desk.ask("preview", "k1") == []


def test_a_rule_file_is_shown_for_a_pretend_prospect(desk: Desk) -> None:
    path = str(desk.folder / "rules" / "quick.md")
    result = desk.run("preview", path)
    assert "Pretended: project = [project]" in result.stderr
    assert "did the proposal for [project] arrive?" in result.stdout
    assert result.stdout.endswith("2 letters in 5 days.\n")
    one, two = json.loads(desk.run("preview", path, "--json").stdout)
    assert one["at"] < two["at"]


def test_the_days_are_those_of_the_calendar_where_the_clocks_are_set_meanwhile(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SystemClock, "now", lambda self: datetime(2027, 3, 26, 9, tzinfo=UTC))
    said = desk.run("preview", str(desk.folder / "rules" / "quick.md")).stdout
    assert said.endswith("2 letters in 5 days.\n")


def test_a_rule_file_needs_no_configuration(desk: Desk) -> None:
    result = desk.run("preview", str(desk.folder / "rules" / "quick.md"), config=False)
    assert "did the proposal for [project] arrive?" in result.stdout


def test_a_file_whose_first_step_opens_the_thread_is_shown_too(desk: Desk) -> None:
    from inboxagent.edge.shipped import find

    result = desk.run("preview", str(find("rules") / "first-contact.md"))
    assert "for somebody you write to for the first time (--new)" in result.stderr
    assert "  | Subject: A question about [topic]\n" in result.stdout


def test_what_will_be_passed_over_says_why(desk: Desk) -> None:
    rule = desk.folder / "rules" / "quick.md"
    text = rule.read_text().replace("fields:\n", "fields:\n  value: {type: number, fallback: 0}\n")
    rule.write_text(text.replace("## two\n", "## two\nif: value >= 3000\n"))
    result = desk.run("preview", str(rule))
    assert "two\n  `two` is passed over: not so: value >= 3000\n" in result.stdout
    assert [each["step"] for each in desk.ask("preview", str(rule))] == ["one"]


def test_the_shipped_sequence_is_shown_to_its_end(desk: Desk) -> None:
    from inboxagent.edge.shipped import find

    coming = desk.ask("preview", str(find("rules") / "proposal.md"))
    assert len(coming) == 7
    assert all(each["letter"] and not each["fault"] for each in coming)


def test_numbers_and_dates_are_pretended_as_such(desk: Desk) -> None:
    rule = desk.folder / "rules" / "typed.md"
    rule.write_text(
        "---\nsequence: Typed\nfields:\n  value: {type: number, required: true}\n"
        "  start: {type: date, required: true}\n---\n\n## one\nwait: 1 day\n\n{{ value }} from {{ start }}\n"
    )
    (one,) = desk.ask("preview", str(rule))
    assert one["letter"] == f"1,000 from {say(ago(-30).date(), 'en')}"


def test_the_name_of_a_sequence_leads_to_its_file(desk: Desk) -> None:
    assert f"inboxagent preview {desk.folder}/rules/quick.md" in desk.run("preview", "quick", code=1).stderr
    assert "/rules/proposal.md" in desk.run("preview", "proposal", code=1).stderr


def test_a_broken_rule_file_cannot_be_previewed(desk: Desk) -> None:
    rule = desk.folder / "rules" / "quick.md"
    rule.write_text(rule.read_text().replace("wait: 2 days", "wait: 2 dais"))
    result = desk.run("preview", str(rule), code=65)
    assert '"dais" is not a unit of time' in result.stderr
    assert "Traceback" not in result.stderr


def test_what_goes_with_the_letters_is_shown(desk: Desk) -> None:
    """The signature below them, files with their sizes, that the message is quoted; and what is missing."""
    rules = desk.folder / "rules"
    (rules / "signature.txt").write_text("Maya Lind, Lind & Co\n")
    (rules / "prices.pdf").write_bytes(b"x" * 120_400)
    quick = rules / "quick.md"
    text = quick.read_text().replace("tone: brief", "tone: brief\nquote: yes")
    quick.write_text(
        text.replace("## one\n", "## one\nattach: prices.pdf\n").replace("## two\n", "## two\nattach: no.pdf\n")
    )
    desk.enrol("k1")
    text = desk.run("preview", "k1").stdout
    assert "  | Attached: prices.pdf (120 KB)\n" in text
    assert "  | --\n  | Maya Lind, Lind & Co\n  |\n  | > (the message that is answered)\n" in text
    assert "no.pdf, which it attaches, cannot be read: No such file" in " ".join(text.split())
    one, two = desk.ask("preview", "k1")
    assert (one["attachments"], one["quotes"]) == (["prices.pdf"], True)
    assert (two["letter"], two["attachments"], "no.pdf" in two["fault"]) == (None, [], True)
    assert "  | Attached: prices.pdf (120 KB)\n" in desk.run("preview", str(quick)).stdout
    checked = desk.run("check", str(quick)).stderr
    assert f'"two" attaches no.pdf, and there is no such file in {rules}' in checked
    assert "prices.pdf" not in checked
