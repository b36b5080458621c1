"""Maya's account in a bottle: the real daemon over a mail server, a transport, a store and a clock in memory.

A story lets people write and time pass; the diary tells what became of it. `die_at` kills the process at one effect.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from inboxagent.agent.account import Account
from inboxagent.agent.alerts import Alerts
from inboxagent.agent.brake import release
from inboxagent.agent.cycle import Agent
from inboxagent.agent.enrolment import enroll
from inboxagent.agent.wish import Wish
from inboxagent.daemon import Daemon, Health
from inboxagent.mail.inbound import Inbound, parse
from inboxagent.outreach import sequence as rules
from inboxagent.outreach.events import By, Event, Word
from inboxagent.outreach.hours import Hours
from inboxagent.outreach.letter import Enclosures
from inboxagent.outreach.limits import Limits
from inboxagent.outreach.model import Me, Prospect
from inboxagent.outreach.rulebook import Rulebook
from inboxagent.outreach.sequence import Step
from inboxagent.outreach.state import Conversation
from inboxagent.outreach.stoppage import Stoppage
from inboxagent.outreach.unsubscribing import Unsubscribing
from inboxagent.outreach.waits import Unit, Wait
from inboxagent.ports import Fetched, Ledger
from tests.fakes.mailbox import FakeMailbox, MailServer
from tests.fakes.store import Memory, MemoryLedger, MemoryStore
from tests.fakes.transport import FakeTransport

MAYA = Me(name="Maya Lind", address="maya@lind.test", aliases=("m.lind@home.test",))
MONDAY = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
REPORTED = {
    "5.1.1": "550 5.1.1 User unknown",
    "5.2.2": "552 5.2.2 Mailbox full",
    "5.7.1": "554 5.7.1 Message rejected as spam by content filter",
}
OFFICE = Hours(days=frozenset(range(5)), between=((9 * 60, 17 * 60),))


def step(word: str, days: int, *, subject: str | None = None) -> Step:
    """A step so many days after the touch before it."""
    letter = f"Good morning,\n\nthis is the {word} about our project.\n\nMaya"
    return Step(word=word, wait=Wait(amount=days, unit=Unit.DAY), letter=letter, subject=subject)


PROPOSAL = rules.Sequence(
    name="proposal", title="Proposal", steps=(step("nudge", 3), step("question", 4), step("last", 7))
)


class ProcessDiedError(BaseException):
    """What `kill -9` looks like from inside: nothing catches it."""


class StoryClock:
    """A wall clock and a boot clock that only the story moves."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self.booted = 1_000.0
        self.boots = "the first boot"

    def now(self) -> datetime:
        return self.at

    def boot(self) -> float:
        return self.booted

    def boot_id(self) -> str:
        return self.boots

    def seconds_until(self, at: datetime) -> float:
        return max(0.0, (at - self.at).total_seconds())

    def pass_time(self, span: timedelta) -> None:
        """Both clocks run."""
        self.at += span
        self.booted += span.total_seconds()


class StoryStore(MemoryStore):
    """Each commit is two effects: about to be written, and written."""

    def __init__(self, memory: Memory, effect: Callable[[str], None]) -> None:
        super().__init__(memory)
        self._effect = effect

    def _commit(self, ledger: MemoryLedger) -> Iterator[Ledger]:
        yield from self._watched(super()._commit(ledger), ledger)

    def _watched(self, commit: Iterator[Ledger], ledger: MemoryLedger) -> Iterator[Ledger]:
        try:
            yield next(commit)
        except BaseException as error:
            ledger.over = True
            raise error
        if not ledger.changed:
            ledger.over = True
            return
        self._effect("commit")
        for _ in commit:
            raise AssertionError("a transaction yields once")
        self._effect("committed")


