"""The Mailbox contract against a real Dovecot, over TLS and over STARTTLS."""

from collections.abc import Iterator

import pytest

from inboxagent.edge.imap import ImapMailbox
from tests.edge.test_imap_cuts import cut_everywhere, letter
from tests.edge.test_mailbox_contract import MailboxContract, Open
from tests.fakes.mail_program import ImapProgram
from tests.servers.lab import Lab


class TestDovecot(MailboxContract):
    """LIST-STATUS, SPECIAL-USE and UNSELECT are all there; a notice is held back for half a second."""

    @pytest.fixture
    def user(self, lab: Lab) -> str:
        return lab.new_user("maya", "consultant.test")

    @pytest.fixture
    def program(self, lab: Lab, user: str) -> Iterator[ImapProgram]:
        with ImapProgram(lab.host, lab.imaps_port, user, lab.password, lab.tls()) as program:
            yield program

    @pytest.fixture(params=["tls", "starttls"])
    def open_mailbox(self, lab: Lab, user: str, request: pytest.FixtureRequest) -> Open:
        port = lab.imaps_port if request.param == "tls" else lab.imap_port
        return lambda **options: ImapMailbox(
            host=lab.host,
            port=port,
            security=request.param,
            ca_file=str(lab.cafile),
            username=user,
            password=lambda: lab.password,
            **options,
        )


async def test_a_connection_to_dovecot_that_is_lost_at_any_byte_tells_nothing_false(lab: Lab) -> None:
    user = lab.new_user("maya", "consultant.test")
    for number in range(3):
        lab.deliver(user, letter(number))
    await cut_everywhere(lab.host, lab.imap_port, user, lab.password)
