"""What becomes of an account over some days, as a list of turns: what the world does, then a process of the agent."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from inboxagent.agent.copies import OWED
from inboxagent.outreach.events import Word
from inboxagent.outreach.state import State
from tests.torture.stage import LONGEST, Act, Running, Stage

Watch = Callable[[Stage, Running], None]
"""What happens while a process runs."""
ONCE = ("run", "--once", "--log-json")

ANNA, EMIL, BART, CLEO, DORA = PEOPLE = ("anna", "emil", "bart", "cleo", "dora")
"""Silent; not known where the letter goes; answers at once; answers later; wants no more mail."""
DAY = 86_400.0


def nothing(stage: Stage) -> None:
    """Nobody does anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """`before` happens, then a process with these words is started, whose clocks are `later` seconds ahead. A command
    that was killed is given again; `run --once` until there is nothing to do; a `watched` one runs on while that
    happens, and is stopped then."""

    words: tuple[str, ...]
    later: float = 0.0
    before: Act = nothing
    watched: Watch | None = None
    forbids: str | None = None  # to whom nothing is to go once this was obeyed
    dies_behind: str | None = None  # a death that belongs to the life: behind the first effect of this name
    tried: bool = True  # whether its effects are those to be killed at; else they are in another life

    @property
    def once(self) -> bool:
        """Whether it reads and sends and ends."""
        return self.words == ONCE


def first_answers(stage: Stage) -> None:
    """Before anything is sent: he answers, and she wants no more mail."""
    stage.answer(BART, "Yes, gladly. Shall we talk on Friday?\n")
    stage.answer(DORA, "Unsubscribe\n")


def cleo_answers(stage: Stage) -> None:
    """She answers what she has got, if she has got anything."""
    if stage.letters(stage.people[CLEO]):
        stage.answer(CLEO, "Thank you, it is the second part.\n")


def anna_proves(stage: Stage) -> None:
    """Her answer names a letter of which nobody knew whether it had gone."""
    if stage.letters(stage.people[ANNA]):
        stage.answer(ANNA, "Thank you, I have it.\n")


def while_it_watches(stage: Stage, running: Running) -> None:
    """The letters go out; Cleo answers while the agent waits for mail, and that is seen."""
    _until(running, lambda: all(_has_gone(stage, each) for each in (ANNA, CLEO, EMIL)) and not stage.fact(OWED))
    cleo = stage.people[CLEO]
    if cleo not in stage.intended and running.alive:
        cleo_answers(stage)
    answered = (State.ANSWERED, State.HELD)
    _until(running, lambda: cleo not in stage.intended or stage.conversations()[cleo].state in answered)


def _has_gone(stage: Stage, name: str) -> bool:
    conversation = stage.conversations()[stage.people[name]]
    return conversation.uncertain or any(each.word is Word.SENT for each in conversation.events)


def _until(running: Running, check: Callable[[], bool]) -> None:
    """Wait, for as long as it lives."""
    end = time.monotonic() + LONGEST
    while running.alive and not check():
        assert time.monotonic() < end, "what is due does not happen"
        time.sleep(0.1)


ENROL = Turn(words=("enroll", "quick", "--csv", "people.csv"), tried=False)

LIVES: Mapping[str, tuple[Turn, ...]] = {
    "day": (
        replace(ENROL, tried=True),
        Turn(words=ONCE, before=first_answers),
    ),
    "days": (
        ENROL,
        Turn(words=ONCE, before=first_answers, tried=False),
        Turn(words=ONCE, before=cleo_answers, later=4 * DAY),
    ),
    "watching": (
        ENROL,
        Turn(words=("run", "--log-json"), before=first_answers, watched=while_it_watches),
    ),
    "doubt": (
        ENROL,
        Turn(words=ONCE, dies_behind="smtp .", tried=False),
        Turn(words=ONCE, later=3_600),
        Turn(words=ONCE, before=anna_proves, later=7_200),
    ),
    "commands": (
        ENROL,
        Turn(words=("pause", ANNA), forbids=ANNA),
        Turn(words=("hold", BART, "2031-03-04"), forbids=BART),
        Turn(words=("suppress", CLEO), forbids=CLEO),
        Turn(words=("stop", DORA), forbids=DORA),
        Turn(words=ONCE, tried=False),
        Turn(words=("forget", EMIL, "--yes")),
        Turn(words=ONCE, later=4 * DAY, tried=False),
    ),
}
