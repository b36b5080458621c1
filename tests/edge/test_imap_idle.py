"""IDLE with servers that are not polite: no news is lost, a dead line is noticed, nobody is pestered."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from inboxagent.edge.imap import ImapMailbox
from inboxagent.edge.imap_connection import Connection
from inboxagent.edge.imap_line import Server
from inboxagent.edge.imap_watch import Watch
from inboxagent.errors import LoginRefused
from tests.fakes.scripted_imap import Answer, Line, ScriptedImap, idle, say, send


def open_mailbox(server: ScriptedImap, **options: Any) -> ImapMailbox:
    """A mailbox that connects again soon, and is patient with what has to come: that may be late on a busy machine."""
    settings = {"connect_after": 60.0, "read_after": 60.0, "idle_after": 600.0, "retry_after": (0.02, 0.1), **options}
    return ImapMailbox(
        host=server.host, port=server.port, security="none", username="maya", password=lambda: "s3cret", **settings
    )


async def until(check: Callable[[], bool], within: float = 60.0) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(within):
        while not check():  # noqa: ASYNC110  # of a server in another thread
            await asyncio.sleep(0.01)


class Script:
    """An IDLE that begins politely, and goes on with `then` as soon as `go` is set."""

    def __init__(self, then: Callable[[Line], None]) -> None:
        self.go = threading.Event()
        self._then = then

    def __call__(self, line: Line, tag: str, rest: str) -> None:
        """Answer an IDLE."""
        line.say("+ idling")
        self.go.wait(90)
        self._then(line)
        if line.hear() == "DONE":
            line.say(f"{tag} OK done")


def in_pieces(line: Line) -> None:
    """One line in three segments."""
    for piece in (b"* 5 EX", b"IST", b"S\r\n"):
        line.send(piece)
        time.sleep(0.02)


NEWS: dict[str, Callable[[Line], None]] = {
    "plain": lambda line: line.say("* 5 EXISTS"),
    "in pieces": in_pieces,
    "several lines at once": lambda line: line.say("* OK still here", "* 2 EXPUNGE", "* 5 EXISTS", "* 1 RECENT"),
    "an expunge, then a message": lambda line: line.say("* 4 EXPUNGE", "* 4 EXISTS"),
}


@pytest.mark.parametrize("news", NEWS)
async def test_news(news: str) -> None:
    script = Script(NEWS[news])
    with ScriptedImap({"IDLE": script}) as server:
        mailbox = open_mailbox(server)
        assert await mailbox.wait(60) is True
        assert await mailbox.wait(0.1) is False
        script.go.set()
        assert await mailbox.wait(60) is True
        assert await mailbox.wait(0.1) is False
        assert server.connections == 1
        await mailbox.close()


async def test_what_is_no_news() -> None:
    script = Script(lambda line: line.say("* OK still here", "* 1 FETCH (FLAGS (\\Seen))", "* 3 EXPUNGE"))
    with ScriptedImap({"IDLE": script}) as server:
        mailbox = open_mailbox(server)
        assert await mailbox.wait(60) is True
        script.go.set()
        assert await mailbox.wait(0.2) is False
        assert server.connections == 1
        await mailbox.close()


IMPATIENT = {"read_after": 0.7}

ENDS: dict[str, Callable[[Line], None]] = {
    "the stream ends": Line.close,
    "the line is reset": Line.reset,
    "half a line, then the end": lambda line: (line.send(b"* 5 EXI"), line.close())[0],
    "half a line, then silence": lambda line: line.send(b"* 5 EXI"),
    "BYE": lambda line: (line.say("* BYE idle for too long"), line.close())[0],
    "garbage": lambda line: line.say("\x00 what"),
    "a tag that nobody gave": lambda line: line.say("zzz1 OK done"),
}


@pytest.mark.parametrize("end", ENDS)
async def test_a_line_that_ends_is_replaced_and_counts_as_news(end: str) -> None:
    script = Script(ENDS[end])
    with ScriptedImap({"IDLE": script}, {}) as server:
        mailbox = open_mailbox(server, **(IMPATIENT if end.endswith("silence") else {}))
        assert await mailbox.wait(60) is True
        script.go.set()
        assert await mailbox.wait(60) is True
        assert server.connections == 2
        assert await mailbox.wait(0.1) is False
        await mailbox.close()


def at_once(octets: bytes) -> Answer:
    """An IDLE whose first segment is this, and which ends politely."""

    def answer(line: Line, tag: str, rest: str) -> None:
        line.send(octets)
        line.hear()
        line.say(f"{tag} OK done")

    return answer


@pytest.mark.parametrize(
    "octets", [b"+ idling\r\n* 5 EXISTS\r\n", b"* 5 EXISTS\r\n+ idling\r\n", b"+ idling\r\n* 5 EXI"]
)
async def test_news_around_the_continuation_keeps_the_line_in_step(octets: bytes) -> None:
    with ScriptedImap({"IDLE": at_once(octets)}, {}) as server:
        mailbox = open_mailbox(server, idle_after=0.2, **(IMPATIENT if octets.endswith(b"EXI") else {}))
        assert await mailbox.wait(60) is True
        await until(lambda: server.heard.count("IDLE") > 2)
        assert server.connections == (2 if octets.endswith(b"EXI") else 1)
        await mailbox.close()


async def test_a_server_that_ends_idle_by_itself_is_left() -> None:
    with ScriptedImap({"IDLE": say("+ idling", "TAG OK that was long enough")}, {}) as server:
        mailbox = open_mailbox(server)
        await mailbox.wait(60)
        await until(lambda: server.connections == 2)
        await mailbox.close()


async def test_idle_is_renewed_on_the_same_connection() -> None:
    with ScriptedImap() as server:
        mailbox = open_mailbox(server, idle_after=0.1)
        await mailbox.wait(60)
        await until(lambda: server.heard.count("IDLE") >= 4)
        assert server.connections == 1
        await mailbox.close()


async def test_a_server_that_does_not_answer_done_is_left() -> None:
    """Case 83: IDLE is silently dead. The renewal finds that out, and a new connection looks again."""

    def deaf(line: Line, tag: str, rest: str) -> None:
        line.say("+ idling")
        line.hang()

    with ScriptedImap({"IDLE": deaf}, {}) as server:
        mailbox = open_mailbox(server, idle_after=0.1, **IMPATIENT)
        await mailbox.wait(60)
        await until(lambda: server.connections == 2)
        await mailbox.close()


async def test_without_idle_there_is_one_word_and_no_second_connection() -> None:
    script = {"GREETING": say("* OK hi"), "CAPABILITY": say("* CAPABILITY IMAP4rev1 AUTH=PLAIN", "TAG OK done")}
    script["AUTHENTICATE"] = lambda line, tag, rest: (line.say("+ "), line.hear(), line.say(f"{tag} OK in"))[0]
    with ScriptedImap(script) as server:
        mailbox = open_mailbox(server)
        assert await mailbox.wait(60) is True
        assert await mailbox.wait(0.3) is False
        assert server.connections == 1
        assert "IDLE" not in server.heard
        await mailbox.close()


FAILURES: dict[str, Answer] = {
    "refused": say("TAG NO not now"),
    "bad": say("TAG BAD what?"),
    "the end": lambda line, tag, rest: line.close(),
    "a continuation and the end": send(b"+ idling\r\n", Line.close),
}


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_server_that_never_idles_is_not_pestered(failure: str) -> None:
    with ScriptedImap({"IDLE": FAILURES[failure]}) as server:
        mailbox = open_mailbox(server, retry_after=(0.2, 10.0))
        begun = time.monotonic()
        while time.monotonic() < begun + 1.0 or not server.connections:
            await mailbox.wait(0.1)
        # At least 0.2 s between two attempts, and longer and longer: a connect alone does not start that anew.
        assert server.connections <= 1 + (time.monotonic() - begun) / 0.2
        watch = mailbox._watch
        await until(lambda: watch._failures > 2)
        await mailbox.close()


def test_the_pause_grows_at_random_within_its_bounds() -> None:
    server = Server(host="127.0.0.1", port=1, security="none", username="maya")
    watch = Watch(lambda: Connection(server, lambda: ""), idle_after=1, retry_after=(5, 900))
    for failures in (1, 2, 5, 10, 1_000_000):
        watch._failures = failures
        pauses = {watch._pause() for _ in range(200)}
        assert len(pauses) > 100
        assert min(pauses) >= 5
        assert max(pauses) <= min(900, 5 * 2.0 ** min(failures, 30))


async def test_a_connection_that_idled_well_makes_good_for_the_failures() -> None:
    ill = {"IDLE": FAILURES["refused"]}
    with ScriptedImap(ill, ill, {}) as server:
        connect = Server(host=server.host, port=server.port, security="none", username="maya", read_after=60)
        watch = Watch(lambda: Connection(connect, lambda: "s3cret"), idle_after=0.1, retry_after=(0.01, 0.02))
        failures: list[int] = []
        pause = watch._pause
        watch._pause = lambda: (failures.append(watch._failures), pause())[1]
        await watch.news(0)
        await until(lambda: failures[:2] == [1, 2])
        await until(lambda: watch._failures == 0)
        assert server.heard.count("IDLE") >= 3
        watch.stop()


async def test_a_refused_log_in_ends_the_waiting() -> None:
    def refuse(line: Line, tag: str, rest: str) -> None:
        line.say("+ ")
        line.hear()
        line.say(f"{tag} NO [AUTHENTICATIONFAILED] no")

    with ScriptedImap({"AUTHENTICATE": refuse}) as server:
        mailbox = open_mailbox(server)
        for _ in range(2):
            with pytest.raises(LoginRefused, match="refuses the log-in of maya"):
                await mailbox.wait(60)
        assert server.connections == 1
        await mailbox.close()


async def test_close_ends_the_thread_whatever_it_does() -> None:
    for script in ({}, {"GREETING": lambda line, tag, rest: line.hang()}, {"IDLE": FAILURES["refused"]}):
        with ScriptedImap(script) as server:
            mailbox = open_mailbox(server, connect_after=30, read_after=30, retry_after=(30.0, 30.0))
            await mailbox.wait(0.2)
            await mailbox.close()
            await until(lambda: not any(thread.name == "imap-idle" for thread in threading.enumerate()))


# --- NOTIFY


def notifying(**more: Answer) -> dict[str, Answer]:
    """A server that offers NOTIFY."""
    offers = say("* CAPABILITY IMAP4rev1 IDLE NOTIFY AUTH=PLAIN", "TAG OK done")
    log_in: Answer = lambda line, tag, rest: (line.say("+ "), line.hear(), line.say(f"{tag} OK in"))[0]  # noqa: E731
    notify = say("TAG OK done")
    return {"GREETING": say("* OK hi"), "CAPABILITY": offers, "AUTHENTICATE": log_in, "NOTIFY": notify, **more}


ELSEWHERE = {
    "a status": "* STATUS Archive (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 9)",
    "a new name": '* LIST () "/" "Archive 2026" ("OLDNAME" (Archive))',
    "a message in INBOX": "* 5 EXISTS",
}


@pytest.mark.parametrize("news", ELSEWHERE)
async def test_news_of_any_mailbox_where_there_is_notify(news: str) -> None:
    script = Script(lambda line: line.say(ELSEWHERE[news]))
    with ScriptedImap(notifying(IDLE=script)) as server:
        mailbox = open_mailbox(server)
        assert await mailbox.wait(60) is True
        assert await mailbox.wait(0.1) is False
        script.go.set()
        assert await mailbox.wait(60) is True
        asked = [each for each in server.heard if each.startswith(("EXAMINE", "NOTIFY", "IDLE"))]
        assert asked[1].startswith("NOTIFY SET (selected (MessageNew MessageExpunge)) (personal (")
        assert [each.split(" ")[0] for each in asked[:3]] == ["EXAMINE", "NOTIFY", "IDLE"]
        await mailbox.close()


async def test_notify_is_said_once_in_a_connection() -> None:
    with ScriptedImap(notifying()) as server:
        mailbox = open_mailbox(server, idle_after=0.05)
        await mailbox.wait(60)
        await until(lambda: server.heard.count("IDLE") >= 4)
        assert sum(each.startswith("NOTIFY") for each in server.heard) == 1
        assert server.connections == 1
        await mailbox.close()


@pytest.mark.parametrize("answer", ["TAG NO [NOTIFICATIONOVERFLOW] too many mailboxes", "TAG BAD [BADEVENT] what?"])
async def test_where_notify_is_refused_idle_has_to_do(answer: str) -> None:
    with ScriptedImap(notifying(NOTIFY=say(answer))) as server:
        mailbox = open_mailbox(server, idle_after=0.05)
        assert await mailbox.wait(60) is True
        await until(lambda: server.heard.count("IDLE") >= 3)
        assert sum(each.startswith("NOTIFY") for each in server.heard) == 1
        assert server.connections == 1
        await mailbox.close()


async def test_a_server_that_gives_notify_up_counts_as_news_and_is_asked_for_idle_alone() -> None:
    overflow = Script(lambda line: line.say("* OK [NOTIFICATIONOVERFLOW] too much"))
    with ScriptedImap(notifying(IDLE=overflow), notifying()) as server:
        mailbox = open_mailbox(server, idle_after=0.05)
        assert await mailbox.wait(60) is True
        overflow.go.set()
        assert await mailbox.wait(60) is True
        await until(lambda: server.connections == 2 and server.heard.count("IDLE") >= 3)
        assert sum(each.startswith("NOTIFY") for each in server.heard) == 1
        await mailbox.close()


async def test_a_server_that_asks_for_a_pause_gets_it() -> None:
    def refuse(line: Line, tag: str, rest: str) -> None:
        line.say("+ ")
        line.hear()
        line.say(f"{tag} NO [LIMIT] Too many log-ins. Please wait 3 seconds.")

    with ScriptedImap({"AUTHENTICATE": refuse}, {}) as server:
        mailbox = open_mailbox(server, retry_after=(0.02, 0.1))
        begun = time.monotonic()
        assert await mailbox.wait(1.2) is False
        assert server.connections == 1
        assert await mailbox.wait(60) is True
        assert time.monotonic() - begun >= 2.9
        await mailbox.close()


async def test_commands_go_on_while_the_watch_waits() -> None:
    with ScriptedImap({"IDLE": idle}) as server:
        mailbox = open_mailbox(server)
        waiting = asyncio.create_task(mailbox.wait(60))
        assert "INBOX" in await mailbox.status()
        assert await waiting is True
        assert server.connections == 2
        await mailbox.close()
