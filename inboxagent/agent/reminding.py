"""Telling her what waits for her, each thing once: what she does not see in time, he waits for."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from inboxagent.agent.account import Account
from inboxagent.agent.notices import Notices
from inboxagent.errors import InboxagentError
from inboxagent.outreach.outbox import Fate
from inboxagent.outreach.reminders import Reminder, reminders
from inboxagent.outreach.rulebook import Rulebook
from inboxagent.outreach.sequence import Sequence as Rule
from inboxagent.outreach.state import Conversation, are_same, to_compare
from inboxagent.outreach.stoppage import FACT, from_fact
from inboxagent.ports import Clock, Observe, Store, Transport

TOLD = "reminded"
TRY_AGAIN_AFTER = timedelta(hours=1)

_Found = tuple[Conversation, Rule | None, tuple[Reminder, ...]]  # what waits in a conversation, on which rule


class Reminding:
    """Mail to herself for tasks and questions; what was told is in the store, so that a restart tells nothing again."""

    def __init__(self, account: Account, transport: Transport, store: Store, clock: Clock, observe: Observe) -> None:
        self._account = account
        self._store = store
        self._clock = clock
        self._observe = observe
        self._notices = Notices(account, transport, clock, account.remind_to)
        self._not_before: datetime | None = None
        self._known: dict[str, _Found] = {}
        self._everybody: Sequence[Conversation] = ()
        self._rules: Rulebook | None = None
        self._unwritten: dict[str, str] = {}  # told, and the disk did not take it

    async def remind(self) -> datetime | None:
        """Tell what is to be told; when there will be more, as far as is known."""
        if not self._account.remind_to or self._account.paused() or self._is_stopped():
            return None
        self._write_down()
        waiting, told = self._waiting(), self._told()
        self._forget_what_is_over(told, {each.key for each in waiting})
        fresh = [each for each in waiting if each.key not in told]
        for each in fresh:
            if each.at <= self._clock.now() and not self._is_put_off():
                await self._tell(each)
        later = [each.at for each in fresh if each.at > self._clock.now()]
        return min([*later, *([self._not_before] if self._is_put_off() and self._not_before else [])], default=None)

    def _waiting(self) -> list[Reminder]:
        rules, everybody = self._account.rules(), self._store.conversations()
        if self._rules is not rules or not are_same(self._everybody, everybody):
            found = ((each.id, self._of(each, rules.sequences.get(each.enrolment.sequence))) for each in everybody)
            self._rules, self._everybody = rules, to_compare(everybody)
            self._known = {name: each for name, each in found if each[2] or self._everybody}
        return [each for _, _, waiting in self._known.values() for each in waiting]

    def _of(self, conversation: Conversation, rule: Rule | None) -> _Found:
        """What waits for her in one conversation, on which rule; the time of day makes no difference to it."""
        known = self._known.get(conversation.id)
        if known is not None and known[0] is conversation and known[1] is rule:
            return known
        return conversation, rule, tuple(reminders(conversation, rule, self._account.me))

    async def _tell(self, reminder: Reminder) -> None:
        try:
            outcome = await self._notices.send(reminder.subject, reminder.text, reminder.key)
        except (InboxagentError, ValueError) as error:
            self._put_off(str(error))
            return
        if outcome.fate not in (Fate.SENT, Fate.UNCERTAIN):  # a second mail about it would tell her nothing new
            self._put_off(outcome.text)
            return
        self._unwritten[reminder.key] = self._clock.now().isoformat()
        self._write_down()
        self._observe("reminded", {"conversation": reminder.key.partition(" ")[0], "because": reminder.subject})

    def _write_down(self) -> None:
        """Note what she was told. What a full disk refuses is noted later, and not told again meanwhile."""
        if not self._unwritten:
            return
        with self._store.transaction("she was reminded") as ledger:
            ledger.remember(TOLD, {**self._told(), **self._unwritten})
        self._unwritten.clear()

    def _forget_what_is_over(self, told: Mapping[str, str], waiting: set[str]) -> None:
        left = {key: at for key, at in told.items() if key in waiting}
        if left != told:
            with self._store.transaction("what was told is over") as ledger:
                ledger.remember(TOLD, left or None)

    def _told(self) -> Mapping[str, str]:
        fact = self._store.fact(TOLD)
        return fact if isinstance(fact, dict) else {}

    def _is_stopped(self) -> bool:
        stoppage = from_fact(self._store.fact(FACT))
        return stoppage is not None and stoppage.until > self._clock.now()

    def _is_put_off(self) -> bool:
        return self._not_before is not None and self._not_before > self._clock.now()

    def _put_off(self, because: str) -> None:
        self._not_before = self._clock.now() + TRY_AGAIN_AFTER
        self._observe("reminder_unsent", {"to": self._notices.to, "because": because})
