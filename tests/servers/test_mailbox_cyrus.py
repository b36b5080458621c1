"""The Mailbox contract against a real Cyrus: special mailboxes in lower case, news at once, but only of INBOX."""

from collections.abc import Iterator

import pytest

from tests.edge.test_imap_cuts import cut_everywhere, letter
from tests.edge.test_mailbox_contract import MailboxContract, Open
from tests.fakes.mail_program import ImapProgram
from tests.servers.lab import CyrusLab, mailbox_of


class CyrusProgram(ImapProgram):
    """Cyrus does not take the MULTIAPPEND that imapclient writes."""

    def deliver_many(self, raws: list[bytes]) -> None:
        """One APPEND after the other, none of which waits for the one before (RFC 7888)."""
        imap = self._client._imap
        commands = [b"m%d APPEND INBOX {%d+}\r\n%s\r\n" % (number, len(raw), raw) for number, raw in enumerate(raws)]
        imap.send(b"".join(commands))
        while not (line := imap.readline()).startswith(b"m%d " % (len(raws) - 1)):
            assert line


class TestCyrus(MailboxContract):
    """LIST-STATUS, SPECIAL-USE and UNSELECT are all there; NOTIFY is not."""

    odd_name = "A & B"  # no quotation marks

    @pytest.fixture
    def user(self, cyrus_lab: CyrusLab) -> str:
        return cyrus_lab.new_user("maya", "consultant.test")

    @pytest.fixture
    def program(self, cyrus_lab: CyrusLab, user: str) -> Iterator[CyrusProgram]:
        lab = cyrus_lab
        with CyrusProgram(lab.host, lab.imaps_port, user, lab.password, lab.tls()) as program:
            yield program

    @pytest.fixture
    def open_mailbox(self, cyrus_lab: CyrusLab, user: str) -> Open:
        return lambda **options: mailbox_of(cyrus_lab, user, **options)


async def test_a_connection_to_cyrus_that_is_lost_at_any_byte_tells_nothing_false(cyrus_lab: CyrusLab) -> None:
    user = cyrus_lab.new_user("maya", "consultant.test")
    for number in range(3):
        cyrus_lab.deliver(user, letter(number))
    await cut_everywhere(cyrus_lab.host, cyrus_lab.imap_port, user, cyrus_lab.password)
