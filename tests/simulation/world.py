"""The world in a bottle: one mailbox, its people, its servers, its machine, and the real agent in it for a month."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from inboxagent.agent.account import Account
from inboxagent.agent.cycle import Agent
from inboxagent.cli import change
from inboxagent.daemon import Daemon, Health, Sight
from inboxagent.errors import InboxagentError
from inboxagent.outreach.limits import Limits
from inboxagent.outreach.model import Me
from inboxagent.outreach.workdays import Absence
from inboxagent.ports import Fetched, Store
from tests.simulation import memo
from tests.simulation.disk import Disk
from tests.simulation.her import Her
from tests.simulation.imap import SimulatedMailbox, SimulatedServer
from tests.simulation.invariants import INVARIANTS
from tests.simulation.journal import JournalDisk
from tests.simulation.judge import Judge
from tests.simulation.people import CHARACTERS, COUNTRIES, DAY, HOUR, SILENT, ZONES, Person
from tests.simulation.post import HER, HER_OTHER, Post, Truth, write
from tests.simulation.process import Process, ProcessDiedError
from tests.simulation.rulebook import Rules
from tests.simulation.setting import PEOPLE, Outcome, Setting
from tests.simulation.smtp import Filing, Letter, SimulatedTransport, SubmissionServer
from tests.simulation.telling import story
from tests.simulation.timeline import MachineClock, SimulatedLoop, Timeline
from tests.simulation.weather import Weather

STARTS = (
    datetime(2026, 3, 9, 6, tzinfo=UTC),  # Europe's clocks go forward on the 29th, America's have the day before
    datetime(2026, 6, 1, 6, tzinfo=UTC),
    datetime(2026, 12, 7, 6, tzinfo=UTC),
    datetime(2026, 10, 12, 6, tzinfo=UTC),  # Europe's clocks go back on the 25th, America's on 1 November
)
CALM_DAYS = 4
STAYS_DOWN = (65, 74, 77, 78)


@dataclass
class World:
    """Everything there is."""

    setting: Setting
    holder: Process | None = None
    paused_everything: bool = False
    followed: Health | None = None
    over: bool = False
    exits: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        seed = self.seed = self.setting.seed
        chance = Random(f"{seed}/world")
        self.timeline = Timeline(chance.choice(STARTS) + timedelta(days=chance.randint(0, 6)))
        self.loop = SimulatedLoop(self.timeline)
        self.clock = MachineClock(self.timeline)
        self.limits = Limits(
            per_day=chance.choice((40, 40, 6)),
            per_hour=chance.choice((0, 0, 2)),
            person_per_week=chance.choice((0, 0, 2)),
            gap=timedelta(seconds=chance.choice((90, 30, 600))),
            brake=chance.choice((25, 25, 5)),
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
            rewrites_ids=chance.random() < 0.25,
            tells_ids=chance.random() < 0.7,
        )
        self.ids_are_hidden = self.submission.rewrites_ids and not self.submission.tells_ids
        self.account = Account(
            me=self._me(),
            key=b"a secret of the account",
            rules=self.rules,
            paused=lambda: "she paused everything" if self.paused_everything else None,
            limits=self.limits,
        )
        self.people = [self._person(number) for number in range(PEOPLE) if number in self.setting.people]
        calm_at = (self.setting.days - CALM_DAYS) * DAY
        self.weather = Weather(seed, self, without=self.setting.without, until=calm_at)
        self.judge = Judge(self, INVARIANTS)
        self.judge.broken = self._end
        self.disk.complain = lambda text: self.judge.complain("i17_a_prefix_of_what_was_written", text)
        self.her = Her(self, Random(f"{seed}/her"), self.setting.without)
        self.submission.taken = self._taken
        self.submission.ending = self.weather.ending
        self.server.appended = self.judge.appends
        self._surprise = Random(f"{seed}/surprise")
        self._filter = Random(f"{seed}/filter")
        self._daemon: asyncio.Task[None] | None = None
        self._stop: asyncio.Event | None = None
        self._running: Process | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._down_until = 0.0
        self._calm_at = calm_at
        self._trace: list[str] = []
        self._backups: list[object] = []

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
            self,
            chance,
            character=chance.choice((*CHARACTERS, *SILENT)),
            card={name: value for name, value in card.items() if value},
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
        random.seed(self.seed)  # the agent's own jitter
        self.her.plan(self._calm_at)
        self.weather.plan()
        self._strangers()
        self.timeline.at(Random(f"{self.seed}/start").uniform(0.0, 5 * DAY), self.start)
        self.timeline.at(self._calm_at, self._calm)
        self.timeline.at(self.setting.days * DAY, self._finish)
        for day in range(1, int(self._calm_at / DAY)):
            self.timeline.at(day * DAY, lambda: self._backups.append(self.disk.backup()))
        for day in range(int(self._calm_at / DAY) + 1, int(self.setting.days) + 1):
            for hour in range(0, 24, 3):
                self.timeline.at(day * DAY + hour * HOUR, self._look_in)
        with self._current_loop():
            self._ended = self.loop.create_future()
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
            change.is_held = lambda path: self.holder is not None
            try:
                yield
            finally:
                change.is_held = was_held

    async def _until_ended(self) -> None:
        await self._ended
        if self._running is not None:
            self._running.end("the end of the world")
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
        self.weather.imap_down = self.weather.disk_full = self.submission.down = False
        self.server.unreadable.clear()
        self.deafen(deaf=False)
        self.start()
        for hours in (1, 7, 13, 25, 31):
            self.timeline.after(hours * HOUR, self.her.tidy_up)

    def _look_in(self) -> None:
        if self.timeline.seconds > self._calm_at + DAY and self.over is False:
            self.judge.check("calm", self.timeline.seconds)

    def _finish(self) -> None:
        if not self.over:
            self.judge.check("end", self.timeline.seconds)
            self._end()

    # -- processes -------------------------------------------------------------------------------------------------

    def process(self, name: str) -> Process:
        """A new process."""
        made = Process(name, self.timeline, self.weather)
        made.fetched = lambda fetched: self.judge.fetches(made, fetched)
        return made

    def mailbox(self, process: Process) -> SimulatedMailbox:
        """Its own connection."""
        return SimulatedMailbox(process, self.server, files_sent=self.filing is Filing.KNOWN)

    def forget(self, mailbox: SimulatedMailbox) -> None:
        """The connection is closed."""
        if mailbox._told in self.server.listeners:
            self.server.listeners.remove(mailbox._told)

    def store(self, process: Process) -> Store:
        """Its view of the state."""
        return self.disk.store(process, self.judge.commits)

    def start(self) -> None:
        """The daemon is started, unless it runs or the machine is off."""
        if self.over or self.holder is not None or self.timeline.seconds < self._down_until:
            return
        self._launch()

    def second_instance(self) -> None:
        """Somebody starts it once more: the lock is taken, so it ends at once."""
        if self.holder is None:
            return
        self.weather.note("second instance", self.holder.place)
        if not self.lock_holds():
            self._launch()

    def lock_holds(self) -> bool:
        """The kernel keeps a lock for the process that has it."""
        return True

    def _launch(self) -> None:
        process = self.process("daemon")
        process.died = lambda effect: self._died(process, effect)
        self.holder = self._running = process
        self._stop = asyncio.Event()
        self.judge.restarts()
        self._daemon = self.loop.create_task(self._serve(process, self._stop))

    async def _serve(self, process: Process, stop: asyncio.Event) -> None:
        mailbox, store = self.mailbox(process), self.store(process)
        transport = SimulatedTransport(
            process, self.submission, lambda envelope, message, at: self._dot(process, envelope, message, at)
        )
        agent = Agent(self.account, mailbox, transport, store, self.clock, lambda word, fields: None, self._set_aside)
        daemon = Daemon(
            agent, mailbox, store, self.clock, poll=self.poll, stop=stop, report=lambda h: self._health(process, h)
        )
        try:
            await daemon.run()
        except ProcessDiedError:
            pass
        except InboxagentError as error:
            self._ended_by(process, error)
        except Exception as error:  # noqa: BLE001 whatever it is, it is a fault of ours
            self.judge.complain("the_daemon_lives", f"{type(error).__name__}: {error}")
        finally:
            self.forget(mailbox)
        if self.holder is process:
            self.holder = None
            process.dead = True
            self._start_later(self._surprise.uniform(1.0, 60.0))

    def _ended_by(self, process: Process, error: InboxagentError) -> None:
        self.exits.append(f"{error.exit_code}: {error}")
        self.judge.counts[f"exit {error.exit_code}"] += 1
        if error.exit_code in STAYS_DOWN:
            self._start_later(self._surprise.uniform(HOUR, DAY))

    def _died(self, process: Process, effect: str) -> None:
        self._log(f"died at {effect}")
        if self.holder is process:
            self.holder = None
            self._start_later(self._surprise.uniform(1.0, 60.0))

    def _start_later(self, seconds: float) -> None:
        self.timeline.after(seconds, self.start)

    def crash(self, *, power: bool) -> None:
        """Whatever runs ends here."""
        process, task = self._running, self._daemon
        if process is not None and not process.dead:
            process.end("power cut" if power else "kill")
            if task is not None:
                task.cancel()
        if power:
            self.disk.lose_power(self._surprise)
            self.timeline.boot()
            self._down_until = self.timeline.seconds + self._surprise.uniform(30.0, 6 * HOUR)
            self.timeline.at(self._down_until, self.start)

    def restore(self) -> None:
        """The state of some day before takes the place of today's; nobody does that while a letter is on the wire."""
        process = self._running
        if not self._backups:
            return
        if process is not None and not process.dead and process.place != "reading":
            self.timeline.after(60.0, self.restore)
            return
        self.weather.note("old backup", process.place if process is not None and not process.dead else "down")
        self.crash(power=False)
        lost = self.disk.contents
        self.disk.put_back(self._surprise.choice(self._backups))
        self.judge.restores(lost)
        self._log("an old backup")

    def ask_to_stop(self) -> None:
        """SIGTERM."""
        if self._stop is not None and self.holder is not None:
            self.weather.note("asked to stop", self.holder.place)
            self._stop.set()

    # -- what happens ----------------------------------------------------------------------------------------------

    def _health(self, process: Process, health: Health) -> None:
        self.followed = health
        if health.sight is Sight.OK:
            self.judge.reading_ok_at = process.looked_at
            process.begins("reading")

    def _set_aside(self, fetched: Fetched, raw: bytes, why: str) -> None:
        self.judge.complain("set_aside", why)

    def _dot(self, process: Process, envelope: object, message: bytes, recipient_at: float) -> None:
        self._log(f"dot {memo.parse(message).message_id}")
        self.judge.dot(process, envelope, message, recipient_at)  # type: ignore[arg-type]

    def _taken(self, letter: Letter) -> None:
        self.judge.takes(letter)
        ours, gone = memo.parse(letter.ours), memo.parse(letter.raw)
        self._log(f"accepted {ours.message_id}")
        if self.filing is not Filing.NEVER:
            late = self._surprise.choice((0.0, 0.5, 5.0, 600.0))
            self.timeline.after(late, lambda: self._file_copy(letter, ours.message_id, gone.message_id))
        by_address = {each.address: each for each in self.people}
        for path in letter.envelope.forward_paths:
            if path in by_address:
                by_address[path].receive(gone, delay=self._surprise.choice((1.0, 5.0, 60.0, HOUR)))

    def _file_copy(self, letter: Letter, ours: str, gone: str) -> None:
        post = Post(letter.raw, Truth.LETTER, (), gone)
        self.judge.arrives(post)
        self.server.file(post, "Sent")
        self.judge.server_copies[ours] += 1

    def arrive(self, post: Post, *, usual: bool = False) -> None:
        """A message reaches her provider, whose filters sort some of it elsewhere."""
        self.judge.arrives(post)
        other = self._filter.random() < 0.15 and not usual
        boxes = [name for name in ("Junk", "Archive", "Clients") if name in self.server.boxes]
        self.server.file(post, self._filter.choice(boxes) if other else "INBOX")
        self._log(f"arrives {post.truth} {post.message_id}")

    def _strangers(self) -> None:
        chance = Random(f"{self.seed}/strangers")
        for number in range(chance.randint(10, 40)):
            at = chance.uniform(0.0, self.setting.days * DAY)
            self.timeline.at(at, lambda number=number: self._stranger(number))  # type: ignore[misc]

    def _stranger(self, number: int) -> None:
        author = f"someone{number % 5}@elsewhere.test"
        subject = "Something else" if number % 2 else f"Our project, part {number % 3}"
        raw = write(
            author,
            HER,
            subject,
            "This is about something else.\n",
            at=self.timeline.true_now,
            message_id=f"<{number}.{author}>",
        )
        self.arrive(Post(raw, Truth.STRANGER, (), f"<{number}.{author}>", subject=subject))

    # -- what the weather may do -----------------------------------------------------------------------------------

    def answer_now(self, address: str) -> object:
        """He answers in this instant."""
        person = next((each for each in self.people if each.address == address and each.received), None)
        return person.say("Just now I found the time to answer: yes.\n") if person else None

    def move(self, message: object) -> None:
        """Somebody moves this message."""
        assert isinstance(message, Post)
        for mailbox, _, uid in sorted(message.lies_in):
            self.server.put(mailbox, uid, "Archive" if mailbox != "Archive" else "Trash")

    def renumber_inbox(self) -> None:
        """INBOX is renumbered."""
        self.server.renumber("INBOX")

    def renumber(self) -> None:
        """A mailbox is renumbered."""
        self.server.renumber(self._surprise.choice(("INBOX", "Sent", "Archive", "Junk")))

    def hide(self, seconds: float) -> None:
        """The newest message of a mailbox is listed and not given for a while."""
        name = self._surprise.choice(("INBOX", "Sent"))
        uids = list(self.server.boxes[name].messages)
        if uids:
            place = (name, uids[-1])
            self.server.unreadable.add(place)
            self.timeline.after(seconds, lambda: self.server.unreadable.discard(place))

    def deafen(self, *, deaf: bool) -> None:
        """IDLE tells nothing, or tells again."""
        self.server.deaf = deaf

    # -- what is told ----------------------------------------------------------------------------------------------

    def _log(self, text: str) -> None:
        self._trace.append(f"{self.timeline.seconds:.3f} {text}")


def simulate(setting: Setting) -> Outcome:
    """Live one month."""
    return World(setting).live()
