"""A transport without a server, which passes the same contract suite as the real one, and fails on command."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from inboxagent.outreach.outbox import Envelope, Fate, Outcome, Phase, Scope
from inboxagent.outreach.replies import read_break, read_reply


@dataclass(frozen=True, slots=True)
class Letter:
    """What a server has accepted: the envelope and the message, byte for byte."""

    envelope: Envelope
    message: bytes


@dataclass(frozen=True, slots=True)
class _Ending:
    """How one letter ends; `accepted` is what is true, whatever the outcome says."""

    outcome: Outcome
    accepted: bool


@dataclass(slots=True)
class FakeTransport:
    """Accepts everything, but for what it is told with `reply`, `end_with`, `lose_line` (the next letter) and `refuse`.

    `accepted` is the truth about what a server has. `effect` is told of every step (`hand_over`, `body`, `dot`,
    `answer`, `abort`, `close`) when it is about to happen; what it raises goes through, like the end of the process.
    """

    accepted: list[Letter] = field(default_factory=list)
    handed_over: list[Letter] = field(default_factory=list)
    effect: Callable[[str], None] = lambda _: None
    _endings: deque[_Ending] = field(default_factory=deque)
    _refused: dict[str, tuple[int, str]] = field(default_factory=dict)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _open: "FakeHandover | None" = None

    def reply(self, phase: Phase, code: int, text: str, *, address: str | None = None) -> None:
        """Answer so in that phase of the next letter; what it means is read from the same table as always."""
        outcome = read_reply(phase, code, text, address=address)
        self.end_with(outcome, accepted=outcome.fate is Fate.SENT)

    def lose_line(self, phase: Phase, *, accepted: bool = False) -> None:
        """Lose the line in that phase of the next letter; `accepted` (only at the dot) if the server has it."""
        self.end_with(read_break(phase, "the line was lost"), accepted=accepted)

    def end_with(self, outcome: Outcome, *, accepted: bool = False) -> None:
        """End the next letter so; several calls are for several letters."""
        assert not accepted or outcome.fate in (Fate.SENT, Fate.UNCERTAIN)
        self._endings.append(_Ending(outcome, accepted))

    def refuse(self, address: str, code: int, text: str) -> None:
        """Answer so to every RCPT for this address, from now on."""
        self._refused[address] = (code, text)

    def relent(self, address: str) -> None:
        """Take mail for this address again."""
        del self._refused[address]

    def lose_line_now(self) -> None:
        """Lose the line between body and dot of the letter that is handed over."""
        if self._open is not None:
            self._open.lost = True

    async def hand_over(self, envelope: Envelope, message: bytes) -> "FakeHandover | Outcome":
        """See `Transport`."""
        await self._turn.acquire()
        try:
            self.effect("hand_over")
            await asyncio.sleep(0)
            ending = self._endings.popleft() if self._endings else None
            refusal = self._refusal(envelope)
            if refusal is None and ending is not None and ending.outcome.phase is not Phase.DOT:
                refusal = ending.outcome
            if refusal is None:
                self.effect("body")
        except BaseException:
            self._turn.release()
            raise
        if refusal is not None:
            self._turn.release()
            return refusal
        self.handed_over.append(Letter(envelope, message))
        self._open = FakeHandover(self, self.handed_over[-1], ending or _ACCEPTED)
        return self._open

    async def close(self) -> None:
        """See `Transport`."""
        self.effect("close")
        self.lose_line_now()

    def _refusal(self, envelope: Envelope) -> Outcome | None:
        for address in envelope.forward_paths:
            if address not in self._refused:
                continue
            outcome = read_reply(Phase.RCPT, *self._refused[address], address=address)
            only_a_copy = address != envelope.forward_paths[0] and outcome.fate is Fate.REFUSED
            return _for_a_copy(outcome) if only_a_copy and outcome.scope is not Scope.ACCOUNT else outcome
        return None

    def end(self, letter: Letter, *, accepted: bool) -> None:
        """Called by the handover when it is over."""
        if accepted:
            self.accepted.append(letter)
        self._open = None
        self._turn.release()


_ACCEPTED = _Ending(read_reply(Phase.DOT, 250, "2.0.0 Ok: queued"), accepted=True)


def _for_a_copy(outcome: Outcome) -> Outcome:
    return replace(outcome, scope=Scope.LETTER, means=f"the copy to {outcome.address} was refused")


class FakeHandover:
    """See `Handover`; `lost` is set when the line goes between body and dot."""

    def __init__(self, transport: FakeTransport, letter: Letter, ending: _Ending) -> None:
        """Made by `FakeTransport.hand_over`."""
        self.lost = False
        self._transport = transport
        self._letter = letter
        self._ending = ending
        self._outcome: Outcome | None = None

    async def commit(self) -> Outcome:
        """See `Handover`."""
        if self._outcome is None and self.lost:
            self._close(read_break(Phase.BODY, "the line was lost"), accepted=False)
        if self._outcome is None:
            self._transport.effect("dot")
            self._close(self._ending.outcome, accepted=self._ending.accepted)
            await asyncio.sleep(0)
            self._transport.effect("answer")
        assert self._outcome is not None
        return self._outcome

    async def abort(self) -> None:
        """See `Handover`."""
        if self._outcome is None:
            self._transport.effect("abort")
            self._close(read_break(Phase.BODY, "the letter was given up before the dot"), accepted=False)

    def _close(self, outcome: Outcome, *, accepted: bool) -> None:
        self._outcome = outcome
        self._transport.end(self._letter, accepted=accepted)
