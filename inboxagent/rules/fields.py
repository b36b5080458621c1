"""The `fields` of a rule file: the facts that its letters may use."""

import keyword
import re

from inboxagent.outreach.fields import inert, read_value
from inboxagent.outreach.phrases import BUILT_IN
from inboxagent.outreach.sequence import Field, FieldType, FieldValue
from inboxagent.rules.problem import Report, did_you_mean
from inboxagent.rules.tree import Node, Scalar, Table

_KEYS = ("fallback", "required", "type", "from")
NOTE = "note"
_NAME = re.compile(r"[^\W\d]\w{0,59}")
_YES = ("yes", "true")
_NO = ("no", "false")


def read_fields(table: Table, report: Report) -> dict[str, Field]:
    """The declared fields by name."""
    fields = {}
    for key, node in table.entries:
        if _check_name(key, report):
            fields[key.text] = _read_field(key, node, report)
    return fields


def _check_name(key: Scalar, report: Report) -> bool:
    name = key.text
    if name in BUILT_IN:
        report.error(key.piece, f'"{name}" has a meaning already', "choose another name for this field")
        return False
    if not _NAME.fullmatch(name) or keyword.iskeyword(name.capitalize()) or keyword.iskeyword(name):
        plain = "_".join(re.findall(r"[^\W\d]\w*", name.lower()))
        hint = f'write "{plain}"' if plain and plain != name else "letters, digits and _ only, and no word of Python"
        report.error(key.piece, f'"{name}" cannot be the name of a field', hint)
        return False
    return True


def _read_field(key: Scalar, node: Node, report: Report) -> Field:
    if isinstance(node, Scalar) and not node.text:
        return Field(name=key.text)
    if not isinstance(node, Table):
        said = node.text if isinstance(node, Scalar) else "…"
        hint = "{required: true}" if said == "required" else f"{{fallback: {said}}}"
        report.error(node.piece, f'say what "{said}" is for "{key.text}"', f"write {key.text}: {hint}")
        return Field(name=key.text)
    for name, _ in node.entries:
        if name.text not in _KEYS:
            report.error(name.piece, f'unknown setting "{name.text}" of a field', did_you_mean(name.text, _KEYS))
    type_ = _read_type(node.get("type"), report)
    required = _read_required(node.get("required"), report)
    fallback = _read_fallback(node.get("fallback"), type_, report)
    if required and node.get("fallback"):
        report.error(key.piece, f'"{key.text}" is required and has a fallback', "keep one of the two")
    noted = _read_source(node.get("from"), type_, report)
    return Field(name=key.text, fallback=fallback, required=required, type=type_, noted=noted)


def _read_source(node: Node | None, type_: FieldType, report: Report) -> bool:
    """Whether the value may come from her notes."""
    if node is None:
        return False
    words = node.text if isinstance(node, Scalar) else ""
    if words != NOTE:
        report.error(
            node.piece, f'no field comes from "{words}"', f"write {{from: {NOTE}}}, your newest note about him"
        )
    elif type_ is not FieldType.TEXT:
        report.error(node.piece, f"a note is no {type_}", "leave the type out, or take it as a field of its own")
    return words == NOTE


def _read_type(node: Node | None, report: Report) -> FieldType:
    if node is None:
        return FieldType.TEXT
    words = node.text if isinstance(node, Scalar) else ""
    known = tuple(FieldType)
    if words not in known:
        report.error(node.piece, f'unknown type "{words}"', did_you_mean(words, known))
        return FieldType.TEXT
    return FieldType(words)


def _read_required(node: Node | None, report: Report) -> bool:
    words = node.text.lower() if isinstance(node, Scalar) else ""
    if node is not None and words not in (*_YES, *_NO):
        report.error(node.piece, f'"{words}" is neither true nor false', "write {required: true}")
    return words in _YES


def _read_fallback(node: Node | None, type_: FieldType, report: Report) -> FieldValue | None:
    if node is None:
        return None
    words = node.text if isinstance(node, Scalar) else ""
    if not inert(words):
        report.error(
            node.piece, "this fallback is empty", "leave it out, and ask in the letter: {% if name %}…{% endif %}"
        )
        return None
    try:
        return read_value(words, type_)
    except ValueError as error:
        report.error(node.piece, str(error))
        return None
