"""Templates in letters, subjects and phrases: what stands between braces, and what looks as if it should."""

import re

from inboxagent.outreach.phrases import GREETING, SIGN_OFF
from inboxagent.rules.blocks import Blocks, without_dashes
from inboxagent.rules.expressions import check_expression
from inboxagent.rules.problem import Report
from inboxagent.rules.source import Passage, Piece
from inboxagent.rules.vocabulary import WORD, Vocabulary, known_as

_TOKEN = re.compile(
    r"(?<!\{)\{\{(?P<value>[^{}]{0,300})\}\}(?!\})"
    r"|\{%(?P<tag>[^{}%]{0,300})%\}"
    r"|\{#(?P<note>[^{}#]{0,2000})#\}"
    r"|(?P<broken>\{+[^{}\n]{0,300}\}+|[{}]+)"
    r"|(?P<alien>\[[\w ]{1,40}\]|<{1,2}[\w ]{1,40}>{1,2}|%[A-Za-z_]{1,40}%|\$[A-Za-z_]{1,40})"
)


def check_template(passage: Passage, words: Vocabulary, report: Report) -> None:
    """Report every slip in the template."""
    _check(passage, words, report)


def check_letter(passage: Passage, words: Vocabulary, report: Report) -> bool:
    """Report every slip in the letter; True where it has words that are there whatever the fields are."""
    speaks, blocks = _check(passage, words, report)
    return speaks or blocks.speaks_either_way(passage.text)


def _check(passage: Passage, words: Vocabulary, report: Report) -> tuple[bool, Blocks]:
    """Whether there are words outside of all blocks, and the blocks."""
    blocks = Blocks(report)
    speaks, end = False, 0
    for token in _TOKEN.finditer(passage.text):
        before = passage.text[end : token.start()]
        speaks |= blocks.always and bool(WORD.search(before))
        end = token.end()
        piece = passage.part(token.start(), token.end())
        match token.lastgroup:
            case "value":
                name = without_dashes(token["value"])
                at = token.start("value") + token["value"].find(name)
                check_expression(passage, at, name, words, report, shown=True)
                speaks |= blocks.always and name not in (GREETING, SIGN_OFF)
            case "tag":
                condition = blocks.enter(token["tag"], piece)
                if condition is not None:
                    at = token.start("tag") + token["tag"].rindex(condition)
                    check_expression(passage, at, condition, words, report, shown=False)
            case "broken":
                _report_braces(token["broken"], piece, words, report)
            case "alien":
                _check_alien(token["alien"], piece, words, report)
                speaks |= blocks.always
    blocks.close()
    return speaks or bool(WORD.search(passage.text[end:])), blocks


def _report_braces(found: str, piece: Piece, words: Vocabulary, report: Report) -> None:
    inner = found.strip("{}").strip()
    opened = len(found) - len(found.lstrip("{"))
    closed = len(found) - len(found.rstrip("}"))
    name = known_as(inner, words)
    write = f"write it as {{{{ {name or inner} }}}}"
    if inner.startswith("%") or inner.endswith("%"):
        report.error(piece, "this condition is not closed", "write it as {% if name %}")
    elif (opened, closed) == (1, 1) and re.fullmatch(r"[\w .-]+", inner):
        report.error(piece, "one brace only; this would be sent as it stands", write)
    elif inner and opened and closed:
        report.error(piece, "the braces do not fit", write)
    elif opened >= 2 and not closed:
        report.error(piece, "this placeholder is not closed", "close it with }}")
    elif closed >= 2 and not opened:
        report.error(piece, "this placeholder was not opened", "open it with {{")
    else:
        report.error(piece, "a brace would be sent as it stands", "braces are for placeholders only: {{ name }}")


def _check_alien(found: str, piece: Piece, words: Vocabulary, report: Report) -> None:
    """Placeholders as other programs write them; only what names a field is one."""
    name = known_as(found.strip("[]<>%$"), words)
    if name:
        report.error(piece, f'"{found}" would be sent as it stands', f"write it as {{{{ {name} }}}}")
