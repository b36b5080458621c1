"""The `Transport` port over aiosmtplib: a letter is handed over up to the dot, and the dot is the commit.

A server must discard what was not ended by the dot (RFC 5321, 4.1.1.4), so everything before it is provably unsent.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from inboxagent.edge.smtp_envelope import write_commands
from inboxagent.edge.smtp_session import Password, Security, Server, Session, Timeouts, Token
from inboxagent.mail.compose import dot_stuff
from inboxagent.outreach.outbox import Envelope, Fate, Outcome, Phase, Scope
from inboxagent.outreach.replies import read_break

_GO_AHEAD = range(354, 355)


class SmtpHandover:
    """A letter that lacks its dot, or its body too; the connection is its own until `commit` or `abort` ends it."""

    def __init__(self, session: Session, at_end: Callable[[], None], unwritten: bytes | None = None) -> None:
        """Made by `SmtpTransport.hand_over`; `at_end` gives the connection back, `unwritten` is a body still to go."""
        self._session = session
        self._at_end = at_end
        self._unwritten = unwritten
        self._outcome: Outcome | None = None

    async def commit(self) -> Outcome:
        """Write the dot and wait for the answer. Never raises; asked again, it repeats its answer and writes nothing.

        Cancelling it while it waits cuts the line: the cancellation goes on, and the letter is `UNCERTAIN`, which is
        also what `commit` says when asked again. Shield it from a stop signal for as long as you can wait.
        """
        if self._outcome is None:
            self._outcome = read_break(Phase.DOT, "given up while waiting for the answer to the dot")
            try:
                self._outcome = await self._write_rest() or await self._session.dot()
            finally:
                self._end(self._outcome)
        return self._outcome

    async def _write_rest(self) -> Outcome | None:
        """DATA and the body, where they were kept back; None when only the dot is missing."""
        if self._unwritten is None:
            return None
        return await _write(self._session, self._unwritten)

    async def abort(self) -> None:
        """Cut the line without the dot; after `commit` this does nothing. Never raises."""
        if self._outcome is None:
            self._outcome = read_break(Phase.BODY, "the letter was given up before the dot")
            self._end(self._outcome)

    def _end(self, outcome: Outcome) -> None:
        if outcome.phase is not Phase.DOT or outcome.fate is Fate.UNCERTAIN:
            self._session.drop()
        self._at_end()


class SmtpTransport:
    """Submission to one server with one connection, reused while it lives and closed when idle.

    One letter at a time: `hand_over` waits until the letter before has been committed or aborted. A refused log-in is
    final: it is never tried again, every later letter gets the same outcome.

    With `split_body` false, DATA and the body are kept back until `commit`, for servers that dislike a pause between
    body and dot; a line that is lost before the dot is written still means that nothing was sent.
    """

    def __init__(
        self,
        host: str,
        port: int,
        security: Security,
        *,
        ca_file: str | None = None,
        username: str | None = None,
        password: Password | None = None,
        token: Token | None = None,
        local_hostname: str | None = None,
        split_body: bool = True,
        timeouts: Timeouts | None = None,
    ) -> None:
        """Connects nothing yet. Raises `ConfigError` for what cannot work; `Server` says what the words mean."""
        self._server = Server(
            host=host,
            port=port,
            security=security,
            ca_file=ca_file,
            username=username,
            password=password,
            token=token,
            local_hostname=local_hostname,
            timeouts=timeouts or Timeouts(),
        )
        self._split_body = split_body
        self._trust = self._server.trust()
        self._turn = asyncio.Lock()
        self._session: Session | None = None
        self._idle: asyncio.Task[None] | None = None
        self._locked_out: Outcome | None = None

    async def hand_over(self, envelope: Envelope, message: bytes) -> SmtpHandover | Outcome:
        """Take the letter to just before the dot; where that fails nothing was sent, and the `Outcome` says why.

        The prospect's refusal decides; where only another recipient is refused, nothing is sent either. A reused
        connection that turns out to be dead or logged out is replaced once.
        """
        await self._turn.acquire()
        try:
            self._stop_idling()
            offered = await self._offer(envelope, message)
        except BaseException:
            self._drop()
            self._turn.release()
            raise
        if isinstance(offered, Outcome):
            self._rest()
            return offered
        return SmtpHandover(offered, self._rest, None if self._split_body else message)

    async def close(self) -> None:
        """QUIT, waiting a few seconds at most; a letter that is under way is cut off. The next letter connects anew."""
        self._stop_idling()
        session, self._session = self._session, None
        if session is None:
            return
        if self._turn.locked():
            session.drop()
        else:
            await session.quit()

    async def _offer(self, envelope: Envelope, message: bytes) -> Session | Outcome:
        if self._locked_out is not None:
            return self._locked_out
        used = self._session
        if used is not None and used.alive:
            refusal = await self._begin(used, envelope, message)
            if refusal is None:
                return used
            if self._session is not used or not _is_stale(used, refusal):
                return refusal
            used.drop()
        session = await self._open()
        if isinstance(session, Outcome):
            return session
        return await self._begin(session, envelope, message) or session

    async def _begin(self, session: Session, envelope: Envelope, message: bytes) -> Outcome | None:
        """What comes before the last look; None when all of it was taken, else the connection is clean or closed."""
        refusal = await _announce(session, envelope, message)
        if refusal is None and self._split_body:
            refusal = await _write(session, message)
        if refusal is not None and session.alive:
            await session.reset()
        return refusal

    async def _open(self) -> Session | Outcome:
        self._session = session = Session(self._server, self._trust)
        refusal = await session.open()
        if refusal is not None and refusal.phase is Phase.AUTH and refusal.fatal:
            self._locked_out = refusal
        return refusal or session

    def _rest(self) -> None:
        """The letter is over: keep the connection for the next one, for a while."""
        if self._session is not None and self._session.alive:
            self._idle = asyncio.create_task(self._close_when_idle())
        else:
            self._drop()
        self._turn.release()

    async def _close_when_idle(self) -> None:
        await asyncio.sleep(self._server.timeouts.idle_close)
        session, self._session = self._session, None
        if session is not None:
            await session.quit()

    def _stop_idling(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _drop(self) -> None:
        if self._session is not None:
            self._session.drop()
            self._session = None


async def _announce(session: Session, envelope: Envelope, message: bytes) -> Outcome | None:
    """MAIL and all recipients, the prospect first; the first no ends it."""
    commands = write_commands(envelope, message, session.extensions)
    if isinstance(commands, Outcome):
        return commands
    refusal = await session.ask(Phase.MAIL, *commands.mail)
    for place, (address, words) in enumerate(zip(envelope.forward_paths, commands.rcpt, strict=True)):
        if refusal is not None:
            return refusal
        refusal = await session.ask(Phase.RCPT, *words, address=address)
        if refusal is not None and place > 0:
            return _copy_refused(refusal)
    return refusal


async def _write(session: Session, message: bytes) -> Outcome | None:
    """DATA and the body; None when only the dot is missing."""
    return await session.ask(Phase.DATA, b"DATA", yes=_GO_AHEAD) or await session.write(dot_stuff(message))


def _copy_refused(refusal: Outcome) -> Outcome:
    """A letter that one of its other recipients does not get goes to nobody; that says nothing of the prospect."""
    if refusal.fate is not Fate.REFUSED or refusal.scope is Scope.ACCOUNT:
        return refusal
    means = f"the copy to {refusal.address} was refused, so nothing was sent to anybody"
    return replace(refusal, scope=Scope.LETTER, means=means)


def _is_stale(session: Session, refusal: Outcome) -> bool:
    """Whether a reused connection had died or been logged out meanwhile, as the first command on it shows."""
    return refusal.phase is Phase.MAIL and (not session.alive or refusal.fatal)
