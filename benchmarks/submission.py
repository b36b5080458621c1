"""How much the careful way of handing over a letter costs: ours against a bare aiosmtplib loop on one connection.

    .venv/bin/python benchmarks/submission.py [--letters 200] [--rounds 7]

All send to the same aiosmtpd sink in a process of its own, in turns, after one round each that does not count. Our
transport drives every phase by itself and stops before the dot. The whole agent does all that it does for a letter that
is due: it decides, renders, looks (at mailboxes without news), writes the intent before the dot and the result after
it, and settles the copy for Sent; its seconds are without those of the fsyncs, which are told apart.
"""

import argparse
import asyncio
import multiprocessing
import os
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Self, cast

import aiosmtplib
from aiosmtpd.smtp import SMTP

from inboxagent.agent.account import Account
from inboxagent.agent.cycle import Agent
from inboxagent.edge.rulefiles import phrasebook
from inboxagent.edge.shipped import find
from inboxagent.edge.smtp import SmtpTransport
from inboxagent.edge.store import JournalStore
from inboxagent.edge.system import SystemClock
from inboxagent.mail.compose import Outgoing, compose
from inboxagent.mail.headers import Address
from inboxagent.outreach.events import Event, Word
from inboxagent.outreach.limits import Limits
from inboxagent.outreach.model import Enrolment, Mail, Me, Prospect
from inboxagent.outreach.outbox import Envelope, Fate, Outcome
from inboxagent.outreach.rulebook import Rulebook
from inboxagent.ports import Mailbox
from inboxagent.rules.parse import parse_rule

HOST = "127.0.0.1"
SENTENCE = "I wanted to be sure that the proposal has reached you. "
HER, HIM = "maya@lind.example", "anna@prospect.test"


class Sink:
    """Takes everything and counts it."""

    def __init__(self) -> None:
        self.taken = 0

    async def handle_DATA(self, server, session, envelope):  # type: ignore[no-untyped-def]  # noqa: N802
        self.taken += 1
        return "250 2.0.0 Ok: queued"


def serve(pipe: Connection) -> None:
    """The sink in a process of its own, so that it steals nobody's event loop; says its port, then how much it took."""
    sink = Sink()

    async def listen() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(sink, hostname="sink.test"), HOST, 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await loop.run_in_executor(None, pipe.recv)
        pipe.send(sink.taken)

    asyncio.run(listen())


def letter(number: int) -> bytes:
    """A follow-up of the usual length."""
    outgoing = Outgoing(
        from_=Address("Maya Lind", HER),
        to=(Address("Anna", HIM),),
        subject="Re: Proposal for the customer portal",
        text="Dear Anna,\n\n" + SENTENCE * 12 + "\n\nMaya Lind",
        message_id=f"<{number:040d}@lind.example>",
        date=datetime(2026, 3, 2, 9, 40, tzinfo=UTC),
        in_reply_to="<1@lind.example>",
        references=("<1@lind.example>",),
    )
    return compose(outgoing)


async def ours(port: int, letters: list[bytes]) -> float:
    """Seconds for all letters through our transport."""
    transport = SmtpTransport(HOST, port, "none", local_hostname="bench.lind.example")
    envelope = Envelope(reverse_path=HER, forward_paths=(HIM,))
    began = time.perf_counter()
    for each in letters:
        handover = await transport.hand_over(envelope, each)
        assert not isinstance(handover, Outcome), handover
        outcome = await handover.commit()
        assert outcome.fate is Fate.SENT, outcome
    took = time.perf_counter() - began
    await transport.close()
    return took


class QuietMailbox:
    """Mailboxes without any news, and no Sent."""

    async def status(self) -> dict[str, object]:
        return {}

    async def files_sent(self) -> bool:
        return False

    async def sent(self) -> None:
        return None


class Stopwatch:
    """Counts the seconds of all fsyncs while it runs."""

    def __enter__(self) -> Self:
        self.seconds, self._sync = 0.0, os.fsync
        os.fsync = self._timed
        return self

    def __exit__(self, *_: object) -> None:
        os.fsync = self._sync

    def _timed(self, descriptor: int) -> None:
        began = time.perf_counter()
        self._sync(descriptor)
        self.seconds += time.perf_counter() - began


def enrolled(number: int, now: datetime) -> Event:
    """Somebody to whom she wrote four days ago, for a rule that waits three."""
    her, him = Address("Maya Lind", HER), Address("", f"p{number}@prospect.test")
    at, first = now - timedelta(days=4), f"<{number}@lind.example>"
    latest = Mail(message_id=first, at=at, subject="Proposal", from_=her, to=(him,))
    enrolment = Enrolment(
        sequence="bench",
        prospect=Prospect(address=him.address),
        latest=latest,
        touches=1,
        last_touch_at=at,
        thread=(first,),
    )
    return Event(at=at, word=Word.ENROLLED, because="a benchmark", enrolment=enrolment)


