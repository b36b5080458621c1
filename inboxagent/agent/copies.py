"""Exactly one copy of each letter in Sent: owed in the transaction that records the send, filed afterwards."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from inboxagent.errors import Unreachable
from inboxagent.mail.compose import mark_copy
from inboxagent.outreach.events import Event, Word
from inboxagent.outreach.state import Conversation
from inboxagent.ports import Clock, Ledger, Mailbox, Observe, Records, Store

OWED = "copies"
FILES_ITS_OWN = "server_files_sent"

# A server that was seen to file its own copies gets so long to do it again before we file one.
PATIENCE = timedelta(minutes=2)
PAUSES = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """A copy to be filed, with what has been tried: after `tried`, a copy that is found may be our own."""

    at: datetime
    tried: int = 0
    retry_at: datetime | None = None

    def to_fact(self) -> dict[str, object]:
        """As a JSON value."""
        again = {"tried": self.tried, "retry_at": self.retry_at.isoformat()} if self.retry_at else {}
        return {"at": self.at.isoformat(), **again}


class Copies:
    """The copies that are owed to the Sent mailbox. A failed APPEND is tried again alone and never sends anything."""

    def __init__(self, mailbox: Mailbox, store: Store, clock: Clock, observe: Observe) -> None:
        self._mailbox = mailbox
        self._store = store
        self._clock = clock
        self._observe = observe

    def next_at(self) -> datetime | None:
        """When `file` will have something to do; None where nothing is owed."""
        return min((self._due_at(each) for each in _owed(self._store).values()), default=None)

    async def file(self) -> None:
        """File what is owed and due; what the server has filed by itself meanwhile is left alone."""
        now = self._clock.now()
        for message_id, copy in _owed(self._store).items():
            if self._due_at(copy) > now:
                continue
            try:
                await self._file(message_id, copy)
            except Unreachable as error:
                self._observe("copy_waits", {"message_id": message_id, "because": str(error)})
                self._put_off(message_id)
                return

    def _due_at(self, copy: Owed) -> datetime:
        if copy.retry_at is not None:
            return copy.retry_at
        patient = self._store.fact(FILES_ITS_OWN) is not None
        return copy.at + PATIENCE if patient else copy.at

    async def _file(self, message_id: str, copy: Owed) -> None:
        if await self._mailbox.files_sent():
            self._settle(message_id, "the server files its own")
            return
        sent = await self._mailbox.sent()
        if sent is None:
            self._settle(message_id, "there is no Sent mailbox")
        elif await self._mailbox.holds(sent, message_id):
            self._settle(message_id, f"it lies in {sent} already", learnt=not copy.tried)
        elif not isinstance(letter := self._store.fact(_letter_of(message_id)), str):
            self._settle(message_id, "the letter was erased, with all that was kept about somebody in it")
        else:
            self._put_off(message_id)  # on disk first: a copy that is found from now on may be our own
            await self._mailbox.append(sent, mark_copy(letter.encode("latin-1")), copy.at)
            self._settle(message_id, f"appended to {sent}")

    def _put_off(self, message_id: str) -> None:
        """Write down that it was tried, and when it is tried again if this time fails."""
        with self._store.transaction("a copy for Sent is tried") as ledger:
            owed = _owed(ledger)
            copy = owed.get(message_id)
            if copy is None or (copy.retry_at is not None and copy.retry_at > self._clock.now()):
                return
            pause = PAUSES[min(copy.tried, len(PAUSES) - 1)]
            again = Owed(at=copy.at, tried=copy.tried + 1, retry_at=self._clock.now() + pause)
            ledger.remember(OWED, _facts({**owed, message_id: again}))

    def _settle(self, message_id: str, because: str, *, learnt: bool = False) -> None:
        with self._store.transaction("a copy is in Sent") as ledger:
            _cancel(ledger, message_id)
            if learnt:
                _learn(ledger, self._clock.now())
        self._observe("copied", {"message_id": message_id, "because": because})


def keep_letter(ledger: Ledger, conversation: Conversation, message_id: str, letter: bytes) -> None:
    """Keep the octets of a letter that may go out now: once it has, by whatever proof, Sent is owed a copy of them.

    Earlier letters of the conversation that were released or dropped, and never proved, need be kept no longer.
    """
    owed = _owed(ledger)
    for event in conversation.events:
        if event.word is Word.INTENT and event.message_id and event.message_id not in owed:
            forget_letter(ledger, event.message_id)
    ledger.remember(_letter_of(message_id), letter.decode("latin-1"))


def forget_letter(ledger: Ledger, message_id: str) -> None:
    """It did not go out, or its copy lies in Sent."""
    ledger.remember(_letter_of(message_id), None)


def owe(ledger: Ledger, message_id: str, at: datetime) -> None:
    """Note that this letter, which went at that time, has to be filed; nothing where its octets are not known."""
    if ledger.fact(_letter_of(message_id)) is not None:
        ledger.remember(OWED, _facts({**_owed(ledger), message_id: Owed(at=at)}))


def note_filed(ledger: Ledger, token: str, now: datetime) -> None:
    """Her server has filed a copy of the letter with this token: none is owed, and from now on it is waited for."""
    for message_id in _owed(ledger):
        if message_id.startswith(f"<{token}@"):
            _cancel(ledger, message_id)
    _learn(ledger, now)


def note_proofs(ledger: Ledger, events: Iterable[Event], *, filed: bool) -> None:
    """What proves that letters went out of which nobody knew: Sent is owed their copies, unless those are the proof."""
    for event in events:
        if event.word is Word.SENT and event.message_id is not None:
            if filed:
                forget_letter(ledger, event.message_id)
            else:
                owe(ledger, event.message_id, event.mail.at if event.mail else event.at)


def _cancel(ledger: Ledger, message_id: str) -> None:
    owed = _owed(ledger)
    if owed.pop(message_id, None) is not None:
        ledger.remember(OWED, _facts(owed) or None)
        forget_letter(ledger, message_id)


def _letter_of(message_id: str) -> str:
    """The fact that holds the octets: written once, however often it is tried."""
    return f"copy of {message_id}"


def _learn(ledger: Ledger, now: datetime) -> None:
    if ledger.fact(FILES_ITS_OWN) is None:
        ledger.remember(FILES_ITS_OWN, {"since": now.isoformat()})


def _owed(records: Records) -> dict[str, Owed]:
    fact = records.fact(OWED)
    return {key: _read(value) for key, value in fact.items()} if isinstance(fact, dict) else {}


def _read(value: Mapping[str, object]) -> Owed:
    again = value.get("retry_at")
    return Owed(
        at=datetime.fromisoformat(str(value["at"])),
        tried=int(str(value.get("tried", 0))),
        retry_at=datetime.fromisoformat(str(again)) if again else None,
    )


def _facts(owed: Mapping[str, Owed]) -> dict[str, object]:
    return {message_id: copy.to_fact() for message_id, copy in owed.items()}
