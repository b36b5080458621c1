"""Prospect or customer: nobody is followed up as both at once."""

from collections.abc import Iterable
from enum import StrEnum

from inboxagent.outreach.rulebook import Rulebook
from inboxagent.outreach.state import Conversation, State


class Role(StrEnum):
    """What a sequence takes a person for."""

    PROSPECT = "prospect"
    CUSTOMER = "customer"


def role(sequence: str, rules: Rulebook) -> Role | None:
    """A sequence that `won:` leads to is for customers, one that has `won:` for prospects, any other for both."""
    if any(each.won == sequence for each in rules.sequences.values()):
        return Role.CUSTOMER
    named = rules.sequences.get(sequence)
    return Role.PROSPECT if named is not None and named.won is not None else None


def rival(
    addresses: frozenset[str], sequence: str, rules: Rulebook, others: Iterable[Conversation]
) -> Conversation | None:
    """A live conversation with this person that takes him for the other thing."""
    wanted = role(sequence, rules)
    if wanted is None:
        return None
    live = (each for each in others if each.state not in (State.STOPPED, State.FINISHED) and each.addresses & addresses)
    return next((each for each in live if role(each.enrolment.sequence, rules) not in (None, wanted)), None)
