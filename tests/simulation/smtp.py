"""Her submission server, which may fail at any phase, take a letter and not say so, and file a copy or not."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random

from inboxagent.outreach.outbox import Envelope, Outcome, Phase
from inboxagent.outreach.replies import read_break, read_reply
from tests.simulation.process import Process
from tests.simulation.timeline import Timeline


class Filing(StrEnum):
    """What the server does about the Sent mailbox, and whether the agent is told."""

    NEVER = "never"
    KNOWN = "known"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Ending:
    """How one letter ends: a reply, or (code 0) a broken line; `accepted` is the truth."""

    phase: Phase = Phase.DOT
    code: int = 250
    text: str = "2.0.0 Ok: queued"
    accepted: bool = True
    seconds: float = 0.0  # that the server takes for it

    @property
    def name(self) -> str:
        """For the table of faults."""
        what = str(self.code) if self.code else "line lost"
        return f"smtp {self.phase} {what}{' accepted' if self.accepted else ''}{' slowly' if self.seconds else ''}"


FINE = Ending()
ENDINGS: tuple[Ending, ...] = (
    Ending(Phase.CONNECT, 0, "no route", accepted=False),
    Ending(Phase.CONNECT, 421, "4.3.2 Service shutting down", accepted=False),
    Ending(Phase.MAIL, 451, "4.3.0 Try again later", accepted=False),
    Ending(Phase.MAIL, 0, "the line was lost", accepted=False),
    Ending(Phase.RCPT, 450, "4.7.1 Greylisted, come back in five minutes", accepted=False),
    Ending(Phase.RCPT, 451, "4.7.1 Greylisted", accepted=False),
    Ending(Phase.RCPT, 550, "5.1.1 User unknown", accepted=False),
    Ending(Phase.RCPT, 552, "5.2.2 Mailbox full", accepted=False),
    Ending(Phase.RCPT, 0, "the line was lost", accepted=False),
    Ending(Phase.DATA, 451, "4.3.1 Insufficient system storage", accepted=False),
    Ending(Phase.DATA, 550, "5.4.5 Daily user sending limit exceeded", accepted=False),
    Ending(Phase.BODY, 0, "the line was lost", accepted=False),
    Ending(Phase.DOT, 0, "the line was lost", accepted=True),
    Ending(Phase.DOT, 0, "the line was lost", accepted=False),
    Ending(Phase.DOT, 0, "silence", accepted=True, seconds=600.0),
    Ending(Phase.DOT, 0, "silence", accepted=False, seconds=600.0),
    Ending(Phase.DOT, 421, "4.3.0 The line closes", accepted=True),
    Ending(Phase.DOT, 421, "4.3.0 The line closes", accepted=False),
    Ending(Phase.DOT, 451, "4.3.0 Temporary failure", accepted=False),
    Ending(Phase.DOT, 554, "5.7.1 Message looks like spam", accepted=False),
    Ending(Phase.DOT, 552, "5.3.4 Message too big", accepted=False),
    Ending(Phase.DOT, 252, "2.0.0 Will try", accepted=True),
    Ending(Phase.DOT, 250, "2.0.0 Ok", accepted=True, seconds=200.0),
    Ending(Phase.DOT, -1, "????", accepted=True),
)


NASTIEST = tuple(each for each in ENDINGS if each.accepted and each.code // 100 != 2)
"""The server has the letter, and does not say so."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What the server has accepted, as it goes on; `ours` is as it was handed over."""

    envelope: Envelope
    ours: bytes
    raw: bytes
    number: int


class SubmissionServer:
    """The server's side. `taken` is told of every letter at the moment in which it is accepted."""

    def __init__(self, timeline: Timeline, random: Random, *, rewrites_ids: bool, tells_ids: bool) -> None:
        self.timeline = timeline
        self.random = random
        self.rewrites_ids = rewrites_ids
        self.tells_ids = tells_ids
        self.down = False
        self.taken: Callable[[Letter], None] = lambda letter: None
        self.ending: Callable[[Process], Ending] = lambda process: FINE
        self._number = 0

    def answer(self, ending: Ending) -> Ending:
        """What the server says, with the Message-ID that it gave the letter."""
        if self.tells_ids and self.rewrites_ids and ending.code // 100 == 2:
            return replace(ending, text=f"2.0.0 OK <q{self._number}@mx.lind.test>")
        return ending

    def accept(self, envelope: Envelope, message: bytes) -> None:
        """The letter is the server's now."""
        self._number += 1
        raw = message
        if self.rewrites_ids:
            raw = re.sub(
                rb"^Message-ID: <[^>]*>", b"Message-ID: <q%d@mx.lind.test>" % self._number, message, flags=re.MULTILINE
            )
        self.taken(Letter(envelope, message, raw, self._number))

    def latency(self) -> float:
        """One way, in seconds."""
        return self.random.uniform(0.01, 0.1)