RULE = "---\nlanguage: en\n---\n\n## one\nwait: 3 days\n\n{{ greeting }}\n\n" + SENTENCE * 12 + "\n\n{{ sign_off }}\n"


async def agent(port: int, letters: list[bytes]) -> float:
    """Seconds for as many letters through the whole agent, without its fsyncs."""
    book = phrasebook(find("rules"))
    sequence, _ = parse_rule("bench.md", RULE, book)
    assert sequence is not None
    rules, clock, sent = Rulebook(sequences={"bench": sequence}, phrases=book), SystemClock(), 0
    limits = Limits(per_day=0, gap=timedelta(0), brake=len(letters))
    account = Account(me=Me(name="Maya Lind", address=HER), key=b"bench", rules=lambda: rules, limits=limits)

    def observe(word: str, _: object) -> None:
        nonlocal sent
        sent += word == "sent"

    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder, Stopwatch() as fsyncs:
        store = JournalStore(Path(folder) / "bench.journal")
        with store.transaction("a benchmark") as ledger:
            for number in range(len(letters)):
                ledger.enrol(f"c{number}", enrolled(number, clock.now()))
        transport = SmtpTransport(HOST, port, "none", local_hostname="bench.lind.example")
        whole = Agent(account, cast(Mailbox, QuietMailbox()), transport, store, clock, observe, lambda *_: None)
        fsyncs.seconds = 0.0
        began = time.perf_counter()
        await whole.deliver()
        took = time.perf_counter() - began - fsyncs.seconds
        await transport.close()
    assert sent == len(letters), sent
    return took


async def bare(port: int, letters: list[bytes]) -> float:
    """Seconds for all letters through `sendmail` of aiosmtplib on one connection."""
    client = aiosmtplib.SMTP(hostname=HOST, port=port, local_hostname="bench.lind.example", start_tls=False)
    began = time.perf_counter()
    await client.connect()
    for each in letters:
        await client.sendmail(HER, [HIM], each)
    took = time.perf_counter() - began
    await client.quit()
    return took


def durability(letters: int) -> float:
    """Seconds for the bare fsyncs of so many letters: 1 KB before each dot, 200 bytes after it."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder, open(Path(folder) / "journal", "ab") as file:
        began = time.perf_counter()
        for _ in range(letters):
            for size in (1_000, 200):
                file.write(b"x" * size)
                file.flush()
                os.fsync(file.fileno())
        return time.perf_counter() - began


SENDERS = {"our transport": ours, "the whole agent": agent, "bare aiosmtplib": bare}


def measure(port: int, letters: list[bytes], rounds: int) -> dict[str, list[float]]:
    """Seconds of each round, the two in turns so that a busy machine is busy for both."""
    took: dict[str, list[float]] = {name: [] for name in SENDERS}
    for number in range(rounds + 1):
        for name, send in list(SENDERS.items())[:: 1 if number % 2 else -1]:
            seconds = asyncio.run(send(port, letters))
            if number:
                took[name].append(seconds)
    return took


def show(took: dict[str, list[float]], letters: int) -> None:
    """A table, and the ratio round by round."""
    print(f"{letters} letters to a local sink, {len(took['bare aiosmtplib'])} rounds in turns\n")
    print(f"{'':18}{'median s':>10}{'best s':>10}{'letters/s':>12}")
    for name, seconds in took.items():
        median = statistics.median(seconds)
        print(f"{name:18}{median:>10.3f}{min(seconds):>10.3f}{letters / median:>12.0f}")
    print()
    for name in ("our transport", "the whole agent"):
        ratios = [bare_s / our_s for our_s, bare_s in zip(took[name], took["bare aiosmtplib"], strict=True)]
        print(f"speed of {name} / bare, median of the rounds: {statistics.median(ratios):.2f}")
    sync = durability(letters)
    print(f"bare fsyncs of two records a letter: {sync:.3f} s, {sync / letters * 1_000:.2f} ms a letter")


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--letters", type=int, default=200)
    arguments.add_argument("--rounds", type=int, default=7)
    wanted = arguments.parse_args()
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    process.start()
    there.close()
    port = here.recv()
    letters = [letter(number) for number in range(wanted.letters)]
    took = measure(port, letters, wanted.rounds)
    here.send("how many")
    taken = here.recv()
    assert taken == len(SENDERS) * (wanted.rounds + 1) * wanted.letters, f"the sink has {taken} letters"
    process.join(10)
    show(took, wanted.letters)


if __name__ == "__main__":
    main()
