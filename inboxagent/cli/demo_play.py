"""The whole agent on embedded mail servers, with a clock that runs fast. Nothing leaves the machine."""

import asyncio
import logging
import smtplib
import sys
import tempfile
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from email.utils import format_datetime, formataddr, make_msgid
from pathlib import Path
from zoneinfo import ZoneInfo

from inboxagent.agent.account import Account
from inboxagent.agent.cycle import Agent
from inboxagent.agent.enrolment import enroll
from inboxagent.agent.wish import Wish
from inboxagent.cli.demo_stage import Stage
from inboxagent.cli.demo_story import BEGINS_AT, BY_ADDRESS, MAYA, PEOPLE, PROJECT, PROPOSAL, Answer, Person
from inboxagent.cli.embedded import EmbeddedProvider, Letter, away
from inboxagent.edge.imap import ImapMailbox
from inboxagent.edge.rulefolders import RuleFiles
from inboxagent.edge.shipped import find
from inboxagent.edge.smtp import SmtpTransport
from inboxagent.edge.store import open_store
from inboxagent.mail.inbound import parse
from inboxagent.outreach.events import Word
from inboxagent.outreach.limits import Limits
from inboxagent.outreach.model import Prospect
from inboxagent.outreach.rulebook import Rulebook
from inboxagent.ports import Fetched, Store

SEQUENCE = "proposal"
PASSWORD = "demo"  # noqa: S105 known to nobody but this process, whose servers listen on loopback
SECOND = timedelta(seconds=1)


class FastClock:
    """A clock that stands while the agent works and glides to the next thing that happens."""

    def __init__(self, begins_at: datetime) -> None:
        self._now = begins_at

    def now(self) -> datetime:
        """The demo's time, aware, UTC."""
        return self._now

    def boot(self) -> float:
        """The demo's seconds and the real ones: the age of a reading is measured by them."""
        return (self._now - BEGINS_AT).total_seconds() + asyncio.get_running_loop().time()

    def boot_id(self) -> str:
        """A demo knows no other one."""
        return "demo"

    def seconds_until(self, at: datetime) -> float:
        """Seconds of the demo's own time."""
        return max(0.0, (at - self._now).total_seconds())

    def turn_to(self, at: datetime) -> None:
        """Move on; never back."""
        self._now = max(self._now, at)


