"""Letters for one prospect."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given as hypothesis_given
from hypothesis import settings
from hypothesis import strategies as st

from inboxagent.outreach.paragraphs import join_lines, tidy
from inboxagent.outreach.personalise import (
    LONGEST_LETTER,
    RenderError,
    check_fields,
    missing,
    render,
    unknown_fields,
)
from inboxagent.outreach.phrases import TONES, Phrases
from inboxagent.outreach.sequence import Field, FieldType, Sequence, Step
from inboxagent.outreach.template import uses
from inboxagent.outreach.waits import Unit, Wait

AT_ONCE = Wait(amount=0, unit=Unit.SECOND)
PHRASES = Phrases(
    texts={
        "greeting": {
            tone: f"{tone}: {{% if first_name %}}Hi {{{{ first_name }}}},{{% else %}}Hello,{{% endif %}}"
            for tone in TONES
        },
        "sign_off": dict.fromkeys(TONES, "Best,\n{{ my_name }}"),
        "plain": {"polite": "Dear {{ last_name }}", "brief": "Hi"},
    }
)


def sequence(*letters: str, subject: str | None = None, tone: str | None = None, **fields: Field) -> Sequence:
    steps = tuple(
        Step(word=f"s{number}", wait=AT_ONCE, letter=letter, subject=subject, tone=tone)
        for number, letter in enumerate(letters, 1)
    )
    return Sequence(name="x", title="x", steps=steps, fields=fields)


def text_of(letter: str, tone: str | None = None, fields: dict[str, Field] | None = None, **given: str) -> str:
    made = sequence(letter, **(fields or {}))
    return render(made, made.steps[0], given, PHRASES, me_name="Maya Lind", tone=tone).text


def subject_of(subject: str, **given: str) -> str | None:
    made = sequence("Well?", subject=subject)
    return render(made, made.steps[0], given, PHRASES, me_name="Maya Lind").subject


# Text


@pytest.mark.parametrize(
    ("letter", "expected"),
    [
        ("one\ntwo\n\nthree\nfour", "one two\n\nthree four"),
        ("one\n\n\n\n\ntwo", "one\n\ntwo"),
        ("one\n  \t\ntwo", "one\n\ntwo"),
        ("two things:\n- first\n- second\nand so on", "two things:\n- first\n- second\nand so on"),
        (
            "* a\n* b\n\n1. c\n2) d\n\n 10 Kungsgatan\n Stockholm",
            "* a\n* b\n\n1. c\n2) d\n\n 10 Kungsgatan\n Stockholm",
        ),
        ("one  \ntwo", "one two"),
        ("a\n{% if x %}\nb\n{% endif %}\nc", "a {% if x %}b {% endif %}c"),
    ],
)
def test_lines_are_joined(letter: str, expected: str) -> None:
    assert join_lines(letter) == expected


def test_tidy() -> None:
    assert tidy("\n\n a \t\nb\n\n\n\n\nc  d\n- e  f\n") == "a\nb\n\nc d\n- e  f"


@hypothesis_given(st.text(alphabet="ab-* 1\n\t{%}", max_size=200))
def test_joining_loses_no_word(letter: str) -> None:
    assert join_lines(letter).split() == letter.split()


# Values


def test_a_letter() -> None:
    letter = "{{ greeting }}\n\nhow is\n{{ project }}?\n\n{{ sign_off }}"
    fields = {"project": Field(name="project", fallback="your project")}
    expected = "polite: Hi Anna,\n\nhow is your project?\n\nBest,\nMaya Lind"
    assert text_of(letter, fields=fields, first_name=" Anna ") == expected
    assert text_of(letter, fields=fields, project="  ").startswith("polite: Hello,\n\nhow is your project?")


@pytest.mark.parametrize("value", ["{{ 7*7 }}", "{% if x %}", "{# a #}", "<b>x</b>", "{project}", "%s {0} $x", "\\n"])
def test_values_are_never_rendered(value: str) -> None:
    assert text_of("{{ greeting }}\n\nFor {{ company }}.", company=value, first_name=value) == (
        f"polite: Hi {value},\n\nFor {value}."
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("Anna\nBcc: x@y.test", "Anna Bcc: x@y.test"),
        ("Anna\r\n\r\nDear", "Anna Dear"),
        ("A\x00n\x1bna\x85\u2028!", "Anna !"),
        ("\u202eAnna\u2066", "Anna"),
        ("An\udc80na", "Anna"),
        ("Zo\u00eb \U0001f469\u200d\U0001f4bb", "Zo\u00eb \U0001f469\u200d\U0001f4bb"),
        ("a\tb", "a b"),
    ],
)
def test_values_are_one_line_of_text(value: str, shown: str) -> None:
    assert text_of("For {{ company }}.", company=value) == f"For {shown}."


@hypothesis_given(st.text(max_size=100))
def test_any_value_stays_inert(value: str) -> None:
    text = text_of("For {% if company %}{{ company }}{% endif %}.", company=value)
    assert len(text.splitlines()) == 1
    assert text.encode()


def test_typed_values() -> None:
    fields = {
        "value": Field(name="value", type=FieldType.NUMBER, fallback=Decimal(0)),
        "start": Field(name="start", type=FieldType.DATE, fallback=date(2026, 5, 1)),
    }
    letter = "{{ value }} from {{ start }}{% if value >= 3000 %}, large{% endif %}"
    assert text_of(letter, fields=fields) == "0 from 1 May 2026"
    assert (
        text_of(letter, fields=fields, value="3000.50", start="2026-12-31") == "3,000.50 from 31 December 2026, large"
    )
    with pytest.raises(RenderError, match='value: "lots" is not a number') as raised:
        text_of(letter, fields=fields, value="lots")
    assert raised.value.names == ("value",)


@pytest.mark.parametrize(
    ("letter", "names"),
    [
        ("For {{ company }}.", ("company",)),
        ("{% if company %}For {{ company }}{% endif %}. {{ phone }} {{ project }}", ("phone", "project")),
        ("{{ phrase.plain }}", ("last_name",)),
    ],
)
def test_a_missing_value_never_reaches_anybody(letter: str, names: tuple[str, ...]) -> None:
    with pytest.raises(RenderError) as raised:
        text_of(letter)
    assert raised.value.names == names


@pytest.mark.parametrize(
    "letter",
    ["{{ phrase.nothing }}", "{% if company %}x{% endif %}", "{{ 'a' * 10**5 }}", "{{ ''.__class__ }}", "{{ cycler }}"],
)
def test_letters_that_cannot_be_written(letter: str) -> None:
    with pytest.raises(RenderError):
        text_of(letter)


def test_the_length_of_a_letter_is_limited() -> None:
    assert len(text_of("x" * LONGEST_LETTER)) == LONGEST_LETTER
    with pytest.raises(RenderError, match="the limit is 20000"):
        text_of("x" * (LONGEST_LETTER + 1))


# Subjects


def test_a_subject() -> None:
    assert subject_of("Offer #1: {{ company }}", company="Lea & Co") == "Offer #1: Lea & Co"


@pytest.mark.parametrize("value", ["a\nBcc: x@y.test", "a\r\n", "a\x00b", "a\tb", "\u2028"])
def test_no_line_break_reaches_a_subject(value: str) -> None:
    with pytest.raises(RenderError) as raised:
        subject_of("For {{ company }}", company=value)
    assert raised.value.names == ("company",)
    made = sequence("Well?", subject="For {{ company }}")
    assert check_fields(made, {"company": value}) == (
        "company: it stands in a subject and may hold no line break or control character",
    )
    assert check_fields(sequence("For {{ company }}"), {"company": value}) == ()


def test_a_subject_is_never_empty() -> None:
    with pytest.raises(RenderError, match="empty"):
        subject_of("{% if company %}x{% endif %}")


# The dial


def test_the_enrolments_tone_goes_before_the_steps_and_that_before_the_sequences() -> None:
    plain, turned = sequence("{{ greeting }}"), sequence("{{ greeting }}", tone="brief")
    rendered = [
        render(made, made.steps[0], {}, PHRASES, me_name="M", tone=tone).text.split(":")[0]
        for made, tone in ((plain, None), (turned, None), (turned, "formal"))
    ]
    assert rendered == ["polite", "brief", "formal"]


def test_a_phrase_that_has_no_words_in_a_tone() -> None:
    assert text_of("{{ phrase.plain }}", last_name="Klein") == "Dear Klein"
    with pytest.raises(RenderError, match="no phrase `plain` in the tone warm"):
        text_of("{{ phrase.plain }}", tone="warm")


# What an enrolment lacks


def test_missing() -> None:
    made = sequence(
        "{{ greeting }} {{ company }}",
        "{{ phrase.plain }} {{ topic }}",
        budget=Field(name="budget", required=True),
        topic=Field(name="topic", fallback="it"),
        phone=Field(name="phone"),
    )
    assert missing(made, None, {}, PHRASES) == ("budget", "company", "last_name")
    assert missing(made, made.steps[1], {}, PHRASES) == ("budget", "last_name")
    assert missing(made, None, {}, PHRASES, tone="brief") == ("budget", "company")
    assert missing(made, None, {"budget": "1", "company": " ", "last_name": "Klein"}, PHRASES) == ("company",)
    assert missing(made, None, {"budget": "1", "company": "x", "last_name": "Klein"}, PHRASES) == ()


def test_what_is_not_missing_can_be_rendered() -> None:
    made = sequence("{{ greeting }} {% if company %}{{ company }}{% endif %} {{ first_name or 'you' }}!")
    assert missing(made, None, {}, PHRASES) == ()
    assert render(made, made.steps[0], {}, PHRASES, me_name="M").text == "polite: Hello, you!"


@pytest.mark.parametrize(
    ("source", "needed"),
    [
        ("{{ a }} {{ b | upper }}", {"a", "b"}),
        ("{% if a %}{{ a }}{% else %}{{ b }}{% endif %}", {"b"}),
        ("{% if a and b %}{{ a }}{{ b }}{{ c }}{% endif %}", {"c"}),
        ("{% if a or b %}{{ a }}{% endif %}", {"a"}),
        ("{% if not a %}{{ a }}{% endif %}", {"a"}),
        ("{% if a is defined %}{{ a }}{% endif %}", set()),
        ("{% if a == 'x' %}b{% endif %}", {"a"}),
        ("{% if a and a == 'x' %}b{% endif %}", set()),
        ("{% if a %}x{% elif b %}{{ b }}{% elif c == 1 %}{{ a }}{% endif %}", {"a", "c"}),
        ("{{ a if a else b }}", {"b"}),
        ("{{ a or 'x' }}", set()),
        ("{{ a or b }}", {"b"}),
        ("{{ greeting }} {{ phrase.x }} {{ sign_off }}", set()),
        ("{% if a %}{% if b %}{{ a }}{{ b }}{% endif %}{{ b }}{% endif %}", {"b"}),
    ],
)
def test_what_a_template_needs(source: str, needed: set[str]) -> None:
    assert uses(source).needed == needed


LEAVES = st.sampled_from(["a", "b", "c"])
TESTS = st.one_of(LEAVES, LEAVES.map("not {}".format), st.tuples(LEAVES, LEAVES).map(" and ".join))
TEMPLATES = st.recursive(
    st.one_of(
        st.just("x"),
        LEAVES.map("{{{{ {} }}}}".format),
        st.tuples(LEAVES, LEAVES).map("{{{{ {0[0]} or {0[1]} }}}}".format),
    ),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(TESTS, inner, inner).map("{{% if {0[0]} %}}{0[1]}{{% else %}}{0[2]}{{% endif %}}".format),
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@hypothesis_given(TEMPLATES, st.sets(LEAVES))
def test_what_is_needed_is_all_that_is_needed(source: str, present: set[str]) -> None:
    """Whoever has every needed field gets a letter, whatever else he lacks."""
    given = dict.fromkeys(present | uses(source).needed, "v")
    assert text_of(f"Well, {source}", fields=None, **given).startswith("Well,")


# What an enrolment gives


def test_unknown_fields() -> None:
    made = sequence("{{ company }} {{ topic }}", budget=Field(name="budget"))
    given = dict.fromkeys(("topic", "budget", "first_name", "last_name", "zone", "bugdet", "my_name"), "1")
    assert unknown_fields(made, given, PHRASES) == ("bugdet", "my_name")


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("value", "a lot", 'value: "a lot" is not a number; write it like 3000 or 3000.50'),
        ("value", "3,000", 'value: "3,000" is not a number; write it like 3000 or 3000.50'),
        ("start", "1 May", 'start: "1 May" is not a date; write it like 2026-12-31'),
        ("start", "2026-02-30", 'start: "2026-02-30" is not a date; write it like 2026-12-31'),
        ("zone", "Europe/Berlim", 'zone: "Europe/Berlim" is not a time zone; did you mean "Europe/Berlin"?'),
        ("zone", "../etc/passwd", 'zone: "../etc/passwd" is not a time zone'),
        ("zone", "Europe", 'zone: "Europe" is not a time zone'),
        ("company", "x" * 2001, "company: 2001 characters are too many; the limit is 2000"),
    ],
)
def test_values_that_cannot_be_used(name: str, value: str, complaint: str) -> None:
    made = sequence(
        "Well?",
        value=Field(name="value", type=FieldType.NUMBER),
        start=Field(name="start", type=FieldType.DATE),
    )
    (told,) = check_fields(made, {name: value})
    assert told.startswith(complaint)


def test_values_that_can_be_used() -> None:
    made = sequence(
        "Well?",
        value=Field(name="value", type=FieldType.NUMBER),
        start=Field(name="start", type=FieldType.DATE),
    )
    given = {"value": "-3000.5", "start": "2026-12-31", "zone": "Asia/Kolkata", "company": "Lea & Co", "phone": ""}
    assert check_fields(made, given) == ()
