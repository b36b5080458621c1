"""The real servers as fixtures, one instance for all tests of a process; tests keep apart by `lab.new_user`."""

import os
from collections.abc import Iterator

import pytest

from tests.servers import cyrus
from tests.servers import lab as servers


def ask_for(reason: str | None) -> None:
    """Where servers are missing the test is skipped by name, or fails if the environment insists."""
    if reason and os.environ.get("INBOXAGENT_REQUIRE_SERVERS") == "1":
        pytest.fail(f"real servers are required here, but {reason}")
    if reason:
        pytest.skip(reason)


@pytest.fixture(scope="session")
def lab(dovecot_lab: servers.Lab) -> servers.Lab:
    """The one that nearly every test is content with."""
    return dovecot_lab


@pytest.fixture(scope="session")
def dovecot_lab() -> Iterator[servers.Lab]:
    """Dovecot and Postfix."""
    ask_for(servers.missing())
    with servers.Lab() as running:
        yield running


@pytest.fixture(scope="session")
def cyrus_lab() -> Iterator[servers.CyrusLab]:
    """Cyrus for the consultant, Dovecot for her prospects, Postfix between them."""
    ask_for(servers.missing() or cyrus.missing())
    with servers.CyrusLab() as running:
        yield running
