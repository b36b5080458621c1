"""Planted in how a letter is handed over, recorded and recovered."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from inboxagent.agent import copies
from inboxagent.agent.answers import Answers
from inboxagent.agent.copies import Copies
from inboxagent.agent.sending import Sender
from inboxagent.agent.writing import Writer
from inboxagent.outreach import edits, fold, letter, own_hand, replies
from inboxagent.outreach.case import NOTHING
from inboxagent.outreach.events import Word
from inboxagent.outreach.outbox import Fate, Phase
from tests.simulation import smtp
from tests.simulation.planting import Patch, leave, mutant


@mutant("record before sending")
def _(patch: Patch) -> None:
    def intend(self: Sender, ready: Any, look: Any) -> Any:
        intent = original(self, ready, look)
        if not isinstance(intent, str):
            self._append(ready.conversation_id, self._event(Word.SENT, "as good as sent", intent))
        return intent

    original = patch.set(Sender, "_intend", intend)


@mutant("no intent")
def _(patch: Patch) -> None:
    def intend(self: Sender, ready: Any, look: Any) -> Any:
        with self._store.transaction("look") as ledger:
            obstacle = self._obstacle(ledger, ready, look)
        return obstacle or self._event(Word.INTENT, "only in the head")

    patch.set(Sender, "_intend", intend)


@mutant("send before recording")
def _(patch: Patch) -> None:
    def intend(self: Sender, ready: Any, look: Any) -> Any:
        put_off.append(lambda: begin(self, ready, look))
        with self._store.transaction("look") as ledger:
            obstacle = self._obstacle(ledger, ready, look)
        return obstacle or self._event(Word.INTENT, "to be written down in a moment")

    def record(self: Answers, conversation_id: str, intent: Any, outcome: Any) -> None:
        write_down(self, conversation_id, put_off.pop()(), outcome)

    put_off: list[Any] = []
    begin = patch.set(Sender, "_intend", intend)
    write_down = patch.set(Answers, "record", record)


@mutant("no second decision under the lock")
def _(patch: Patch) -> None:
    patch.set(Sender, "_obstacle", lambda self, ledger, ready, look: None)


@mutant("the flag of pause --all is looked at once, before the letter")
def _(patch: Patch) -> None:
    def obstacle(self: Sender, ledger: Any, ready: Any, look: Any) -> Any:
        return None if self._account.paused() else original(self, ledger, ready, look)

    original = patch.set(Sender, "_obstacle", obstacle)


@mutant("pause --all is not asked")
def _(patch: Patch) -> None:
    def begin(self: Sender, account: Any, *more: Any) -> None:
        original(self, replace(account, paused=lambda: None), *more)

    original = patch.set(Sender, "__init__", begin)


@mutant("an open intent is due again")
def _(patch: Patch) -> None:
    def recover(self: Sender) -> None:
        for each in self._store.conversations():
            if each.pending is not None and not each.uncertain:
                event = self._event(Word.DEFERRED, "absent from Sent, so it is sent again", each.pending)
                self._append(each.id, replace(event, until=event.at))

    patch.set(Sender, "recover", recover)


@mutant("an open intent is left open")
def _(patch: Patch) -> None:
    patch.set(Sender, "recover", lambda self: None)


@mutant("silence after the dot means later")
def _(patch: Patch) -> None:
    def record(self: Answers, conversation_id: str, intent: Any, outcome: Any) -> None:
        if outcome.fate is Fate.UNCERTAIN:
            outcome = replace(outcome, fate=Fate.DEFERRED, retry_after=timedelta(minutes=5))
        original(self, conversation_id, intent, outcome)

    original = patch.set(Answers, "record", record)


@mutant("silence after the dot means sent")
def _(patch: Patch) -> None:
    def record(self: Answers, conversation_id: str, intent: Any, outcome: Any) -> None:
        fate = Fate.SENT if outcome.fate is Fate.UNCERTAIN else outcome.fate
        original(self, conversation_id, intent, replace(outcome, fate=fate))

    original = patch.set(Answers, "record", record)


@mutant("a released letter keeps its Message-ID")
def _(patch: Patch) -> None:
    leave(patch, Word.RELEASED, "attempts")


@mutant("a copy is evidence of nothing")
def _(patch: Patch) -> None:
    patch.set(own_hand, "_judge_copy", lambda conversation, letter, arrival: NOTHING)


@mutant("the copy is filed without looking")
def _(patch: Patch) -> None:
    class Mailbox:
        def __init__(self, mailbox: Any) -> None:
            self._mailbox = mailbox

        def __getattr__(self, name: str) -> Any:
            return getattr(self._mailbox, name)

        async def holds(self, mailbox: str, message_id: str) -> bool:
            return False

    def begin(self: Copies, mailbox: Any, *more: Any) -> None:
        original(self, Mailbox(mailbox), *more)

    original = patch.set(Copies, "__init__", begin)


@mutant("his address is not the first one")
def _(patch: Patch) -> None:
    def misdirect(outgoing: Any) -> Any:
        found = original(outgoing)
        return replace(found, forward_paths=("somebody@elsewhere.test", *found.forward_paths))

    original = patch.set_everywhere(letter, "envelope", misdirect)


@mutant("whom never to write to is asked at an enrolment only")
def _(patch: Patch) -> None:
    async def write(self: Sender, conversation_id: str) -> Any:
        store, self._store = self._store, _Unsuppressed(self._store)  # type: ignore[assignment]
        try:
            return await written(self, conversation_id)
        finally:
            self._store = store

    def obstacle(self: Sender, ledger: Any, *more: Any) -> Any:
        return found(self, _Unsuppressed(ledger), *more)

    def begin(self: Writer, account: Any, mailbox: Any, store: Any, *more: Any) -> None:
        begun(self, account, mailbox, _Unsuppressed(store), *more)

    begun = patch.set(Writer, "__init__", begin)
    written = patch.set(Sender, "_write", write)
    found = patch.set(Sender, "_obstacle", obstacle)


class _Unsuppressed:
    """Records that know of nobody who is never to be written to."""

    def __init__(self, records: Any) -> None:
        self._records = records

    def __getattr__(self, name: str) -> Any:
        return getattr(self._records, name)

    def suppression(self, address: str) -> str | None:
        return None


@mutant("her server's word that nothing may go is not heeded")
def _(patch: Patch) -> None:
    patch.set(Answers, "stopped", lambda self: None)


@mutant("a letter that was put off is due at once")
def _(patch: Patch) -> None:
    def deferred(conversation: Any, event: Any) -> Any:
        return replace(original(conversation, event), retry_at=None)

    original = patch.put(fold._EFFECTS, Word.DEFERRED, deferred)


@mutant("a letter that was refused goes again")
def _(patch: Patch) -> None:
    leave(patch, Word.REFUSED, "holds")


@mutant("a line that closes after the dot means later")
def _(patch: Patch) -> None:
    def read_reply(phase: Phase, code: int, *more: Any, **others: Any) -> Any:
        found = original(phase, code, *more, **others)
        closed = phase is Phase.DOT and code == 421
        return replace(found, fate=Fate.DEFERRED, retry_after=timedelta(minutes=5)) if closed else found

    original = patch.set_everywhere(replies, "read_reply", read_reply)
    patch.set(smtp, "read_reply", read_reply)


@mutant("the id of a letter is of the thread with its result only")
def _(patch: Patch) -> None:
    leave(patch, Word.INTENT, "ids")


@mutant("a letter that only has another name now is a new one")
def _(patch: Patch) -> None:
    patch.set_everywhere(edits, "suspect_renaming", lambda *case: "")


@mutant("open intents are looked for at a start only")
def _(patch: Patch) -> None:
    def recover(self: Sender) -> None:
        if self._recovered is None:
            original(self)

    original = patch.set(Sender, "recover", recover)


@mutant("a letter that an answer proves owes Sent no copy")
def _(patch: Patch) -> None:
    patch.set_everywhere(copies, "note_proofs", lambda ledger, events, *, filed: None)
