"""Push: a connection of its own that waits in IDLE (RFC 2177), for news of every mailbox where the server has NOTIFY
(RFC 5465), else of INBOX. It proves nothing, it is only quicker."""

import asyncio
import contextlib
import random
import threading
from collections.abc import Callable

from inboxagent.edge.imap_connection import Connection, SilencedError
from inboxagent.errors import LoginRefused, Unreachable


class Watch:
    """A thread that begins at the first `news` and connects again for ever, unless the log-in is refused.

    At each beginning of IDLE it announces news once: something may have been missed.
    """

    def __init__(
        self, connect: Callable[[], Connection], *, idle_after: float, retry_after: tuple[float, float]
    ) -> None:
        """`connect` makes connections that are not open yet; spans in seconds. A retry waits from the first bound up
        to the second, at random below a ceiling that doubles ("full jitter")."""
        self._connect = connect
        self._idle_after = idle_after
        self._shortest, self._longest = retry_after
        self._failures = 0
        self._everywhere = True  # until NOTIFY was too much for the server
        self._stopped = threading.Event()
        self._told = asyncio.Event()
        self._refusal: LoginRefused | None = None
        self._connection: Connection | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def news(self, seconds: float) -> bool:
        """True as soon as something was announced since the last call, False after this time.

        Raises `LoginRefused` when the server has refused the log-in.
        """
        self._start()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._told.wait()
        if self._refusal is not None:
            raise LoginRefused(str(self._refusal))
        told = self._told.is_set()
        self._told.clear()
        return told

    def stop(self) -> None:
        """End the thread soon, whatever it waits for."""
        self._stopped.set()
        if self._connection is not None:
            self._connection.cut()

    def _start(self) -> None:
        if self._thread is None and not self._stopped.is_set():
            self._loop = asyncio.get_running_loop()
            self._thread = threading.Thread(target=self._run, name="imap-idle", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._connection = self._connect()
            told = 0.0
            try:
                self._connection.run(self._follow)
                return  # no IDLE there: polling has to do
            except LoginRefused as error:
                self._refusal = error
                self._announce()
                return
            except Unreachable as error:
                self._failures += 1
                told = error.retry_after or 0.0
            except SilencedError:
                self._everywhere = False
                self._announce()
            finally:
                self._connection.drop()
            self._stopped.wait(max(self._pause(), told))

    def _follow(self, connection: Connection) -> None:
        connection.examine("INBOX")
        if not connection.has("IDLE"):
            self._announce()
            return
        if self._everywhere:
            self._everywhere = connection.notify()
        while not self._stopped.is_set():
            connection.idle(self._idle_after, self._announce)
            self._failures = 0  # not earlier: a server that lets us in and drops us is not well

    def _pause(self) -> float:
        ceiling = min(self._longest, self._shortest * 2.0 ** min(self._failures, 30))
        return random.uniform(self._shortest, max(ceiling, self._shortest))  # noqa: S311

    def _announce(self) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._told.set)
