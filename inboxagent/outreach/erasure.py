"""Erasing a person: what names him is taken out of what is kept about others. Works on JSON values."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from inboxagent.outreach.events import Event, from_json, to_json
from inboxagent.outreach.state import Conversation

ERASED = "[erased]"
_HIS_OWN = ("address", "text", "mail")  # what an event holds of whoever wrote
_OF_NOBODY = "by somebody whose data was erased"
_BEFORE, _BEHIND = r"(?<![\w+-])(?<![^\W\d_]\.)", r"(?![\w-]|\.\w)"
"""Around a whole address or name: `joann@x.test`, `jo.ann@x.test` and `ann@x.test.example` are other people's than
`ann@x.test`; the Message-ID `<7.ann@x.test>` names him."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Whoever is to be erased: his addresses, lower-case, and the full names he is known by."""

    addresses: frozenset[str]
    names: frozenset[str] = frozenset()

    def is_named_in(self, text: str) -> bool:
        """Whether a text names him, in any case."""
        return _in_any_case(self.addresses, self.names).search(text.casefold()) is not None

    def erased_from(self, text: str) -> str:
        """The text without him."""
        left = _naming(self.addresses | self.names).sub(ERASED, text)
        return ERASED if self.is_named_in(left) else left


@lru_cache(maxsize=8)
def _in_any_case(addresses: frozenset[str], names: frozenset[str]) -> re.Pattern[str]:
    """Asked of every text of an account in turn."""
    return _naming(frozenset(word.casefold() for word in addresses | names))


@lru_cache(maxsize=8)
def _naming(words: frozenset[str]) -> re.Pattern[str]:
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile(f"{_BEFORE}(?:{'|'.join(map(re.escape, longest_first))}){_BEHIND}", re.IGNORECASE)


def person_of(address: str, conversations: Iterable[Conversation]) -> Person:
    """The person behind an address, as these conversations know him. A first name alone names many, and is none."""
    his = [each for each in conversations if address.lower() in each.addresses]
    addresses = frozenset({address.lower()}).union(*(each.addresses for each in his))
    names = {each.enrolment.prospect.name.strip() for each in his}
    return Person(addresses=addresses, names=frozenset(each for each in names if len(each.split()) > 1))


def is_named(value: Any, person: Person) -> bool:
    """Whether a JSON value names the person anywhere."""
    if isinstance(value, str):
        return person.is_named_in(value)
    if isinstance(value, Mapping):
        return any(is_named(each, person) for pair in value.items() for each in pair)
    return isinstance(value, list) and any(is_named(each, person) for each in value)


def erase_from_events(events: Iterable[Event], person: Person) -> tuple[Event, ...]:
    """The story of somebody else without this person: his words are gone, and he is no participant any more."""
    return tuple(from_json(_erase(to_json(each), person)) for each in events)


def erase_from_fact(value: Any, person: Person) -> Any:
    """A remembered value without what concerns him; None where nothing is left."""
    if isinstance(value, Mapping):
        return {name: each for name, each in value.items() if not is_named([name, each], person)} or None
    return None if is_named(value, person) else value


def _erase(value: Any, person: Person) -> Any:
    if isinstance(value, str):
        return person.erased_from(value)
    if isinstance(value, list):
        return [_erase(each, person) for each in value if not _is_all_his(each, person)]
    if not isinstance(value, Mapping):
        return value
    if "word" in value and _is_at(value, person):
        value = {name: each for name, each in value.items() if name not in _HIS_OWN} | {"because": _OF_NOBODY}
    elif _is_at(value, person):
        return {}
    return {name: _erase(each, person) for name, each in value.items()}


def _is_all_his(item: Any, person: Person) -> bool:
    """Whether an item of a list is a participant and he, or a Message-ID that names him."""
    if isinstance(item, Mapping):
        return "word" not in item and _is_at(item, person)
    return isinstance(item, str) and person.is_named_in(item)


def _is_at(value: Mapping[str, Any], person: Person) -> bool:
    return str(value.get("address", "")).lower() in person.addresses
