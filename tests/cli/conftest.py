"""Maya's desk, alone and with a mail provider."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from inboxagent.cli.embedded import EmbeddedProvider
from tests.cli.desk import SECRET, Desk, ago


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk without a mail provider."""
    return Desk(tmp_path)


@pytest.fixture
def provider(desk: Desk) -> Iterator[EmbeddedProvider]:
    """A mail provider that the desk is configured for, with Maya, Anna and Bart."""
    people = ("maya@lind.example", "anna@prospect.test", "bart@prospect.test")
    with EmbeddedProvider(dict.fromkeys(people, SECRET), now=lambda: ago(desk.days_ago)) as running:
        desk.configure(running.imap_port, running.submission_port)
        yield running