class StoryMailbox(FakeMailbox):
    """Where the daemon would wait, the story goes on."""

    async def wait(self, seconds: float) -> bool:
        """End this run of the daemon and say how long it wanted to wait."""
        self.rested(seconds)
        return False

    async def holds(self, mailbox: str, message_id: str) -> bool:
        """Whether this Message-ID lies there."""
        self._begin("holds")
        return any(parse(each.raw).message_id == message_id for each in self._box(mailbox).messages.values())

    rested: Callable[[float], None]


@dataclass
class World:
    """Everything outside the agent, and the agent."""

    sequence: rules.Sequence = PROPOSAL
    limits: Limits = field(default_factory=Limits)
    files_sent: bool = False
    unsubscribing: Unsubscribing = field(default_factory=Unsubscribing)
    enclosures: Enclosures = field(default_factory=Enclosures)
    poll: timedelta = 4 * HOUR
    die_at: int | None = None
    alert_after: timedelta | None = None  # None: she wants no mail about blindness
    clock: StoryClock = field(default_factory=lambda: StoryClock(MONDAY))
    memory: Memory = field(default_factory=Memory)
    transport: FakeTransport = field(default_factory=FakeTransport)
    effects: list[str] = field(default_factory=list)
    observed: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    set_aside: list[str] = field(default_factory=list)
    commanded: list[dict[str, object]] = field(default_factory=list)  # what her `on_alert` was given
    deaths: int = 0
    books: dict[str, rules.Sequence] = field(default_factory=dict)
    paused: str | None = None
    remind_to: str = ""  # empty: she wants no mail about what waits for her
    health: Health | None = None
    before: Callable[[str], None] = lambda name: None
    beat: Callable[[], None] = lambda: None
    _written: int = 0
    _dead: bool = False

    def __post_init__(self) -> None:
        self.books.setdefault(self.sequence.name, self.sequence)
        self.server = MailServer(self.clock.now)
        self.start()

    # -- the process -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """A new process on what the old one left behind."""
        self._dead = False
        self.store = StoryStore(self.memory, self._effect)
        self.transport = replace(self.transport, effect=self._effect, _turn=asyncio.Lock(), _open=None)
        self.server.listeners.clear()
        self.mailbox = StoryMailbox(self.server, files_sent=self.files_sent, before=self._effect)
        self.mailbox.rested = self._rested
        self._stop = asyncio.Event()
        self.agent = Agent(
            self.account,
            self.mailbox,
            self.transport,
            self.store,
            self.clock,
            self._observe,
            self._keep,
            lambda: self.beat(),
        )
        self.daemon = Daemon(
            self.agent,
            self.mailbox,
            self.store,
            self.clock,
            poll=self.poll.total_seconds(),
            stop=self._stop,
            report=self._report,
            alarm=self._alarm if self.alert_after else None,
            warn=self._warn if self.alert_after else None,
            beat=lambda: self.beat(),
        )
        self._alerts = Alerts(
            self.account,
            self.transport,
            self.store,
            self.clock,
            self._observe,
            to=MAYA.address,
            blind_after=self.alert_after or DAY,
            command=self._command,
        )

    @property
    def account(self) -> Account:
        """Her account under the rule files as they are now."""
        return Account(
            me=MAYA,
            key=b"a secret of the account",
            rules=lambda: Rulebook(sequences=self.books),
            paused=lambda: self.paused,
            limits=self.limits,
            remind_to=self.remind_to,
            unsubscribing=self.unsubscribing,
            enclosures=self.enclosures,
        )

    async def cycle(self) -> float:
        """One cycle of the daemon; returns how many seconds it would wait then. Starts again where the process died."""
        self._rest = 60.0
        self._stop.clear()
        self.health = None
        try:
            await self.daemon.run()
        except ProcessDiedError:
            self.deaths += 1
            self.start()
        return self._rest

    async def pass_time(self, **span: float) -> None:
        """Let the daemon live for this long."""
        until = self.clock.at + timedelta(**span)
        while self.clock.at < until:
            seconds = timedelta(seconds=max(1.0, await self.cycle()))
            self.clock.pass_time(min(seconds, until - self.clock.at))
        await self.cycle()

    async def days(self, number: float) -> None:
        """Let the daemon live for so many days."""
        await self.pass_time(days=number)

    def _effect(self, name: str) -> None:
        self.before(name)
        self.effects.append(name)
        if self._dead or len(self.effects) == self.die_at:
            self._dead = True
            raise ProcessDiedError(name)

    def _rested(self, seconds: float) -> None:
        self._rest = seconds
        self._stop.set()

    def _report(self, health: Health) -> None:
        if self.health is not None and health.sight == "blind":  # the first report of a run is no news
            self._stop.set()
        self.health = health

    async def _alarm(self, health: Health) -> None:
        await self._alerts.blind(health.since, health.because)

    async def _warn(self, stoppage: Stoppage | None) -> None:
        await self._alerts.stopped(stoppage)

    async def _command(self, alert: Mapping[str, object]) -> None:
        self.commanded.append(dict(alert))

    def _observe(self, word: str, fields: Mapping[str, object]) -> None:
        self.observed.append((word, dict(fields)))

    def _keep(self, fetched: Fetched, raw: bytes, why: str) -> None:
        self.set_aside.append(f"{fetched.mailbox}/{fetched.uid}: {why.strip().splitlines()[-1]}")

    # -- people ----------------------------------------------------------------------------------------------------

    def mail(
        self,
        author: str,
        to: str = MAYA.address,
        text: str = "Hello.\n",
        *,
        subject: str = "Re: Our project",
        answers: str | None = None,
        references: Sequence[str] = (),
        message_id: str | None = None,
        fields: str = "",
    ) -> bytes:
        """A message as bytes; `fields` are further lines of the header section."""
        self._written += 1
        message_id = message_id or f"<{self._written}.{author}>"
        lines = [
            f"From: {author}",
            f"To: {to}",
            f"Subject: {subject}",
            f"Date: {format_datetime(self.clock.at)}",
            f"Message-ID: {message_id}" if message_id != "none" else "",
            f"In-Reply-To: {answers}" if answers else "",
            f"References: {' '.join(references)}" if references else "",
            *fields.strip().splitlines(),
            "Content-Type: text/plain; charset=utf-8",
        ]
        header = "\r\n".join(line for line in lines if line)
        return f"{header}\r\n\r\n{text}".replace("\r\n", "\n").replace("\n", "\r\n").encode()

    def she_writes(self, to: str, *, mailbox: str = "Sent", subject: str = "Our project", **more: object) -> str:
        """Maya writes from her own mail program; returns the Message-ID."""
        raw = self.mail(MAYA.address, to, subject=subject, **more)  # type: ignore[arg-type]
        self.server.deliver(raw, mailbox)
        return parse(raw).message_id

    def answer(self, author: str, *, mailbox: str = "INBOX", **more: object) -> str:
        """Somebody writes to Maya, an answer to the newest letter he got unless `answers` says otherwise; its id."""
        if "answers" not in more:
            more["answers"] = self.newest_to(author)
        raw = self.mail(author, **more)  # type: ignore[arg-type]
        self.server.deliver(raw, mailbox)
        return parse(raw).message_id

    def bounce(self, address: str, original: str, *, status: str = "5.1.1", action: str = "failed") -> None:
        """The mail system reports (RFC 3464) on a letter of hers."""
        words = REPORTED.get(status, status)
        text = (
            f"--b\r\nContent-Type: text/plain\r\n\r\nYour message could not be delivered.\r\n--b\r\n"
            "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.lind.test\r\n\r\n"
            f"Final-Recipient: rfc822; {address}\r\nAction: {action}\r\nStatus: {status}\r\n"
            f"Diagnostic-Code: smtp; {words}\r\n\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
            f"From: {MAYA.address}\r\nTo: {address}\r\nMessage-ID: {original}\r\n--b--\r\n"
        )
        self._written += 1
        header = (
            "Return-Path: <>\r\nFrom: Mail Delivery System <mailer-daemon@mx.lind.test>\r\n"
            f"To: {MAYA.address}\r\nSubject: Undelivered Mail Returned to Sender\r\n"
            f"Message-ID: <{self._written}@mx.lind.test>\r\nMIME-Version: 1.0\r\n"
            'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        )
        self.server.deliver((header + text).encode())

    def newest_to(self, address: str) -> str | None:
        """The Message-ID of the newest letter that he got from her, by whatever hand."""
        hers = [parse(each.raw) for each in self.server.boxes["Sent"].messages.values()]
        ours = [parse(each.message) for each in self.transport.accepted if address in each.envelope.forward_paths]
        got = [*(each for each in hers if address in {person.address for person in each.to}), *ours]
        return max(got, key=lambda each: each.date or MONDAY).message_id if got else None

    async def enrol(self, address: str, sequence: rules.Sequence | None = None, **more: object) -> Conversation:
        """Maya enrols him in a sequence, in the newest thread."""
        wanted = sequence or self.sequence
        wish = Wish(sequence=wanted, prospect=Prospect(address=address), newest=True, **more)  # type: ignore[arg-type]
        mailbox = StoryMailbox(self.server, before=self._effect)
        conversation = await enroll(self.account, mailbox, self.store, self.clock, wish)
        self.server.listeners.pop()
        return conversation

    async def begin(self, *addresses: str) -> None:
        """Maya writes to each of them and enrols the thread."""
        for address in addresses:
            self.she_writes(address)
            await self.enrol(address)

    def command(self, address: str, word: Word, **more: object) -> None:
        """A command of hers, as the command line writes it down."""
        event = Event(at=self.clock.at, word=word, because="she said so", by=By.HER, **more)  # type: ignore[arg-type]
        with self.store.transaction("a command") as ledger:
            ledger.append(self.of(address).id, event)

    def release_brake(self) -> None:
        """Maya says that all is well."""
        with self.store.transaction("she releases the brake") as ledger:
            release(ledger, self.clock.at)

    # -- what became of it -----------------------------------------------------------------------------------------

    def of(self, address: str) -> Conversation:
        """His conversation, the newest one."""
        return [each for each in self.store.conversations() if address in each.addresses][-1]

    def state(self, address: str) -> str:
        """Where he stands."""
        return str(self.of(address).state)

    def words(self, address: str) -> list[str]:
        """What happened with him, without the intents."""
        return [str(each.word) for each in self.of(address).events if each.word is not Word.INTENT]

    def steps(self, address: str) -> list[str]:
        """The steps that a server has accepted for him, in order, each as often as that happened."""
        texts = [parse(each.message).text for each in self.transport.accepted if address in each.envelope.forward_paths]
        return [text.split("this is the ")[1].split(" ")[0] for text in texts]

    def letters(self) -> list[Inbound]:
        """Every letter that a server has accepted."""
        return [parse(each.message) for each in self.transport.accepted]

    def told(self) -> list[Inbound]:
        """What she was told by mail."""
        mine = [each for each in self.transport.accepted if each.envelope.forward_paths == (MAYA.address,)]
        return [parse(each.message) for each in mine]

    def diary(self) -> str:
        """All events, oldest first, one a line."""
        rows = [
            (event.at, each.enrolment.prospect.address.partition("@")[0], event)
            for each in self.store.conversations()
            for event in each.events
            if event.word is not Word.INTENT
        ]
        lines = [f"{at:%a %d %b %H:%M}  {who:5} {e.word} {e.step or ''}" for at, who, e in sorted(rows, key=_by_time)]
        return "\n".join(line.rstrip() for line in lines)


def _by_time(row: tuple[datetime, str, Event]) -> tuple[datetime, str]:
    return row[:2]
