"""What one message means: its verdict, reached outside the store's lock, and its events, written down under it."""

import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from inboxagent.agent.account import Account
from inboxagent.agent.consequences import write_down
from inboxagent.agent.copies import note_filed, note_proofs
from inboxagent.errors import InboxagentError
from inboxagent.mail.classify import Kind, Verdict, classify
from inboxagent.mail.flowed import flow
from inboxagent.mail.inbound import Inbound, parse, parse_headers
from inboxagent.outreach.case import NOTHING, Arrival, Consequence
from inboxagent.outreach.events import Event, Word
from inboxagent.outreach.judgement import judge_his
from inboxagent.outreach.letter import by_button, tokens
from inboxagent.outreach.match import Evidence, Known, Match, concerns, find, is_hers
from inboxagent.outreach.own_hand import is_filed_by_us, judge_hers, token_in
from inboxagent.outreach.sequence import Sequence
from inboxagent.outreach.state import Conversation
from inboxagent.ports import Clock, Fetched, Ledger, Mailbox, Records, Store

SetAside = Callable[[Fetched, bytes, str], None]
"""Keeps a message that our own code failed on, with the traceback, where a person finds it."""

LEARNT = "learnt_ids"  # Message-IDs that only a copy of hers has told us: what names them may have been passed by


@dataclass(frozen=True, slots=True)
class Read:
    """One message that concerns us: its verdict was reached outside the transaction that applies it."""

    fetched: Fetched
    raw: bytes
    arrival: Arrival
    matches: tuple[Match, ...]
    verdict: Verdict | None = None  # None: it is hers
    failure: str | None = None
    filed: str = ""  # the token of our letter, where this is the copy that her server filed in Sent


class Understanding:
    """Reads single messages for an account, and applies what they mean."""

    def __init__(self, account: Account, mailbox: Mailbox, store: Store, clock: Clock, set_aside: SetAside) -> None:
        self._account = account
        self._mailbox = mailbox
        self._store = store
        self._clock = clock
        self._set_aside = set_aside

    async def read(self, fetched: Fetched, known: Known) -> Read | None:
        """What the message means, or None where it concerns nobody; then only its header section was read (P5)."""
        raw = fetched.header
        try:
            header = parse_headers(fetched.header)
            if not concerns(header, known):
                return None
            whole = await self._mailbox.message(fetched)
            raw = whole or fetched.header
            # What was deleted between the two fetches is judged by its header section.
            message = parse(whole) if whole else header
            read = self._understand(message, fetched, raw, known)
            filed = token_in(message) if read and read.verdict is None and not is_filed_by_us(message) else ""
            if read and filed and fetched.mailbox == await self._mailbox.sent():
                return replace(read, filed=filed)
            return read
        except InboxagentError:
            raise
        except Exception:  # noqa: BLE001 our own fault, whatever it is: keep the evidence, hold, go on
            why = traceback.format_exc()
            self._set_aside(fetched, raw, why)
            return _failed(fetched, raw, known, self._clock.now(), why)

    def _understand(self, message: Inbound, fetched: Fetched, raw: bytes, known: Known) -> Read | None:
        arrival = Arrival(message=message, received_at=fetched.received_at, now=self._clock.now())
        matches = find(message, fetched.received_at, known)
        if not matches:
            return None
        if is_hers(message, known):
            return Read(fetched, raw, arrival, matches)
        if (asked := by_button(message.subject)) is not None:
            # By the letter that offered it, and by his address: beside these, what else it names says nothing.
            named = tuple(each for each in matches if each.evidence is not Evidence.ASIDE) or matches
            return Read(fetched, raw, arrival, self._widen(named, known), asked)
        linked = any(each.evidence.names_hers for each in matches)
        verdict = classify(message, ours=self._letters(matches), now=fetched.received_at, replies_to_ours=linked)
        if verdict.kind not in (Kind.BOUNCE, Kind.DELAYED):
            matches = self._widen(matches, known)
        return Read(fetched, raw, arrival, matches, verdict)

    def _letters(self, matches: Iterable[Match]) -> tuple[str, ...]:
        found = (self._store.conversation(each.conversation_id) for each in matches)
        ours = [letter for conversation in found if conversation for letter in conversation.letters]
        return (*ours, *map(flow, ours))  # quoted as they were written, or as they travelled

    def _widen(self, matches: tuple[Match, ...], known: Known) -> tuple[Match, ...]:
        """Every other conversation with the same person is concerned too."""
        widened = {each.conversation_id: each for each in matches}
        for each in matches:
            conversation = self._store.conversation(each.conversation_id)
            for address in sorted(conversation.addresses) if conversation else ():
                for other in known.of(address):
                    because = f"{address} is also in conversation {each.conversation_id}, which it concerns"
                    more = Match(conversation_id=other, evidence=Evidence.ADDRESS, because=because)
                    widened.setdefault(other, more)
        return tuple(widened.values())

    def apply(self, ledger: Ledger, read: Read, heirs: dict[str, str]) -> tuple[list[tuple[str, Event]], bool]:
        """Write down what follows from a message: the events, and whether it reports that a policy refused a letter.

        `heirs` are the conversations that began in this transaction, by those they come from: nobody knew of them when
        the message was matched.
        """
        events: list[tuple[str, Event]] = []
        policy = False
        if read.filed:
            note_filed(ledger, read.filed, self._clock.now())
        known = [each for each in read.matches if each.conversation_id in heirs]
        begun = [replace(each, conversation_id=heirs[each.conversation_id]) for each in known]
        for found in (*read.matches, *begun):
            consequence = self._judge_safely(ledger, read, found)
            policy = policy or consequence.policy
            note_proofs(ledger, consequence.events, filed=read.verdict is None)
            if consequence.events:
                events += self._write(ledger, found.conversation_id, consequence, heirs, hers=read.verdict is None)
            for address, because in (consequence.suppress or {}).items():
                ledger.suppress(address, because)
        return events, policy

    def _write(
        self,
        ledger: Ledger,
        conversation_id: str,
        consequence: Consequence,
        heirs: dict[str, str],
        *,
        hers: bool,
    ) -> list[tuple[str, Event]]:
        before = ledger.conversation(conversation_id)
        events = write_down(self._account, self._clock, ledger, conversation_id, consequence, heirs)
        after = ledger.conversation(conversation_id)
        if hers and before is not None and after is not None:
            _note_learnt(ledger, before, after)
        return events

    def _judge_safely(self, ledger: Ledger, read: Read, found: Match) -> Consequence:
        try:
            return self._judge(ledger, read, found)
        except InboxagentError:
            raise
        except Exception:  # noqa: BLE001 as in `read`: one message never stops the rest
            why = traceback.format_exc()
            self._set_aside(read.fetched, read.raw, why)
            return _hold(read, why)

    def _judge(self, ledger: Ledger, read: Read, found: Match) -> Consequence:
        conversation = ledger.conversation(found.conversation_id)
        if conversation is None:
            return NOTHING
        if read.failure is not None:
            return _hold(read, read.failure)
        sequence, me = self._account.rules().sequences.get(conversation.enrolment.sequence), self._account.me
        if read.verdict is None:
            return self._judge_hers(conversation, found, read.arrival, sequence)
        return judge_his(conversation, found, read.verdict, read.arrival, me, sequence)

    def _judge_hers(
        self, conversation: Conversation, found: Match, arrival: Arrival, sequence: Sequence | None
    ) -> Consequence:
        words = [step.word for step in sequence.steps] if sequence else []
        steps = tokens(self._account.key, self._account.me.address, conversation, words)
        return judge_hers(conversation, found, arrival, self._account.me, steps, sequence)


