"""What the parser lets through can be written for everybody who lacks no field."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inboxagent.outreach.personalise import check_fields, missing, render
from inboxagent.outreach.phrases import TONES, Phrases
from inboxagent.rules.parse import parse_rule

TOP = "---\nfields:\n  value: {type: number}\n  start: {type: date}\n  topic: {fallback: it}\n---\n"
BOOK = {
    "en": Phrases(
        texts={"greeting": dict.fromkeys(TONES, "{% if first_name %}Hi {{ first_name }},{% else %}Hi,{% endif %}")}
    )
}
GIVEN = {
    "value": "3000.50",
    "start": "2026-05-01",
    "company": "Lea {{ & }} Co",
    "first_name": "Anna",
    "x": "1",
    "y": "2",
}

ATOMS = st.sampled_from(
    ["value", "start", "topic", "company", "x", "y", "greeting", "3", "2.5", "'a'", "true", "none", "[1, 'a']"]
)


def _deeper(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.tuples(inner, inner)
    operators = st.sampled_from(["and", "or", "==", "!=", "<", ">=", "in", "not in", "+", "~"])
    return st.one_of(
        st.tuples(operators, two).map(lambda pair: f"{pair[1][0]} {pair[0]} {pair[1][1]}"),
        inner.map("not {}".format),
        inner.map("({})".format),
        inner.map("-{}".format),
        st.tuples(inner, st.sampled_from(["upper", "trim", "title", "default('x')"])).map(" | ".join),
        inner.map("{} is defined".format),
        st.tuples(inner, inner, inner).map("{0[0]} if {0[1]} else {0[2]}".format),
        two.map("{0[0]} if {0[1]}".format),
    )


EXPRESSIONS = st.recursive(ATOMS, _deeper, max_leaves=6)
PIECES = st.one_of(
    st.just("words "),
    EXPRESSIONS.map("{{{{ {} }}}}".format),
    EXPRESSIONS.map("{{{{- {} -}}}}".format),
)
LETTERS = st.recursive(
    PIECES,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(EXPRESSIONS, inner).map("{{% if {0[0]} %}}{0[1]}{{% endif %}}".format),
        st.tuples(EXPRESSIONS, inner, EXPRESSIONS, inner, inner).map(
            "{{% if {0[0]} %}}{0[1]}{{% elif {0[2]} %}}{0[3]}{{% else %}}{0[4]}{{% endif %}}".format
        ),
    ),
    max_leaves=5,
)


@settings(max_examples=400, deadline=None)
@given(LETTERS, st.sets(st.sampled_from(sorted(GIVEN))))
def test_what_is_accepted_and_complete_can_be_written(letter: str, present: set[str]) -> None:
    sequence, _ = parse_rule("rules/x.md", f"{TOP}## nudge\nwait: 1 day\n\n{letter}\n", BOOK)
    if sequence is None:
        return
    values = {name: GIVEN[name] for name in present}
    values |= {name: GIVEN[name] for name in missing(sequence, None, values, BOOK["en"])}
    assert check_fields(sequence, values) == ()
    text = render(sequence, sequence.steps[0], values, BOOK["en"], me_name="Maya Lind").text
    assert text
    assert "None" not in text
    assert "True" not in text


@pytest.mark.parametrize(
    "letter",
    [
        "{{ company and topic }}",
        "{{ company if topic }}",
        "{{ not company }}",
        "{{ company, topic }}",
        "{{ none }}",
        "{{ true }}",
        "{{ -value }}",
        "{{ company ~ topic }}",
        "{{ start < value }}",
        "{% if start < 3 %}x{% endif %}",
        "{% if 3 in company %}x{% endif %}",
        "{% if 'a' in value %}x{% endif %}",
        "{% if (company if topic) == 'x' %}x{% endif %}",
        "{{ " + "(" * 140 + "company" + ")" * 140 + " }}",
        "{% if " + "(" * 140 + "company" + ")" * 140 + " %}x{% endif %}",
        "{% if company %}" * 60 + "x" + "{% endif %}" * 60,
        "{{ company is even }}",
        "{% set x = 1 %}{{ x }}",
        "{% raw %}{{ x }}{% endraw %}",
        "{% include 'x' %}",
        "{% macro a() %}{% endmacro %}",
        "{{ self }}{{ x.__class__ }}",
        "{{ ''.join(x) }}",
        "{{ [x][0] }}",
    ],
)
def test_what_would_fail_is_refused(letter: str) -> None:
    sequence, problems = parse_rule("rules/x.md", f"{TOP}## nudge\nwait: 1 day\n\nWell. {letter}\n", BOOK)
    assert sequence is None
    assert problems


@pytest.mark.parametrize(
    ("letter", "lacking"),
    [
        ("{{ company }} {{ topic }}", ("company",)),
        ("{% if value >= 3000 %}Large.{% endif %} Well.", ("value",)),
        ("{% if value and value >= 3000 %}Large.{% endif %} Well.", ()),
        ("{% if (company and x) == 'a' %}y{% endif %} Well.", ("company", "x")),
        ("{% if (company or x) is defined %}y{% endif %} Well.", ("x",)),
        ("{{ (company or topic) | upper }}", ()),
        ("{{ company if company else first_name or 'you' }}", ()),
    ],
)
def test_what_a_letter_lacks(letter: str, lacking: tuple[str, ...]) -> None:
    sequence, _ = parse_rule("rules/x.md", f"{TOP}## nudge\nwait: 1 day\n\n{letter}\n", BOOK)
    assert sequence is not None
    assert missing(sequence, None, {}, BOOK["en"]) == lacking
