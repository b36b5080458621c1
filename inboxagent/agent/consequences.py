"""What follows from a message, written down: for its conversation, for the one that takes over, for colleagues."""

from datetime import datetime

from inboxagent.agent.account import Account
from inboxagent.agent.moves import refuse
from inboxagent.outreach.case import Consequence
from inboxagent.outreach.colleagues import hold_colleagues
from inboxagent.outreach.events import Event
from inboxagent.outreach.state import Conversation
from inboxagent.ports import Clock, Ledger


def write_down(
    account: Account,
    clock: Clock,
    ledger: Ledger,
    conversation_id: str,
    consequence: Consequence,
    heirs: dict[str, str],
) -> list[tuple[str, Event]]:
    """All events that came of it, each with its conversation; `heirs` learns of a conversation that begins with it, by
    the one that it comes from."""
    before, told = ledger.conversation(conversation_id), consequence.events
    if before is not None and consequence.heir is not None:
        last, heir = refuse(account, clock, ledger, before, told[-1], consequence.heir)
        told = (*told[:-1], last)
        heirs |= {conversation_id: heir} if heir else {}
    after = ledger.append(conversation_id, *told)
    return [*((conversation_id, event) for event in told), *write_holds(account, clock.now(), ledger, after, told)]


def write_holds(
    account: Account, now: datetime, ledger: Ledger, answered: Conversation, told: tuple[Event, ...]
) -> list[tuple[str, Event]]:
    """Hold his colleagues where a rule asks for it, since this was just told of a conversation: each with its event."""
    holds = list(hold_colleagues(answered, told, ledger.conversations, account.rules(), now))
    for other, held in holds:
        ledger.append(other, held)
    return holds