def prepare() -> None:
    """Load the parser and the phrases: the first answer should not wait for that."""
    classify(parse(b"From: nobody@example.invalid\r\nSubject: Re: nothing\r\n\r\nNothing.\r\n"))


def learnt_ids(records: Records) -> list[str]:
    """The Message-IDs of hers that were learnt, and not yet looked for in what had been read before."""
    told = records.fact(LEARNT)
    return [str(each) for each in told] if isinstance(told, list) else []


def _note_learnt(ledger: Ledger, before: Conversation, after: Conversation) -> None:
    new = (after.ids | after.asides) - (before.ids | before.asides)
    if new:
        ledger.remember(LEARNT, [*learnt_ids(ledger), *sorted(new)])


def _hold(read: Read, failure: str) -> Consequence:
    because = f"a message could not be understood and was set aside: {failure.strip().splitlines()[-1]}"
    return Consequence(events=(Event(at=read.arrival.now, word=Word.HELD, because=because),))


def _failed(fetched: Fetched, raw: bytes, known: Known, now: datetime, why: str) -> Read:
    """Hold everybody whose address or Message-ID the unreadable header section names."""
    text = fetched.header.decode("latin-1").lower()
    named = [(address, ids) for address, ids in known.addresses.items() if address in text]
    named += [(message_id, ids) for message_id, ids in known.ids.items() if message_id.lower() in text]
    matches = {
        each: Match(conversation_id=each, evidence=Evidence.ADDRESS, because=f"its header names {word}")
        for word, ids in named
        for each in ids
    }
    arrival = Arrival(message=parse_headers(b""), received_at=fetched.received_at, now=now)
    return Read(fetched, raw, arrival, tuple(matches.values()), failure=why)
