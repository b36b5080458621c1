"""Sending what is due: the body, the last look, the decision again, the intent, and only then the dot."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from inboxagent.agent.account import Account
from inboxagent.agent.answers import Answers
from inboxagent.agent.brake import Brake
from inboxagent.agent.copies import Copies
from inboxagent.agent.moves import Move, is_move, move
from inboxagent.agent.precedence import find_precedence, priority_of
from inboxagent.agent.reading import Reader, tell
from inboxagent.errors import InboxagentError
from inboxagent.mail.compose import Outgoing, compose
from inboxagent.mail.headers import Address
from inboxagent.outreach.admission import Bar, bar, traffic_of
from inboxagent.outreach.decide import Action, Hold, Rest, Send, Wait, decide
from inboxagent.outreach.edits import suspect_renaming
from inboxagent.outreach.events import Event, Word
from inboxagent.outreach.letter import address_letter, as_mail, envelope, token
from inboxagent.outreach.model import Mail
from inboxagent.outreach.outbox import Fate, Outcome
from inboxagent.outreach.personalise import RenderError
from inboxagent.outreach.state import Conversation, State
from inboxagent.outreach.writing import choose, write
from inboxagent.ports import REWOUND, Clock, Ledger, Observe, Reading, Records, Store, Transport

READING_LIVES = 10.0  # seconds of the boot clock between the beginning of the last look and the dot


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What is to be done for one conversation now."""

    conversation_id: str
    address: str
    action: Action
    in_flight: bool = True  # she, or we, have written to him before
    priority: int = 0  # of the rule


@dataclass(frozen=True, slots=True)
class _Ready:
    """A letter that is written out, for exactly this decision."""

    conversation_id: str
    send: Send
    answers_to: Mail | None
    outgoing: Outgoing
    message: bytes
    variant: str | None = None


