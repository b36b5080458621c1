"""Weeks of the real service over real sockets, files and TLS, with a clock that is turned on from hour to hour.

Each week people are enrolled and get their letters; some answer, opt out, are away or do not exist; lines are cut, the
provider lets nobody in for a while, the journal is written anew, and who is done with is forgotten. So the work is the
same in every week, and whatever grows is lost.
"""

import asyncio
import gc
import os
import threading
import tracemalloc
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

from inboxagent.cli.composition import Composition
from inboxagent.cli.demo_play import FastClock
from inboxagent.cli.service import Service
from inboxagent.config import load_config
from inboxagent.edge.imap import ImapMailbox
from inboxagent.edge.system_state import read_status
from inboxagent.outreach.erasure import person_of
from inboxagent.outreach.events import Event, Word
from inboxagent.outreach.model import Enrolment, Prospect
from tests.soak.provider import CERTIFICATES, Provider

BEGINS_AT = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
ME = "maya@lind.example"
PASSWORD = "correct horse battery staple"
NAMES = ("anna", "bart", "cris", "dave", "emil", "frank", "gina", "nobody")

CONFIG = """\
rules = "rules"
state = "state"

[me]
name = "Maya Lind"
address = "{me}"
zone = "Europe/Stockholm"

[imap]
host = "localhost"
port = {imap}
security = "tls"
ca_file = "{ca}"
password_file = "password"
poll = "1 second"

[smtp]
host = "localhost"
port = {smtp}
security = "tls"
ca_file = "{ca}"

[limits]
per_day = 100000
gap = "0 seconds"
brake = 1000
"""

RULE = """\
---
language: en
send:
  zone: me
  holidays: none
---

## one
wait: at once
subject: The portal

{{ greeting }}

Would you like to see it?

{{ sign_off }}

## two
wait: 1 day

Which part of it is unclear?

## three
wait: 1 day

This is the last time that I ask.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the process holds at the end of a week, at rest. `rss` and `traced` in bytes; not traced: 0."""

    week: int
    rss: int
    traced: int
    descriptors: int
    tasks: int
    threads: int
    letters: int  # in all
    twice: int
    blind: int  # spells without a reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How many of what there are in a week."""

    people: int = 16
    steps: int = 7 * 8
    cuts: int = 5


def people(pace: Pace, week: int) -> list[str]:
    """The addresses of those who are enrolled in a week; `nobody` is not known to the provider."""
    return [f"{NAMES[each % len(NAMES)]}{week * pace.people + each}@prospect.test" for each in range(pace.people)]


def passwords(pace: Pace, weeks: int) -> dict[str, str]:
    """Whom the provider has to know."""
    everybody = [address for week in range(weeks) for address in people(pace, week)]
    return dict.fromkeys((ME, *(each for each in everybody if not each.startswith("nobody"))), PASSWORD)


class _Mailbox(ImapMailbox):
    """Her mailboxes, with a word about whether the daemon rests."""

    resting = False

    async def wait(self, seconds: float) -> bool:
        self.resting = True
        try:
            return await super().wait(seconds)
        finally:
            self.resting = False


class _Watched(Composition):
    """The account whose mailboxes say so."""

    watched: _Mailbox | None = None

    def mailbox(self) -> ImapMailbox:
        server = self.config.imap
        self.watched = _Mailbox(
            host=server.host,
            port=server.port,
            security=server.security,
            username=ME,
            password=lambda: PASSWORD,
            ca_file=str(server.ca_file),
            retry_after=(0.05, 0.5),  # seconds: the hours of a soak are short
        )
        return self.watched


