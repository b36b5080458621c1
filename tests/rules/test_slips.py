"""Every slip of `slips.txt`, and exactly what she sees of it."""

import re
from pathlib import Path

import pytest

from inboxagent.outreach.phrases import Phrases
from inboxagent.rules.parse import parse_rule
from inboxagent.rules.problem import Severity, show
from inboxagent.rules.source import split_lines

PATH = "rules/proposal.md"
RECORD = re.compile(r"^=== (.*)\n((?:.*\n)*?)--- what she sees\n((?:.*\n)*?)(?=\n===|\Z)", re.MULTILINE)
SLIPS = RECORD.findall((Path(__file__).parent / "slips.txt").read_text("utf-8"))


def test_the_table_is_complete() -> None:
    text = (Path(__file__).parent / "slips.txt").read_text("utf-8")
    assert len(SLIPS) == len(re.findall(r"^=== ", text, re.MULTILINE)) >= 100
    assert len({title for title, _, _ in SLIPS}) == len(SLIPS)


@pytest.mark.parametrize(("source", "expected"), [pytest.param(s, e, id=t) for t, s, e in SLIPS])
def test_a_slip(source: str, expected: str, phrasebook: dict[str, Phrases]) -> None:
    sequence, problems = parse_rule(PATH, source, phrasebook)
    lines = split_lines(source)
    assert "\n".join(show(problem, lines) for problem in problems) + "\n" == expected
    assert (sequence is None) == any(problem.severity is Severity.ERROR for problem in problems)


@pytest.mark.parametrize(("source", "expected"), [pytest.param(s, e, id=t) for t, s, e in SLIPS])
def test_a_slip_in_a_file_with_other_line_ends(source: str, expected: str, phrasebook: dict[str, Phrases]) -> None:
    _, problems = parse_rule(PATH, "\ufeff" + source.replace("\n", "\r\n"), phrasebook)
    assert "\n".join(show(problem, split_lines(source)) for problem in problems) + "\n" == expected


def test_all_problems_are_told_at_once(phrasebook: dict[str, Phrases]) -> None:
    source = (
        "---\ntonne: warm\nsend:\n  days: Mon-Thx\n---\n\n"
        "## one\nwait: 3 buisness days\n\nHello {{ frist_name }}, {x}\n\n"
        "## one\nwait: at once\ntone: loud\n\n{% if company %}Well?\n"
    )
    _, problems = parse_rule(PATH, source, phrasebook)
    assert [(problem.line, problem.column) for problem in problems] == [
        (2, 1),
        (4, 13),
        (8, 7),
        (10, 10),
        (10, 25),
        (12, 4),
        (14, 7),
        (16, 1),
    ]