class Sender:
    """Acts on decisions, one letter at a time."""

    def __init__(
        self,
        account: Account,
        reader: Reader,
        transport: Transport,
        store: Store,
        clock: Clock,
        observe: Observe,
        copies: Copies,
    ) -> None:
        self._account = account
        self._reader = reader
        self._transport = transport
        self._store = store
        self._clock = clock
        self._observe = observe
        self._copies = copies
        self._answers = Answers(account, store, clock, observe, copies)
        self._brake = Brake(account.limits.brake, store, clock, observe)
        self._held_back: dict[str, Bar] = {}  # what was said already

    def recover(self) -> None:
        """Before a cycle: an intent without a result means that nobody knows. Only under the account's lock."""
        for conversation in self._store.conversations():
            if conversation.pending is not None and not conversation.uncertain:
                because = f"interrupted while `{conversation.pending.step}` was being handed over; it may have gone out"
                self._append(conversation.id, self._event(Word.UNCERTAIN, because, conversation.pending))

    def plan(self) -> list[Planned]:
        """What would be done now, by the priority of the rule, follow-ups before first letters, the oldest promise
        first; does nothing."""
        planned = [
            Planned(
                conversation_id=each.id,
                address=each.enrolment.prospect.address,
                action=self._decide(each),
                in_flight=each.touches > 0,
                priority=priority_of(each, self._account.rules()),
            )
            for each in self._store.conversations()
        ]
        return sorted(planned, key=lambda each: (-each.priority, not each.in_flight, _promised_at(each)))

    async def deliver(self, halted: Callable[[], bool]) -> datetime | None:
        """Do what is due and return when to come back at the latest; None if nothing is ahead.

        Between any two letters `halted`, the pause flag and the limits are asked.
        """
        planned = self._settled()
        due = [each for each in planned if isinstance(each.action, Send)]
        if self._brake.holds(len(due)):
            return _next_at(planned)
        later: list[datetime] = []
        for each in due:
            if halted() or self._account.paused():
                return _next_at(planned)
            held_back = self._bar(each.conversation_id)
            if held_back is None:
                await self._send_safely(each.conversation_id)
            else:
                later.append(held_back.until)
                self._say_held_back(each.conversation_id, held_back)
            if held_back is not None and held_back.everybody:
                break
        ahead = _next_at(self._settled())
        return min([*later, *([ahead] if ahead else [])], default=None)

    def _settled(self) -> list[Planned]:
        """What is ahead once everything that needs no letter is written down."""
        while True:
            planned = self.plan()
            turning = [each for each in planned if is_move(each.action)]
            if not turning:
                return planned
            for each in turning:
                self._turn(each)

    def _turn(self, planned: Planned) -> None:
        """Write down what needs no letter, if it still holds under the lock."""
        with self._store.transaction(f"{planned.conversation_id} moves on") as ledger:
            conversation = ledger.conversation(planned.conversation_id)
            action = None if conversation is None else self._decide(conversation)
            if conversation is None or not isinstance(action, Move):
                return
            events = move(self._account, self._clock, ledger, conversation, action)
        for event in events:
            tell(self._observe, planned.conversation_id, event)

    def _decision(self, records: Records, conversation_id: str) -> Action | None:
        conversation = records.conversation(conversation_id)
        return None if conversation is None else self._decide(conversation)

    def _decide(self, conversation: Conversation) -> Action:
        """What to do now; one conversation that cannot be decided is held and never stops the others."""
        sequence = self._account.rules().sequences.get(conversation.enrolment.sequence)
        try:
            return decide(conversation, sequence, self._clock.now(), self._account.me)
        except Exception as error:  # noqa: BLE001 our own fault, whatever it is: hold, go on
            return _fault(conversation, error)

    def _bar(self, conversation_id: str) -> Bar | None:
        """What keeps this letter back now: what her server said, or the limits."""
        stopped = self._answers.stopped()
        if stopped is not None:
            return Bar(until=stopped.until, because=stopped.because, everybody=True)
        conversation = self._store.conversation(conversation_id)
        if conversation is None:
            return None
        now, home = self._clock.now(), self._account.home
        traffic = traffic_of(self._store.conversations())
        first = find_precedence(conversation, self._store, self._account.rules(), self._decide, now, home)
        return first or bar(traffic, conversation, self._account.limits, now, home)

    def _say_held_back(self, conversation_id: str, held_back: Bar) -> None:
        if self._held_back.get(conversation_id) == held_back:
            return
        self._held_back[conversation_id] = held_back
        fields = {"conversation": conversation_id, "until": held_back.until.isoformat(), "because": held_back.because}
        self._observe("held_back", fields)

    # -- one letter --------------------------------------------------------------------------------------------

    async def _send_safely(self, conversation_id: str) -> None:
        try:
            await self._send(conversation_id)
        except InboxagentError:
            raise
        except Exception as error:  # noqa: BLE001 our own fault: after the intent it is uncertain, in any case held
            because = f"a fault of ours: {type(error).__name__}: {error}"
            self.recover()
            self._append(conversation_id, self._event(Word.HELD, because))

    async def _send(self, conversation_id: str) -> None:
        ready = self._write(conversation_id)
        if ready is None:
            return
        self._observe("handing_over", {"conversation": conversation_id, "step": ready.send.step.word})
        handed = await self._transport.hand_over(envelope(ready.outgoing), ready.message)
        if isinstance(handed, Outcome):
            self._answers.refuse(conversation_id, ready.send.step.word, handed, None)
            return
        try:
            reading = await self._reader.look()
            intent = self._intend(ready, reading)
        except BaseException:
            await handed.abort()
            raise
        if isinstance(intent, str):
            await handed.abort()
            fields = {"conversation": conversation_id, "step": ready.send.step.word, "because": intent}
            self._observe("withdrawn", fields)
            return
        outcome = await asyncio.shield(handed.commit())
        self._answers.record(conversation_id, intent, ready.outgoing, outcome)
        if outcome.fate is Fate.SENT:
            await self._copies.file()

    def _write(self, conversation_id: str) -> _Ready | None:
        """The letter that is due now, or None where it is not; one that cannot be written holds the conversation."""
        conversation = self._store.conversation(conversation_id)
        action = self._decision(self._store, conversation_id)
        if conversation is None or not isinstance(action, Send):
            return None
        suppressed = self._store.suppression(conversation.enrolment.prospect.address)
        if suppressed is not None:
            self._append(conversation_id, self._event(Word.SUPPRESSED, f"never to be written to: {suppressed}"))
            return None
        try:
            outgoing = self._compose(conversation, action)
            if doubt := self._doubt(conversation, action, outgoing):
                self._append(conversation_id, self._event(Word.HELD, doubt))
                return None
            variant = choose(action.step, conversation.enrolment.prospect.address)
            name = variant.name if variant else None
            return _Ready(conversation_id, action, conversation.latest, outgoing, compose(outgoing), name)
        except (RenderError, ValueError) as error:
            self._append(conversation_id, self._event(Word.HELD, f"`{action.step.word}` cannot be written: {error}"))
            return None

    def _doubt(self, conversation: Conversation, send: Send, outgoing: Outgoing) -> str:
        """Why she has to be asked first: the step may be one under another word, and nobody gets a letter twice."""
        sequence = self._account.rules().sequences[conversation.enrolment.sequence]
        return suspect_renaming(conversation, sequence, send.step, outgoing.text)

    def _compose(self, conversation: Conversation, send: Send) -> Outgoing:
        rules, me = self._account.rules(), self._account.me
        sequence = rules.sequences[conversation.enrolment.sequence]
        letter = write(conversation, sequence, send.step, rules.phrases, me, self._clock.now())
        secret = token(self._account.key, me.address, conversation.id, send.step.word, send.attempt)
        outgoing = address_letter(
            conversation,
            me,
            subject=letter.subject,
            text=letter.text,
            token=secret,
            now=self._clock.now(),
            list_unsubscribe=self._account.list_unsubscribe,
        )
        allowed = replace(outgoing, to=self._allowed(outgoing.to), cc=self._allowed(outgoing.cc))
        if allowed.to[:1] != outgoing.to[:1]:
            raise ValueError(f"{outgoing.to[0].address}, where he wants his mail, is never to be written to")
        return allowed

    def _allowed(self, people: Iterable[Address]) -> tuple[Address, ...]:
        return tuple(each for each in people if self._store.suppression(each.address) is None)

    def _intend(self, ready: _Ready, reading: Reading) -> Event | str:
        """The one place where a send becomes possible: decided again on fresh state, under the lock, then durable.

        A sentence instead of the intent says why the letter is withdrawn.
        """
        with self._store.transaction(f"intent for {ready.conversation_id}") as ledger:
            obstacle = self._obstacle(ledger, ready, reading)
            if obstacle is not None:
                return obstacle
            intent = Event(
                at=self._clock.now(),
                word=Word.INTENT,
                because=ready.send.because,
                message_id=ready.outgoing.message_id,
                step=ready.send.step.word,
                attempt=ready.send.attempt,
                text=ready.outgoing.text,
                variant=ready.variant,
                mail=as_mail(ready.outgoing),
            )
            ledger.append(ready.conversation_id, intent)
        return intent

    def _obstacle(self, ledger: Ledger, ready: _Ready, reading: Reading) -> str | None:
        """Why the letter that is handed over must not go, on what is known now."""
        conversation, action = ledger.conversation(ready.conversation_id), self._decision(ledger, ready.conversation_id)
        if conversation is None or action is None:
            return "the conversation is gone"
        if ledger.fact(REWOUND) is not None:
            return "an older copy of the state was put back: nobody knows what went out since"
        if not isinstance(action, Send):
            return action.because
        if (action.step, action.attempt, conversation.latest) != (
            ready.send.step,
            ready.send.attempt,
            ready.answers_to,
        ):
            return "it is no longer the next letter of the thread"
        if any(ledger.suppression(each.address) for each in (*ready.outgoing.to, *ready.outgoing.cc)):
            return "one of its readers is never to be written to"
        if (age := self._clock.boot() - reading.began_at) > READING_LIVES:
            return f"the last look took {age:.0f} seconds, and may be {READING_LIVES:.0f} old at most"
        return self._account.paused()

    def _event(self, word: Word, because: str, intent: Event | None = None) -> Event:
        return Event(
            at=self._clock.now(),
            word=word,
            because=because,
            message_id=intent.message_id if intent else None,
            step=intent.step if intent else None,
        )

    def _append(self, conversation_id: str, event: Event) -> None:
        with self._store.transaction(f"{conversation_id} {event.word}") as ledger:
            if ledger.conversation(conversation_id) is None:  # she had him forgotten meanwhile
                return
            ledger.append(conversation_id, event)
        tell(self._observe, conversation_id, event)


def _fault(conversation: Conversation, error: Exception) -> Action:
    because = f"a fault of ours: {type(error).__name__}: {error}"
    return Hold(because=because) if conversation.state is State.WAITING else Rest(because=because)


def _next_at(planned: Iterable[Planned]) -> datetime | None:
    """When the next step may fall due or the next hold ends."""
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
