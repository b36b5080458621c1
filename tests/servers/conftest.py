"""The real servers as fixtures, one instance for all tests of a process; tests keep apart by `lab.new_user`."""

import os
from collections.abc import Iterator

import pytest

from tests.servers import lab as servers


@pytest.fixture(scope="session")
def lab() -> Iterator[servers.Lab]:
    """Dovecot and Postfix; where they are missing the test is skipped by name, or fails if the environment insists."""
    reason = servers.missing()
    if reason and os.environ.get("INBOXAGENT_REQUIRE_SERVERS") == "1":
        pytest.fail(f"real servers are required here, but {reason}")
    if reason:
        pytest.skip(reason)
    with servers.Lab() as running:
        yield running
