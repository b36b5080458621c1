"""Expressions as the template engine reads them: which names, filters and comparisons they may use."""

import re
from collections.abc import Sequence
from functools import lru_cache

from jinja2 import TemplateSyntaxError, nodes

from inboxagent.outreach.localise import DATE_FILTERS
from inboxagent.outreach.phrases import GREETING, SIGN_OFF
from inboxagent.outreach.sequence import FieldType
from inboxagent.outreach.template import ENVIRONMENT, FILTERS, TESTS
from inboxagent.rules.problem import Report, did_you_mean
from inboxagent.rules.vocabulary import WORD, Place, Vocabulary, check_name, check_phrase, known_as, misspelt

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


def check_parsed(place: Place, words: Vocabulary, report: Report, *, shown: bool) -> None:
    """Report what is wrong with an expression that is not empty; `shown`: it is no condition."""
    inside, whole = place.source, place.whole
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
    _check_nodes(found, place, words, report)


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


def _check_nodes(node: nodes.Node, place: Place, words: Vocabulary, report: Report) -> None:
    match node:
        case nodes.Getattr(node=nodes.Name(name="phrase")):
            check_phrase(node.attr, place.of(node.attr), words, report)
            return
        case nodes.Getattr():
            report.error(place.whole, "a field has no parts", "a placeholder holds one name: {{ name }}")
            return
        case nodes.Name():
            check_name(node.name, place.of(node.name), words, report)
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


def _check_filter(node: nodes.Filter, place: Place, words: Vocabulary, report: Report) -> None:
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


def _check_comparison(node: nodes.Compare, place: Place, words: Vocabulary, report: Report) -> None:
    if any(operand.op in _CONTAINING for operand in node.ops):
        _check_containing(node, place, words, report)
    if not any(operand.op in _ORDERING for operand in node.ops):
        return
    for side in (node.expr, *(operand.expr for operand in node.ops)):
        if isinstance(side, nodes.Const) and isinstance(side.value, int | float) and not isinstance(side.value, bool):
            continue
        if isinstance(side, nodes.Name):
            if _type(side.name, words) is not FieldType.NUMBER and not misspelt(side.name, words):
                hint = f"under fields: {side.name}: {{type: number}}"
                report.error(place.of(side.name), f'"{side.name}" is not a number and cannot be compared', hint)
            continue
        report.error(place.whole, "only numbers can be compared", "for example {% if value >= 3000 %}")


def _check_containing(node: nodes.Compare, place: Place, words: Vocabulary, report: Report) -> None:
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


def speaks(text: str) -> bool:
    """Whether a template has words in every branch of some block, or outside of all; True for one that is none."""
    try:
        return _speaks(ENVIRONMENT.parse(text).body)
    except (TemplateSyntaxError, RecursionError):
        return True  # reported where the expression stands


def _speaks(body: Sequence[nodes.Node]) -> bool:
    return any(_one_speaks(node) for node in body)


def _one_speaks(node: nodes.Node) -> bool:
    match node:
        case nodes.If():
            branches = [node.body, *(branch.body for branch in node.elif_), node.else_]
            return all(_speaks(branch) for branch in branches)
        case nodes.Output():
            return any(_one_speaks(part) for part in node.nodes)
        case nodes.TemplateData():
            return bool(WORD.search(node.data))
        case nodes.Name():
            return node.name not in (GREETING, SIGN_OFF)
        case _:
            return True
