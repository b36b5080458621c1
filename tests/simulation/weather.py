"""What goes wrong, when, and in which state of the process: biased to the nasty instants, and counted."""

from collections import Counter
from random import Random
from typing import TYPE_CHECKING

from inboxagent.errors import StateUnwritable, TryLater
from tests.simulation.disk import RESULTS
from tests.simulation.instants import Instants
from tests.simulation.post import HER
from tests.simulation.process import Process
from tests.simulation.smtp import ENDINGS, FINE, NASTIEST, Ending

if TYPE_CHECKING:
    from tests.simulation.world import World

HOUR, DAY = 3_600.0, 86_400.0

# How likely the process ends at an effect: most after what cannot be undone, and just before it can be known.
DEADLY = {
    "before writing intent": 0.004,
    "written intent": 0.02,
    "synced intent": 0.02,
    "dot": 0.015,
    "answer": 0.02,
    "synced mail": 0.006,
    "written mail": 0.006,
    "synced enrol": 0.02,
    "written enrol": 0.02,
    **{f"{done} {word}": 0.005 for done in ("written", "synced") for word in RESULTS},
    "append answered": 0.06,
    "append": 0.02,
    "status answered": 0.001,
}
# How likely a daemon hangs: a call that never comes back, or one in which all of it stands still.
STALLING = {"before the dot": 0.01, "after the dot": 0.02, "status answered": 0.0003, "headers": 0.002, "append": 0.01}
FREEZING = {"lock for intent": 0.004, "synced intent": 0.008, "synced mail": 0.001, "answer": 0.008, "status": 0.0001}
DEADLY_ELSEWHERE = 0.0006
FAULTS = (
    "kill",
    "power",
    "line",
    "imap outage",
    "smtp outage",
    "endings",
    "disk full",
    "store held",
    "deaf",
    "renumber",
    "nasty renumber",
    "nasty answer",
    "nasty move",
    "nasty pause",
    "nasty enrolment",
    "nasty doze",
    "nasty clock",
    "nasty forgetting",
    "nasty power",
    "nasty tidiness",
    "nasty fullness",
    "late copy",
    "unreadable",
    "clock",
    "suspend",
    "restart",
    "second",
    "hang",
    "slow",
    "beside",
    "old backup",
    "upgrade",
)


