"""Sending what is due: the body, the last look, the decision again, the intent, and only then the dot."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from inboxagent.agent.account import Account
from inboxagent.agent.copies import Copies
from inboxagent.agent.reading import Reader, tell
from inboxagent.errors import InboxagentError, LoginRefused
from inboxagent.mail.compose import Outgoing, compose
from inboxagent.mail.headers import Address, message_ids
from inboxagent.outreach.decide import Action, Finish, Hold, Rest, Resume, Send, Wait, decide
from inboxagent.outreach.events import Event, Word
from inboxagent.outreach.letter import address_letter, as_mail, envelope, token
from inboxagent.outreach.model import Mail
from inboxagent.outreach.outbox import Fate, Outcome, Phase, Scope
from inboxagent.outreach.personalise import RenderError, render
from inboxagent.outreach.phrases import phrases_for
from inboxagent.outreach.state import Conversation, State
from inboxagent.ports import Clock, Ledger, Observe, Reading, Records, Store, Transport

READING_LIVES = 10.0  # seconds of the boot clock between the beginning of the last look and the dot
FIRST_RETRY = timedelta(minutes=15)
LONGEST_RETRY = timedelta(hours=4)
BRAKE = "brake"
BRAKE_RELEASED = "brake_released"
SENDING_STOPPED = "sending_stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What is to be done for one conversation now."""

    conversation_id: str
    address: str
    action: Action


