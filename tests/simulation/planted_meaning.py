"""Planted in what mail is taken for."""

from dataclasses import replace
from typing import Any

from inboxagent.agent.understanding import Understanding
from inboxagent.mail.classify import Kind
from inboxagent.outreach import fold, his_words, judgement, match, own_hand, state
from inboxagent.outreach.case import NOTHING
from inboxagent.outreach.events import Word
from inboxagent.outreach.holds import Holder
from inboxagent.outreach.match import Evidence, Known, Match
from inboxagent.outreach.quotation import topic
from inboxagent.outreach.state import State
from tests.simulation.planting import Patch, mutant


@mutant("trust the subject")
def _(patch: Patch) -> None:
    def match_quoted(message: Any, known: Any) -> tuple[Match, ...]:
        found = known.topics.get(topic(message.subject), ())
        return tuple(Match(conversation_id=each, evidence=Evidence.QUOTE, because="the subject") for each in found)

    patch.set_everywhere(match, "match_quoted", match_quoted)


@mutant("her own mail is somebody's answer")
def _(patch: Patch) -> None:
    patch.set_everywhere(match, "is_hers", lambda message, known: False)


@mutant("an automatic answer is an answer")
def _(patch: Patch) -> None:
    patch.put(judgement._JUDGES, Kind.AUTO_REPLY, his_words.judge_reply)


@mutant("an automatic answer is nothing")
def _(patch: Patch) -> None:
    patch.put(judgement._JUDGES, Kind.AUTO_REPLY, judgement._judge_other)


@mutant("an answer is an automatic answer")
def _(patch: Patch) -> None:
    patch.put(judgement._JUDGES, Kind.REPLY, judgement._judge_auto_reply)


@mutant("a bounce is nothing")
def _(patch: Patch) -> None:
    patch.put(judgement._JUDGES, Kind.BOUNCE, lambda case: NOTHING)


@mutant("a soft bounce ends it for ever")
def _(patch: Patch) -> None:
    patch.set(judgement, "_is_dead", lambda case: True)


@mutant("a dead address is only full")
def _(patch: Patch) -> None:
    patch.set(judgement, "_is_dead", lambda case: False)


@mutant("a delayed letter is a bounce")
def _(patch: Patch) -> None:
    patch.put(judgement._JUDGES, Kind.DELAYED, judgement._judge_bounce)


@mutant("an opt-out is a note")
def _(patch: Patch) -> None:
    patch.put(judgement._JUDGES, Kind.UNSUBSCRIBE, judgement._judge_other)


@mutant("an opt-out is heard in INBOX only")
def _(patch: Patch) -> None:
    async def read(self: Understanding, fetched: Any, known: Any) -> Any:
        found = await original(self, fetched, known)
        elsewhere = found is not None and fetched.mailbox != "INBOX" and found.verdict is not None
        return None if elsewhere and found.verdict.kind is Kind.UNSUBSCRIBE else found

    original = patch.set(Understanding, "read", read)


@mutant("an opt-out ends this conversation and suppresses nobody")
def _(patch: Patch) -> None:
    def judge(case: Any) -> Any:
        return replace(original(case), suppress=None)

    original = patch.put(judgement._JUDGES, Kind.UNSUBSCRIBE, judge)


@mutant("not now is a note")
def _(patch: Patch) -> None:
    patch.put(judgement._JUDGES, Kind.NOT_NOW, judgement._judge_other)


@mutant("what he writes outside the thread is nothing")
def _(patch: Patch) -> None:
    def judge(case: Any) -> Any:
        return original(case) if case.in_thread else NOTHING

    original = patch.put(judgement._JUDGES, Kind.REPLY, judge)


@mutant("an answer counts in the conversation that it names, and in no other of his")
def _(patch: Patch) -> None:
    def find(*more: Any) -> tuple[Match, ...]:
        found = original(*more)
        named = tuple(each for each in found if each.evidence.in_thread)
        return named or found

    original = patch.set_everywhere(match, "find", find)


@mutant("what a colleague answers is nothing")
def _(patch: Patch) -> None:
    def judge(case: Any) -> Any:
        return original(case) if case.from_him else NOTHING

    original = patch.put(judgement._JUDGES, Kind.REPLY, judge)


@mutant("who has answered once has said everything")
def _(patch: Patch) -> None:
    def was_heard(conversation: Any, event: Any) -> bool:
        return any(event.word is each.word for each in conversation.events)

    patch.set(judgement, "_was_heard", was_heard)


@mutant("a letter of another conversation is hers")
def _(patch: Patch) -> None:
    patch.set_everywhere(own_hand, "token_in", lambda message: "")


@mutant("her answer lets it go on whatever he wrote since")
def _(patch: Patch) -> None:
    patch.set(own_hand, "ANSWERS", frozenset())


@mutant("her answer ends the pause that she made herself")
def _(patch: Patch) -> None:
    def goes_on(conversation: Any, *more: Any) -> Any:
        return original(replace(conversation, holds=()), *more)

    original = patch.set(own_hand, "_goes_on", goes_on)


@mutant("an answer while it is held changes nothing")
def _(patch: Patch) -> None:
    def next_state(conversation: Any, event: Any) -> Any:
        passed_by = conversation.state is State.HELD and event.word is Word.REPLY
        return State.HELD if passed_by else original(conversation, event)

    original = patch.set_everywhere(state, "next_state", next_state)


@mutant("her command leads out of an opt-out")
def _(patch: Patch) -> None:
    def ends(event: Any) -> bool:
        return event.word is not Word.UNSUBSCRIBE and bool(original(event))

    original = patch.set_everywhere(state, "ends", ends)


@mutant("an answer from an address that nobody knew counts in the thread that it names only")
def _(patch: Patch) -> None:
    patch.set(Understanding, "_widen", lambda self, matches, known: matches)


@mutant("the day of his return is not read")
def _(patch: Patch) -> None:
    def until_after_return(self: Holder, day: Any) -> Any:
        return original(self, None)

    original = patch.set(Holder, "until_after_return", until_after_return)


@mutant("a new hold takes the place of those before")
def _(patch: Patch) -> None:
    def hold(conversation: Any, event: Any) -> Any:
        return original(conversation, event)[-1:]

    original = patch.set(fold, "_hold", hold)


@mutant("what he sends from a subaddress comes from somebody else")
def _(patch: Patch) -> None:
    patch.set(Known, "of", lambda self, address: self.addresses.get(address, ()))
