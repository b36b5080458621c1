"""An embedded mail provider with its own clock, for tests that need a server but no particular one."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from inboxagent.cli.embedded import EmbeddedProvider

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def embedded() -> Iterator[EmbeddedProvider]:
    """Maya's provider, where Anna and Cris have mailboxes too; its clock stands at noon of 2 March 2026."""
    people = ("maya@consultant.test", "anna@prospect.test", "cris@prospect.test")
    with EmbeddedProvider(dict.fromkeys(people, "secret"), now=lambda: NOON) as provider:
        yield provider