@dataclass(frozen=True, slots=True)
class _Ready:
    """A letter that is written out, for exactly this decision."""

    conversation_id: str
    send: Send
    answers_to: Mail | None
    outgoing: Outgoing
    message: bytes


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

    def recover(self) -> None:
        """Before a cycle: an intent without a result means that nobody knows. Only under the account's lock."""
        for conversation in self._store.conversations():
            if conversation.pending is not None and not conversation.uncertain:
                because = f"interrupted while `{conversation.pending.step}` was being handed over; it may have gone out"
                self._append(conversation.id, self._event(Word.UNCERTAIN, because, conversation.pending))

    def plan(self) -> list[Planned]:
        """What would be done now, the oldest promise first; does nothing."""
        planned = [
            Planned(conversation_id=each.id, address=each.enrolment.prospect.address, action=self._decide(each))
            for each in self._store.conversations()
        ]
        return sorted(planned, key=_promised_at)

    async def deliver(self, halted: Callable[[], bool]) -> datetime | None:
        """Do what is due and return when to come back at the latest; None if nothing is ahead.

        Between any two letters `halted`, the pause flag and the limits are asked.
        """
        planned = self._settled()
        due = [each for each in planned if isinstance(each.action, Send)]
        if self._braked(len(due)):
            return _next_at(planned)
        for each in due:
            barred_until = self._barred()
            if barred_until is not None:
                return min(barred_until, _next_at(self._settled()) or barred_until)
            if halted() or self._account.paused():
                return _next_at(planned)
            await self._send_safely(each.conversation_id)
        return _next_at(self._settled())

    def _settled(self) -> list[Planned]:
        """What is ahead once everything that needs no letter is written down."""
        while True:
            planned = self.plan()
            turning = [each for each in planned if isinstance(each.action, Resume | Hold | Finish)]
            if not turning:
                return planned
            for each in turning:
                self._turn(each)

    def _turn(self, planned: Planned) -> None:
        """Write down a change of state that needs no letter, if it still holds under the lock."""
        words = {Resume: Word.RESUMED, Hold: Word.HELD, Finish: Word.FINISHED}
        with self._store.transaction(f"{planned.conversation_id} moves on") as ledger:
            action = self._decision(ledger, planned.conversation_id)
            if not isinstance(action, Resume | Hold | Finish):
                return
            event = self._event(words[type(action)], action.because)
            ledger.append(planned.conversation_id, event)
        tell(self._observe, planned.conversation_id, event)

    def _decision(self, records: Records, conversation_id: str) -> Action | None:
        conversation = records.conversation(conversation_id)
        return None if conversation is None else self._decide(conversation)

    def _decide(self, conversation: Conversation) -> Action:
        """What to do now; one conversation that cannot be decided is held and never stops the others."""
        sequence = self._account.rules().sequences.get(conversation.enrolment.sequence)
        try:
            return decide(conversation, sequence, self._clock.now(), self._account.home)
        except Exception as error:  # noqa: BLE001 our own fault, whatever it is: hold, go on
            return _fault(conversation, error)

    # -- limits ------------------------------------------------------------------------------------------------

    def _braked(self, due: int) -> bool:
        """Far too many at once means that something is wrong: nothing goes out until she releases the brake."""
        released = self._store.fact(BRAKE_RELEASED) is not None
        if due > self._account.limits.brake and not released:
            if self._store.fact(BRAKE) is None:
                with self._store.transaction("brake") as ledger:
                    ledger.remember(BRAKE, {"at": self._clock.now().isoformat(), "due": due})
                self._observe("braked", {"due": due, "brake": self._account.limits.brake})
            return True
        if due <= self._account.limits.brake and (released or self._store.fact(BRAKE) is not None):
            with self._store.transaction("brake released") as ledger:
                ledger.remember(BRAKE, None)
                ledger.remember(BRAKE_RELEASED, None)
        return False

    def _barred(self) -> datetime | None:
        """Until when no letter may go: the server said so, the day is full, or the last one is too recent."""
        now, limits = self._clock.now(), self._account.limits
        stopped = self._store.fact(SENDING_STOPPED)
        if isinstance(stopped, dict) and (until := datetime.fromisoformat(stopped["until"])) > now:
            return until
        sent = sent_times(self._store.conversations())
        today = now.astimezone(self._account.home).date()
        if sum(at.astimezone(self._account.home).date() == today for at in sent) >= limits.per_day:
            return datetime.combine(today + timedelta(days=1), datetime.min.time(), self._account.home)
        last = max(sent, default=None)
        return last + limits.gap if last is not None and last + limits.gap > now else None

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
            self._record_refusal(ready, handed, None)
            return
        try:
            reading = await self._reader.read()
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
        self._record(ready, intent, outcome)
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
            return _Ready(conversation_id, action, conversation.latest, outgoing, compose(outgoing))
        except (RenderError, ValueError) as error:
            self._append(conversation_id, self._event(Word.HELD, f"`{action.step.word}` cannot be written: {error}"))
            return None

    def _compose(self, conversation: Conversation, send: Send) -> Outgoing:
        rules, me = self._account.rules(), self._account.me
        sequence = rules.sequences[conversation.enrolment.sequence]
        letter = render(
            sequence,
            send.step,
            conversation.enrolment.prospect.fields,
            phrases_for(sequence.language, rules.phrases),
            me_name=me.name,
            tone=None,
        )
        secret = token(self._account.key, me.address, conversation.id, send.step.word, send.attempt)
        outgoing = address_letter(
            conversation, me, subject=letter.subject, text=letter.text, token=secret, now=self._clock.now()
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
                mail=as_mail(ready.outgoing),
            )
            ledger.append(ready.conversation_id, intent)
        return intent

    def _obstacle(self, ledger: Ledger, ready: _Ready, reading: Reading) -> str | None:
        """Why the letter that is handed over must not go, on what is known now."""
        conversation, action = ledger.conversation(ready.conversation_id), self._decision(ledger, ready.conversation_id)
        if conversation is None or action is None:
            return "the conversation is gone"
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

    # -- what became of it -------------------------------------------------------------------------------------

    def _record(self, ready: _Ready, intent: Event, outcome: Outcome) -> None:
        """Write the result of a dot."""
        match outcome.fate:
            case Fate.SENT:
                event = self._event(Word.SENT, f"accepted: {outcome.text}", intent)
                with self._store.transaction(f"{ready.conversation_id} sent") as ledger:
                    ledger.append(ready.conversation_id, event, *self._names_given(intent, outcome))
                    self._copies.owe(ledger, ready.outgoing)
                tell(self._observe, ready.conversation_id, event)
            case Fate.UNCERTAIN:
                because = f"nobody knows whether it went out: {outcome.text}"
                self._append(ready.conversation_id, self._event(Word.UNCERTAIN, because, intent))
            case _:
                self._record_refusal(ready, outcome, intent)

    def _names_given(self, intent: Event, outcome: Outcome) -> Iterator[Event]:
        """Servers that replace the Message-ID say so in their answer; his answers will name that one."""
        for message_id in message_ids(outcome.text):
            if message_id != intent.message_id:
                because = "her server gave our letter this Message-ID"
                yield replace(self._event(Word.NOTE, because, intent), message_id=message_id)

    def _record_refusal(self, ready: _Ready, outcome: Outcome, intent: Event | None) -> None:
        """The server answered and does not have the letter; an intent that is on disk has to be closed."""
        if outcome.scope is not Scope.ACCOUNT:
            self._append(ready.conversation_id, self._refusal(ready, outcome))
            return
        if intent is not None:
            self._append(ready.conversation_id, self._deferral(ready, outcome))
        self._stop_sending(outcome)

    def _refusal(self, ready: _Ready, outcome: Outcome) -> Event:
        if outcome.fate is not Fate.REFUSED:
            return self._deferral(ready, outcome)
        return Event(
            at=self._clock.now(),
            word=Word.REFUSED,
            because=f"refused: {_words(outcome)}",
            step=ready.send.step.word,
            address=outcome.address,
            permanent=outcome.scope is Scope.PROSPECT,
        )

    def _deferral(self, ready: _Ready, outcome: Outcome) -> Event:
        now = self._clock.now()
        conversation = self._store.conversation(ready.conversation_id)
        until = now + back_off(outcome, conversation.deferrals if conversation else 0)
        because = f"put off: {_words(outcome)}"
        return Event(at=now, word=Word.DEFERRED, because=because, step=ready.send.step.word, until=until)

    def _stop_sending(self, outcome: Outcome) -> None:
        """An answer about the whole account: nothing more goes out before the time it names."""
        until = self._clock.now() + (outcome.retry_after or FIRST_RETRY)
        with self._store.transaction("the server stops us") as ledger:
            ledger.remember(SENDING_STOPPED, {"until": until.isoformat(), "because": outcome.text})
        self._observe("sending_stopped", {"because": outcome.text, "until": until.isoformat()})
        if outcome.fatal and outcome.phase is Phase.AUTH:
            raise LoginRefused(outcome.text)

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


