"""Nobody is enrolled twice, and nobody as two things."""

from collections.abc import Iterable

from inboxagent.agent.account import Account
from inboxagent.errors import Refused
from inboxagent.outreach.letter import recipients
from inboxagent.outreach.model import Me
from inboxagent.outreach.roles import rival
from inboxagent.outreach.state import Conversation, State


def check_single(others: Iterable[Conversation], conversation: Conversation, account: Account) -> None:
    """Refuse a second enrolment of a person in the same sequence, or of a thread whose letters reach him already, and
    of a customer as a prospect or the other way round."""
    others, me = tuple(others), account.me
    readers = _readers(conversation, me)
    sequence = conversation.enrolment.sequence
    if (open_ := rival(conversation.addresses, sequence, account.rules(), others)) is not None:
        raise Refused(
            f"{conversation.enrolment.prospect.address} is in {open_.enrolment.sequence} ({open_.id}, {open_.state}), "
            f"and nobody is a prospect and a customer at once; `won {open_.id}`, `lost {open_.id}` or "
            f"`stop {open_.id}` ends that"
        )
    for other in others:
        if other.state in (State.STOPPED, State.FINISHED):
            continue
        twice = other.enrolment.sequence == conversation.enrolment.sequence and other.addresses & conversation.addresses
        shared = other.ids & conversation.ids and _readers(other, me) & readers
        if twice or shared:
            address = conversation.enrolment.prospect.address
            where = "" if twice else f" in the same thread with {other.enrolment.prospect.address}"
            raise Refused(
                f"{address} is enrolled already{where}: {other.id} ({other.enrolment.sequence}, {other.state})"
            )


def _readers(conversation: Conversation, me: Me) -> frozenset[str]:
    people = recipients(conversation, me)
    return conversation.addresses | {each.address for each in (*people.to, *people.cc)}
