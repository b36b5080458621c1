"""The settings at the top of a rule file."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from inboxagent.outreach.fields import inert
from inboxagent.outreach.phrases import TONES
from inboxagent.outreach.sequence import Terms
from inboxagent.outreach.waits import FASTEST, SLOWEST
from inboxagent.rules.fields import read_fields
from inboxagent.rules.hours import KEYS, read_hours
from inboxagent.rules.problem import Report, did_you_mean, nearest
from inboxagent.rules.source import Piece
from inboxagent.rules.tree import Node, Scalar, Table, read_tree
from inboxagent.rules.waits import read_wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(Terms):
    """The terms as far as they could be read, and where those stand that are held against the rest of the file; `torn`
    where a part could not be read."""

    audience_at: Piece | None = None
    again_at: Piece | None = None
    torn: bool = False


_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_LANGUAGE_NAMES = {
    "english": "en",
    "german": "de",
    "deutsch": "de",
    "french": "fr",
    "francais": "fr",
    "français": "fr",
    "spanish": "es",
    "español": "es",
    "italian": "it",
    "italiano": "it",
    "dutch": "nl",
    "nederlands": "nl",
    "swedish": "sv",
    "svenska": "sv",
}
_BELOW_SEND = KEYS
END = "end"
HEIRS = ("then", "refused", "won", "lost")
"""The settings that name a sequence."""
_NAME = re.compile(r"\w[\w-]*")
HIGHEST_PRIORITY = 100
_YES_OR_NO = {"no": False, "false": False, "yes": True, "true": True}
_CHOICES = {
    "company": {"ignore": False, "hold": True},
    "cc_counts": _YES_OR_NO,
    "ticket": {"go on": False, "hold": True},
    "signature": _YES_OR_NO,
    "quote": _YES_OR_NO,
}
_WHOLE = re.compile(r"[+-]?\d{1,3}")
_NUMBER = re.compile(r"\d{1,2}(?:\.\d{1,3})?")
_TIGHT = re.compile(r"\s*([a-z_]+):(?=[^\s:])")


def read_settings(lines: Sequence[Piece], step_lines: Sequence[str], report: Report) -> Settings:
    """The settings that the lines hold; what could not be read keeps its default and has been reported."""
    table = read_tree(_spaced(lines, report), report)
    settings = Settings(torn=table.torn)
    for key, node in table.entries:
        if (read := _READERS.get(key.text)) is not None:
            settings = read(settings, key, node, report)
        else:
            report.error(key.piece, f'unknown setting "{key.text}"', hint_for_setting(key.text, step_lines))
    return settings


def read_tone(piece: Piece, report: Report) -> str | None:
    """One of the five tones, or None after a report."""
    if piece.text in TONES:
        return piece.text
    report.error(piece, f'unknown tone "{piece.text}"', did_you_mean(piece.text, TONES))
    return None


def _spaced(lines: Sequence[Piece], report: Report) -> list[Piece]:
    """The lines without those that lack the space after the colon: for YAML they would end the value above."""
    kept = []
    for line in lines:
        tight = _TIGHT.match(line.text)
        if tight and tight.group(1) in (*_READERS, *_BELOW_SEND):
            name = tight.group(1)
            report.error(
                line.strip(), f'a space is missing after "{name}:"', f"write {name}: {line.text[tight.end() :]}"
            )
            line = Piece(text="", line=line.line)
        kept.append(line)
    return kept


def hint_for_setting(name: str, step_lines: Sequence[str]) -> str:
    """Where the name belongs, or which one was meant."""
    if name in _BELOW_SEND:
        return f'"{name}" belongs under "send:", two spaces further in'
    near = nearest(name, (*_READERS, *step_lines))
    if near in step_lines and near not in _READERS:
        return f'"{near}" belongs to a step, directly below its ##'
    return did_you_mean(name, tuple(_READERS))


def hint_for_step_line(name: str, step_lines: Sequence[str]) -> str:
    """The same for a name below a step's word."""
    if name in (*_READERS, *_BELOW_SEND):
        return f'"{name}" belongs to the settings at the top'
    return did_you_mean(name, step_lines)


def _text(key: Scalar, node: Node, report: Report) -> str | None:
    """The value as one line, or None after a report."""
    if isinstance(node, Scalar) and (words := inert(node.text)):
        return words
    if isinstance(node, Scalar):
        report.error(key.piece, f'"{key.text}" has no value', f'write "{key.text}: …" or leave the line out')
    else:
        report.error(node.piece, f'"{key.text}" takes one line of text', "put the value in quotes")
    return None


def _read_title(settings: Settings, key: Scalar, node: Node, report: Report) -> Settings:
    return replace(settings, title=_text(key, node, report) or "")


def _read_about(settings: Settings, key: Scalar, node: Node, report: Report) -> Settings:
    return replace(settings, about=_text(key, node, report) or "")


