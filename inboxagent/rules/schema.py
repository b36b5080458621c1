"""The settings at the top of a rule file as a JSON schema (draft 2020-12), for editors."""

from typing import Any

from inboxagent.outreach.phrases import TONES
from inboxagent.outreach.sequence import FieldType
from inboxagent.outreach.waits import FASTEST, SLOWEST
from inboxagent.rules.fields import NOTE
from inboxagent.rules.settings import HIGHEST_PRIORITY

_WAIT = r"^(at once|\d+ (second|minute|hour|day|business day|week|month)s?)$"


def _text(about: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "description": about, **more}


def _wait(about: str, default: str | None = None) -> dict[str, Any]:
    return _text(about, pattern=_WAIT, **({"default": default} if default else {}))


def _heir(when: str) -> dict[str, Any]:
    return _text(f"The sequence that takes over {when}: the name of its file, or end.", default="end")


def _choice(about: str, *choices: str) -> dict[str, Any]:
    return {"enum": list(choices), "default": choices[0], "description": about}


def _flag(about: str, default: str = "no") -> dict[str, Any]:
    return {"enum": [False, True, "no", "yes"], "default": default, "description": about}


def _list_or_text(about: str, default: list[str] | None = None) -> dict[str, Any]:
    kinds = [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]
    return {"anyOf": kinds, "description": about, **({"default": default} if default else {})}


_FIELD = {
    "type": ["object", "null"],
    "additionalProperties": False,
    "properties": {
        "fallback": {"type": ["string", "number"], "description": "What stands there where nothing was given."},
        "required": {"type": "boolean", "description": "Nobody is enrolled without it."},
        "type": {"enum": [str(each) for each in FieldType], "default": "text"},
        "from": {"enum": [NOTE], "description": "Where nothing was given: what you noted last about him."},
    },
}

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "inboxagent: settings of a rule file",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "sequence": _text("Its name for people."),
        "about": _text("One line about it."),
        "language": _text("The language of the letters: en, de, fr, es, it, nl, sv, or one with phrases of yours."),
        "tone": {"enum": list(TONES), "default": "polite", "description": "Which phrases greet and sign off."},
        "pace": {
            "type": "number",
            "minimum": FASTEST,
            "maximum": SLOWEST,
            "default": 1,
            "description": "1.5 makes every wait half as long again.",
        },
        "send": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "days": _list_or_text("Days of the week: Mon-Thu."),
                "between": _list_or_text("Windows of the day: 8:30-11:30, 13:30-16:30."),
                "zone": _text("Whose clock: prospect, me, or a name such as Europe/Berlin.", default="prospect"),
                "holidays": _list_or_text(
                    "Whose public holidays are kept: prospect, me, DE-BE, or none.", ["me", "prospect"]
                ),
                "quiet": _list_or_text("Weeks of every year without letters: 23 Dec - 6 Jan."),
            },
        },
        "fields": {
            "type": "object",
            "additionalProperties": _FIELD,
            "description": "The facts that letters and conditions use.",
        },
        "for": _text("Who may be enrolled: a condition on fields, such as value >= 3000."),
        "out_of_office": _wait("How long after his return it goes on.", "1 business day"),
        "not_now": _wait("How long he is left alone who wants mail later and names no day.", "3 months"),
        "after_my_answer": _wait("How long he may be silent after an answer of yours before it goes on."),
        "again": _text("The step with which it goes on then; the next one where this is left out."),
        "my_turn": _wait("How long a question of his may wait before you are reminded of it.", "1 business day"),
        "company": _choice("Whether an answer of anybody at his company holds it.", "ignore", "hold"),
        "cc_counts": _flag("Whether a mail of yours outside the thread counts where he only gets a copy."),
        "ticket": _choice("Whether the receipt of a service desk holds it.", "go on", "hold"),
        "priority": {
            "type": "integer",
            "minimum": -HIGHEST_PRIORITY,
            "maximum": HIGHEST_PRIORITY,
            "default": 0,
            "description": "Of two letters to one person on one day the one of the higher priority goes.",
        },
        "refused": _heir("when he says no, thank you"),
        "then": _heir("after the last step without an answer"),
        "won": _heir("when you have won him"),
        "lost": _heir("when you have lost him"),
        "signature": _flag("Whether signature.txt of the rules folder stands below each letter.", "yes"),
        "quote": _flag("Whether the message that is answered is quoted below."),
    },
}
