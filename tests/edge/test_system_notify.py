"""What systemd is told, and a watchdog that what hangs does not feed."""

import os
import socket
from pathlib import Path

import pytest

from inboxagent.edge.system_notify import Pulse, notify, watchdog_seconds


@pytest.mark.parametrize("abstract", [False, True])
def test_the_service_manager_is_told(tmp_path: Path, abstract: bool) -> None:
    name = f"@inboxagent-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(name.replace("@", "\0", 1) if abstract else name)
        notify({"NOTIFY_SOCKET": name}, "READY=1", "STATUS=well")
        assert manager.recv(100) == b"READY=1\nSTATUS=well"


def test_without_a_service_manager_nothing_happens(tmp_path: Path) -> None:
    notify({}, "READY=1")
    notify({"NOTIFY_SOCKET": str(tmp_path / "gone")}, "READY=1")


def test_the_watchdog_is_for_the_process_it_names() -> None:
    assert watchdog_seconds({"WATCHDOG_USEC": "1500000", "WATCHDOG_PID": str(os.getpid())}) == 1.5
    assert watchdog_seconds({"WATCHDOG_USEC": "1500000"}) == 1.5
    assert watchdog_seconds({"WATCHDOG_USEC": "1500000", "WATCHDOG_PID": "1"}) is None
    assert watchdog_seconds({}) is None


class Watched:
    """A pulse with a clock that the test winds."""

    def __init__(self, *accounts: str) -> None:
        self.seconds = 100.0
        self.fed: list[float] = []
        self.pulse = Pulse(lambda: self.fed.append(self.seconds), lambda: self.seconds, 5.0)
        for each in accounts:
            self.pulse.join(each)

    def beat(self, account: str, at: float) -> None:
        self.seconds = at
        self.pulse.beat(account)


def test_it_is_fed_while_things_go_on_and_not_too_often() -> None:
    watched = Watched("maya")
    for second in range(100, 112):
        watched.beat("maya", second)
    assert watched.fed == [100, 105, 110]


def test_one_that_hangs_is_not_covered_by_another() -> None:
    watched = Watched("maya", "nora")
    watched.beat("nora", 100)
    watched.beat("maya", 100)
    for second in range(101, 200):
        watched.beat("maya", second)
    assert watched.fed == [100]
    watched.beat("nora", 200)
    assert watched.fed == [100, 200]


def test_one_that_has_ended_is_not_waited_for() -> None:
    watched = Watched("maya", "nora")
    watched.pulse.leave("nora")
    watched.beat("maya", 100)
    watched.pulse.join("nora")
    watched.beat("maya", 110)  # it was alive when last fed
    watched.beat("maya", 120)
    assert watched.fed == [100]
