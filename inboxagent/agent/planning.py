"""What is to be done for each conversation now, and writing down what needs no letter."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from operator import attrgetter

from inboxagent.agent.account import Account
from inboxagent.agent.moves import is_move, move
from inboxagent.agent.reading import tell
from inboxagent.outreach.admission import Bar, give_way
from inboxagent.outreach.decide import FOR_EVER, Action, Hold, Rest, Send, Wait, decide, stands_until
from inboxagent.outreach.rulebook import Rulebook
from inboxagent.outreach.sequence import Do
from inboxagent.outreach.sequence import Sequence as Rule
from inboxagent.outreach.state import Conversation, State, are_same, to_compare
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


@dataclass(frozen=True, slots=True)
class _Standing:
    """What was planned for one conversation, on which rule, and from when until when it stands."""

    planned: Planned
    turn: tuple[int, bool, datetime]
    rule: Rule | None
    since: datetime
    until: datetime

    def holds(self, conversation: Conversation, rule: Rule | None, now: datetime) -> bool:
        """Whether the same would be decided: nothing has happened, and its turn has not come. Nobody knows what was to
        be done before `since`, to which a wall clock may have been put back."""
        same = self.planned.conversation is conversation and self.rule is rule
        return same and self.since <= now < self.until


@dataclass(frozen=True, slots=True)
class _Plan:
    """Everybody's turn, as the store and the rules were, and from when until when it stands."""

    planned: Sequence[Planned]
    everybody: Sequence[Conversation]
    generation: object
    rules: Rulebook
    since: datetime
    until: datetime

    def holds(self, rules: Rulebook, now: datetime) -> bool:
        """Whether nobody's turn has come, and no rule is another one."""
        return self.rules is rules and self.since <= now < self.until


class Planner:
    """Decides for all conversations; one that cannot be decided is held and never stops the others.

    A conversation is decided anew when it, its rule or what the time makes of it has changed; nobody is even looked at
    while none has.
    """

    def __init__(self, account: Account, store: Store, clock: Clock, observe: Observe) -> None:
        self._account = account
        self._store = store
        self._clock = clock
        self._observe = observe
        self._standing: dict[str, _Standing] = {}
        self._plan: _Plan | None = None

    def plan(self) -> Sequence[Planned]:
        """What would be done now, by the priority of the rule, follow-ups before first letters, the oldest promise
        first; does nothing."""
        # The generation first: what is written while everybody is read is of the next one.
        generation, rules, now = self._store.generation(), self._account.rules(), self._clock.now()
        plan = self._plan
        if plan is None or not plan.holds(rules, now) or plan.generation != generation:
            self._plan = plan = self._plan_anew(generation, rules, now)
        return plan.planned

    def _plan_anew(self, generation: object, rules: Rulebook, now: datetime) -> _Plan:
        before, everybody = self._plan, self._store.conversations()
        if before is not None and before.holds(rules, now) and are_same(before.everybody, everybody):
            return replace(before, generation=generation)  # something was written, and to nobody's conversation
        self._standing = {each.id: self._stand(each, rules, now) for each in everybody}
        standing = sorted(self._standing.values(), key=attrgetter("turn"))
        until = min((each.until for each in standing), default=FOR_EVER)
        return _Plan([each.planned for each in standing], to_compare(everybody), generation, rules, now, until)

    def _stand(self, conversation: Conversation, rules: Rulebook, now: datetime) -> _Standing:
        """What was decided for it before, where that stands."""
        known, rule = self._standing.get(conversation.id), rules.sequences.get(conversation.enrolment.sequence)
        if known is not None and known.holds(conversation, rule, now):
            return known
        action = self._decide(conversation, rule, now)
        planned = Planned(conversation=conversation, action=action, priority=_priority(rule))
        return _Standing(planned, _turn_of(planned), rule, now, stands_until(action, now))

    def priority(self, conversation: Conversation) -> int:
        """That of its rule."""
        return _priority(self._account.rules().sequences.get(conversation.enrolment.sequence))

    def precedence(self, conversation: Conversation) -> Bar | None:
        """What keeps its letter back while another one, of a higher priority, goes to the same person later today."""
        found = {each.id: each for his in conversation.addresses for each in self._store.find("address", his)}
        mine = self.priority(conversation)
        actions = [self.decide(each) for each in found.values() if self.priority(each) > mine]
        ahead = [each.at for each in actions if isinstance(each, Wait) and each.do is Do.MAIL and not each.skips]
        return give_way(ahead, self._clock.now(), self._account.home)

    def settle(self) -> Sequence[Planned]:
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
        """What to do now; always decided anew."""
        rule = self._account.rules().sequences.get(conversation.enrolment.sequence)
        return self._decide(conversation, rule, self._clock.now())

    def _decide(self, conversation: Conversation, rule: Rule | None, now: datetime) -> Action:
        try:
            return decide(conversation, rule, now, self._account.me)
        except Exception as error:  # noqa: BLE001 our own fault, whatever it is: hold, go on
            because = f"a fault of ours: {type(error).__name__}: {error}"
            return Hold(because=because) if conversation.state is State.WAITING else Rest(because=because)

    def _turn(self, planned: Planned) -> None:
        """Write down what needs no letter, if it still holds under the lock."""
        with self._store.transaction(f"{planned.conversation_id} moves on") as ledger:
            conversation = ledger.conversation(planned.conversation_id)
            action = None if conversation is None else self.decide(conversation)
            if conversation is None or not is_move(action):
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


def _priority(rule: Rule | None) -> int:
    return rule.priority if rule else 0


def _turn_of(planned: Planned) -> tuple[int, bool, datetime]:
    return -planned.priority, not planned.in_flight, _promised_at(planned)


def _promised_at(planned: Planned) -> datetime:
    match planned.action:
        case Send(due_at=due_at):
            return due_at
        case Wait(at=at):
            return at
        case _:
            return FOR_EVER