def _words(outcome: Outcome) -> str:
    """What we take it for, and the server's own words."""
    return f"{outcome.means}: {outcome.text}" if outcome.means not in ("", outcome.text) else outcome.text


def back_off(outcome: Outcome, deferrals: int) -> timedelta:
    """How long to leave a letter that was put off: doubled each time, up to four hours or what the server asks."""
    first = outcome.retry_after or FIRST_RETRY
    return min(first * (1 << min(deferrals, 10)), max(LONGEST_RETRY, first))


def sent_times(conversations: Iterable[Conversation]) -> list[datetime]:
    """When each letter was handed over that went out, or may have: what nobody knows counts as gone."""
    return [at for each in conversations for at in _gone(each.events)]


def _gone(events: Iterable[Event]) -> Iterator[datetime]:
    handed_over_at: datetime | None = None
    for event in events:
        if event.word in (Word.DEFERRED, Word.REFUSED):
            handed_over_at = None
        elif event.word is Word.INTENT:
            if handed_over_at is not None:
                yield handed_over_at
            handed_over_at = event.at
    if handed_over_at is not None:
        yield handed_over_at


def _promised_at(planned: Planned) -> datetime:
    match planned.action:
        case Send(due_at=due_at):
            return due_at
        case Wait(at=at):
            return at
        case _:
            return datetime.max.replace(tzinfo=UTC)
