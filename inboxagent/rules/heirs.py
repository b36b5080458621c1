"""The sequences that a rule file hands on to: each has to be there."""

from collections.abc import Collection, Iterator

from inboxagent.outreach.fields import inert
from inboxagent.rules.document import outline
from inboxagent.rules.problem import Problem, Report, did_you_mean, nearest
from inboxagent.rules.settings import END, HEIRS
from inboxagent.rules.source import Piece
from inboxagent.rules.steps import STEP_LINES
from inboxagent.rules.tree import Scalar, read_tree

_ALONE = "its file has to lie in your rules folder by the time it is needed"


def find_missing_heirs(path: str, source: str, known: Collection[str], *, surely: bool) -> tuple[Problem, ...]:
    """A problem for each sequence that this file, which was read without an error, names and that is not known; an
    error where what is known is `surely` all there is, else a warning."""
    report = Report(path)
    for key, piece in _heirs(source):
        name = inert(piece.text).removesuffix(".md")
        if name != END and name not in known:
            tell = report.error if surely else report.warn
            hint = did_you_mean(name, (*sorted(known), END)) if surely or nearest(name, known) else _ALONE
            tell(piece, f'there is no sequence "{name}" for "{key}" to hand him on to', hint)
    return report.problems


def _heirs(source: str) -> Iterator[tuple[str, Piece]]:
    unheard = Report("")
    for key, node in read_tree(outline(source, STEP_LINES, unheard).settings, unheard).entries:
        if key.text in HEIRS and isinstance(node, Scalar):
            yield key.text, node.piece