class SimulatedTransport:
    """The Transport port of one process."""

    def __init__(
        self, process: Process, server: SubmissionServer, dot: Callable[[Envelope, bytes, float], None]
    ) -> None:
        self._process = process
        self._server = server
        self._dot = dot
        self._turn = asyncio.Lock()

    async def hand_over(self, envelope: Envelope, message: bytes) -> "SimulatedHandover | Outcome":
        """See `Transport`."""
        await self._turn.acquire()
        refusal: Outcome | None = None
        try:
            self._process.begins("handing over")
            self._process.writing_to = envelope.forward_paths[0]
            self._process.effect("connect")
            ending = self._server.ending(self._process)
            await self._server.timeline.sleep(4 * self._server.latency())
            self._process.effect("recipient")
            if self._server.down:
                ending = Ending(Phase.CONNECT, 0, "connection refused", accepted=False)
            if ending.phase is not Phase.DOT:
                refusal = _outcome(ending, envelope)
            else:
                recipient_at = self._server.timeline.seconds
                await self._server.timeline.sleep(2 * self._server.latency())
                self._process.effect("body")
        except BaseException:
            self._turn.release()
            raise
        if refusal is not None:
            self._turn.release()
            self._process.begins("reading")
            return refusal
        self._process.begins("looking")
        return SimulatedHandover(self, envelope, message, ending, recipient_at)

    async def close(self) -> None:
        """See `Transport`."""

    async def write_dot(self, handover: "SimulatedHandover") -> Outcome:
        """The dot is written: from here on the server decides, whatever becomes of the process."""
        server, ending = self._server, handover.ending
        await self._process.stall("before the dot")
        self._process.effect("dot")
        self._process.begins("at the dot")
        self._dot(handover.envelope, handover.message, handover.recipient_at)
        there = server.latency()
        if ending.accepted and not server.down:
            server.timeline.after(there, lambda: server.accept(handover.envelope, handover.message))
        elif server.down:
            ending = Ending(Phase.DOT, 0, "the line was lost", accepted=False)
        await server.timeline.sleep(there + server.latency() + ending.seconds)
        await self._process.stall("after the dot")
        self._process.effect("answer")
        self._process.begins("recording")
        return _outcome(server.answer(ending), handover.envelope)

    async def withdraw(self) -> None:
        """The line is dropped without the dot."""
        self._process.effect("abort")
        self._process.begins("reading")

    def done(self) -> None:
        """The next letter may come."""
        self._turn.release()


class SimulatedHandover:
    """See `Handover`."""

    def __init__(
        self, transport: SimulatedTransport, envelope: Envelope, message: bytes, ending: Ending, recipient_at: float
    ) -> None:
        self.envelope, self.message, self.ending, self.recipient_at = envelope, message, ending, recipient_at
        self._transport = transport
        self._outcome: Outcome | None = None
        self._over = False

    async def commit(self) -> Outcome:
        """See `Handover`."""
        if self._outcome is None:
            try:
                self._outcome = await self._transport.write_dot(self)
            finally:
                self._end()
        return self._outcome

    async def abort(self) -> None:
        """See `Handover`."""
        if self._outcome is None and not self._over:
            self._outcome = read_break(Phase.BODY, "the letter was given up before the dot")
            try:
                await self._transport.withdraw()
            finally:
                self._end()

    def _end(self) -> None:
        if not self._over:
            self._over = True
            self._transport.done()


def _outcome(ending: Ending, envelope: Envelope) -> Outcome:
    if ending.code == 0:
        return read_break(ending.phase, ending.text)
    address = envelope.forward_paths[0] if ending.phase is Phase.RCPT else None
    return read_reply(ending.phase, ending.code, ending.text, address=address)