class Weather:
    """One month of it. Each kind of fault has its own stream of chance, so that one can be left out alone."""

    def __init__(self, seed: int, world: "World", *, without: frozenset[str], until: float) -> None:
        self._streams = {name: Random(f"{seed}/weather/{name}") for name in (*FAULTS, "distance", "mood")}
        self._world = world
        self._without = without
        self._until = until
        self.mood = self._streams["mood"].choice((0.0, 0.3, 1.0, 1.0, 3.0))
        self.coverage: Counter[tuple[str, str]] = Counter()
        self.imap_down = False
        self.disk_full = self.slow = False
        self.instants = Instants(world, self)

    def on(self, fault: str) -> bool:
        """Whether this kind may happen now."""
        return fault not in self._without and self._world.timeline.seconds < self._until

    def strikes(self, fault: str, chance: float) -> bool:
        """Whether this kind does happen now; `chance` is that of a usual month."""
        return self._streams[fault].random() < chance * self.mood and self.on(fault)

    def note(self, fault: str, place: str) -> None:
        """Count a fault that has struck."""
        self.coverage[fault, place] += 1

    # -- what a process meets --------------------------------------------------------------------------------------

    def kills(self, process: Process, effect: str) -> bool:
        """Whether the process ends right here; a third of the time the machine loses its power."""
        self.instants.pass_by(effect)
        if not self.strikes("kill", DEADLY.get(effect, DEADLY_ELSEWHERE)):
            return False
        power = self.on("power") and self._streams["power"].random() < 0.35
        self.note("power cut" if power else "kill", effect if effect in DEADLY else process.place)
        if power:
            self._world.machine.crash(power=True)
        self.instants.die(process, effect)
        return True

    def freezes(self, process: Process, effect: str) -> bool:
        """Whether a daemon stands still right here, with everything in it."""
        return effect in FREEZING and self._hangs(process, FREEZING[effect])

    def stalls(self, process: Process, call: str) -> bool:
        """Whether this call of a daemon never comes back; the last look is the nastiest."""
        chance = STALLING.get(call)
        if chance is None:
            return False
        nasty = process.place == "looking" and call == "status answered"
        return self._hangs(process, 20 * chance if nasty else chance)

    def _hangs(self, process: Process, chance: float) -> bool:
        strikes = self._streams["hang"].random() < chance * self.mood
        return strikes and process.name == "daemon" and process.hung_at is None and self.on("hang")

    def breaks_line(self, process: Process, call: str, back: bool) -> str | None:
        """Why the line fails now."""
        if process.place == "looking" and call == "status":
            self.instants.look(process, back)
        elif process.place == "enrolling" and call != "status":
            self.instants.enrol(process)
        if self.imap_down:
            self.note("imap outage", process.place)
            return "the server cannot be reached"
        if not self.strikes("line", 0.01 if process.place == "looking" or call == "message" else 0.001):
            return None
        self.note(f"line lost {'after' if back else 'before'} {call}", process.place)
        return "the line was lost"

    def latency(self, process: Process, call: str) -> float:
        """Of the line to the mail server: mostly quick, now and then very slow, and most at the last look."""
        random = self._streams["distance"]
        if self.slow:
            return random.uniform(3.0, 12.0)
        if random.random() < (0.02 if process.place == "looking" else 0.0004) * self.mood and self.on("line"):
            self.note("slow server", process.place)
            return random.uniform(3.0, 50.0)
        if call == "message" and self._world.timeline.seconds < self.instants.bodies_are_slow_until:
            return random.uniform(0.2, 2.0)
        return random.uniform(0.005, 0.15)

    def obstructs(self, process: Process) -> Exception | None:
        """Somebody holds the store for longer than anybody waits."""
        if self.strikes("store held", 0.0005):
            self.note("store held", process.place)
            return TryLater("somebody has held the store for 15 s")
        return None

    def spoils(self, process: Process) -> Exception | None:
        """The disk is full."""
        if self.disk_full:
            self.note("disk full", process.place)
            return StateUnwritable("no space is left")
        return None

    def ending(self, process: Process) -> Ending:
        """How a letter ends; those to her are few, and so more of them end badly."""
        if not self.strikes("endings", 0.4 if process.writing_to == HER else 0.07):
            return FINE
        ending = self._streams["endings"].choice((*ENDINGS, *NASTIEST, *NASTIEST))
        self.note(ending.name, "smtp")
        return ending

    # -- what befalls everybody ------------------------------------------------------------------------------------

    def plan(self) -> None:
        """Put the month's misfortunes on the agenda."""
        self._several("kill", 2.0, lambda: self._strike("kill"))
        self._several("power", 0.7, lambda: self._strike("power"))
        self._several("imap outage", 3.0, self._imap_outage)
        if self._streams["imap outage"].random() < 0.3 * self.mood:  # the last one is over when the calm begins
            last_at = self._until - self._streams["imap outage"].uniform(60.0, HOUR)
            self._world.timeline.at(last_at, lambda: self._imap_outage() if self.on("imap outage") else None)
        self._several("smtp outage", 2.0, self._smtp_outage)
        self._several("disk full", 0.7, self.fill_disk)
        self._several("deaf", 2.0, self._deaf)
        self._several("renumber", 2.0, self._renumber)
        self._several("unreadable", 1.0, self._unreadable)
        self._several("clock", 0.7, self._clock)
        self._several("suspend", 0.7, self._suspend)
        self._several("slow", 0.5, self._slow)
        self._several("restart", 1.0, self._world.machine.ask_to_stop)
        self._several("second", 1.0, self._world.machine.second_instance)
        self._several("old backup", 0.5, self._world.operator.restore)
        self._several("upgrade", 0.3, self._world.operator.upgrade)

    def _several(self, fault: str, often: float, strike: object) -> None:
        random = self._streams[fault]
        count = sum(random.random() < often * self.mood / 8 for _ in range(8))
        for _ in range(count):
            at = random.uniform(0.0, self._until - 4 * DAY)
            self._world.timeline.at(at, lambda: strike() if self.on(fault) else None)  # type: ignore[operator]

    def _span(self, fault: str, least: float, most: float) -> float:
        """Short ones are as likely as long ones, and all end before the calm days."""
        random = self._streams[fault]
        span = least * (most / least) ** random.random()
        return min(span, max(self._until - self._world.timeline.seconds, least))

    def _strike(self, fault: str) -> None:
        self.note("power cut" if fault == "power" else "kill", "any time")
        self._world.machine.crash(power=fault == "power")

    def _imap_outage(self) -> None:
        self.imap_down = True
        self._world.timeline.after(self._span("imap outage", 30.0, DAY), self._imap_back)

    def _imap_back(self) -> None:
        self.imap_down = False

    def _smtp_outage(self) -> None:
        self.note("smtp outage", "any time")
        self._world.submission.down = True
        self._world.timeline.after(self._span("smtp outage", 30.0, 12 * HOUR), self._smtp_back)

    def _smtp_back(self) -> None:
        self._world.submission.down = False

    def fill_disk(self) -> None:
        """Something has taken the last of it."""
        self.disk_full = True
        self._world.timeline.after(self._span("disk full", 10.0, 3 * HOUR), self._disk_free)

    def _disk_free(self) -> None:
        self.disk_full = False

    def _deaf(self) -> None:
        self.note("deaf", "any time")
        self._world.post_office.deafen(deaf=True)
        self._world.timeline.after(self._span("deaf", 60.0, DAY), lambda: self._world.post_office.deafen(deaf=False))

    def _slow(self) -> None:
        """Her provider has a bad day: every answer takes its time, and comes."""
        self.note("slow for hours", "any time")
        self.slow = True
        self._world.timeline.after(self._span("slow", 600.0, 12 * HOUR), self._quick)

    def _quick(self) -> None:
        self.slow = False

    def _renumber(self) -> None:
        self.note("renumbered", "any time")
        self._world.post_office.renumber()

    def _unreadable(self) -> None:
        self.note("unreadable", "any time")
        self._world.post_office.hide(self._span("unreadable", 60.0, 12 * HOUR))

    def _clock(self) -> None:
        """The clock is set wrong, and put right later."""
        random = self._streams["clock"]
        jump = random.choice((-1.0, 1.0)) * self._span("clock", 20.0, 2 * DAY)
        self.note("clock forward" if jump > 0 else "clock back", "any time")
        self._set_clock(jump)
        self._world.timeline.after(self._span("clock", 60.0, 2 * DAY), self._clock_right)

    def put_clock_forward(self) -> None:
        """So far that what is planned for later today, or for tomorrow, seems to be due; it is put right later."""
        random = self._streams["nasty clock"]
        self._set_clock((random.choice((0.0, 21.0)) + random.uniform(1.1, 5.0)) * HOUR)
        self._world.timeline.after(random.uniform(0.5, 12.0) * HOUR, self._clock_right)

    def _clock_right(self) -> None:
        self._set_clock(0.0)

    def _set_clock(self, ahead: float) -> None:
        self._world.judge.sees_clock_set(ahead - self._world.timeline.wrong)
        self._world.timeline.set_clock(ahead)

    def _suspend(self) -> None:
        self.note("suspend", "any time")
        self._world.timeline.suspend(self._span("suspend", 5.0, 4 * DAY))
