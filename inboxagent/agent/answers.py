"""What the server said about a letter, written down: for the letter, for the prospect, for the whole account."""

from collections.abc import Iterator

from inboxagent.agent.account import Account
from inboxagent.agent.copies import forget_letter, owe
from inboxagent.agent.reading import tell
from inboxagent.agent.refusals import count_policy_refusal, say_stopped
from inboxagent.errors import LoginRefused
from inboxagent.outreach.events import Event, Word
from inboxagent.outreach.outbox import Fate, Outcome, Phase, Scope, back_off, gives_up
from inboxagent.outreach.stoppage import FACT, Stoppage, from_fact, stop, to_fact, words
from inboxagent.ports import Clock, Ledger, Observe, Store


class Answers:
    """Turns outcomes into events and facts, each in one transaction."""

    def __init__(self, account: Account, store: Store, clock: Clock, observe: Observe) -> None:
        self._account = account
        self._store = store
        self._clock = clock
        self._observe = observe

    def stopped(self) -> Stoppage | None:
        """What keeps the whole account from sending now."""
        stoppage = from_fact(self._store.fact(FACT))
        return stoppage if stoppage is not None and stoppage.until > self._clock.now() else None

    def record(self, conversation_id: str, intent: Event, outcome: Outcome) -> None:
        """Write the result of a dot; what went owes Sent a copy, in the same transaction."""
        match outcome.fate:
            case Fate.SENT:
                sent = self._event(Word.SENT, f"accepted: {outcome.text}", intent)
                events = (sent, *self._names_given(intent, outcome))
                with self._store.transaction(f"{conversation_id} sent") as ledger:
                    ledger.append(conversation_id, *events)
                    owe(ledger, str(intent.message_id), self._clock.now())
                    _let_go(ledger)
                self._tell(conversation_id, *events)
            case Fate.UNCERTAIN:
                because = f"nobody knows whether it went out: {outcome.text}"
                uncertain = self._event(Word.UNCERTAIN, because, intent)
                with self._store.transaction(f"{conversation_id} uncertain") as ledger:
                    ledger.append(conversation_id, uncertain)
                self._tell(conversation_id, uncertain)
            case _:
                self.refuse(conversation_id, str(intent.step), outcome, intent)

    def take_back(self, conversation_id: str, intent: Event, because: str) -> None:
        """Close an intent whose dot was not written: nothing was sent, and the letter is due as before."""
        event = self._event(Word.DEFERRED, f"withdrawn before the dot: {because}", intent)
        with self._store.transaction(f"{conversation_id} withdrawn") as ledger:
            ledger.append(conversation_id, event)
            _forget_letter_of(ledger, intent)
        self._tell(conversation_id, event)

    def refuse(self, conversation_id: str, step: str, outcome: Outcome, intent: Event | None) -> None:
        """The server answered and does not have the letter; an intent that is on disk is closed.

        Raises `LoginRefused` where the log-in itself was refused for good.
        """
        if outcome.scope is Scope.ACCOUNT:
            self._stop_all(conversation_id, outcome, intent)
        else:
            self._put_down(conversation_id, step, outcome, intent)

    def _put_down(self, conversation_id: str, step: str, outcome: Outcome, intent: Event | None) -> None:
        """What is about this letter or this prospect."""
        stopped = None
        with self._store.transaction(f"{conversation_id} {outcome.fate}") as ledger:
            events = self._no(ledger, conversation_id, step, outcome)
            ledger.append(conversation_id, *events)
            # A server says so; what only we think of an address may be put right.
            if outcome.scope is Scope.PROSPECT and outcome.code and outcome.address:
                ledger.suppress(outcome.address, f"the address is dead: {words(outcome)}")
            _forget_letter_of(ledger, intent)
            _let_go(ledger)
            if outcome.policy and outcome.fate is Fate.REFUSED:
                stopped = count_policy_refusal(ledger, self._clock.now(), self._account.home)
        self._tell(conversation_id, *events)
        say_stopped(self._observe, stopped)

    def _no(self, ledger: Ledger, conversation_id: str, step: str, outcome: Outcome) -> tuple[Event, ...]:
        now, said = self._clock.now(), words(outcome)
        if outcome.fate is Fate.REFUSED:
            dead = outcome.scope is Scope.PROSPECT
            because = f"refused: {said}"
            return (
                Event(at=now, word=Word.REFUSED, because=because, step=step, address=outcome.address, permanent=dead),
            )
        conversation = ledger.conversation(conversation_id)
        tries = conversation.deferrals + 1 if conversation else 1
        since = conversation.deferred_since or now if conversation else now
        until = now + back_off(outcome, tries)
        deferred = Event(at=now, word=Word.DEFERRED, because=f"put off: {said}", step=step, until=until)
        if not gives_up(outcome, tries, now - since):
            return (deferred,)
        because = f"`{step}` is given up after {tries} tries: {said}"
        return (deferred, Event(at=now, word=Word.HELD, because=because))

    def _stop_all(self, conversation_id: str, outcome: Outcome, intent: Event | None) -> None:
        """Nothing more goes out for a while. The letter itself is none the worse for it: it is due as before."""
        events: tuple[Event, ...] = ()
        if intent is not None:
            events = (self._event(Word.DEFERRED, f"put off: {words(outcome)}", intent),)
        with self._store.transaction("the server stops us") as ledger:
            if events:
                ledger.append(conversation_id, *events)
            _forget_letter_of(ledger, intent)
            stopped = stop(outcome, from_fact(ledger.fact(FACT)), self._clock.now(), self._account.home)
            ledger.remember(FACT, to_fact(stopped))
        self._tell(conversation_id, *events)
        say_stopped(self._observe, stopped)
        if outcome.fatal and outcome.phase is Phase.AUTH:
            raise LoginRefused(stopped.because)

    def _names_given(self, intent: Event, outcome: Outcome) -> Iterator[Event]:
        """Servers that replace the Message-ID often name the new one when they take the letter."""
        for message_id in outcome.names:
            if message_id != intent.message_id:
                because = "her server named this Message-ID when it took the letter"
                yield Event(
                    at=self._clock.now(), word=Word.NOTE, because=because, message_id=message_id, step=intent.step
                )

    def _event(self, word: Word, because: str, intent: Event) -> Event:
        at = self._clock.now()
        return Event(at=at, word=word, because=because, message_id=intent.message_id, step=intent.step)

    def _tell(self, conversation_id: str, *events: Event) -> None:
        for event in events:
            tell(self._observe, conversation_id, event)


def _forget_letter_of(ledger: Ledger, intent: Event | None) -> None:
    """The server does not have it, so Sent is owed no copy."""
    if intent is not None:
        forget_letter(ledger, str(intent.message_id))


def _let_go(ledger: Ledger) -> None:
    """The server deals with single letters again, so the next stoppage begins with a short back-off."""
    if ledger.fact(FACT) is not None:
        ledger.remember(FACT, None)