class Play:
    """The demo: the real agent over real servers, and seven people who react to what it sends."""

    def __init__(self, stage: Stage, rules: Rulebook, folder: Path) -> None:
        self._stage = stage
        self._rules = rules
        self._folder = folder
        self._clock = FastClock(BEGINS_AT)
        self._ahead: list[tuple[datetime, Person, Answer, Letter]] = []
        self._noticed = 0
        self._answered_at: dict[str, datetime] = {}

    async def run(self) -> int:
        """Play it to its end; the number of letters that should not have gone, which is to be 0."""
        passwords = {MAYA.address: PASSWORD} | {each.address: PASSWORD for each in PEOPLE if each.exists}
        with EmbeddedProvider(passwords, self._clock.now) as provider:
            for person in PEOPLE:
                if person.away:
                    provider.on_mail(person.address, away(person.away))
            self._write_proposals(provider)
            return await self._work(provider)

    def _write_proposals(self, provider: EmbeddedProvider) -> None:
        """Maya's own letters, from her own mail program: they lie in her Sent mailbox."""
        for person in PEOPLE:
            letter = EmailMessage(policy=WIRE)
            letter["From"] = formataddr((MAYA.name, MAYA.address))
            letter["To"] = formataddr((person.name, person.address))
            letter["Subject"] = f"Proposal for {PROJECT}"
            letter["Date"] = format_datetime(self._clock.now())
            letter["Message-ID"] = make_msgid(domain=MAYA.domain)
            letter.set_content(PROPOSAL.format(first_name=person.first_name, project=PROJECT))
            provider.deliver(MAYA.address, letter.as_bytes(), "Sent", seen=True)
            if person.exists:
                provider.deliver(person.address, letter.as_bytes())
        self._stage.wrote_proposals(self._clock.now(), PEOPLE)

    async def _work(self, provider: EmbeddedProvider) -> int:
        mailbox = ImapMailbox(
            host=provider.host,
            port=provider.imap_port,
            security="none",
            username=MAYA.address,
            password=lambda: PASSWORD,
        )
        transport = SmtpTransport(
            host=provider.host,
            port=provider.submission_port,
            security="none",
            username=MAYA.address,
            password=lambda: PASSWORD,
        )
        store = open_store(self._folder, MAYA.address)
        account = Account(
            me=MAYA, key=b"the demo's own", rules=lambda: self._rules, limits=Limits(), remind_to=MAYA.address
        )
        try:
            await self._enrol(account, mailbox, store)
            agent = Agent(account, mailbox, transport, store, self._clock, self._observer(store), _no_fault)
            await self._live(agent, provider)
            self._stage.end(store.conversations(), ZoneInfo(MAYA.zone))
            return self._stage.verdict(provider.accepted, provider.mail(MAYA.address, "Sent"), self._answered_at)
        finally:
            await mailbox.close()
            await transport.close()
            store.close()

    async def _enrol(self, account: Account, mailbox: ImapMailbox, store: Store) -> None:
        self._clock.turn_to(BEGINS_AT + timedelta(minutes=5))
        for person in PEOPLE:
            prospect = Prospect(address=person.address, fields={"first_name": person.first_name, "project": PROJECT})
            wish = Wish(sequence=self._rules.sequences[SEQUENCE], prospect=prospect)
            await enroll(account, mailbox, store, self._clock, wish)
            self._stage.enrolled(self._clock.now(), person, SEQUENCE)
            self._clock.turn_to(self._clock.now() + SECOND)

    async def _live(self, agent: Agent, provider: EmbeddedProvider) -> None:
        """Let time pass from one event to the next until nothing is ahead."""
        while True:
            await agent.read()
            next_at = await agent.deliver()
            self._notice(provider)
            instants = [each[0] for each in self._ahead] + ([next_at] if next_at else [])
            if not instants:
                return
            await self._stage.glide(self._clock.now(), min(instants))
            self._clock.turn_to(min(instants))
            await self._speak(provider)

    def _notice(self, provider: EmbeddedProvider) -> None:
        """See who has got a letter that moves him to answer."""
        fresh, self._noticed = provider.accepted[self._noticed :], len(provider.accepted)
        for letter in fresh:
            person = BY_ADDRESS.get(letter.recipient)
            number = sum(each.recipient == letter.recipient for each in provider.accepted)
            answer = person.answers.get(number) if person else None
            if person and answer:
                self._ahead.append((letter.at + answer.after, person, answer, letter))

    async def _speak(self, provider: EmbeddedProvider) -> None:
        now = self._clock.now()
        due = [each for each in self._ahead if each[0] <= now]
        self._ahead = [each for each in self._ahead if each[0] > now]
        for _, person, answer, letter in due:
            await asyncio.to_thread(_submit, provider, person, _reply(person, answer, letter, now))
            self._answered_at[person.address] = now

    def _observer(self, store: Store) -> "Observer":
        return Observer(self._stage, store, self._clock)


class Observer:
    """Turns the agent's event words into lines of the timeline."""

    def __init__(self, stage: Stage, store: Store, clock: FastClock) -> None:
        self._stage = stage
        self._store = store
        self._clock = clock

    def __call__(self, word: str, fields: Mapping[str, object]) -> None:
        """An event of the agent; only those of conversations are shown."""
        conversation = self._store.conversation(str(fields.get("conversation", "")))
        if conversation is not None and word == "reminded":
            self._stage.reminded(self._clock.now(), str(fields["because"]))
        elif conversation is not None and word in set(Word):
            self._stage.event(self._clock.now(), conversation, Word(word))


def play() -> int:
    """Show the play on standard output; the number of letters that should not have gone."""
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # the embedded server's own chatter
    shipped = find("rules")
    stage = Stage(lively=sys.stdout.isatty())
    stage.begin()
    with tempfile.TemporaryDirectory(prefix="inboxagent-demo-") as folder:
        return asyncio.run(Play(stage, RuleFiles(shipped, shipped)(), Path(folder)).run())


def _reply(person: Person, answer: Answer, letter: Letter, now: datetime) -> bytes:
    original = parse(letter.message)
    reply = EmailMessage(policy=WIRE)
    reply["From"], reply["To"] = formataddr((person.name, person.address)), letter.reverse_path
    reply["Subject"] = original.subject
    reply["Date"] = format_datetime(now)
    reply["Message-ID"] = make_msgid(domain=person.address.partition("@")[2])
    reply["In-Reply-To"] = original.message_id
    reply["References"] = " ".join((*original.references, original.message_id))
    quoted = "\n".join(f"> {line}" for line in original.text.splitlines())
    reply.set_content(f"{answer.text}\nOn {letter.at:%d %b %Y at %H:%M}, {MAYA.name} wrote:\n{quoted}\n")
    return reply.as_bytes()


def _submit(provider: EmbeddedProvider, person: Person, message: bytes) -> None:
    with smtplib.SMTP(provider.host, provider.submission_port) as line:
        line.login(person.address, PASSWORD)
        line.sendmail(person.address, [MAYA.address], message)


def _no_fault(fetched: Fetched, raw: bytes, why: str) -> None:
    raise AssertionError(f"the demo's own mail was not understood: {why}")
