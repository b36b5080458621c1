"""`company: hold`: who of a company waits for her because somebody there has answered."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from inboxagent.outreach.company import company
from inboxagent.outreach.events import ANSWERS, Event, Word
from inboxagent.outreach.rulebook import Rulebook
from inboxagent.outreach.state import Conversation, State


def hold_colleagues(
    answered: Conversation,
    told: Iterable[Event],
    everybody: Callable[[], Iterable[Conversation]],
    rules: Rulebook,
    now: datetime,
) -> Iterator[tuple[str, Event]]:
    """The holds, by conversation, that follow from what was just told of `answered`; they wait for her. `everybody` is
    asked only where somebody has answered and a rule wants it.

    The rule of either conversation may ask for it. A company is one domain as it is written: a public mail provider is
    none, and a part of a domain is another one.
    """
    firm = company(answered.enrolment.prospect.address)
    if firm is None or not any(event.word in ANSWERS for event in told) or not _anywhere(rules):
        return
    because = f"{answered.enrolment.prospect.address} of the same company answered in {answered.id} (company: hold)"
    for other in everybody():
        apart = not other.addresses & answered.addresses
        asked = _asks(answered, rules) or _asks(other, rules)
        if apart and asked and company(other.enrolment.prospect.address) == firm and _goes_on(other):
            yield other.id, Event(at=now, word=Word.HELD, because=because)


def _anywhere(rules: Rulebook) -> bool:
    return any(sequence.company for sequence in rules.sequences.values())


def _asks(conversation: Conversation, rules: Rulebook) -> bool:
    sequence = rules.sequences.get(conversation.enrolment.sequence)
    return sequence is not None and sequence.company


def _goes_on(conversation: Conversation) -> bool:
    """Whether a letter could still go by itself, or by a command that does not mean the colleague: `release`."""
    waits_for_her = any(hold.until is None for hold in conversation.holds)
    return conversation.state in (State.WAITING, State.HELD) and not waits_for_her
