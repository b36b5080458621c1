"""Which conversation she means: by its id, or by the address of the prospect."""

from collections.abc import Sequence

from inboxagent.errors import Refused
from inboxagent.outreach.state import Conversation


def find(conversations: Sequence[Conversation], words: str) -> Conversation:
    """The one conversation with this id or address. Raises Refused for none, and with a list for several."""
    wanted = words.strip().lower()
    fitting = [each for each in conversations if each.id.lower() == wanted]
    fitting = fitting or [each for each in conversations if wanted in each.addresses]
    if not fitting:
        raise Refused(f'nobody is enrolled as "{words}"{_meant(conversations, wanted)}')
    if len(fitting) > 1:
        rows = "\n".join(f"  {each.id}  {each.enrolment.sequence}, {each.state}" for each in fitting)
        raise Refused(f"{wanted} is in {len(fitting)} conversations; say which one by its id:\n{rows}")
    return fitting[0]


def _meant(conversations: Sequence[Conversation], wanted: str) -> str:
    import difflib  # costly, and needed for slips only

    known = [word for each in conversations for word in (each.id, *sorted(each.addresses))]
    near = difflib.get_close_matches(wanted, known, n=1, cutoff=0.6)
    if near:
        return f'; did you mean "{near[0]}"?'
    return "; `inboxagent list` shows everybody" if known else "; nobody is enrolled yet"
