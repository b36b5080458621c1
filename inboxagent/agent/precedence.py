"""Which of two letters to one person goes first: the rule's `priority` says so."""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from inboxagent.outreach.admission import Bar, give_way
from inboxagent.outreach.decide import Action, Wait
from inboxagent.outreach.rulebook import Rulebook
from inboxagent.outreach.sequence import Do
from inboxagent.outreach.state import Conversation
from inboxagent.ports import Records


def priority_of(conversation: Conversation, rules: Rulebook) -> int:
    """What its rule says; 0 without a rule."""
    sequence = rules.sequences.get(conversation.enrolment.sequence)
    return sequence.priority if sequence else 0


def find_precedence(
    conversation: Conversation,
    records: Records,
    rules: Rulebook,
    decide: Callable[[Conversation], Action],
    now: datetime,
    home: ZoneInfo,
) -> Bar | None:
    """What keeps its letter back while another one, of a higher priority, goes to the same person later today."""
    mine = priority_of(conversation, rules)
    found = {each.id: each for address in conversation.addresses for each in records.find("address", address)}
    actions = [decide(each) for each in found.values() if priority_of(each, rules) > mine]
    ahead = [each.at for each in actions if isinstance(each, Wait) and each.do is Do.MAIL and not each.skips]
    return give_way(ahead, now, home)
