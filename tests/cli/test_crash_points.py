"""Real processes that die at a named point: at the dot, in a compaction, in a command. Names as in the stories."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest

from inboxagent.cli.embedded import EmbeddedProvider
from inboxagent.edge.store import JournalStore
from inboxagent.outreach.events import Word
from tests.cli.desk import Desk, event, until, write
from tests.fakes.scripted_smtp import Act, ScriptedServer, accept, say, scripted

ANNA = "anna@prospect.test"
PROJECT = ("--field", "project=the portal")
LOCKS = Path("/proc/locks")
LOG_IN = {"EHLO": say("250-mail.lind.example\r\n250 AUTH PLAIN LOGIN")}


@asynccontextmanager
async def server(dot: list[Act], desk: Desk, provider: EmbeddedProvider) -> AsyncIterator[ScriptedServer]:
    """A submission server that answers the dot so, and the desk configured for it."""
    async with scripted({**LOG_IN, "dot": dot}) as running:
        desk.configure(provider.imap_port, running.port)
        yield running


async def started(desk: Desk, provider: EmbeddedProvider) -> tuple[str, asyncio.subprocess.Process]:
    """Anna's conversation, whose first step is due, and a daemon that is about to send it."""
    desk.rule(wait="at once")
    write(provider, ANNA)
    enrolled = await asyncio.to_thread(desk.ask, "enroll", "quick", ANNA, *PROJECT)
    return str(enrolled["id"]), await spawn(desk, "run")


async def once(desk: Desk) -> None:
    """A new process reads everything and sends what may go."""
    process = await spawn(desk, "run", "--once")
    assert await asyncio.wait_for(process.wait(), 180) == 0


async def spawn(desk: Desk, *command: str) -> asyncio.subprocess.Process:
    """A process of its own that says nothing."""
    return await asyncio.create_subprocess_exec(
        *desk.command(*command), stderr=asyncio.subprocess.DEVNULL, env=desk.shell()
    )


def words(desk: Desk, conversation: str) -> list[str]:
    return [each["event"] for each in desk.ask("show", conversation)["events"]]


async def shown(desk: Desk, conversation: str) -> list[str]:
    return await asyncio.to_thread(words, desk, conversation)


@pytest.mark.parametrize("accepts", [False, True], ids=["C9 the dot is on the wire", "C10 accepted, no 250"])
async def test_killed_while_it_waits_for_the_answer_to_the_dot(
    desk: Desk, provider: EmbeddedProvider, accepts: bool
) -> None:
    """C9, C10: SIGKILL behind the dot; in doubt after the restart, and only evidence turns it into `sent`."""
    async with server([Act(then="be silent", accepts=accepts), accept()], desk, provider) as submission:
        conversation, process = await started(desk, provider)
        try:
            await asyncio.to_thread(until, lambda: submission.silent, "the server has the dot")
        finally:
            process.kill()
            await process.wait()
        await check_the_doubt(desk, provider, submission, conversation, int(accepts))


@pytest.mark.skipif(not LOCKS.exists(), reason="needs /proc/locks (Linux) to see that a process waits for a lock")
async def test_killed_between_the_250_and_its_record(desk: Desk, provider: EmbeddedProvider) -> None:
    """C11: the 250 is read, and the process waits for the journal when SIGKILL comes."""
    async with server([accept()], desk, provider) as submission:
        with ExitStack() as held:

            def hold(cue: str) -> None:
                if cue == "dot":
                    held.enter_context(desk.composition.store.transaction("a test"))

            submission.before = hold
            conversation, process = await started(desk, provider)
            try:
                await asyncio.to_thread(
                    until, lambda: waits_for_a_lock(process.pid), "it has the 250 and wants to write it down"
                )
            finally:
                process.kill()
                await process.wait()
            submission.before = lambda cue: None
        await check_the_doubt(desk, provider, submission, conversation, 1)


def waits_for_a_lock(pid: int) -> bool:
    return any("->" in line and f" {pid} " in line for line in LOCKS.read_text().splitlines())


async def check_the_doubt(
    desk: Desk, provider: EmbeddedProvider, submission: ScriptedServer, conversation: str, has_it: int
) -> None:
    """Two restarts send nothing; a copy that the server filed proves it, where there is one."""
    assert len(submission.accepted) == has_it
    assert await shown(desk, conversation) == ["enrolled", "intent"]
    for _ in range(2):
        await once(desk)
    assert await shown(desk, conversation) == ["enrolled", "intent", "uncertain"]
    assert len(submission.accepted) == has_it
    if has_it:
        provider.deliver("maya@lind.example", submission.accepted[0], "Sent")
        await once(desk)
        assert await shown(desk, conversation) == ["enrolled", "intent", "uncertain", "sent"]
        assert len(provider.mail("maya@lind.example", "Sent")) == 2


# -- the disk ------------------------------------------------------------------------------------------------------

COMPACT = """
import os, signal, sys
from pathlib import Path
from inboxagent.edge.store import JournalStore
real = os.replace
def die(*paths):
    if sys.argv[2] == "after":
        real(*paths)
    os.kill(os.getpid(), signal.SIGKILL)
os.replace = die
JournalStore(Path(sys.argv[1])).compact(always=True)
"""


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_in_a_compaction(desk: Desk, moment: str) -> None:
    """C17: before or after the rename, both files are whole; what lies beside is removed by the next writer."""
    for number in range(3):
        desk.enrol(f"c{number}", event(Word.SENT, step="one", message_id=f"<{number}@lind.example>"))
    (path,) = (desk.folder / "state").glob("*.journal")
    before = JournalStore(path).conversations()
    killed = subprocess.run([sys.executable, "-c", COMPACT, str(path), moment], env=desk.shell(), check=False)
    assert killed.returncode == -signal.SIGKILL
    store = JournalStore(path)
    assert (store.conversations(), store.check()) == (before, [])
    desk.append("c0", event(Word.NOTE))
    assert [each.name for each in path.parent.glob("*.new")] == []


# -- commands ------------------------------------------------------------------------------------------------------

DIE_AT_SYNC = """
import os, signal, sys
left = int(sys.argv.pop(1))
real = os.fsync
def die(descriptor):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    real(descriptor)
os.fsync = die
from inboxagent.cli import main
main()
"""


@pytest.mark.parametrize(
    ("command", "word"), [("pause", "held"), ("stop", "stopped"), ("release", "released"), ("drop", "dropped")]
)
def test_a_command_is_killed(desk: Desk, command: str, word: str) -> None:
    """C18, C19: at every fsync in turn: one line or none, nothing is said before, and it can be given again."""
    intent = {"step": "one", "message_id": "<1@lind.example>"}
    doubt = (event(Word.INTENT, **intent), event(Word.UNCERTAIN, **intent)) if command in ("release", "drop") else ()
    for syncs in range(10):
        conversation = f"c{syncs}"
        desk.enrol(conversation, *doubt)
        before = words(desk, conversation)
        arguments = [str(syncs), command, conversation, "--config", str(desk.config)]
        done = subprocess.run(
            [sys.executable, "-c", DIE_AT_SYNC, *arguments], env=desk.shell(), capture_output=True, check=False
        )
        after = words(desk, conversation)
        if done.returncode == 0:
            assert (after, syncs > 0) == ([*before, word], True)
            return
        assert (done.returncode, done.stdout) == (-signal.SIGKILL, b"")
        assert after in (before, [*before, word])
        desk.run(command, conversation, code=0 if after == before else None)
        assert words(desk, conversation) == [*before, word]
    pytest.fail("the command never ends")
