"""SIGKILL at every effect of a real process: after each death the life goes on to its end, with every promise kept."""

import re
import signal
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from inboxagent.cli.embedded import EmbeddedProvider
from tests.cli.desk import SECRET, Desk, write
from tests.torture.aftermath import Trial, calm_down, end_well, played
from tests.torture.crew import share, spread
from tests.torture.effects import How, Moment
from tests.torture.lives import EMIL, LIVES, PEOPLE, Turn
from tests.torture.nursery import Nursery, Warm
from tests.torture.promises import broken_now
from tests.torture.stage import Ended, Stage

RESTARTED = (90.0, 30.0)  # seconds after a death: behind the pause of a copy that was tried, or before its end
NASTY = re.compile(r"intent|sent|smtp \.|APPEND|copies|reply|held|stopped|suppressed")
HER = "maya@lind.example"
ASKING = tuple(f"~ imap {verb}" for verb in ("LIST", "STATUS", "EXAMINE", "SEARCH", "FETCH", "CLOSE", "NOOP"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """A death in a life: in which turn, and when."""

    life: str
    turn: int
    moment: Moment

    def __str__(self) -> str:
        return f"{self.life}:{self.turn}:{self.moment}"

    @classmethod
    def read(cls, text: str) -> "Kill":
        """What `str` wrote. Raises ValueError."""
        life, turn, at, how = text.split(":")
        if life not in LIVES or how not in ("before", "half", "after"):
            raise ValueError(text)
        return cls(life=life, turn=int(turn), moment=Moment(at=int(at), how=how))  # type: ignore[arg-type]


@dataclass(slots=True, kw_only=True)
class Played(Trial[Kill]):
    """What came of a life; the effects of each of its turns."""

    effects: dict[int, tuple[str, ...]] = field(default_factory=dict)


class Provider:
    """The embedded one, as a `World`."""

    def __init__(self, provider: EmbeddedProvider) -> None:
        self.address = HER
        self.ports: Mapping[int, str] = {provider.imap_port: "imap", provider.submission_port: "smtp"}
        self._provider = provider

    def letters(self, address: str) -> Sequence[bytes]:
        """What was accepted for him."""
        return [each.message for each in self._provider.accepted if each.recipient == address]

    def unknown(self, address: str) -> bool:
        """Emil has no mailbox."""
        return address.startswith(EMIL)

    def mail(self, mailbox: str) -> Sequence[bytes]:
        """What lies there."""
        return self._provider.mail(HER, mailbox)

    def deliver(self, message: bytes) -> None:
        """Into her INBOX."""
        self._provider.deliver(HER, message)

    def settle(self) -> None:
        """Nothing is ever on its way."""


@contextmanager
def embedded_stage(nursery: Nursery) -> Iterator[Stage]:
    """An account of its own with five people to whom she has written, on servers in this process."""
    clock, people = _Clock(), {each: f"{each}@prospect.test" for each in PEOPLE}
    known = dict.fromkeys((HER, *(people[each] for each in PEOPLE if each != EMIL)), SECRET)
    with tempfile.TemporaryDirectory() as folder, EmbeddedProvider(known, now=clock) as provider:
        desk = Desk(Path(folder))
        desk.configure(provider.imap_port, provider.submission_port)
        config = desk.config.read_text().replace("brake = 3", "brake = 25")
        desk.config.write_text(config.replace("[imap]\n", '[imap]\nmailboxes = ["INBOX", "Sent"]\n'))
        desk.rule(wait="at once")
        for address in people.values():
            write(provider, address)
        stage = Stage(desk, Provider(provider), people, nursery)
        stage.list_people()
        stage.moved = clock.move
        yield stage


class _Clock:
    """The provider's: as far ahead as the process of the agent that it has to do with."""

    def __init__(self) -> None:
        self._later = timedelta()

    def move(self, later: float) -> None:
        self._later = timedelta(seconds=later)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._later  # noqa: TID251 these tests live in real time


def play(life: str, stage: Stage, kill: Kill | None = None) -> Played:
    """The life on this stage, with this death in it."""
    trial = Played(scene=life, trouble=kill)
    played(trial, partial(_play_turns, trial, stage))
    return trial


def _play_turns(trial: Played, stage: Stage) -> None:
    turns, kill = LIVES[trial.scene], trial.trouble
    for number, turn in enumerate(turns):
        moment = kill.moment if kill and kill.turn == number else None
        if turn.dies_behind:
            moment = Moment(name=turn.dies_behind)
        turn.before(stage)
        if turn.words[0] == "forget":  # it may be done and not be told
            stage.forgotten.add(stage.people[turn.words[1]])
        ended = _live(stage, turn, moment)
        trial.effects[number] = ended.effects
        if ended.killed:
            trial.hit = trial.hit if turn.dies_behind else f"{ended.effects[-1][2:]}"
            trial.broken += broken_now(stage)
            ended = _live(stage, turn, None, later=RESTARTED[trial.hit is None or len(trial.hit) % 3 == 0])
        assert ended.code in _expected(turn), f"{turn.words} ended with {ended.code}"
        if turn.once and (moment or number + 1 == len(turns)):
            calm_down(stage, turn.later)
        if turn.forbids:
            stage.untouchable.add(stage.people[turn.forbids])
        trial.broken += broken_now(stage)
    trial.broken += end_well(stage, turns[-1].later + 20_000)


def _expected(turn: Turn) -> tuple[int, ...]:
    """Exit codes: a watch may be stopped before it has come to listen for that; a command may find its work done."""
    return (0,) if turn.once else (0, -signal.SIGTERM) if turn.watched else (0, 1)


def _live(stage: Stage, turn: Turn, moment: Moment | None, later: float = 0.0) -> Ended:
    running = stage.begin(*turn.words, later=turn.later + later, moment=moment)
    if turn.watched:
        turn.watched(stage, running)
        running.stop()
    return running.end()


def moments(whole: Played) -> Iterator[tuple[Kill, str]]:
    """Every death that a life has room for, with its kind: behind each effect, within each that can be done by half,
    before each that comes after a server's answer. Of commands that only ask, one of each kind between two other
    effects is enough."""
    for number, turn in enumerate(LIVES[whole.scene]):
        asked: set[str] = set()
        answered = True
        for at, effect in enumerate(whole.effects[number] if turn.tried else (), 1):
            asks = effect.startswith(ASKING)
            ways: list[How] = [] if asks and effect in asked else ["after"]
            if not asks:
                asked.clear()
                ways += ["half"] if effect.startswith("~") else []
                ways += ["before"] if answered else []
            asked.add(effect)
            answered = effect.startswith(("~ smtp", "~ imap"))
            for how in ways:
                yield Kill(life=whole.scene, turn=number, moment=Moment(at=at, how=how)), f"{effect[2:]} {how}"


Open = Callable[[Nursery], AbstractContextManager[Stage]]
"""A new stage each time, whose processes come from there."""


def torture(
    count: int,
    lives: Iterable[str] = LIVES,
    open_stage: Open = embedded_stage,
    new_nursery: Callable[[], Nursery] = Warm,
    jobs: int = 1,
) -> Iterator[Played]:
    """So many deaths, or as many as there are: first one of each kind of effect in each life, then the next ones. The
    lives themselves, without any death, come first."""
    found: list[tuple[Kill, str]] = []
    work = partial(_play, open_stage)
    for whole in share(work, [(life, None) for life in lives], new_nursery, jobs):
        yield whole
        if not whole.broken:
            found += moments(whole)
    chosen = spread(found, NASTY)[:count]
    yield from share(work, [(each.life, each) for each in chosen], new_nursery, jobs)


def _play(open_stage: Open, nursery: Nursery, part: tuple[str, Kill | None]) -> Played:
    life, kill = part
    with open_stage(nursery) as stage:
        return play(life, stage, kill)


def again(kill: Kill) -> Iterator[Played]:
    """This death alone."""
    with closing(Warm()) as nursery, embedded_stage(nursery) as stage:
        trial = play(kill.life, stage, kill)
        print(stage.log.read_text())
        yield trial
