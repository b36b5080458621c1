"""Phrase files."""

import pytest

from inboxagent.outreach.phrases import TONES, Phrases, phrases_for
from inboxagent.rules.phrases import parse_phrases
from inboxagent.rules.problem import show
from inboxagent.rules.source import split_lines


def seen(source: str) -> list[str]:
    """The first lines of what she sees."""
    _, problems = parse_phrases("phrases/en.yaml", source)
    return [
        show(problem, split_lines(source)).split("\n", 1)[0].removeprefix("phrases/en.yaml:") for problem in problems
    ]


def test_a_phrase_file() -> None:
    source = (
        "greeting:\n  warm: Hi {{ first_name }},\n  brief: |\n    {{ first_name }},\n    hello\nthanks: Thank you.\n"
    )
    phrases, problems = parse_phrases("some/phrases/en.yaml", source)
    assert problems == ()
    assert phrases is not None
    assert phrases.language == "en"
    assert phrases.get("greeting", "warm") == "Hi {{ first_name }},"
    assert phrases.get("greeting", "brief") == "{{ first_name }},\nhello"
    assert phrases.get("greeting", "formal") is None
    assert {phrases.get("thanks", tone) for tone in TONES} == {"Thank you."}


def test_hers_lie_over_the_shipped_ones_key_by_key() -> None:
    shipped = Phrases(
        language="en", texts={"greeting": {"warm": "Hello,", "brief": "Hi,"}, "thanks": {"warm": "Thanks."}}
    )
    hers = Phrases(language="en", texts={"greeting": {"warm": "Servus,"}, "bye": {"warm": "Bye."}})
    laid = shipped.overlaid(hers)
    assert laid.texts == {
        "greeting": {"warm": "Servus,", "brief": "Hi,"},
        "thanks": {"warm": "Thanks."},
        "bye": {"warm": "Bye."},
    }


def test_phrases_of_a_region_are_those_of_the_language() -> None:
    book = {"de": Phrases(language="de", texts={"greeting": {}}), "pt-BR": Phrases(language="pt-BR", texts={"x": {}})}
    assert phrases_for("de-AT", book).language == "de"
    assert phrases_for("pt-BR", book).language == "pt-BR"
    assert phrases_for("sv", book).texts == {}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("greeting:\n  wram: Hi,\n", ['2:3: unknown tone "wram"']),
        ("greeting:\n  warm:\n", ["2:8: words are missing here"]),
        ("greeting:\n  warm: Hi {first_name},\n", ["2:12: one brace only; this would be sent as it stands"]),
        ("greeting:\n  warm: Hi {{ frist_name }},\n", ['2:15: unknown field "frist_name"']),
        ("greeting:\n  warm: '{{ sign_off }}'\n", ["2:9: a phrase cannot use another phrase"]),
        ("greeting: [a, b]\n", ["1:11: a phrase is one text, or one a tone"]),
        ("my_name: Maya\n", ['1:1: "my_name" has a meaning already']),
        ("easy no: Fine.\n", ['1:1: "easy no" cannot be the name of a phrase']),
        ("greeting: '{% if first_name %}Hi'\n", ['1:11: this "if" has no end']),
        ("a: b: c\n", ['1:5: a second ":" in this line']),
    ],
)
def test_slips(source: str, expected: list[str]) -> None:
    assert seen(source) == expected
