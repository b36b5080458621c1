"""Expressions in placeholders and conditions: which names, filters and comparisons they may use."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from jinja2 import TemplateSyntaxError, nodes

from inboxagent.outreach.fields import PERSON_FIELDS
from inboxagent.outreach.localise import DATE_FILTERS
from inboxagent.outreach.phrases import GREETING, SIGN_OFF, TONES, Phrases
from inboxagent.outreach.sequence import Field, FieldType
from inboxagent.outreach.template import BUILT_IN, ENVIRONMENT, FILTERS, PHRASE, TESTS
from inboxagent.rules.problem import Report, did_you_mean, nearest
from inboxagent.rules.source import Passage, Piece

NEAR = 0.75  # how alike an undeclared field must be to a known one to count as a slip

_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Getattr,
    nodes.Filter,
    nodes.Test,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Const,
    nodes.List,
    nodes.Tuple,
)
_ORDERING = ("lt", "lteq", "gt", "gteq")
_CONTAINING = ("in", "notin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """What may stand in a template: declared fields, and phrases (None: this is a phrase itself).

    Names that are neither declared nor near a known one are gathered in `undeclared`, each with its first place.
    """

    fields: Mapping[str, Field] = field(default_factory=dict)
    phrases: Phrases | None = None
    undeclared: dict[str, Piece] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """All names that are known."""
        return (*self.fields, *PERSON_FIELDS, *BUILT_IN)


def known_as(text: str, words: Vocabulary) -> str | None:
    """The known name that the text is another spelling of: `First Name`, `first-name`, `FIRST_NAME`."""
    plain = re.sub(r"[\W_]+", "", text.lower())
    return next((name for name in words.names if plain and name.replace("_", "") == plain), None)


def check_expression(passage: Passage, at: int, inside: str, words: Vocabulary, report: Report, *, shown: bool) -> None:
    """Report what is wrong with an expression that stands at `at` of the passage; `shown`: it is no condition."""
    whole = passage.part(at, at + max(len(inside), 1))
    if not inside:
        report.error(whole, "an empty placeholder", "write {{ name }}")
        return
    found = _parse(inside, shown)
    meant = known_as(inside, words)
    if meant and meant != inside and not isinstance(found, nodes.Name):
        report.error(whole, f'"{inside}" is not a name', f'did you mean "{meant}"?')
        return
    if isinstance(found, str) and shown:
        report.error(whole, f"this placeholder cannot be read: {found}", "a placeholder holds one name: {{ name }}")
        return
    if isinstance(found, str):
        report.error(whole, "this condition cannot be read", _hint_for_condition(inside))
        return
    if shown and not _can_be_shown(found):
        report.error(
            whole, f'"{inside}" is nothing that can be shown in a letter', "a placeholder holds one name: {{ name }}"
        )
        return
    if not shown and isinstance(found, nodes.Const | nodes.List | nodes.Tuple):
        report.error(whole, f'"{inside}" asks for nothing', "a condition asks for a field, as in value >= 3000")
        return
    _check_nodes(found, _Place(passage, at, inside), words, report)


def _hint_for_condition(source: str) -> str:
    for sign, word in (("&&", "and"), ("||", "or"), ("<>", "!=")):
        if sign in source:
            return f'write "{word}" instead of "{sign}"'
    if re.search(r"(?<![=!<>])=(?!=)", source):
        return 'write "==" for "is the same as"'
    return 'a condition asks for fields, as in value >= 3000 and country == "SE"'


def _can_be_shown(node: nodes.Node | None) -> bool:
    """Whether the expression is a text or a number, rather than a yes or no, a list, or perhaps nothing at all."""
    match node:
        case nodes.Const():
            return isinstance(node.value, str | int | float) and not isinstance(node.value, bool)
        case nodes.Filter():
            return _can_be_shown(node.node)
        case nodes.Or():
            return _can_be_shown(node.left) and _can_be_shown(node.right)
        case nodes.CondExpr():
            return _can_be_shown(node.expr1) and _can_be_shown(node.expr2)
        case None | nodes.And() | nodes.Not() | nodes.Compare() | nodes.Test() | nodes.List() | nodes.Tuple():
            return False
        case _:
            return True  # a name; what may not be used at all is told apart later


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an expression stands."""

    passage: Passage
    start: int
    source: str

    def of(self, name: str) -> Piece:
        """The first place of the name in the expression, or all of it."""
        found = re.search(rf"\b{re.escape(name)}\b", self.source)
        start, end = found.span() if found else (0, len(self.source))
        return self.passage.part(self.start + start, self.start + end)

    @property
    def whole(self) -> Piece:
        """All of it."""
        return self.passage.part(self.start, self.start + len(self.source))


@lru_cache(maxsize=4096)
def _parse(source: str, shown: bool) -> nodes.Expr | str:
    """The expression, or in words why it is none. A condition is parsed as one: Jinja allows less there."""
    try:
        body = ENVIRONMENT.parse(f"{{{{ {source} }}}}" if shown else f"{{% if {source} %}}{{% endif %}}").body
    except TemplateSyntaxError as error:
        return str(error.message).removesuffix(".").lower()
    except RecursionError:
        return "too many brackets"
    match body:
        case [nodes.If(test=nodes.Expr() as test)]:
            return test
        case [nodes.Output(nodes=[nodes.Expr() as expression])]:
            return expression
        case _:
            return "it is not one expression"


