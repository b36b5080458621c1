"""Making a failing month small: fewer people, fewer faults, less time, as long as the same promise is broken."""

import math
from dataclasses import replace

from tests.simulation.her import ACTS
from tests.simulation.people import NAMES
from tests.simulation.setting import PEOPLE, Outcome, Setting
from tests.simulation.weather import FAULTS
from tests.simulation.world import CALM_DAYS, simulate

MOST_TRIES = 100


def shrink(outcome: Outcome) -> Outcome:
    """The smallest month found that breaks the same promise."""
    return _Shrinking(outcome).best


class _Shrinking:
    """The best so far, and how often was tried."""

    def __init__(self, outcome: Outcome) -> None:
        self.best = outcome
        self._wanted = outcome.violations[0].invariant
        self._tries = 0
        days = math.ceil(outcome.violations[0].seconds / 86_400) + CALM_DAYS + 0.5
        self._try(days=min(days, outcome.setting.days))
        self._drop_people()
        for name in (*FAULTS, *ACTS):
            self._try(without=self.best.setting.without | {name})

    def _try(self, **smaller: object) -> bool:
        setting = replace(self.best.setting, **smaller)  # type: ignore[arg-type]
        self._tries += 1
        if self._tries > MOST_TRIES or setting == self.best.setting or not setting.people:
            return False
        tried = simulate(setting)
        if not tried.violations or tried.violations[0].invariant != self._wanted:
            return False
        self.best = tried
        return True

    def _drop_people(self) -> None:
        """The one it is about, alone; else halves, quarters, and at last one after the other."""
        name = self.best.violations[0].person
        if self._try(people=frozenset(n for n in self.best.setting.people if NAMES[n] == name)):
            return
        size = len(self.best.setting.people) // 2
        while size >= 1:
            people = sorted(self.best.setting.people)
            for at in range(0, len(people), size):
                self._try(people=self.best.setting.people - frozenset(people[at : at + size]))
            size //= 2


def replay(setting: Setting) -> str:
    """The command that plays it again."""
    words = [f"./run simulate --from {setting.seed} --seeds 1 --jobs 1 --no-shrink"]
    if len(setting.people) < PEOPLE:
        words.append(f"--people {','.join(map(str, sorted(setting.people)))}")
    if setting.without:
        words.append(f"--without '{','.join(sorted(setting.without))}'")
    words.append(f"--days {setting.days:g}")
    return " ".join(words)


def as_story(outcome: Outcome) -> str:
    """A test that plays it again and tells what happens, to be pasted among the stories."""
    violation, setting = outcome.violations[0], outcome.setting
    return "\n".join(
        [
            f"def test_seed_{setting.seed}_{violation.person or 'nobody'}() -> None:",
            f'    """{violation.invariant}: {violation.text}',
            "",
            *(f"    {line}" for line in outcome.story),
            '    """',
            f"    without = frozenset({sorted(setting.without)})",
            f"    people = frozenset({sorted(setting.people)})",
            f"    setting = Setting(seed={setting.seed}, people=people, without=without, days={setting.days:g})",
            "    assert simulate(setting).violations == ()",
            "",
            f"# {replay(setting)}",
        ]
    )
