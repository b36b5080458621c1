"""The `{% if %}` blocks of a letter."""

import re

from inboxagent.rules.problem import Report, did_you_mean
from inboxagent.rules.source import Piece

TAGS = ("if", "elif", "else", "endif")
DEEPEST = 5


def without_dashes(inside: str) -> str:
    """What stands between the braces, without the `-` or `+` at them that steers white space in Jinja."""
    return re.sub(r"^[-+]|[-+]$", "", inside).strip()


class Blocks:
    """The `{% if %}` blocks that are open."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._open: list[tuple[Piece, bool]] = []
        self._used = False
        self._broken = False

    @property
    def always(self) -> bool:
        """Whether what comes now is there whatever the fields are."""
        return not self._open

    def enter(self, inside: str, piece: Piece) -> str | None:
        """Open, turn or close a block; the condition of an `if` or `elif`, where it has one."""
        self._used = True
        name, _, condition = without_dashes(inside).partition(" ")
        condition = condition.strip()
        if name not in TAGS:
            self._complain(piece, f'"{name}" cannot be used in a letter', did_you_mean(name, TAGS))
        elif name == "if" and len(self._open) >= DEEPEST:
            self._complain(piece, f'more than {DEEPEST} "if" inside each other', "write separate steps, or less")
        elif name == "if":
            self._open.append((piece, False))
        elif not self._open:
            self._complain(piece, f'"{name}" without an "if" above it', "begin with {% if name %}")
        elif name == "endif":
            self._open.pop()
        elif self._open[-1][1]:
            self._complain(piece, f'"{name}" after "else"', "end the block with {% endif %} first")
        elif name == "else":
            self._open[-1] = (self._open[-1][0], True)
        if name not in ("if", "elif"):
            return None
        if not condition:
            self._complain(piece, f'"{name}" needs a condition', "for example {% if company %}")
        return condition or None

    def close(self) -> None:
        """The end of the template."""
        for piece, _ in self._open:
            self._complain(piece, 'this "if" has no end', "put {% endif %} where it ends")

    def speaks_either_way(self, text: str) -> bool:
        """Whether blocks with an `else` have words in every branch."""
        if not self._used or self._broken:
            return self._broken
        from inboxagent.rules.syntax import speaks  # late: see check_expression

        return speaks(text)

    def _complain(self, piece: Piece, text: str, hint: str) -> None:
        self._broken = True
        self._report.error(piece, text, hint)
