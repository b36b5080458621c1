"""Expressions in placeholders and conditions."""

import re

from inboxagent.rules.problem import Report
from inboxagent.rules.source import Passage
from inboxagent.rules.vocabulary import Place, Vocabulary, check_name, check_phrase, known_as

_SYNTAX = r"(?:and|else|false|if|import|in|is|none|not|or|recursive|true|False|None|True)\b"
_NAME = rf"(?!{_SYNTAX})[A-Za-z_][A-Za-z0-9_]{{0,59}}"
_ONE_NAME = re.compile(_NAME)
_NAMES = re.compile(rf"{_NAME}(?: (?:and|or) {_NAME})*")
_OF_PHRASES = re.compile(rf"phrase\.({_NAME})")


def check_expression(passage: Passage, at: int, inside: str, words: Vocabulary, report: Report, *, shown: bool) -> None:
    """Report what is wrong with an expression that stands at `at` of the passage; `shown`: it is no condition."""
    if not inside:
        report.error(passage.part(at, at + 1), "an empty placeholder", "write {{ name }}")
        return
    place = Place(passage, at, inside)
    if names := plain_names(inside, words, shown=shown):
        for name in names:
            check_name(name, place.of(name), words, report)
    elif (phrase := _OF_PHRASES.fullmatch(inside)) and not known_as(inside, words):
        check_phrase(phrase[1], place.of(phrase[1]), words, report)
    else:
        from inboxagent.rules.syntax import check_parsed

        check_parsed(place, words, report, shown=shown)


def plain_names(inside: str, words: Vocabulary, *, shown: bool) -> list[str]:
    """The names in an expression that is a name, or, in a condition, names with `and` and `or` between them; none
    where it may be anything else. Most are no more than that, and the template engine takes its time to load."""
    if _ONE_NAME.fullmatch(inside):
        return [inside]
    if shown or not _NAMES.fullmatch(inside) or known_as(inside, words):
        return []
    return inside.split(" ")[::2]
