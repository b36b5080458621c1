"""Two accounts in one `run`: the product's own `serve` and `Service` over simulated ports, each with its own world.

One of them fails in every way there is, one after the other, and is mended each time; the other one is to send the
same letters at the same times as it does alone.
"""

from collections import Counter
from collections.abc import Iterator
from functools import partial

from tests.simulation import state_folder
from tests.simulation.cases import Violation
from tests.simulation.her import ACTS
from tests.simulation.one_run import Run, Trouble
from tests.simulation.people import HOUR
from tests.simulation.post import HER
from tests.simulation.setting import Outcome, Setting
from tests.simulation.smtp import Letter
from tests.simulation.weather import FAULTS
from tests.simulation.world import World

DAYS, PEOPLE = 12, 8
LATE = 600.0  # seconds by which a letter may go at another time: both may be begun anew, and the gap varies


def together(setting: Setting) -> Outcome:
    """One account alone, and once more beside one that fails."""
    (alone, expected), (both, found) = _live(setting, beside=False), _live(setting, beside=True)
    violations = alone.violations or both.violations or tuple(_differences(expected, found))
    coverage, counts = alone.coverage + both.coverage, alone.counts + both.counts
    return Outcome(setting=setting, violations=violations, coverage=coverage, counts=counts, trace=both.trace)


Letters = dict[str, list[float]]
"""When a letter was accepted for each person; of two that are due at once either may go first."""


def _differences(expected: Letters, found: Letters) -> Iterator[Violation]:
    for name in sorted(expected.keys() | found.keys()):
        alone, both = sorted(expected.get(name, [])), sorted(found.get(name, []))
        if len(alone) != len(both) or any(abs(one - other) > LATE for one, other in zip(alone, both, strict=True)):
            told = f"letters go at {alone} where the account is alone, and at {both} beside one that fails"
            yield Violation("i25_no_account_disturbs_another", max(*alone, *both, 0.0), name, told)


def _letters(world: World) -> Letters:
    letters: Letters = {}
    for record in world.judge.records.values():
        letters.setdefault(record.person.name, []).extend(at for at, _ in record.taken)
    return letters


def _live(setting: Setting, *, beside: bool) -> tuple[Outcome, Letters]:
    without = frozenset((*FAULTS, *ACTS))
    people = frozenset(range(PEOPLE))
    own = Setting(seed=setting.seed, people=people, without=without, days=DAYS, journal=False)
    healthy = World(own)
    worlds = [healthy]
    if beside:
        other = Setting(seed=setting.seed + 1_000_000, people=people, without=without, days=DAYS, journal=False)
        failing = World(other, beside=healthy)
        failing.weather = Trouble(other.seed, failing, without=without, until=0.0)
        worlds = [failing, healthy]  # its end is checked first
    with state_folder.folder() as folder:
        run = Run(worlds, folder)
        with run.on_the_machine():
            for each in worlds:
                each.machine.start = run.start if each is healthy else _let_be  # type: ignore[method-assign]
                each.submission.taken = partial(_take, each)
                each.plan()
            healthy.timeline.at(HOUR, run.start)
            if beside:
                run.plan_trouble(failing)
            outcome = healthy.pass_time()
    broken = healthy.judge.violations + (failing.judge.violations if beside else [])
    coverage = Counter({("several accounts", kind): count for kind, count in run.struck.items()})
    counts = Counter({f"beside: {name}": count for name, count in run.counts.items()})
    told = Outcome(setting=setting, violations=tuple(broken), coverage=coverage, counts=counts, trace=outcome.trace)
    return told, _letters(healthy)


def _let_be() -> None:
    """The run is started for both at the same time."""


def _take(world: World, letter: Letter) -> None:
    """What she is told by mail is not the judge's business."""
    if letter.envelope.forward_paths != (HER,):
        world.post_office.take(letter)
