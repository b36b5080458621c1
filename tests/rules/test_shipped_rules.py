"""The sequences and phrases that ship: every letter, as it would go."""

import re
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from inboxagent.outreach.paragraphs import join_lines
from inboxagent.outreach.personalise import Letter, missing, render
from inboxagent.outreach.phrases import TONES, Phrases
from inboxagent.outreach.schedule import next_due
from inboxagent.outreach.sequence import Sequence
from inboxagent.rules.parse import parse_rule

RULES = sorted((Path(__file__).parents[2] / "rules").glob("*.md"))
PEOPLE = [
    {},
    {"first_name": "Anna"},
    {"first_name": "Anna", "last_name": "Bergström", "salutation": "Ms", "project": "the new shop"},
]
EMPTY_TALK = re.compile(r"just (checking|following) (in|up)|touch(ing)? base|circl(e|ing) back|bump", re.IGNORECASE)


def shipped(path: Path, book: dict[str, Phrases]) -> Sequence:
    sequence, problems = parse_rule(str(path), path.read_text("utf-8"), book)
    assert problems == ()
    assert sequence is not None
    return sequence


def letters(sequence: Sequence, book: dict[str, Phrases], given: dict[str, str], tone: str | None) -> list[Letter]:
    phrases = book[sequence.language]
    return [render(sequence, step, given, phrases, me_name="Maya Lind", tone=tone) for step in sequence.steps]


@pytest.fixture(params=RULES, ids=lambda path: path.stem)
def sequence(request: pytest.FixtureRequest, phrasebook: dict[str, Phrases]) -> Sequence:
    return shipped(request.param, phrasebook)


@pytest.mark.parametrize("tone", [None, *TONES])
@pytest.mark.parametrize("given", PEOPLE, ids=["nobody", "a first name", "everything"])
def test_every_letter_can_be_sent_as_it_is(
    sequence: Sequence, phrasebook: dict[str, Phrases], given: dict[str, str], tone: str | None
) -> None:
    for letter in letters(sequence, phrasebook, given, tone):
        assert len(letter.text.split()) <= 120
        assert "  " not in letter.text
        assert not re.search(r"[{}]|\bNone\b", letter.text)
        assert " ," not in letter.text
        assert letter.text.split("\n")[0].endswith(",")
        assert letter.text.endswith("\nMaya Lind")
        assert not EMPTY_TALK.search(letter.text)


def test_letters_speak_of_the_reader(sequence: Sequence) -> None:
    for step in sequence.steps:
        hers = len(re.findall(r"\b(?:I|me|my|we|us|our)\b", step.letter))
        his = len(re.findall(r"\byou(?:r|rs|rself)?\b|\{\{ project \}\}", step.letter, re.IGNORECASE))
        assert his >= hers, step.word


def test_each_letter_asks_at_most_one_thing(sequence: Sequence) -> None:
    for step in sequence.steps:
        asking = [p for p in join_lines(step.letter).split("\n\n") if "?" in p]
        assert len(asking) <= 1, step.word


def test_nothing_is_needed_to_enrol_somebody_in_the_proposal_sequence(phrasebook: dict[str, Phrases]) -> None:
    proposal = shipped(RULES[0].with_name("proposal.md"), phrasebook)
    assert missing(proposal, None, {}, phrasebook["en"]) == ()


def test_proposal_is_seven_touches_over_about_seven_weeks(phrasebook: dict[str, Phrases]) -> None:
    proposal = shipped(RULES[0].with_name("proposal.md"), phrasebook)
    touches = [datetime(2026, 3, 2, 9, 30, tzinfo=UTC)]
    for step in proposal.steps:
        slot = next_due(touches[-1], step.wait, proposal.hours, ZoneInfo("Europe/Berlin"), step.word)
        touches.append(slot.at)
    assert len(proposal.steps) == 7
    assert 45 <= (touches[-1] - touches[0]).days <= 56
    assert all((later - earlier).days >= 2 for earlier, later in pairwise(touches))


def test_all_phrases_exist_in_every_tone_and_language(phrasebook: dict[str, Phrases]) -> None:
    assert {"en", "de"} <= phrasebook.keys()
    names = {language: set(phrases.texts) for language, phrases in phrasebook.items()}
    assert len({frozenset(found) for found in names.values()}) == 1
    for phrases in phrasebook.values():
        for name, tones in phrases.texts.items():
            assert set(tones) == set(TONES)
            assert len(set(tones.values())) == len(TONES), f"{phrases.language}: {name} sounds the same in two tones"


def test_german_formal_greetings(phrasebook: dict[str, Phrases]) -> None:
    source = (
        "---\nlanguage: de\n---\n## eins\nwait: 1 day\n\n{{ greeting }}\n\nist alles angekommen?\n\n{{ sign_off }}\n"
    )
    german, _ = parse_rule("rules/x.md", source, phrasebook)
    assert german is not None

    def first_line(**given: str) -> str:
        (letter,) = letters(german, phrasebook, given, "formal")
        return letter.text.split("\n")[0]

    assert first_line(salutation="Frau", last_name="Dr. Weiß") == "Sehr geehrte Frau Dr. Weiß,"
    assert first_line(salutation="Herr", last_name="Klein") == "Sehr geehrter Herr Klein,"
    assert first_line(first_name="Ute", last_name="Klein") == "Guten Tag Ute Klein,"
    assert first_line() == "Guten Tag,"
