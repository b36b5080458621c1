"""What goes wrong, when, and in which state of the process: biased to the nasty instants, and counted."""

from collections import Counter
from random import Random
from typing import TYPE_CHECKING

from inboxagent.errors import StateUnwritable, TryLater
from tests.simulation.process import Process
from tests.simulation.smtp import ENDINGS, FINE, Ending

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
    "append answered": 0.02,
    "append": 0.02,
    "status answered": 0.001,
}
SENT_WORDS = ("sent", "uncertain", "deferred")
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
    "unreadable",
    "clock",
    "suspend",
    "restart",
    "second",
    "old backup",
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
        self.disk_full = False
        self._seen_at_the_look: object = None

    def on(self, fault: str) -> bool:
        """Whether this kind may happen now."""
        return fault not in self._without and self._world.timeline.seconds < self._until

    def note(self, fault: str, place: str) -> None:
        """Count a fault that has struck."""
        self.coverage[fault, place] += 1

    # -- what a process meets --------------------------------------------------------------------------------------

    def kills(self, process: Process, effect: str) -> bool:
        """Whether the process ends right here; a third of the time the machine loses its power."""
        chance = DEADLY.get(effect)
        if chance is None:
            chance = 0.005 if effect.startswith(("written", "synced")) and effect.endswith(SENT_WORDS) else None
        chance = (DEADLY_ELSEWHERE if chance is None else chance) * self.mood
        if self._streams["kill"].random() >= chance or not self.on("kill"):
            return False
        power = self.on("power") and self._streams["power"].random() < 0.35 and process.name == "daemon"
        self.note("power cut" if power else "kill", effect if effect in DEADLY else process.place)
        if power:
            self._world.machine.crash(power=True)
        return True

    def breaks_line(self, process: Process, call: str, back: bool) -> str | None:
        """Why the line fails now."""
        if process.place == "looking" and call == "status":
            self._at_the_last_look(process, back)
        if self.imap_down:
            self.note("imap outage", process.place)
            return "the server cannot be reached"
        chance = (0.01 if process.place == "looking" else 0.001) * self.mood
        if self._streams["line"].random() >= chance or not self.on("line"):
            return None
        self.note(f"line lost {'after' if back else 'before'} {call}", process.place)
        return "the line was lost"

    def _at_the_last_look(self, process: Process, back: bool) -> None:
        """He answers in the very instant of the look; the mailbox is renumbered, or the answer moved, besides."""
        if not back:
            self._seen_at_the_look = None
            for name, strike in (("nasty answer", None), ("nasty renumber", self._world.post_office.renumber_inbox)):
                if self._streams[name].random() < 0.02 * self.mood and self.on(name):
                    self.note(f"{name} at the last look", "looking")
                    if strike:
                        strike()
                    self._seen_at_the_look = self._world.post_office.answer_now(process.writing_to)
        elif self._seen_at_the_look and self._streams["nasty move"].random() < 0.5 and self.on("nasty move"):
            self.note("moved during the last look", "looking")
            self._world.post_office.move(self._seen_at_the_look)

    def latency(self) -> float:
        """Of the line to the mail server: mostly quick, now and then very slow."""
        random = self._streams["distance"]
        if self.mood and random.random() < 0.0004 * self.mood and self.on("line"):
            self.note("slow server", "")
            return random.uniform(3.0, 50.0)
        return random.uniform(0.005, 0.15)

    def obstructs(self, process: Process) -> Exception | None:
        """Somebody holds the store for longer than anybody waits."""
        if self._streams["store held"].random() < 0.0005 * self.mood and self.on("store held"):
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
        """How a letter ends."""
        if self._streams["endings"].random() >= 0.05 * self.mood or not self.on("endings"):
            return FINE
        ending = self._streams["endings"].choice(ENDINGS)
        self.note(ending.name, "smtp")
        return ending

    # -- what befalls everybody ------------------------------------------------------------------------------------

    def plan(self) -> None:
        """Put the month's misfortunes on the agenda."""
        self._several("kill", 2.0, lambda: self._strike("kill"))
        self._several("power", 0.7, lambda: self._strike("power"))
        self._several("imap outage", 3.0, self._imap_outage)
        self._several("smtp outage", 2.0, self._smtp_outage)
        self._several("disk full", 0.7, self._disk_full)
        self._several("deaf", 2.0, self._deaf)
        self._several("renumber", 2.0, self._renumber)
        self._several("unreadable", 1.0, self._unreadable)
        self._several("clock", 0.7, self._clock)
        self._several("suspend", 0.7, self._suspend)
        self._several("restart", 1.0, self._world.machine.ask_to_stop)
        self._several("second", 1.0, self._world.machine.second_instance)
        self._several("old backup", 0.4, self._world.machine.restore)

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
        self._world.timeline.after(self._span("imap outage", 30.0, 4 * HOUR), self._imap_back)

    def _imap_back(self) -> None:
        self.imap_down = False

    def _smtp_outage(self) -> None:
        self.note("smtp outage", "any time")
        self._world.submission.down = True
        self._world.timeline.after(self._span("smtp outage", 30.0, 12 * HOUR), self._smtp_back)

    def _smtp_back(self) -> None:
        self._world.submission.down = False

    def _disk_full(self) -> None:
        self.disk_full = True
        self._world.timeline.after(self._span("disk full", 10.0, 3 * HOUR), self._disk_free)

    def _disk_free(self) -> None:
        self.disk_full = False

    def _deaf(self) -> None:
        self.note("deaf", "any time")
        self._world.post_office.deafen(deaf=True)
        self._world.timeline.after(self._span("deaf", 60.0, DAY), lambda: self._world.post_office.deafen(deaf=False))

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
        self._world.timeline.set_clock(jump)
        self._world.timeline.after(self._span("clock", 60.0, 2 * DAY), self._clock_right)

    def _clock_right(self) -> None:
        self._world.timeline.set_clock(0.0)

    def _suspend(self) -> None:
        self.note("suspend", "any time")
        self._world.timeline.suspend(self._span("suspend", 5.0, 4 * DAY))
