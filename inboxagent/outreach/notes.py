"""Her notes as facts: a field that is declared `from: note` is what she noted last about him."""

from collections.abc import Iterable
from dataclasses import replace

from inboxagent.outreach.events import Event
from inboxagent.outreach.fields import inert
from inboxagent.outreach.model import Prospect
from inboxagent.outreach.sequence import Sequence
from inboxagent.outreach.state import Conversation


def newest_note(prospect: Prospect, conversations: Iterable[Conversation]) -> Event | None:
    """The last call that she logged with him; none where he has been written to since, for then it is no news."""
    his = [each for each in conversations if each.addresses & prospect.addresses]
    wrote_at = max((each.wrote_at for each in his if each.wrote_at), default=None)
    calls = (event for each in his for event in each.events if event.is_call)
    note = max(calls, key=lambda each: each.at, default=None)
    return note if note and (wrote_at is None or note.at > wrote_at) else None


def with_note(prospect: Prospect, sequence: Sequence, conversations: Iterable[Conversation]) -> Prospect:
    """The prospect with her newest note in every field that is to come from it and was not given."""
    names = [
        name for name, field in sequence.fields.items() if field.noted and not inert(prospect.fields.get(name, ""))
    ]
    note = newest_note(prospect, conversations) if names else None
    if note is None or note.text is None:
        return prospect
    return replace(prospect, fields={**prospect.fields, **dict.fromkeys(names, note.text)})
