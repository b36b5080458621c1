"""What is to be done for each conversation now, and writing down what needs no letter."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from inboxagent.agent.account import Account
from inboxagent.agent.moves import Move, is_move, move
from inboxagent.agent.reading import tell
from inboxagent.outreach.decide import Action, Hold, Rest, Send, Wait, decide
from inboxagent.outreach.state import Conversation, State
from inboxagent.ports import Clock, Observe, Records, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What is to be done for one conversation now."""

    conversation: Conversation
    action: Action
    priority: int = 0  # of the rule

    @property
    def conversation_id(self) -> str:
        """Whose turn it is."""
        return self.conversation.id

    @property
    def address(self) -> str:
        """The prospect's."""
        return self.conversation.enrolment.prospect.address

    @property
    def in_flight(self) -> bool:
        """Whether she, or we, have written to him before."""
        return self.conversation.touches > 0


class Planner:
    """Decides for all conversations; one that cannot be decided is held and never stops the others."""

    def __init__(self, account: Account, store: Store, clock: Clock, observe: Observe) -> None:
        self._account = account
        self._store = store
        self._clock = clock
        self._observe = observe

    def plan(self) -> list[Planned]:
        """What would be done now, by the priority of the rule, follow-ups before first letters, the oldest promise
        first; does nothing."""
        planned = [
            Planned(conversation=each, action=self.decide(each), priority=self.priority(each))
            for each in self._store.conversations()
        ]
        return sorted(planned, key=lambda each: (-each.priority, not each.in_flight, _promised_at(each)))

    def priority(self, conversation: Conversation) -> int:
        """That of its rule."""
        sequence = self._account.rules().sequences.get(conversation.enrolment.sequence)
        return sequence.priority if sequence else 0

    def settle(self) -> list[Planned]:
        """What is ahead once everything that needs no letter is written down."""
        while True:
            planned = self.plan()
            turning = [each for each in planned if is_move(each.action)]
            if not turning:
                return planned
            for each in turning:
                self._turn(each)

    def decision(self, records: Records, conversation_id: str) -> Action | None:
        """What to do now, on what these records know; None where there is no such conversation."""
        conversation = records.conversation(conversation_id)
        return None if conversation is None else self.decide(conversation)

    def decide(self, conversation: Conversation) -> Action:
        """What to do now."""
        sequence = self._account.rules().sequences.get(conversation.enrolment.sequence)
        try:
            return decide(conversation, sequence, self._clock.now(), self._account.me)
        except Exception as error:  # noqa: BLE001 our own fault, whatever it is: hold, go on
            because = f"a fault of ours: {type(error).__name__}: {error}"
            return Hold(because=because) if conversation.state is State.WAITING else Rest(because=because)

    def _turn(self, planned: Planned) -> None:
        """Write down what needs no letter, if it still holds under the lock."""
        with self._store.transaction(f"{planned.conversation_id} moves on") as ledger:
            conversation = ledger.conversation(planned.conversation_id)
            action = None if conversation is None else self.decide(conversation)
            if conversation is None or not isinstance(action, Move):
                return
            events = move(self._account, self._clock, ledger, conversation, action)
        for event in events:
            tell(self._observe, planned.conversation_id, event)


def next_at(planned: Iterable[Planned]) -> datetime | None:
    """When the next step may fall due or the next hold ends."""
    planned = tuple(planned)
    steps = [each.action.at for each in planned if isinstance(each.action, Wait)]
    holds = [each.action.until for each in planned if isinstance(each.action, Rest) and each.action.until]
    return min(steps + holds, default=None)


def _promised_at(planned: Planned) -> datetime:
    match planned.action:
        case Send(due_at=due_at):
            return due_at
        case Wait(at=at):
            return at
        case _:
            return datetime.max.replace(tzinfo=UTC)