class Life:
    """One account's service from week to week."""

    def __init__(self, folder: Path, provider: Provider, pace: Pace) -> None:
        self._provider = provider
        self._pace = pace
        self._clock = FastClock(BEGINS_AT)
        self._path = write_account(folder, provider)
        self._composition = _Watched(load_config(self._path, os.environ), lambda _: None)
        self._composition.clock = self._clock
        self._noise = 0
        self._blind = 0

    async def weeks(self, count: int) -> AsyncIterator[Figures]:
        """The figures at the end of each of so many weeks."""
        stop = asyncio.Event()
        service = Service(self._composition, lambda: None)
        running = asyncio.create_task(service.run(stop))
        try:
            await self._until(self._rests, running)
            for week in range(count):
                await self._week(week, running)
                yield await self._measure(week)
        finally:
            stop.set()
            await running
            await service.close(told=False)

    async def _week(self, week: int, running: asyncio.Task[None]) -> None:
        self._enrol(week)
        each = timedelta(days=7) / self._pace.steps
        cuts = {number * self._pace.steps // self._pace.cuts for number in range(self._pace.cuts)}
        for step in range(self._pace.steps):
            now = self._clock.now() + each
            self._clock.turn_to(now)
            self._provider.turn_to(now)
            if step in cuts:
                self._provider.cut()
            if step == self._pace.steps // 2:
                await self._go_blind(running)
            self._provider.deliver(ME, self._newsletter(now))
            await self._until(self._is_done, running)
        self._tidy(week)
        await self._until(self._rests, running)

    def _enrol(self, week: int) -> None:
        """As the command does, from outside: the first letter opens the thread."""
        other = Composition(load_config(self._path, os.environ), lambda _: None)
        with other.store.transaction("a soak") as ledger:
            for address in people(self._pace, week):
                enrolment = Enrolment(sequence="soak", prospect=Prospect(address=address))
                event = Event(at=self._clock.now(), word=Word.ENROLLED, because="a soak", enrolment=enrolment)
                ledger.enrol(f"w{week}-{address.partition('@')[0]}", event)
        other.store.close()

    def _tidy(self, week: int) -> None:
        """Forget who was enrolled a week ago, which writes the journal anew; and once more for the sake of it."""
        other = Composition(load_config(self._path, os.environ), lambda _: None)
        if week:
            with other.store.transaction("a soak") as ledger:
                for address in people(self._pace, week - 1):
                    ledger.erase(person_of(address, ledger.conversations()))
        other.store.compact(always=True)
        other.store.close()

    async def _go_blind(self, running: asyncio.Task[None]) -> None:
        self._provider.refuse(True)
        await self._until(lambda: self._said("sight") == "blind", running)
        self._provider.refuse(False)
        self._blind += 1

    def _newsletter(self, now: datetime) -> bytes:
        """Mail that concerns no conversation, and wakes whoever is in IDLE."""
        self._noise += 1
        letter = EmailMessage()
        letter["From"], letter["To"], letter["Subject"] = "news@shop.test", ME, "Offers"
        letter["Date"], letter["Message-ID"] = format_datetime(now), f"<{self._noise}@shop.test>"
        letter["List-Id"] = "<news.shop.test>"
        letter.set_content("Everything must go.")
        return letter.as_bytes()

    def _said(self, what: str) -> object:
        return (read_status(self._composition.status_path) or {}).get(what)

    def _is_done(self) -> bool:
        """Whether everything has been read as of now, and the daemon rests."""
        at = self._said("last_reading_at")
        read = isinstance(at, str) and datetime.fromisoformat(at) >= self._clock.now().replace(microsecond=0)
        return read and self._said("sight") == "ok" and self._rests()

    def _rests(self) -> bool:
        return self._composition.watched is not None and self._composition.watched.resting

    async def _until(self, holds: Callable[[], bool], running: asyncio.Task[None], within: float = 240.0) -> None:
        async with asyncio.timeout(within):
            while not holds():
                if running.done():
                    running.result()
                    raise AssertionError("the service has ended by itself")
                await asyncio.sleep(0.005)

    async def _measure(self, week: int) -> Figures:
        ids = Counter(self._provider.letters())
        gc.collect()
        return Figures(
            week=week + 1,
            rss=resident(),
            traced=tracemalloc.get_traced_memory()[0] if tracemalloc.is_tracing() else 0,
            descriptors=len(os.listdir("/dev/fd")),
            tasks=len(asyncio.all_tasks()),
            threads=sum(not each.name.startswith("asyncio_") for each in threading.enumerate()),  # that pool is bounded
            letters=sum(ids.values()),
            twice=sum(count - 1 for count in ids.values()),
            blind=self._blind,
        )


def resident() -> int:
    """Bytes of memory that this process has now; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def write_account(folder: Path, provider: Provider) -> Path:
    """Her configuration, rule and password."""
    (folder / "rules").mkdir()
    (folder / "rules" / "soak.md").write_text(RULE)
    password = folder / "password"
    password.write_text(f"{PASSWORD}\n")
    password.chmod(0o600)
    path = folder / "config.toml"
    imap, smtp = provider.ports
    path.write_text(CONFIG.format(me=ME, imap=imap, smtp=smtp, ca=CERTIFICATES / "trusted.pem"))
    return path
