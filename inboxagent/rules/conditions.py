"""Conditions on fields: the lines `if:` and `for:`."""

from inboxagent.rules.expressions import check_expression
from inboxagent.rules.problem import Report
from inboxagent.rules.source import Passage, Piece
from inboxagent.rules.vocabulary import Vocabulary


def read_condition(piece: Piece, words: Vocabulary, report: Report) -> str | None:
    """The condition as it will be asked, or None after a report."""
    text = piece.text.strip()
    if text.startswith("{"):
        report.error(piece, "a condition stands without braces here", f"write it as {text.strip('{}% ').strip()}")
        return None
    before = len(report.problems)
    check_expression(Passage([piece]), 0, text, words, report, shown=False)
    return text if len(report.problems) == before else None
