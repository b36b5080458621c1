"""A few of the deaths that `./run torture` tries, and that it would notice what it looks for."""

import smtplib
import sys
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.cli.desk import SECRET
from tests.torture.effects import Moment
from tests.torture.kills import HER, Kill, embedded_stage, torture
from tests.torture.lives import ANNA, BART, ENROL, ONCE
from tests.torture.nursery import Warm
from tests.torture.promises import broken_now, broken_when_calm
from tests.torture.stage import Stage

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what a process writes is told by /proc (Linux)")


@pytest.fixture(scope="module")
def nursery() -> Iterator[Warm]:
    with closing(Warm()) as nursery:
        yield nursery


@pytest.fixture
def stage(nursery: Warm) -> Iterator[Stage]:
    with embedded_stage(nursery) as stage:
        yield stage


def test_whoever_dies_at_a_nasty_effect_keeps_every_promise() -> None:
    trials = list(torture(3, ("day",)))
    assert [each.broken for each in trials] == [[]] * 4
    assert all(each.hit for each in trials[1:])


def test_a_death_behind_the_dot_is_a_death_in_the_middle_of_a_send(stage: Stage) -> None:
    assert stage.run(*ENROL.words).code == 0
    ended = stage.begin(*ONCE, moment=Moment(name="smtp .", how="after")).end()
    assert ended.killed
    assert ended.effects[-1] == "~ smtp ."
    assert [each.step for each in stage.letters(stage.people[ANNA])] in ([], ["one"])
    assert stage.conversations()[stage.people[ANNA]].pending is not None
    assert any("interrupted" in each for each in broken_when_calm(stage))


def test_what_must_not_be_is_noticed(stage: Stage) -> None:
    """A letter twice, one behind an answer, one that she had forbidden, one that nobody remembers."""
    anna, bart = stage.people[ANNA], stage.people[BART]
    stage.run(*ENROL.words)
    stage.answer(BART, "Yes.\n")
    stage.untouchable.add(anna)
    (smtp_port,) = (port for port, service in stage.world.ports.items() if service == "smtp")
    with smtplib.SMTP("127.0.0.1", smtp_port) as line:
        line.login(HER, SECRET)
        for _ in range(2):
            line.sendmail(
                HER, [anna, bart], "Message-ID: <1@x.test>\nX-Inboxagent: 1\n\nHello, did the proposal arrive?"
            )
    broken = list(broken_when_calm(stage))
    assert {each for each in broken if each.startswith("double")} == {
        f"double: {address} has got `one` 2 times" for address in (anna, bart)
    }
    assert any(each.startswith(f"after an answer: {bart}") for each in broken)
    assert any(each.startswith(f"lost: {anna} has got ['one', 'one'] although") for each in broken)
    assert any("the store does not know" in each for each in broken)


def test_what_was_told_and_is_gone_is_noticed(stage: Stage) -> None:
    stage.run(*ENROL.words)
    stage.run(*ONCE)
    assert list(broken_now(stage)) == []
    (journal,) = stage.folder.glob("state/*.journal")
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:-12]))
    assert any("was told and is not in the store" in each for each in broken_now(stage))


def test_a_kill_has_a_name_by_which_it_is_played_again() -> None:
    kill = Kill(life="day", turn=1, moment=Moment(at=57, how="half"))
    assert Kill.read(str(kill)) == kill
