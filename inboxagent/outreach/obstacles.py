"""Why a step is not for this prospect, or no longer: its condition, and the last day of its offer."""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache

from inboxagent.outreach.sequence import Expiry, Field, FieldType, FieldValue, Sequence, Step
from inboxagent.outreach.state import Conversation


def obstacle(conversation: Conversation, sequence: Sequence, step: Step, day: date) -> str:
    """Why the step is passed over when it would leave on this day of his calendar; empty where it is not."""
    if step.condition is None and step.expires is None:
        return ""
    fields, given = tuple(sequence.fields.values()), tuple(sorted(conversation.enrolment.prospect.fields.items()))
    if step.condition is not None and not _is_so(step.condition, fields, given):
        return f"not so: {step.condition}"
    if step.expires is None:
        return ""
    last = last_day(step.expires, _values(fields, given))
    return f"its offer ended on {last.isoformat()}" if last is not None and day > last else ""


Given = tuple[tuple[str, str], ...]


@lru_cache(maxsize=8192)
def _is_so(condition: str, fields: tuple[Field, ...], given: Given) -> bool:
    """Asked of everybody in every cycle, and answered once."""
    # Loaded late: most steps have no condition, and the template engine takes its time.
    from inboxagent.outreach.template import holds

    return holds(condition, _values(fields, given))


def _values(fields: tuple[Field, ...], given: Given) -> Mapping[str, FieldValue]:
    from inboxagent.outreach.personalise import typed_values

    return typed_values({field.name: field for field in fields}, dict(given))


def last_day(expiry: Expiry, values: Mapping[str, FieldValue]) -> date | None:
    """The last day on which the letter may leave; None where the field has no date."""
    found = expiry.day or values.get(expiry.field)
    return found if isinstance(found, date) else None


def step_dates(conversation: Conversation, sequence: Sequence) -> dict[str, date]:
    """The fields of this prospect that are dates."""
    if not any(field.type is FieldType.DATE for field in sequence.fields.values()):
        return {}
    from inboxagent.outreach.personalise import values_of

    values = values_of(sequence, conversation.enrolment.prospect.fields)
    return {name: value for name, value in values.items() if isinstance(value, date)}
