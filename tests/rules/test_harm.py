"""Warnings for text that works and harms; none for what ships."""

from datetime import date
from pathlib import Path

import pytest

from inboxagent.outreach.phrases import Phrases
from inboxagent.rules.harm import find_harm
from inboxagent.rules.parse import parse_rule

TODAY = date(2026, 11, 22)
FINE = "Which part of the proposal would you like to see changed?"


def warnings(letter: str = FINE, lines: str = "", settings: str = "", changed: date = TODAY) -> list[str]:
    source = f"---\n{settings}\n---\n\n## one\nwait: 3 days\n\n{FINE}\n\n## two\nwait: 4 days\n{lines}\n\n{letter}\n"
    sequence, problems = parse_rule("rules/x.md", source.replace("\n\n\n", "\n\n"), {})
    assert sequence is not None, problems
    return [problem.text for problem in find_harm("rules/x.md", sequence, TODAY, changed)]


def test_a_good_letter_is_left_alone() -> None:
    assert warnings() == []


@pytest.mark.parametrize(
    ("letter", "words"),
    [
        ("I think I have what I need, and I would like to show you my plan.", "speaks 5 times of yourself and 1 times"),
        ("I was just checking in about the proposal.", '"just checking in" says nothing new'),
        ("Which part is unclear?\n\nMay we speak on Friday?", "asks for two things"),
        ("word " * 151, "has 151 words"),
    ],
)
def test_a_letter_that_harms(letter: str, words: str) -> None:
    (told,) = warnings(letter)
    assert words in told


@pytest.mark.parametrize(
    ("language", "letter", "empty"),
    [
        ("de", "Ich wollte nur nachfragen, ob ich Ihnen noch etwas schicken soll.", "wollte nur nachfragen"),
        ("fr", "Je me permets de vous relancer au sujet de votre projet.", "Je me permets de vous relancer"),
        ("es", "Solo quería saber si ha visto la propuesta.", "Solo quería saber"),
        ("it", "Volevo solo sapere se ha visto la proposta.", "Volevo solo sapere"),
        ("nl", "Ik wilde even checken of u het voorstel hebt gezien.", "even checken"),
        ("sv", "Jag ville bara höra om du har sett offerten.", "ville bara höra"),
    ],
)
def test_empty_talk_in_other_languages(language: str, letter: str, empty: str) -> None:
    (told,) = warnings(letter, settings=f"language: {language}")
    assert told == f'"{empty}" says nothing new'


def test_letters_too_close_together() -> None:
    source = f"---\n---\n## one\nwait: 1 hour\n\n{FINE}\n\n## two\nwait: 1 business day\n\n{FINE}\n"
    sequence, _ = parse_rule("rules/x.md", source, {})
    assert sequence is not None
    (problem,) = find_harm("rules/x.md", sequence, TODAY)
    assert problem.text == "only 1 business day after the letter before it"
    assert (problem.line, problem.severity) == (8, "warning")


def test_an_offer_that_is_over() -> None:
    assert warnings(lines="expires: 2026-11-21") == ["its offer ended on 2026-11-21, so it is never sent"]
    assert warnings(lines="expires: 2026-11-22") == []


def test_a_file_that_nobody_has_changed_for_a_year() -> None:
    assert warnings(changed=date(2025, 11, 22)) == []
    assert warnings(changed=date(2025, 11, 21)) == ["nobody has changed this file for 366 days"]


def test_what_ships_does_no_harm(phrasebook: dict[str, Phrases]) -> None:
    rules = sorted((Path(__file__).parents[2] / "rules").glob("*.md"))

    for path in rules:
        sequence, _ = parse_rule(str(path), path.read_text("utf-8"), phrasebook)
        assert sequence is not None
        assert find_harm(str(path), sequence, TODAY) == ()
