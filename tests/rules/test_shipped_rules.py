"""The sequences and phrases that ship: every letter, as it would go."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from inboxagent.outreach.paragraphs import join_lines
from inboxagent.outreach.personalise import Letter, missing, render
from inboxagent.outreach.phrases import TONES, Phrases
from inboxagent.outreach.schedule import next_due
from inboxagent.outreach.sequence import Do, Sequence
from inboxagent.rules.parse import parse_rule

RULES = sorted((Path(__file__).parents[2] / "rules").glob("*.md"))
PEOPLE = [
    {},
    {"first_name": "Anna"},
    {"first_name": "Anna", "last_name": "Bergström", "salutation": "Ms", "project": "the new shop"},
]
FACTS = {
    "topic": "your customer portal",
    "observation": "Your page on returns is the clearest one that you will find in the trade.",
    "story": "A shop of your size asked itself the same last year. It now answers half as many letters a day.",
    "article": "https://lind.example/seven-questions",
    "summary": "You send the figures of last year by Friday, and you get a first draft of the plan a week later.",
    "next_date": "2027-03-09",
    "offer_ends": "2027-03-26",
    "result": "two days less a month for the accounts",
    "upgrade": "a part for your dealers",
}
EMPTY_TALK = re.compile(r"just (checking|following) (in|up)|touch(ing)? base|circl(e|ing) back|bump", re.IGNORECASE)


def shipped(path: Path, book: dict[str, Phrases]) -> Sequence:
    sequence, problems = parse_rule(str(path), path.read_text("utf-8"), book)
    assert problems == ()
    assert sequence is not None
    return sequence


def letters(sequence: Sequence, book: dict[str, Phrases], given: dict[str, str], tone: str | None) -> list[Letter]:
    phrases = book[sequence.language]
    given = {name: words for name, words in FACTS.items() if name in sequence.fields} | given
    steps = [replace(step, letter=letter) for step in sequence.steps for letter in step.letters if step.do is Do.MAIL]
    return [render(sequence, step, given, phrases, me_name="Maya Lind", tone=tone) for step in steps]


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
        text = " ".join(step.letters if step.do is Do.MAIL else ())
        hers = len(re.findall(r"\b(?:I|me|my|we|us|our)\b", text))
        his = len(re.findall(r"\byou(?:r|rs|rself)?\b|\{\{ (?:project|topic) \}\}", text, re.IGNORECASE))
        assert his >= hers, step.word


def test_each_letter_asks_at_most_one_thing(sequence: Sequence) -> None:
    for step in sequence.steps:
        for letter in step.letters:
            asking = [p for p in join_lines(letter).split("\n\n") if "?" in p]
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
    assert {"en", "de", "fr", "es", "it", "nl", "sv"} <= phrasebook.keys()
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


def test_all_that_is_promised_ships(phrasebook: dict[str, Phrases]) -> None:
    names = {path.stem for path in RULES}
    assert {"proposal", "first-contact", "after-call", "customer", "keep-in-touch"} <= names
    sequences = [shipped(path, phrasebook) for path in RULES]
    heirs = {name for each in sequences for name in (each.then, each.refused, each.won, each.lost) if name}
    assert heirs <= names
    steps = [step for each in sequences for step in each.steps]
    assert any(step.variants for step in steps)
    assert any(step.expires for step in steps)
    assert any(step.hours for step in steps)
    assert any(step.do is Do.TASK and "LinkedIn" in step.letter for step in steps)


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "it", "nl", "sv"])
@pytest.mark.parametrize("tone", TONES)
@pytest.mark.parametrize("given", PEOPLE, ids=["nobody", "a first name", "everything"])
def test_phrases_read_well_whoever_it_is(
    language: str, tone: str, given: dict[str, str], phrasebook: dict[str, Phrases]
) -> None:
    source = (
        "## one\nwait: 1 day\n\n{{ greeting }}\n\n{{ phrase.short_answer }}\n\n{{ phrase.easy_no }}\n\n{{ sign_off }}\n"
    )
    sequence, problems = parse_rule("rules/x.md", f"---\nlanguage: {language}\n---\n{source}", phrasebook)
    assert sequence is not None, problems
    text = render(sequence, sequence.steps[0], given, phrasebook[language], me_name="Maya Lind", tone=tone).text
    greeting, *rest = text.split("\n\n")
    assert greeting[-1] in ",:"
    assert " ," not in greeting
    assert "  " not in text
    assert all(part[-1] in ".!?" for part in rest[:2])
    assert rest[-1].endswith("\nMaya Lind")
