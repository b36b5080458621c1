"""The schema for editors: every shipped file fits it, and what does not fit a rule file does not fit the schema."""

import re
from collections.abc import Iterator
from dataclasses import fields
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from inboxagent.outreach.sequence import Terms
from inboxagent.rules.parse import parse_rule
from inboxagent.rules.schema import SCHEMA
from inboxagent.rules.settings import SETTINGS

RULES = sorted((Path(__file__).parents[2] / "rules").glob("*.md"))
TYPES = {"string": str, "number": (int, float), "integer": int, "object": dict, "array": list, "boolean": bool}
LETTER = "\n## one\nwait: 3 days\n\nDid it reach you?\n"


def faults(value: Any, schema: dict[str, Any], place: str = "") -> Iterator[str]:
    """What a validator finds, for the keywords that the schema uses; any other keyword fails the test."""
    assert schema.keys() <= {
        *("$schema", "title", "description", "default", "type", "enum", "pattern", "minimum", "maximum"),
        *("anyOf", "items", "properties", "additionalProperties"),
    }
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    fitting = (value is None and "null" in kinds, *(isinstance(value, TYPES[k]) for k in kinds if k != "null"))
    if kinds and not any(fitting):
        yield f"{place}: {value!r} is no {kinds}"
    elif "enum" in schema and value not in schema["enum"]:
        yield f"{place}: {value!r} is none of {schema['enum']}"
    elif "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{place}: {value!r} is not like {schema['pattern']}"
    elif not schema.get("minimum", value) <= value <= schema.get("maximum", value) if "minimum" in schema else False:
        yield f"{place}: {value!r} is out of bounds"
    elif "anyOf" in schema and all(list(faults(value, each, place)) for each in schema["anyOf"]):
        yield f"{place}: {value!r} fits nothing"
    elif isinstance(value, list):
        for each in value:
            yield from faults(each, schema.get("items", {}), f"{place}[]")
    elif isinstance(value, dict):
        yield from _faults_inside(value, schema, place)


def _faults_inside(value: dict[str, Any], schema: dict[str, Any], place: str) -> Iterator[str]:
    for name, inner in value.items():
        known = schema.get("properties", {}).get(name, schema.get("additionalProperties", {}))
        if known is False:
            yield f"{place}.{name} is not known"
        else:
            yield from faults(inner, known, f"{place}.{name}")


def settings_of(source: str) -> Any:
    return YAML(typ="safe").load(StringIO(source.split("---\n")[1]))


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_what_ships_fits_the_schema(path: Path) -> None:
    assert list(faults(settings_of(path.read_text("utf-8")), SCHEMA)) == []


@pytest.mark.parametrize(
    ("settings", "right"),
    [
        ("tone: warm", True),
        ("tone: wram", False),
        ("tonne: warm", False),
        ("pace: 1.5", True),
        ("pace: 50", False),
        ("send:\n  days: Mon-Thu\n  holidays: [DE-BE, prospect]", True),
        ("send:\n  dais: Mon-Thu", False),
        ("fields:\n  value: {type: number, fallback: 0}\n  plain:", True),
        ("fields:\n  value: {type: numbr}", False),
        ("not_now: 6 weeks", True),
        ("not_now: later", False),
        ("cc_counts: yes", True),
        ("cc_counts: maybe", False),
        ("ticket: hold", True),
        ("company: stop", False),
        ("priority: 5", True),
        ("priority: high", False),
        ("priority: 500", False),
    ],
)
def test_the_schema_and_the_reader_agree(settings: str, right: bool) -> None:
    source = f"---\n{settings}\n---\n{LETTER}"
    sequence, _ = parse_rule("rules/x.md", source, {})
    assert (not list(faults(settings_of(source), SCHEMA)), sequence is not None) == (right, right)


def test_every_setting_is_read_kept_and_in_the_schema() -> None:
    """One that is added has its term, its reader and its line for editors."""
    called = {"title": "sequence", "audience": "for", "hours": "send"}
    terms = [called.get(each.name, each.name) for each in fields(Terms)]
    assert sorted(terms) == sorted(SETTINGS) == sorted(SCHEMA["properties"])
