"""The world in a bottle: one mailbox, its people, its servers, its machine, and the real agent in it for a month."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random

from inboxagent.agent.account import Account
from inboxagent.cli import change, privacy
from inboxagent.mail.body import Attachment
from inboxagent.outreach.letter import Enclosures, Unsubscribing
from inboxagent.outreach.limits import Limits
from inboxagent.outreach.model import Me
from inboxagent.outreach.workdays import Absence
from tests.simulation import memo
from tests.simulation.characters import CHARACTERS, SILENT
from tests.simulation.disk import Disk
from tests.simulation.her import Her
from tests.simulation.imap import SimulatedServer
from tests.simulation.invariants import INVARIANTS
from tests.simulation.journal import JournalDisk
from tests.simulation.judge import Judge
from tests.simulation.machine import Machine
from tests.simulation.operator import Operator
from tests.simulation.people import COUNTRIES, DAY, DOMAINS, HOUR, ZONES, Person
from tests.simulation.post import HER, HER_OTHER
from tests.simulation.post_office import PostOffice
from tests.simulation.rulebook import Rules
from tests.simulation.setting import PEOPLE, Outcome, Setting
from tests.simulation.smtp import Filing, SubmissionServer
from tests.simulation.telling import story
from tests.simulation.timeline import MachineClock, SimulatedLoop, Timeline
from tests.simulation.weather import Weather

STARTS = (
    datetime(2026, 3, 9, 6, tzinfo=UTC),  # Europe's clocks go forward on the 29th, America's have the day before
    datetime(2026, 4, 20, 6, tzinfo=UTC),  # half of the days are a holiday somewhere
    datetime(2026, 6, 1, 6, tzinfo=UTC),
    datetime(2026, 12, 7, 6, tzinfo=UTC),
    datetime(2026, 10, 12, 6, tzinfo=UTC),  # Europe's clocks go back on the 25th, America's on 1 November
)
CALM_DAYS = 4
SIGNATURE = "Maya Lind, Lind & Daughters\nwe plan what others build"


@dataclass
class World:
    """Everything there is."""

    setting: Setting
    beside: "World | None" = None  # on the same machine
    paused_everything: bool = False
    over: bool = False

    def __post_init__(self) -> None:
        seed = self.seed = self.setting.seed
        chance = Random(f"{seed}/world")
        timeline = Timeline(beginning(chance))
        self.timeline = self.beside.timeline if self.beside else timeline
        self.loop = self.beside.loop if self.beside else SimulatedLoop(self.timeline)
        self.clock = MachineClock(self.timeline)
        self.limits = Limits(
            per_day=chance.choice((40, 8, 5)),
            per_hour=chance.choice((0, 2, 3)),
            person_per_week=chance.choice((0, 0, 2)),
            gap=timedelta(seconds=chance.choice((90, 30, 600))),
            brake=chance.choice((25, 4, 3)),
        )
        self.poll = chance.choice((3, 6, 12)) * HOUR
        self.filing = chance.choice(list(Filing))
        self.server = SimulatedServer(self.timeline)
        self.server.create("Junk")
        real = seed % 64 == 5 if self.setting.journal is None else self.setting.journal
        self.disk = (JournalDisk if real else Disk)(changed=self.loop.wake_onlookers)
        self.rules = Rules(Random(f"{seed}/rules"))
        self.submission = SubmissionServer(
            self.timeline,
            Random(f"{seed}/submission"),
            rewrites_ids=chance.random() < 0.4,
            tells_ids=chance.random() < 0.5,
        )
        self.ids_are_hidden = self.submission.rewrites_ids and not self.submission.tells_ids
        desk = Random(f"{seed}/desk")
        signs = desk.random() < 0.5
        self.account = Account(
            me=self._me(),
            key=b"a secret of the account",
            rules=self.rules,
            paused=lambda: "she paused everything" if self.paused_everything else None,
            limits=self.limits,
            unsubscribing=Unsubscribing(by_mail=desk.random() < 0.4),
            enclosures=Enclosures(
                signature=lambda: SIGNATURE if signs else "",
                attachment=lambda name: Attachment(name=name, media_type="text/plain", content=b"Prices on request."),
            ),
            remind_to=HER if desk.random() < 0.7 else "",
        )
        self.surprise = Random(f"{seed}/surprise")
        self.machine, self.operator, self.post_office = Machine(self), Operator(self), PostOffice(self)
        self.people = [self._person(number) for number in range(PEOPLE) if number in self.setting.people]
        calm_at = (self.setting.days - CALM_DAYS) * DAY
        self.weather = Weather(seed, self, without=self.setting.without, until=calm_at)
        self.judge = Judge(self, INVARIANTS)
        self.judge.broken = self._end
        self.disk.complain = lambda text: self.judge.complain("i17_a_prefix_of_what_was_written", text)
        self.her = Her(self, self.setting.without)
        self.submission.taken = self.post_office.take
        self.submission.ending = self.weather.ending
        self.server.appended = self.judge.appends
        self._calm_at = calm_at
        self._trace: list[str] = []

    def _person(self, number: int) -> Person:
        chance = Random(f"{self.seed}/person/{number}")
        card = {
            "zone": chance.choice(ZONES),
            "country": chance.choice(COUNTRIES),
            "value": str(chance.choice((100, 500, 501, 5_000))),
            "event_on": (self.timeline.epoch + timedelta(days=chance.randint(-3, 35))).date().isoformat(),
            "branch": chance.choice(("wine", "paper")),
        }
        return Person(
            number,
            self.post_office,
            chance,
            behave=CHARACTERS[chance.choice((*CHARACTERS, *SILENT))],
            card={name: value for name, value in card.items() if value},
            shared_domain=Random(f"{self.seed}/domain/{number}").choice(DOMAINS),
        )

    def _me(self) -> Me:
        """Her country, and when she is away herself."""
        chance = Random(f"{self.seed}/me")
        absent: tuple[Absence, ...] = ()
        if chance.random() < 0.4:
            first = (self.timeline.epoch + timedelta(days=chance.randint(2, 22))).date()
            absent = (Absence(first=first, last=first + timedelta(days=chance.randint(0, 3))),)
        country = chance.choice(("", "SE", "DE-BY"))
        return Me(
            name="Maya Lind",
            address=HER,
            aliases=(HER_OTHER,),
            zone="Europe/Stockholm",
            country=country,
            absent=absent,
        )

    # -- the month -------------------------------------------------------------------------------------------------

    def live(self) -> Outcome:
        """From the first day to the last, or to the first violation."""
        self.plan()
        return self.pass_time()

    def plan(self) -> None:
        """Put everything that is to happen on the agenda."""
        self._ended = self.loop.create_future()
        self.her.plan(self._calm_at)
        self.weather.plan()
        self.post_office.plan_strangers(self.setting.days)
        self.timeline.at(Random(f"{self.seed}/start").uniform(0.0, 5 * DAY), self.machine.start)
        self.timeline.at(self._calm_at, self._calm)
        self.timeline.at(self.setting.days * DAY, self._finish)
        for day in range(1, int(self._calm_at / DAY)):
            self.timeline.at(day * DAY, self.operator.back_up)
        for day in range(int(self._calm_at / DAY) + 1, int(self.setting.days) + 1):
            for hour in range(0, 24, 3):
                self.timeline.at(day * DAY + hour * HOUR, self._look_in)

    def pass_time(self) -> Outcome:
        """What becomes of it."""
        random.seed(self.seed)  # the agent's own jitter
        with self._current_loop():
            self.loop.run_until_complete(self._until_ended())
        self.loop.close()
        return Outcome(
            setting=self.setting,
            violations=tuple(self.judge.violations),
            coverage=self.weather.coverage,
            counts=self.judge.counts,
            trace="\n".join(self._trace),
            story=tuple(story(self)),
        )

    @contextmanager
    def _current_loop(self) -> Iterator[None]:
        with memo.remembering(), self.disk.in_use():
            was_held = change.is_held
            change.is_held = privacy.is_held = lambda path: self.machine.holder is not None
            try:
                yield
            finally:
                change.is_held = privacy.is_held = was_held

    async def _until_ended(self) -> None:
        await self._ended
        self.machine.end()
        tasks = [each for each in asyncio.all_tasks() if each is not asyncio.current_task()]
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _end(self) -> None:
        self.over = True
        if not self._ended.done():
            self._ended.set_result(None)

    def _calm(self) -> None:
        """Faults have ended; she puts her house in order, and again an hour later what has shown itself since."""
        if self.timeline.wrong:
            self.timeline.set_clock(0.0)
        self.weather.imap_down = self.weather.disk_full = self.weather.slow = self.submission.down = False
        self.server.unreadable.clear()
        self.post_office.deafen(deaf=False)
        self.machine.start()
        for hours in (1, 7, 13, 25, 31, 49, 53, 57, 73, 77, 81):
            self.timeline.after(hours * HOUR, self.her.tidy_up)

    def _look_in(self) -> None:
        if self.timeline.seconds > self._calm_at + DAY and self.over is False:
            self.judge.check("calm", self.timeline.seconds)

    def _finish(self) -> None:
        if not self.over:
            self.judge.check("end", self.timeline.seconds)
            self._end()

    # -- what is told ----------------------------------------------------------------------------------------------

    def log(self, text: str) -> None:
        """A line of the trace."""
        self._trace.append(f"{self.timeline.seconds:.3f} {text}")


def beginning(chance: Random) -> datetime:
    """When a month begins: the first that its world decides."""
    return chance.choice(STARTS) + timedelta(days=chance.randint(0, 6))


def simulate(setting: Setting) -> Outcome:
    """Live one month; now and then her second account runs beside another one besides."""
    outcome = World(setting).live()
    if setting.seed % 32 != 7 or "beside" in setting.without or outcome.violations:
        return outcome
    from tests.simulation.neighbours import together  # whose worlds are these

    both = together(setting)
    coverage, counts = outcome.coverage + both.coverage, outcome.counts + both.counts
    return replace(outcome, violations=both.violations, coverage=coverage, counts=counts)
