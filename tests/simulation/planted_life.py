"""Planted in the life of a conversation: what people's machines ask for, and what she is told."""

from dataclasses import replace
from typing import Any

from inboxagent.agent import consequences, doubles, enrolment, reminding, succession, understanding, writing
from inboxagent.agent.notices import Notices
from inboxagent.agent.reminding import Reminding
from inboxagent.cli import privacy
from inboxagent.edge.store import ledger
from inboxagent.mail import classify as classifying
from inboxagent.mail.headers import Address
from inboxagent.outreach import colleagues, erasure, judgement, letter
from inboxagent.outreach.events import Word
from inboxagent.outreach.judgement import NOTHING
from inboxagent.outreach.outbox import Fate
from tests.fakes import store
from tests.fakes.store import MemoryLedger
from tests.simulation.planting import Patch, mutant


@mutant("the mail of an unsubscribe button is a mail like any other")
def _(patch: Patch) -> None:
    patch.set_everywhere(understanding, "by_button", lambda subject: None)


@mutant("a complaint is a note")
def _(patch: Patch) -> None:
    def unsubscribe(case: Any) -> Any:
        report = case.arrival.message.report
        return NOTHING if report is not None and report.kind == "complaint" else original(case)

    original = patch.put(judgement._JUDGES, classifying.Kind.UNSUBSCRIBE, unsubscribe)


@mutant("whoever has left is away for a week")
def _(patch: Patch) -> None:
    def auto_reply(case: Any) -> Any:
        return original(replace(case, verdict=replace(case.verdict, intent=None)))

    original = patch.put(judgement._JUDGES, classifying.Kind.AUTO_REPLY, auto_reply)


@mutant("whoever is away answers nothing")
def _(patch: Patch) -> None:
    def human(case: Any) -> Any:
        away = any(each.word is judgement.Word.AUTO_REPLY for each in case.conversation.events)
        return NOTHING if away else original(case)

    original = patch.put(judgement._JUDGES, classifying.Kind.REPLY, human)


@mutant("what she was told is not written down")
def _(patch: Patch) -> None:
    patch.set(reminding, "TOLD", "told, and looked for elsewhere")
    patch.set(Reminding, "_told", lambda self: {})


@mutant("an uncertain reminder is sent again")
def _(patch: Patch) -> None:
    async def send(self: Notices, *words: str) -> Any:
        outcome = await original(self, *words)
        return replace(outcome, fate=Fate.DEFERRED) if outcome.fate is Fate.UNCERTAIN else outcome

    original = patch.set(Notices, "send", send)


@mutant("the prospect is told what waits for her")
def _(patch: Patch) -> None:
    async def send(self: Notices, subject: str, text: str, cause: str) -> Any:
        his = next((word.strip("<>,") for word in text.split() if "-works.test" in word), self.to)
        self.to = his
        return await original(self, subject, text, cause)

    original = patch.set(Notices, "send", send)


def _tells_no(patch: Patch, kind: str) -> None:
    def reminders(*case: Any) -> Any:
        return (each for each in original(*case) if f" {kind} " not in each.key)

    original = patch.set_everywhere(reminding, "reminders", reminders)


@mutant("she is told of no task")
def _(patch: Patch) -> None:
    _tells_no(patch, "task")


@mutant("letters are not signed")
def _(patch: Patch) -> None:
    def enclose(letter: Any, sequence: Any, *more: Any) -> Any:
        return original(letter, replace(sequence, signature=False), *more)

    original = patch.set_everywhere(writing, "enclose", enclose)


@mutant("suppress ends what is there, and nothing else")
def _(patch: Patch) -> None:
    patch.set(MemoryLedger, "suppress", lambda self, address, because: None)


@mutant("forget keeps no hash")
def _(patch: Patch) -> None:
    def erase(self: MemoryLedger, person: Any) -> None:
        original(self, person)
        for address in person.addresses:
            self._draft.suppressions.pop(address)

    original = patch.set(MemoryLedger, "erase", erase)


@mutant("forget leaves what is remembered beside the conversations")
def _(patch: Patch) -> None:
    original = patch.set_everywhere(erasure, "erase_from_fact", lambda value, person: value)
    for module in (each for each in (store, ledger) if each.erase_from_fact is original):
        patch.set(module, "erase_from_fact", lambda value, person: value)


@mutant("an export is a summary")
def _(patch: Patch) -> None:
    def known(composition: Any, person: Any) -> Any:
        document = original(composition, person)
        for each in document["conversations"]:
            each["events"] = [{"because": event["because"]} for event in each["events"]]
        return document

    original = patch.set(privacy, "_known", known)


@mutant("nobody waits for a colleague's answer")
def _(patch: Patch) -> None:
    patch.set_everywhere(consequences, "hold_colleagues", lambda *case: ())


@mutant("a public provider is a company")
def _(patch: Patch) -> None:
    patch.set_everywhere(colleagues, "company", lambda address: address.partition("@")[2])


@mutant("whoever was replaced is written to as before")
def _(patch: Patch) -> None:
    patch.set_everywhere(succession, "check_succession", lambda before, after: ())


@mutant("whoever is named by one who has left gets the next letter, too")
def _(patch: Patch) -> None:
    def departure(case: Any) -> Any:
        found = departs(case)
        named = tuple(each for each in found.events if each.word is Word.PROPOSED)
        return replace(found, events=named, suppress=None) if named else found

    def recipients(conversation: Any, me: Any) -> Any:
        found = addressed(conversation, me)
        named = (each.address for each in conversation.events if each.word is Word.PROPOSED)
        return replace(found, cc=(*found.cc, *(Address(name="", address=each) for each in named)))

    departs = patch.set_everywhere(judgement, "_judge_departure", departure)
    addressed = patch.set_everywhere(letter, "recipients", recipients)


@mutant("she is told of no question of his")
def _(patch: Patch) -> None:
    _tells_no(patch, "question")


@mutant("what she is told is written down before it is told")
def _(patch: Patch) -> None:
    async def tell(self: Reminding, reminder: Any) -> None:
        with self._store.transaction("she was reminded") as known:
            known.remember(reminding.TOLD, {**self._told(), reminder.key: self._clock.now().isoformat()})
        await self._notices.send(reminder.subject, reminder.text, reminder.key)

    patch.set(Reminding, "_tell", tell)


@mutant("nobody asks whether he is enrolled already")
def _(patch: Patch) -> None:
    patch.set_everywhere(doubles, "check_single", lambda *case: None)


@mutant("whether he is enrolled already is asked before his mail is read, and not again")
def _(patch: Patch) -> None:
    def begin_all(*more: Any) -> None:
        asked.append(True)
        try:
            original(*more)
        finally:
            asked.clear()

    def check_single(*case: Any) -> None:
        if not asked:
            check(*case)

    asked: list[bool] = []
    original = patch.set_everywhere(enrolment, "begin_all", begin_all)
    check = patch.set_everywhere(doubles, "check_single", check_single)