def _check_nodes(node: nodes.Node, place: _Place, words: Vocabulary, report: Report) -> None:
    match node:
        case nodes.Getattr(node=nodes.Name(name="phrase")):
            _check_phrase(node.attr, place.of(node.attr), words, report)
            return
        case nodes.Getattr():
            report.error(place.whole, "a field has no parts", "a placeholder holds one name: {{ name }}")
            return
        case nodes.Name():
            _check_name(node.name, place.of(node.name), words, report)
        case nodes.Filter():
            _check_filter(node, place, words, report)
        case nodes.Test() if node.name not in TESTS:
            report.error(place.of(node.name), f'unknown test "{node.name}"', did_you_mean(node.name, TESTS))
        case nodes.Compare():
            _check_comparison(node, place, words, report)
        case nodes.CondExpr(expr2=None):
            report.error(place.whole, 'this "if" has no "else"', "for example {{ company if company else name }}")
        case _ if not isinstance(node, _ALLOWED):
            hint = "names, filters and conditions only: {{ name }}"
            report.error(place.whole, f'"{place.source}" cannot be used in a letter', hint)
            return
    for child in node.iter_child_nodes():
        _check_nodes(child, place, words, report)


def _check_name(name: str, piece: Piece, words: Vocabulary, report: Report) -> None:
    if name in (GREETING, SIGN_OFF):
        _check_phrase(name, piece, words, report)
    elif name == PHRASE:
        report.error(piece, "which phrase?", "write {{ phrase.name }}")
    elif name not in words.names:
        if near := _misspelt(name, words):
            report.error(piece, f'unknown field "{name}"', f'did you mean "{near}"?')
        else:
            words.undeclared.setdefault(name, piece)


def _check_phrase(name: str, piece: Piece, words: Vocabulary, report: Report) -> None:
    if words.phrases is None:
        report.error(piece, "a phrase cannot use another phrase", "write it out here")
        return
    texts = words.phrases.texts
    if not texts:
        language = words.phrases.language
        report.error(piece, f'there are no phrases for the language "{language}"', f"write phrases/{language}.yaml")
    elif name not in texts:
        report.error(piece, f'unknown phrase "{name}"', did_you_mean(name, tuple(texts)))
    elif silent := [tone for tone in TONES if tone not in texts[name]]:
        report.error(piece, f'the phrase "{name}" has no words for the tone "{silent[0]}"', "add them to its file")


def _check_filter(node: nodes.Filter, place: _Place, words: Vocabulary, report: Report) -> None:
    if node.name in DATE_FILTERS and not _is_date(node.node, words):
        name = node.node.name if isinstance(node.node, nodes.Name) else "start_date"
        hint = f"under fields: {name}: {{type: date}}"
        report.error(place.of(node.name), f'the filter "{node.name}" is for dates', hint)
    elif node.name in ("default", "d"):
        report.error(place.of(node.name), f'unknown filter "{node.name}"', "give the field a fallback under fields:")
    elif node.name not in FILTERS:
        report.error(place.of(node.name), f'unknown filter "{node.name}"', did_you_mean(node.name, FILTERS))
    elif node.args or node.kwargs:
        report.error(place.of(node.name), f'the filter "{node.name}" takes nothing in brackets', f"write | {node.name}")


def _check_comparison(node: nodes.Compare, place: _Place, words: Vocabulary, report: Report) -> None:
    if any(operand.op in _CONTAINING for operand in node.ops):
        _check_containing(node, place, words, report)
    if not any(operand.op in _ORDERING for operand in node.ops):
        return
    for side in (node.expr, *(operand.expr for operand in node.ops)):
        if isinstance(side, nodes.Const) and isinstance(side.value, int | float) and not isinstance(side.value, bool):
            continue
        if isinstance(side, nodes.Name):
            if _type(side.name, words) is not FieldType.NUMBER and not _misspelt(side.name, words):
                hint = f"under fields: {side.name}: {{type: number}}"
                report.error(place.of(side.name), f'"{side.name}" is not a number and cannot be compared', hint)
            continue
        report.error(place.whole, "only numbers can be compared", "for example {% if value >= 3000 %}")


def _check_containing(node: nodes.Compare, place: _Place, words: Vocabulary, report: Report) -> None:
    """`in` looks for a text in a text field, or for anything in a list."""
    container = node.ops[0].expr
    listed = isinstance(container, nodes.List | nodes.Tuple)
    if len(node.ops) > 1 or not (listed or (_is_text(container, words) and _is_text(node.expr, words))):
        hint = 'for example {% if stage in ["won", "lost"] %}'
        report.error(place.whole, '"in" looks for a text in a text, or for a value in a list', hint)


def _is_date(node: nodes.Node | None, words: Vocabulary) -> bool:
    return isinstance(node, nodes.Name) and _type(node.name, words) is FieldType.DATE


def _is_text(node: nodes.Node, words: Vocabulary) -> bool:
    match node:
        case nodes.Const():
            return isinstance(node.value, str)
        case nodes.Name():
            return _type(node.name, words) is FieldType.TEXT
        case _:
            return False


def _type(name: str, words: Vocabulary) -> FieldType:
    return words.fields[name].type if name in words.fields else FieldType.TEXT


def _misspelt(name: str, words: Vocabulary) -> str | None:
    """The known name that was meant by an unknown one."""
    return None if name in words.names else nearest(name, words.names, cutoff=NEAR)
