"""Planted in what feeds the watchdog, in what a stop waits for, and in what becomes of an older or later state."""

import asyncio
from importlib import import_module
from pathlib import Path
from typing import Any

from inboxagent import daemon
from inboxagent.cli import accounts
from inboxagent.daemon import Daemon
from inboxagent.edge import backup
from inboxagent.edge.store import account, scan
from inboxagent.edge.store.ledger import JournalLedger
from inboxagent.edge.system_notify import Pulse
from inboxagent.ports import REWOUND
from tests.simulation import state_folder
from tests.simulation.planting import Patch, mutant

migrate = import_module("inboxagent.edge.store.migrate")  # the package has a function of that name


@mutant("the watchdog is fed by a timer")
def _(patch: Patch) -> None:
    def join(self: Pulse, one: object) -> None:
        original(self, one)
        tick(self, one)

    def tick(self: Pulse, one: object) -> None:
        if one in self._living:
            self.beat(one)
            asyncio.get_running_loop().call_later(300.0, tick, self, one)

    original = patch.set(Pulse, "join", join)


@mutant("waiting for mail feeds no watchdog")
def _(patch: Patch) -> None:
    async def changed(self: Daemon, seen: object) -> bool:
        beat, self._beat = self._beat, lambda: None
        try:
            return bool(await original(self, seen))
        finally:
            self._beat = beat

    original = patch.set(Daemon, "_changed", changed)


@mutant("the watchdog is fed at a start only")
def _(patch: Patch) -> None:
    def beat(self: Pulse, one: object) -> None:
        if self._fed_at == float("-inf"):
            original(self, one)

    original = patch.set(Pulse, "beat", beat)


@mutant("a stop waits for the whole answer to the dot")
def _(patch: Patch) -> None:
    patch.set(daemon, "PATIENCE_AT_STOP", 600.0)


@mutant("restore: Sent is not read again")
def _(patch: Patch) -> None:
    def put_back(saved: Any, state: Path, now: Any) -> Any:
        store = account.JournalStore(state / f"{backup.file_stem(saved.address)}.journal")
        cursors = store.cursors()
        store.close()
        kept = original(saved, state, now)
        store = account.JournalStore(state / f"{backup.file_stem(saved.address)}.journal")
        with store.transaction("planted") as ledger:
            for name, cursor in cursors.items():
                ledger.move_cursor(name, cursor)
        store.close()
        return kept

    original = backup.put_back
    patch.set(state_folder, "put_back", put_back)


@mutant("restore: she is not asked")
def _(patch: Patch) -> None:
    def remember(self: JournalLedger, name: str, value: object) -> None:
        original(self, name, None if name == REWOUND else value)

    original = patch.set(JournalLedger, "remember", remember)


@mutant("restore: opt-outs are those of the backup")
def _(patch: Patch) -> None:
    patch.set(backup, "_suppressed", lambda state, address: {})
    patch.set(backup, "_never", lambda state, saved: saved.never)


@mutant("upgrade: a later schema is opened")
def _(patch: Patch) -> None:
    patch.set(scan, "_is_known", lambda path, head: True)


@mutant("upgrade: the migration forgets how far was read")
def _(patch: Patch) -> None:
    def read(old: Path) -> Any:
        return {**original(old), "cursors": {}}

    original = patch.set(migrate, "_read", read)


@mutant("upgrade: the migration knows one word of each conversation less")
def _(patch: Patch) -> None:
    def read(old: Path) -> Any:
        tables = original(old)
        for document in tables["conversations"].values():
            document["events"][1:] = document["events"][1:-1]
        return tables

    original = patch.set(migrate, "_read", read)


@mutant("one account feeds the watchdog for all")
def _(patch: Patch) -> None:
    def beat(self: Pulse, one: object) -> None:
        for each in list(self._living):
            original(self, each)

    original = patch.set(Pulse, "beat", beat)


@mutant("an account that fails ends the others")
def _(patch: Patch) -> None:
    async def live(opener: Any, task: Any, stop: asyncio.Event, pulse: Pulse, number: int, **more: Any) -> None:
        try:
            await original(opener, task, stop, pulse, number, **more)
        except Exception:
            stop.set()
            raise

    original = patch.set(accounts, "_live", live)


@mutant("an account that fails is not begun anew")
def _(patch: Patch) -> None:
    async def serve(*given: Any, again: bool = False) -> None:
        await original(*given)

    original = patch.set(accounts, "serve", serve)
