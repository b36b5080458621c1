"""A bounded, fixed set of simulated months; `./run simulate` runs as many as asked."""

import os
import subprocess
import sys
import textwrap
from collections import Counter
from pathlib import Path

import pytest

from tests.simulation import mutants
from tests.simulation.one_run import KINDS
from tests.simulation.setting import Outcome, Setting
from tests.simulation.shrink import as_story, replay, shrink
from tests.simulation.world import simulate

MONTHS = range(16)  # one of them over the real journal
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    """What became of the fixed months."""
    return [simulate(Setting(seed=seed)) for seed in MONTHS]


def test_every_promise_is_kept(outcomes: list[Outcome]) -> None:
    broken = [
        f"{each.violations[0].invariant}: {each.violations[0].text}\n  again: {replay(each.setting)}"
        for each in outcomes
        if each.violations
    ]
    assert not broken, "\n".join(broken)


def test_the_months_are_not_empty(outcomes: list[Outcome]) -> None:
    counts = sum((each.counts for each in outcomes), Counter())
    coverage = sum((each.coverage for each in outcomes), Counter())
    assert counts["accepted"] > 20 * len(MONTHS)
    assert counts["enrolled"] > 10 * len(MONTHS)
    assert len({fault for fault, _ in coverage}) > 20


def test_the_operator_was_at_work(outcomes: list[Outcome]) -> None:
    """Hung daemons, old backups, other versions, and a second account that fails in every way."""
    coverage: dict[str, set[str]] = {}
    for fault, place in (key for each in outcomes for key in each.coverage):
        coverage.setdefault(fault, set()).add(place)
    assert coverage["the watchdog"] >= {"frozen", "at the dot", "looking"}
    assert {"restore", "restore on a new machine"} & coverage["old backup"]
    assert "from the first version" in coverage["upgrade"]
    assert coverage["several accounts"] == set(KINDS)


@pytest.mark.parametrize(("days", "journal"), [(12, False), (8, True)])
def test_the_same_seed_tells_the_same_story(days: int, journal: bool) -> None:
    """Whatever order sets have in a process."""
    setting = f"Setting(seed=1, days={days}, journal={journal})"
    program = f"from tests.simulation.world import *; print(simulate({setting}).trace)"
    told = [
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    ]
    assert told[0] == told[1]
    assert told[0].count("accepted") > 3


def test_a_failing_month_is_told_as_a_small_story() -> None:
    with mutants.planted("no intent"):
        outcome = simulate(Setting(seed=0))
        small = shrink(outcome)
        told = as_story(small)
        program = "\n".join(line for line in told.splitlines() if line.startswith("    ") and " = " in line)
        setting: dict[str, Setting] = {}
        exec(textwrap.dedent(program), {"Setting": Setting}, setting)
        assert simulate(setting["setting"]).violations == small.violations
    assert len(small.setting.people) < 5
    assert small.setting.without > outcome.setting.without
    assert told.startswith("def test_seed_0_")
    assert f"./run simulate --from {small.setting.seed}" in told


@pytest.mark.parametrize("name", ["skip the last look", "no intent", "cursor before verdicts"])
def test_a_planted_fault_is_found(name: str) -> None:
    """Three of the table; `./run mutants` plants them all."""
    assert mutants.hunt(name, 5).invariant is not None
