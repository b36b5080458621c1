"""Every life: the states are walked to the last one, each edge is held against the laws, and planted faults are found.

A life is told by what can matter later (`essence`), so that the walk ends though lives do not.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product

import pytest

from inboxagent.outreach import fold, state
from inboxagent.outreach.decide import outlook
from inboxagent.outreach.events import By, Event, Word
from inboxagent.outreach.fold import advance, begin
from inboxagent.outreach.model import Me
from inboxagent.outreach.sequence import Sequence, Step
from inboxagent.outreach.state import Conversation, State
from inboxagent.outreach.waits import Unit, Wait
from tests.fakes.people import MONDAY, enrolled, mail

ME = Me(name="Maya Lind", address="maya@lind.example")
DAYS = Wait(amount=3, unit=Unit.DAY)
SEQUENCE = Sequence(
    name="proposal", title="Proposal", steps=tuple(Step(word=word, wait=DAYS, letter="…") for word in ("nudge", "last"))
)
Edge = tuple[Conversation, Event, Conversation]

HIS = {Word.REPLY, Word.REFUSAL, Word.UNSUBSCRIBE, Word.BOUNCE, Word.REFUSED, Word.SUPPRESSED}
"""What ends the writing by itself, whatever came before; a bounce and a refusal where the address is dead."""


def events(at: datetime) -> Iterator[Event]:
    """Every word, hers and the agent's, with and without a date, and of a dead address where one may die."""
    for word, by, until in product(Word, (By.AGENT, By.HER), (None, at + timedelta(days=9))):
        for permanent in (False, True) if word in (Word.BOUNCE, Word.REFUSED) else (None,):
            if word is not Word.ENROLLED:
                event = Event(at=at, word=word, because="a test", by=by, permanent=permanent, until=until, step="nudge")
                yield replace(event, message_id="<2@lind.example>", mail=mail(2))


def essence(c: Conversation, now: datetime) -> tuple[object, ...]:
    """What decides to which state anything leads that comes."""
    over = c.held_until is not None and c.held_until <= now
    return c.state, c.final, c.uncertain, c.pending is not None, bool(c.holds), c.held_until is None, over


def walk() -> Iterator[Edge]:
    """Every edge out of every essence that can be reached, nearest first."""
    level, seen, at = [begin("c1", enrolled())], set[object](), MONDAY
    while level:
        at += timedelta(days=4)
        edges = [(before, event, advance(before, event)) for before in level for event in events(at)]
        yield from edges
        fresh: dict[object, Conversation] = {}
        for _, _, after in edges:
            fresh.setdefault(essence(after, at), after)
        level = [_short(after) for name, after in fresh.items() if name not in seen]
        seen |= fresh.keys()


def _short(c: Conversation) -> Conversation:
    """Without its past, which nothing in the fold looks at, so that long lives are no slower."""
    return replace(c, events=c.events[:1], letters=())


def writes(c: Conversation, now: datetime) -> bool:
    """Whether a letter would follow if nothing happened any more."""
    return outlook(c, SEQUENCE, now + timedelta(days=400), ME) is not None


def broken(before: Conversation, event: Event, after: Conversation) -> str | None:
    """The law that an edge breaks."""
    hers = event.word is Word.RESUMED and event.by is By.HER and before.state is not State.FINISHED
    date = before.held_until
    date_has_come = event.word is Word.RESUMED and date is not None and date <= event.at
    if before.final and not (after.final and after.state is State.STOPPED):
        return "law 1: it was stopped for good"
    if after.state is State.WAITING is not before.state and not (hers or date_has_come or _is_known_now(before, after)):
        return "law 2: neither a date nor her command led back"
    if before.state in (State.ANSWERED, State.STOPPED, State.FINISHED) and not hers and writes(after, event.at):
        return "a letter would follow though it was answered or over"
    ends = event.word in HIS and (event.permanent or event.word not in (Word.BOUNCE, Word.REFUSED))
    if ends and writes(after, event.at):
        return "a letter would follow on what ends the writing"
    if ends and event.word is not Word.REPLY and not after.final:
        return "law 1: it could be resumed"
    if after.state is State.WAITING and (after.holds or after.uncertain):
        return "a hold holds nothing"
    return None


def _is_known_now(before: Conversation, after: Conversation) -> bool:
    """Whether the one doubt that held it was what became of a letter."""
    return before.uncertain and not after.uncertain and not before.holds


def first_fault() -> str | None:
    """The first law that any edge of the walk breaks."""
    return next((fault for edge in walk() if (fault := broken(*edge))), None)


def test_no_life_breaks_a_law() -> None:
    edges = list(walk())
    assert {after.state for _, _, after in edges} == set(State)
    assert {(before.state, event.word) for before, event, _ in edges} == set(
        product(State, set(Word) - {Word.ENROLLED})
    )
    assert [fault for edge in edges if (fault := broken(*edge))] == []


PLANTED = [
    (before, word)
    for before, word in product((State.ANSWERED, State.STOPPED, State.FINISHED), set(Word) - {Word.ENROLLED})
    if state.TRANSITIONS.get((before, word)) is not State.WAITING
]


@pytest.mark.parametrize(("before", "word"), sorted(PLANTED))
def test_a_wrong_entry_that_leads_back_to_writing_is_found(
    before: State, word: Word, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "TRANSITIONS", {**state.TRANSITIONS, (before, word): State.WAITING})
    assert first_fault() is not None


@pytest.mark.parametrize("entry", sorted(product((State.WAITING, State.HELD), HIS)))
def test_an_entry_that_is_missing_is_found(entry: tuple[State, Word], monkeypatch: pytest.MonkeyPatch) -> None:
    """He answers or opts out, or his address is dead, and nothing comes of it."""
    left: Mapping[tuple[State, Word], State] = {k: v for k, v in state.TRANSITIONS.items() if k != entry}
    monkeypatch.setattr(state, "TRANSITIONS", left)
    assert first_fault() is not None


FAULTS: Mapping[tuple[object, str], Callable[..., object]] = {
    (Conversation, "may_resume"): lambda c, e: e.by is By.HER or bool(c.holds),
    (fold, "ends"): lambda e: False,
    (fold, "settle"): lambda c: c if c.state is not State.HELD else replace(c, state=State.WAITING),
}


@pytest.mark.parametrize(("place", "name"), FAULTS, ids=lambda each: each if isinstance(each, str) else "")
def test_a_wrong_proviso_is_found(place: object, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, name, FAULTS[place, name])
    assert first_fault() is not None
