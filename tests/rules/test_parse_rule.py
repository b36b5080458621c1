"""Rule files that are right."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inboxagent.outreach.hours import Hours
from inboxagent.outreach.phrases import TONES, Phrases
from inboxagent.outreach.sequence import Field, FieldType, Sequence
from inboxagent.outreach.waits import Unit, Wait
from inboxagent.rules.parse import parse_rule
from inboxagent.rules.phrases import parse_phrases
from inboxagent.rules.problem import Problem, Severity, show
from inboxagent.rules.source import split_lines

FULL = """\
---
# a comment
sequence: Proposal follow-up
about: "Seven letters: one a week"
language: en
tone: formal   # another comment
send:
  days: Mon-Thu
  between: 8:30-11:30, 13:30-24:00
  zone: Europe/Berlin
fields:
  first_name: {fallback: there}
  value:
    type: number
    fallback: 0
  start_date: {type: date, required: true}
  company:
---

## nudge
wait: 3 business days

{{ greeting }}

Did it reach
you?

## close
wait:at once
subject: Offer #2026-14: {{ company }}, "one" last thing
tone: brief

Goodbye.
"""


def read(source: str, path: str = "rules/proposal.md", book: dict[str, Phrases] | None = None) -> Sequence:
    sequence, problems = parse_rule(path, source, book or {})
    assert sequence is not None, [problem.text for problem in problems]
    return sequence


def step_with(line: str) -> str:
    return f"---\n---\n## nudge\n{line}\n\nDid it reach you?\n"


def top_with(lines: str) -> str:
    return f"---\n{lines}\n---\n## nudge\nwait: 1 day\n\nDid it reach you?\n"


def test_a_full_file(phrasebook: dict[str, Phrases]) -> None:
    sequence = read(FULL, "some/where/proposal.md", phrasebook)
    assert (sequence.name, sequence.title, sequence.language) == ("proposal", "Proposal follow-up", "en")
    assert (sequence.about, sequence.tone) == ("Seven letters: one a week", "formal")
    assert sequence.hours == Hours(days=frozenset(range(4)), between=((510, 690), (810, 1440)), zone="Europe/Berlin")
    assert sequence.fields["first_name"] == Field(name="first_name", fallback="there")
    assert sequence.fields["value"].type is FieldType.NUMBER
    assert sequence.fields["start_date"].required
    assert sequence.fields["company"] == Field(name="company")
    nudge, close = sequence.steps
    assert (nudge.word, nudge.letter, nudge.line) == ("nudge", "{{ greeting }}\n\nDid it reach\nyou?", 20)
    assert (close.wait, close.tone) == (Wait(amount=0, unit=Unit.SECOND), "brief")
    assert close.subject == 'Offer #2026-14: {{ company }}, "one" last thing'
    assert len(sequence.digest) == 64


def test_what_is_not_said_is_open() -> None:
    sequence = read(step_with("wait: 2 seconds"))
    assert (sequence.title, sequence.hours, sequence.tone) == ("proposal", Hours(), "polite")


@pytest.mark.parametrize(
    ("words", "amount", "unit"),
    [
        ("20 minutes", 20, Unit.MINUTE),
        ("1 second", 1, Unit.SECOND),
        ("2 hours", 2, Unit.HOUR),
        ("3 days", 3, Unit.DAY),
        ("3days", 3, Unit.DAY),
        ("2 weeks", 2, Unit.WEEK),
        ("4 Business  Days", 4, Unit.BUSINESS_DAY),
        ("1 business day", 1, Unit.BUSINESS_DAY),
        ("1 month", 1, Unit.MONTH),
        ("at once", 0, Unit.SECOND),
        ("3\u00a0days", 3, Unit.DAY),
    ],
)
def test_waits(words: str, amount: int, unit: Unit) -> None:
    (step,) = read(step_with(f"wait: {words}")).steps
    assert step.wait == Wait(amount=amount, unit=unit)


@given(st.integers(1, 400), st.sampled_from(Unit))
def test_a_wait_says_itself(amount: int, unit: Unit) -> None:
    wait = Wait(amount=min(amount, 120), unit=unit)
    (step,) = read(step_with(f"wait: {wait}")).steps
    assert step.wait == wait


@pytest.mark.parametrize(
    ("words", "days"),
    [
        ("Mon-Thu", {0, 1, 2, 3}),
        ("Fri-Mon", {4, 5, 6, 0}),
        ("mon, Wednesday , fri", {0, 2, 4}),
        ("[Mon, Tue]", {0, 1}),
        ("Mon \u2013 Wed, Sun", {0, 1, 2, 6}),
        ("Monday to Friday", {0, 1, 2, 3, 4}),
        ("every day", set(range(7))),
        ('"Tue"', {1}),
    ],
)
def test_days(words: str, days: set[int]) -> None:
    hours = read(top_with(f"send:\n  days: {words}")).hours
    assert hours.days == days
    assert hours.between == ((0, 1440),)


@pytest.mark.parametrize(
    ("words", "windows"),
    [
        ("8:30-11:30, 13:30-16:30", ((510, 690), (810, 990))),
        ("13:30-16:30, 8:30-11:30", ((510, 690), (810, 990))),
        ("9-17", ((540, 1020),)),
        ("22:00-24:00", ((1320, 1440),)),
        ("0:00 - 0:01", ((0, 1),)),
        ("8:00-9:00, 9:00-10:00", ((480, 540), (540, 600))),
    ],
)
def test_windows(words: str, windows: tuple[tuple[int, int], ...]) -> None:
    assert read(top_with(f"send:\n  between: {words}")).hours.between == windows


@pytest.mark.parametrize(
    "letter",
    [
        "{% if company %}For {{ company }}.{% else %}For you.{% endif %}",
        "{{ greeting }}\n\n{{ phrase.easy_no }}",
        "{{ first_name | upper }}, well?",
        "{{ first_name or company }}, well?",
        "Well? {# a note to herself #}",
        'Well? {% if stage == "won" and not company %}Good.{% endif %}',
        'Well? {% if stage in ["won", "lost"] %}Good.{% endif %}',
        "Prices [1] rose by 5% and <b>we</b> got $5 of it",
        "What shall we do?",
        "Wait for it: there is more",
    ],
)
def test_letters_that_are_right(letter: str, phrasebook: dict[str, Phrases]) -> None:
    source = f"---\nfields:\n  stage: {{fallback: new}}\n---\n## nudge\nwait: 1 day\n\n{letter}\n"
    sequence, problems = parse_rule("rules/x.md", source, phrasebook)
    assert sequence is not None
    assert problems == ()


def test_a_step_that_begins_with_what_still_needs_its_wait() -> None:
    """`What` looks like `wait`, and must not pass for it."""
    source = "---\n---\n## hello\nwait: 1 day\n\nHello!\n\n## nudge\n\nWhat do you think?\n"
    _, problems = parse_rule("rules/x.md", source, {})
    assert [problem.text for problem in problems] == ['"nudge" does not say how long to wait']


def test_the_first_step_may_lack_its_wait() -> None:
    sequence, problems = parse_rule("rules/x.md", "---\n---\n## hello\nsubject: Hello\n\nWell?\n", {})
    assert problems == ()
    assert sequence is not None
    assert sequence.steps[0].wait is None


@pytest.mark.parametrize("source", ["", "\n\n", "---", "---\n---", "##", "\ufeff", "---\n- [\n---\n"])
def test_hardly_anything(source: str) -> None:
    sequence, problems = parse_rule("rules/x.md", source, {})
    assert sequence is None
    assert problems
    assert all(show(problem, split_lines(source)) for problem in problems)


def test_brackets_without_end_are_an_answer_not_a_crash() -> None:
    _, problems = parse_rule("rules/x.md", f"---\nabout: {'[' * 5000}\n---\n", {})
    assert any("brackets" in problem.text for problem in problems)


def test_a_language_with_a_region_takes_the_phrases_of_the_language(phrasebook: dict[str, Phrases]) -> None:
    source = "---\nlanguage: de-AT\n---\n## nudge\nwait: 1 day\n\n{{ greeting }}\n\nwie geht es?\n"
    assert read(source, book=phrasebook).language == "de-AT"


CHARS = st.sampled_from(
    [*"-#:{}%[]&*!\"'\n\n\n ", "---\n", "## a\n", "wait: 1 day\n\n", "{{ x }}", "{% if x %}", "{{", "fields:\n  "]
)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=300), st.lists(CHARS, max_size=60).map("".join)))
def test_no_text_crashes_the_parser(source: str) -> None:
    sequence, problems = parse_rule("rules/x.md", source, {})
    assert (sequence is None) == any(problem.severity is Severity.ERROR for problem in problems)
    check_places(problems, source)
    _, problems = parse_phrases("rules/phrases/en.yaml", source)
    check_places(problems, source)


PHRASE = dict.fromkeys(TONES, "Well,")
SHIPPED = (Path(__file__).parents[2] / "rules" / "proposal.md").read_text("utf-8")


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(SHIPPED)), st.integers(0, 40), st.one_of(CHARS, st.text(max_size=5)))
def test_no_slip_of_the_hand_crashes_the_parser(at: int, length: int, typed: str) -> None:
    source = SHIPPED[:at] + typed + SHIPPED[at + length :]
    book = {"en": Phrases(texts=dict.fromkeys(("greeting", "sign_off", "short_answer", "easy_no"), PHRASE))}
    sequence, problems = parse_rule("rules/proposal.md", source, book)
    check_places(problems, source)
    if sequence is not None:
        said = [line for line in split_lines(source) if line.strip().startswith("wait")]
        assert len(sequence.steps) <= len(said)  # no step without a wait of its own


def check_places(problems: tuple[Problem, ...], source: str) -> None:
    lines = split_lines(source)
    for problem in problems:
        assert 1 <= problem.line <= len(lines)
        assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1
        assert problem.text
        assert "\n" not in problem.text + problem.hint
        assert show(problem, lines).startswith(f"{problem.path}:{problem.line}:{problem.column}: ")


def test_what_goes_with_the_letters() -> None:
    """`yes` for the signature and `no` for the quotation where the file says nothing; files in their order."""
    usual = read("---\nsequence: A\n---\n\n## one\nwait: 1 day\n\nHello.\n")
    assert (usual.signature, usual.quote, usual.steps[0].attach) == (True, False, ())
    told = "---\nsignature: no\nquote: yes\n---\n\n## one\nwait: 1 day\nattach: a  b.pdf , in/c.pdf\n\nHello.\n"
    assert (read(told).signature, read(told).quote) == (False, True)
    assert read(told).steps[0].attach == ("a b.pdf", "in/c.pdf")
