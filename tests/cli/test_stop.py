"""A stop in the middle of a send: the answer to the dot is waited for, or the letter is uncertain; never forgotten."""

import signal
import socket
import threading
from collections.abc import Iterator

import pytest

from inboxagent.cli.embedded import EmbeddedProvider
from tests.cli.desk import Desk, running, write
from tests.fakes.proxy import Proxy

ANNA = "anna@prospect.test"


class Hesitation(Proxy):
    """Passes everything on, but holds the answer to the dot back until `go`."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        self.accepted, self.go = threading.Event(), threading.Event()

    def _take(self, client: socket.socket) -> None:
        self._pass_on(client)

    def _let_through(self, octets: bytes) -> bytes:
        if b"OK: accepted as" in octets:
            self.accepted.set()
            self.go.wait(300)
        return octets


@pytest.fixture
def server(desk: Desk, provider: EmbeddedProvider) -> Iterator[Hesitation]:
    """Her submission server, which hesitates over a letter to Anna that is due."""
    with Hesitation("127.0.0.1", provider.submission_port) as proxy:
        desk.configure(provider.imap_port, proxy.port)
        desk.rule(wait="at once")
        write(provider, ANNA)
        desk.run("enroll", "quick", ANNA, "--field", "project=the portal")
        yield proxy
        proxy.go.set()


def letters(provider: EmbeddedProvider) -> int:
    return sum(b"X-Inboxagent" in each for each in provider.mail(ANNA))


def test_the_answer_that_comes_after_the_stop_is_still_written_down(
    desk: Desk, provider: EmbeddedProvider, server: Hesitation
) -> None:
    with running(desk) as daemon:
        assert server.accepted.wait(90)
        daemon.send_signal(signal.SIGTERM)
        server.go.set()
        assert daemon.wait(60) == 0
    (stood,) = desk.ask("list")
    assert (stood["touches"], stood["state"]) == (2, "waiting")
    assert letters(provider) == 1


@pytest.mark.parametrize("words", [(), ("--once",)])
def test_an_answer_that_never_comes_is_not_waited_for_and_the_letter_is_uncertain(
    desk: Desk, provider: EmbeddedProvider, server: Hesitation, words: tuple[str, ...]
) -> None:
    with running(desk, *words) as daemon:
        assert server.accepted.wait(90)
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(29) == 0  # systemd kills after 30 s
    assert letters(provider) == 1
    assert [each["event"] for each in desk.ask("show", ANNA)["events"]][-1] == "intent"
    desk.run("run", "--once")
    assert [each["event"] for each in desk.ask("show", ANNA)["events"]][-1] == "uncertain"
    assert letters(provider) == 1


def test_a_stop_that_does_not_wait_leaves_it_uncertain_and_it_does_not_go_twice(
    desk: Desk, provider: EmbeddedProvider, server: Hesitation
) -> None:
    with running(desk) as daemon:
        assert server.accepted.wait(90)
        daemon.kill()
        daemon.wait(60)
    server.go.set()
    desk.run("run", "--once")
    assert desk.ask("status", code=1)["uncertain"] == 1
    assert desk.ask("list")[0]["state"] == "held"
    assert letters(provider) == 1
