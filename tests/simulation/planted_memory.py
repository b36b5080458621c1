"""Planted in what is durable, and in what an old copy of the state means."""

from typing import Any

from inboxagent.agent import enrolment
from tests.simulation.disk import SimulatedStore
from tests.simulation.machine import Machine
from tests.simulation.planting import Patch, mutant


def _unsynced(patch: Patch, kind: str) -> None:
    def sync(self: SimulatedStore) -> None:
        if not str(self._disk.holder).startswith(kind):
            original(self)

    original = patch.set(SimulatedStore, "_sync", sync)


@mutant("the intent is not synced")
def _(patch: Patch) -> None:
    _unsynced(patch, "intent")


@mutant("what mail means is not synced")
def _(patch: Patch) -> None:
    _unsynced(patch, "mail")


@mutant("an enrolment is not synced")
def _(patch: Patch) -> None:
    _unsynced(patch, "enrol")


@mutant("an enrolment looks at nothing that came since")
def _(patch: Patch) -> None:
    async def judge(conversation: Any, *more: Any) -> Any:
        return conversation

    patch.set(enrolment, "judge_since", judge)


@mutant("no lock: two daemons")
def _(patch: Patch) -> None:
    patch.set(Machine, "lock_holds", lambda self: False)
