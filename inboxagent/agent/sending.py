"""Sending what is due: the body, the last look, the decision again, the intent, and only then the dot."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from inboxagent.agent.account import Account
from inboxagent.agent.answers import Answers
from inboxagent.agent.brake import Brake
from inboxagent.agent.copies import Copies, keep_letter
from inboxagent.agent.planning import Planned, Planner, next_at
from inboxagent.agent.reading import Reader, tell
from inboxagent.agent.writing import Ready, Writer
from inboxagent.errors import InboxagentError
from inboxagent.outreach.admission import Bar, Traffic, bar, horizon
from inboxagent.outreach.decide import Send
from inboxagent.outreach.edits import suspect_renaming
from inboxagent.outreach.events import Event, Word
from inboxagent.outreach.forgotten import LETTERS, instants
from inboxagent.outreach.letter import as_mail, envelope
from inboxagent.outreach.outbox import Fate, Outcome
from inboxagent.outreach.personalise import RenderError
from inboxagent.outreach.stoppage import Stoppage
from inboxagent.ports import REWOUND, Clock, Ledger, Observe, Reading, Store, Transport

AGAIN_AFTER = timedelta(minutes=1)
EVIDENCE_WITHIN = timedelta(minutes=10)  # so long a letter in doubt is looked for more often than mail is read
READING_LIVES = 10.0  # seconds of the boot clock between the beginning of the last look and the dot


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
        planner: Planner,
        writer: Writer,
    ) -> None:
        self._account = account
        self._reader = reader
        self._transport = transport
        self._store = store
        self._clock = clock
        self._observe = observe
        self._copies = copies
        self._planner = planner
        self._writer = writer
        self._answers = Answers(account, store, clock, observe)
        self._brake = Brake(account.limits, store, clock, observe)
        self._held_back: dict[str, Bar] = {}  # what was said already
        self._traffic = Traffic()
        self._recovered: object = None  # the generation in which nothing was found open

    def recover(self) -> None:
        """Before a cycle: an intent without a result means that nobody knows. Only under the account's lock."""
        generation = self._store.generation()
        if generation == self._recovered:
            return
        for conversation in self._store.conversations():
            if conversation.pending is not None and not conversation.uncertain:
                because = f"interrupted while `{conversation.pending.step}` was being handed over; it may have gone out"
                self._append(conversation.id, self._event(Word.UNCERTAIN, because, conversation.pending))
        self._recovered = generation

    def stopped(self) -> Stoppage | None:
        """What keeps the whole account from sending now."""
        return self._answers.stopped()

    async def deliver(self, halted: Callable[[], bool]) -> datetime | None:
        """Do what is due and return when to come back at the latest; None if nothing is ahead.

        Between any two letters `halted`, the pause flag, the brake and the limits are asked.
        """
        planned = self._look_ahead()
        due = [each for each in planned if isinstance(each.action, Send)]
        if self._brake.holds(len(due)):
            return next_at(planned)
        if not due:
            return self._come_back_at({})
        forgotten = instants(self._store.fact(LETTERS))
        self._traffic = self._traffic.over((each.conversation for each in planned), self._horizon(), forgotten)
        later: dict[str, datetime] = {}
        for each in due:
            if halted() or self._account.paused():
                return next_at(planned)
            self._bring_up_to_date(each)
            held_back = self._bar(each.conversation_id, self._traffic)
            if held_back is None:
                await self._send_safely(each.conversation_id)
                self._bring_up_to_date(each)
            else:
                later[each.conversation_id] = held_back.until
                self._say_held_back(each.conversation_id, held_back)
            if held_back is not None and held_back.everybody:
                later = dict.fromkeys((each.conversation_id for each in due), held_back.until)
                break
        return self._come_back_at(later)

    def _look_ahead(self) -> Sequence[Planned]:
        """What is ahead of everybody, once what needs no letter is written down. By a clock that may be wrong no hold
        ends and nothing is passed over."""
        return self._planner.plan() if self._brake.asks_her() else self._planner.settle()

    def _come_back_at(self, later: Mapping[str, datetime]) -> datetime | None:
        """When there will be something to do after a round that kept these back until then."""
        planned = self._look_ahead()
        times = [*later.values(), next_at(planned)]
        tried = [each.conversation.pending for each in planned if each.conversation.pending is not None]
        in_doubt = any(abs(self._clock.now() - each.at) < EVIDENCE_WITHIN for each in tried)
        # A letter is still due where it was withdrawn, where the round ended before its turn, or where that came late.
        if in_doubt or any(isinstance(each.action, Send) and each.conversation_id not in later for each in planned):
            times.append(self._clock.now() + AGAIN_AFTER)
        return min((at for at in times if at is not None), default=None)

    def _horizon(self) -> datetime:
        return horizon(self._account.limits, self._clock.now())

    def _bring_up_to_date(self, planned: Planned) -> None:
        """Count what has gone meanwhile to this person; only this process sends letters to the others."""
        addresses = sorted(planned.conversation.addresses)
        his = {each.id: each for address in addresses for each in self._store.find("address", address)}
        self._traffic = self._traffic.updated(his.values(), self._horizon())

    def _bar(self, conversation_id: str, traffic: Traffic) -> Bar | None:
        """What keeps this letter back now: what her server said, a clock that was set, or the limits."""
        stopped = self._answers.stopped()
        if stopped is not None:
            return Bar(until=stopped.until, because=stopped.because, everybody=True)
        if (leapt := self._brake.bar()) is not None:
            return leapt
        conversation = self._store.conversation(conversation_id)
        if conversation is None:
            return None
        limits, now, home = self._account.limits, self._clock.now(), self._account.home
        return self._planner.precedence(conversation) or bar(traffic, conversation, limits, now, home)

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
        ready = await self._write(conversation_id)
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
            self._say_withdrawn(ready, intent)
            return
        # The machine may have slept since: what lies on the disk by now is taken back, for nothing was sent.
        if (stale := self._staleness(reading)) is not None:
            await handed.abort()
            self._answers.take_back(conversation_id, intent, stale)
            self._say_withdrawn(ready, stale)
            return
        outcome = await asyncio.shield(handed.commit())
        self._answers.record(conversation_id, intent, outcome)
        if outcome.fate is Fate.SENT:
            await self._copies.file()

    def _say_withdrawn(self, ready: Ready, because: str) -> None:
        fields = {"conversation": ready.conversation_id, "step": ready.send.step.word, "because": because}
        self._observe("withdrawn", fields)

    async def _write(self, conversation_id: str) -> Ready | None:
        """The letter that is due now, or None where it is not; one that cannot be written holds the conversation."""
        conversation = self._store.conversation(conversation_id)
        action = self._planner.decision(self._store, conversation_id)
        if conversation is None or not isinstance(action, Send):
            return None
        suppressed = self._store.suppression(conversation.enrolment.prospect.address)
        if suppressed is not None:
            self._append(conversation_id, self._event(Word.SUPPRESSED, f"never to be written to: {suppressed}"))
            return None
        try:
            ready = await self._writer.write(conversation, action)
        except (RenderError, ValueError) as error:
            self._append(conversation_id, self._event(Word.HELD, f"`{action.step.word}` cannot be written: {error}"))
            return None
        sequence = self._account.rules().sequences[conversation.enrolment.sequence]
        if doubt := suspect_renaming(conversation, sequence, action.step, ready.outgoing.text):
            self._append(conversation_id, self._event(Word.HELD, doubt))
            return None
        return ready

    def _intend(self, ready: Ready, reading: Reading) -> Event | str:
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
            before = ledger.conversation(ready.conversation_id)
            assert before is not None  # else there is an obstacle
            keep_letter(ledger, before, ready.outgoing.message_id, ready.message)
            ledger.append(ready.conversation_id, intent)
        return intent

    def _obstacle(self, ledger: Ledger, ready: Ready, reading: Reading) -> str | None:
        """Why the letter that is handed over must not go, on what is known now."""
        conversation, action = (
            ledger.conversation(ready.conversation_id),
            self._planner.decision(ledger, ready.conversation_id),
        )
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
        return self._staleness(reading) or self._account.paused()

    def _staleness(self, reading: Reading) -> str | None:
        age = self._clock.boot() - reading.began_at
        if age <= READING_LIVES:
            return None
        return f"the last look took {age:.0f} seconds, and may be {READING_LIVES:.0f} old at most"

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
