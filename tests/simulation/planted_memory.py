"""Planted in what is durable, and in what an old copy of the state means."""

from typing import Any

from inboxagent.agent import scan
from inboxagent.edge.store import disk, journal, never
from inboxagent.edge.store.journal import Journal
from inboxagent.outreach import own_hand
from inboxagent.outreach.case import NOTHING
from tests.simulation.disk import RESULTS, SimulatedStore, kind_of
from tests.simulation.machine import Machine
from tests.simulation.planting import OVER_THE_JOURNAL, Patch, mutant


def _unsynced(patch: Patch, *kinds: str) -> None:
    def sync(self: SimulatedStore) -> None:
        if kind_of(str(self._disk.holder)) not in kinds:
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


@mutant("a command of hers is not synced")
def _(patch: Patch) -> None:
    _unsynced(patch, "command")


@mutant("what became of a letter is not synced")
def _(patch: Patch) -> None:
    _unsynced(patch, *RESULTS)


@mutant("the journal is written and never synced", OVER_THE_JOURNAL)
def _(patch: Patch) -> None:
    patch.set(Journal, "_sync", lambda self, descriptor: None)


@mutant("the file beside the journal is not synced", OVER_THE_JOURNAL)
def _(patch: Patch) -> None:
    patch.set(never, "disk", _Without("sync"))


@mutant("no name in the folder is synced", OVER_THE_JOURNAL)
def _(patch: Patch) -> None:
    for module in (journal, never):
        patch.set(module, "disk", _Without("sync_folder"))


class _Without:
    """What is done to files, but for one thing."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(disk, name) if name != self._name else lambda file: None


@mutant("an enrolment looks at nothing that came since")
def _(patch: Patch) -> None:
    async def judge(conversation: Any, *more: Any) -> Any:
        return conversation

    patch.set_everywhere(scan, "judge_since", judge)


@mutant("no lock: two daemons")
def _(patch: Patch) -> None:
    patch.set(Machine, "lock_holds", lambda self: False)


@mutant("what an older state forgot is not learnt from copies")
def _(patch: Patch) -> None:
    patch.set(own_hand, "_judge_forgotten", lambda conversation, step, arrival: NOTHING)