def _read_language(settings: Settings, key: Scalar, node: Node, report: Report) -> Settings:
    words = _text(key, node, report)
    if words is None:
        return settings
    if _LANGUAGE.fullmatch(words):
        base, dash, rest = words.partition("-")
        return replace(settings, language=base.lower() + dash + rest)
    code = _LANGUAGE_NAMES.get(words.lower())
    hint = f'did you mean "{code}"?' if code else "a code of two letters, such as en or de"
    report.error(node.piece, f'"{words}" is not the code of a language', hint)
    return settings


def _read_default_tone(settings: Settings, key: Scalar, node: Node, report: Report) -> Settings:
    if _text(key, node, report) is None:
        return settings
    return replace(settings, tone=read_tone(node.piece, report) or settings.tone)


def _read_send(settings: Settings, key: Scalar, node: Node, report: Report) -> Settings:
    if isinstance(node, Table):
        return replace(settings, hours=read_hours(node, report))
    report.error(
        key.piece, '"send" takes days, between, zone, holidays and quiet', "one a line below it, two spaces further in"
    )
    return settings


def _read_fields(settings: Settings, key: Scalar, node: Node, report: Report) -> Settings:
    if isinstance(node, Table):
        return replace(settings, fields=read_fields(node, report))
    report.error(key.piece, '"fields" takes one name a line', "for example   first_name: {required: true}")
    return settings


def _read_pace(settings: Settings, key: Scalar, node: Node, report: Report) -> Settings:
    words = _text(key, node, report)
    if words is None:
        return settings
    if not _NUMBER.fullmatch(words) or not FASTEST <= float(words) <= SLOWEST:
        hint = "1.5 waits half as long again, 0.5 half as long"
        report.error(node.piece, f'"{words}" is not a pace from {FASTEST:g} to {SLOWEST:g}', hint)
        return settings
    return replace(settings, pace=float(words))


def _read_audience(settings: Settings, key: Scalar, node: Node, report: Report) -> Settings:
    return settings if _text(key, node, report) is None else replace(settings, audience_at=node.piece)


def _read_again(settings: Settings, key: Scalar, node: Node, report: Report) -> Settings:
    return settings if _text(key, node, report) is None else replace(settings, again_at=node.piece)


def _read_span(settings: Settings, key: Scalar, node: Node, report: Report) -> Settings:
    if _text(key, node, report) is None:
        return settings
    wait = read_wait(node.piece, report)
    return settings if wait is None else _set(settings, key, wait)


def _read_heir(settings: Settings, key: Scalar, node: Node, report: Report) -> Settings:
    words = _text(key, node, report)
    if words is None:
        return settings
    name = words.removesuffix(".md")
    if not _NAME.fullmatch(name):
        plain = "-".join(re.findall(r"\w+", name.lower()))
        hint = f'did you mean "{plain}"?' if " " in name else "the name of its file, without .md; or end"
        report.error(node.piece, f'"{words}" is not the name of a sequence', hint)
        return settings
    return _set(settings, key, None if name == END else name)


def _read_choice(settings: Settings, key: Scalar, node: Node, report: Report) -> Settings:
    words = _text(key, node, report)
    if words is None:
        return settings
    choices = _CHOICES[key.text]
    if words.lower() in choices:
        return _set(settings, key, choices[words.lower()])
    named = tuple(choice for choice in choices if choice not in ("true", "false"))  # as YAML writes yes and no
    report.error(node.piece, f'"{words}" is nothing that "{key.text}" can be', did_you_mean(words, named))
    return settings


def _read_priority(settings: Settings, key: Scalar, node: Node, report: Report) -> Settings:
    words = _text(key, node, report)
    if words is None:
        return settings
    if not _WHOLE.fullmatch(words) or abs(int(words)) > HIGHEST_PRIORITY:
        hint = "the higher one goes first; 0 where nothing is said"
        limits = f"from -{HIGHEST_PRIORITY} to {HIGHEST_PRIORITY}"
        report.error(node.piece, f'"{words}" is not a whole number {limits}', hint)
        return settings
    return replace(settings, priority=int(words))


def _set(settings: Settings, key: Scalar, value: object) -> Settings:
    return replace(settings, **{key.text: value})  # type: ignore[arg-type]


_READERS: dict[str, Callable[[Settings, Scalar, Node, Report], Settings]] = {
    "sequence": _read_title,
    "about": _read_about,
    "language": _read_language,
    "tone": _read_default_tone,
    "send": _read_send,
    "fields": _read_fields,
    "pace": _read_pace,
    "for": _read_audience,
    "out_of_office": _read_span,
    "not_now": _read_span,
    "after_my_answer": _read_span,
    "again": _read_again,
    "my_turn": _read_span,
    "company": _read_choice,
    "cc_counts": _read_choice,
    "ticket": _read_choice,
    "priority": _read_priority,
    **dict.fromkeys(HEIRS, _read_heir),
    "signature": _read_choice,
    "quote": _read_choice,
}

SETTINGS = tuple(_READERS)
"""The names of all settings."""
