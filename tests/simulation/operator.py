"""Who looks after her machine: copies of the state, an old one put back, another version of the program."""

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.world import World


class Operator:
    """A month of it. Nobody touches the state of a daemon that has a letter on the wire."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self._chance = Random(f"{world.seed}/operator")
        self._backups: list[object] = []

    def back_up(self) -> None:
        """Somebody, or a timer, copies the state."""
        self._backups.append(self.world.disk.backup())

    def restore(self) -> None:
        """The state of some day before takes the place of today's."""
        if self._backups:
            self._with_the_daemon_down("old backup", self._restore)

    def _restore(self) -> None:
        world, saved = self.world, self._chance.choice((self._backups[0], self._chance.choice(self._backups)))
        present = world.disk.contents
        way = self._chance.choice(("the file is copied back", "restore", "restore", "restore on a new machine"))
        if way == "the file is copied back":
            world.disk.put_back(saved)
        else:
            world.disk.restore(saved, world.clock.now(), lost=way == "restore on a new machine")
        world.weather.note("old backup", way)
        world.judge.restores(present, forgotten=way == "restore on a new machine")
        world.log("an old backup")

    def upgrade(self) -> None:
        """Another version of the program is installed: a new one, now and then an old one by mistake."""
        self._with_the_daemon_down("upgrade", self._upgrade)

    def _upgrade(self) -> None:
        later = self._chance.random() < 0.3
        self.world.weather.note("upgrade", "back from a later version" if later else "from the first version")
        wrong = self.world.disk.change_version(later=later)
        if wrong is not None:
            self.world.judge.complain("i24_an_upgrade_loses_nothing", wrong)
        if not later:
            self._backups.clear()  # they would be of that version, and their changes not be counted from its last one

    def _with_the_daemon_down(self, fault: str, act: Callable[[], None]) -> None:
        holder = self.world.machine.holder
        if holder is not None and holder.place != "reading":
            self.world.timeline.after(60.0, lambda: self._with_the_daemon_down(fault, act))
            return
        self.world.weather.note(fault, "down" if holder is None else holder.place)
        self.world.machine.crash(power=False)
        act()
