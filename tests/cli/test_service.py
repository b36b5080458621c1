"""The agent of one account in a process: what tells systemd's watchdog that it goes on."""

import asyncio

import pytest

from inboxagent.cli.embedded import EmbeddedProvider
from inboxagent.cli.service import Service
from inboxagent.edge import imap_reading
from tests.cli.desk import Desk, write

ANNA = "anna@prospect.test"
STRANGER = (
    "From: Kim <kim@elsewhere.test>\r\nTo: maya@lind.example\r\nSubject: Hello\r\nMessage-ID: <{}@elsewhere.test>\r\n"
)
PAGES = 6


async def test_each_page_of_a_long_reading_and_each_cycle_is_heard_of(
    desk: Desk, provider: EmbeddedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P7: many letters of strangers cause no event, and take long to read; a quiet mailbox neither."""
    write(provider, ANNA)
    await asyncio.to_thread(desk.run, "enroll", "quick", ANNA, "--field", "project=the portal")
    monkeypatch.setattr(imap_reading, "PAGE", 5)
    beats, heard, stop = 0, asyncio.Event(), asyncio.Event()

    def beat() -> None:
        nonlocal beats
        beats += 1
        heard.set()

    service = Service(desk.composition, beat)
    try:
        await service.run_once(stop)
        for number in range(5 * PAGES):
            provider.deliver("maya@lind.example", f"{STRANGER.format(number)}\r\nHello.\r\n".encode())
        before = beats
        await service.run_once(stop)
        assert beats >= before + PAGES
        heard.clear()
        running = asyncio.create_task(service.run(stop))
        await asyncio.wait_for(heard.wait(), 20)
        stop.set()
        await running
    finally:
        await service.close(told=True)
