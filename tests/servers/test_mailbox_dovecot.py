"""The Mailbox contract against a real Dovecot, over TLS and over STARTTLS."""

from collections.abc import Iterator

import pytest

from inboxagent.ports import Cursor, Search
from tests.edge.test_imap_cuts import cut_everywhere, letter
from tests.edge.test_mailbox_contract import MailboxContract, Open
from tests.fakes.mail_program import ImapProgram
from tests.servers.lab import Lab, mailbox_of


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
        return lambda **options: mailbox_of(lab, user, port=port, security=request.param, **options)

    async def test_wait_tells_of_every_mailbox(self, open_mailbox: Open, program: ImapProgram) -> None:
        """NOTIFY, also for a mailbox that was made meanwhile. A renewal of IDLE would tell of news by itself."""
        mailbox = open_mailbox(idle_after=120.0)
        assert await mailbox.wait(60) is True
        while await mailbox.wait(1.5):
            pass
        for name in ("Archive", "Sent", "Clients", "Archive", "INBOX"):
            if name == "Clients":
                program.create(name)
            program.deliver(letter(1), name)
            assert await mailbox.wait(60) is True
            while await mailbox.wait(0.9):
                pass
        await mailbox.close()

    async def test_the_deleted_parent_of_a_mailbox_is_no_mailbox(
        self, open_mailbox: Open, program: ImapProgram
    ) -> None:
        """Dovecot goes on listing it, without \\Noselect, and refuses its status: no reason to be blind for ever."""
        program.create("Clients")
        program.create("Clients/Anna")
        program.delete("Clients")
        mailbox = open_mailbox()
        names = set(await mailbox.status())
        assert "Clients/Anna" in names
        assert "Clients" not in names
        await mailbox.close()


async def test_two_hundred_mailboxes(lab: Lab) -> None:
    user = lab.new_user("maya", "consultant.test")
    with ImapProgram(lab.host, lab.imaps_port, user, lab.password, lab.tls()) as program:
        for number in range(200):
            program.create(f"Kunden/Österreich {number}")
        uid = program.deliver(letter(1), "Kunden/Österreich 137")
        mailbox = mailbox_of(lab, user)
        status = await mailbox.status()
        assert len(status) >= 204
        assert status["Kunden/Österreich 137"].uidnext == uid + 1
        assert len(await mailbox.search(Search(address="anna@prospect.test"))) == 1
        await mailbox.close()


async def test_a_message_of_a_hundred_megabytes(lab: Lab) -> None:
    """64 KB of its header section and 256 KB of its body are fetched, whatever lies there."""
    user = lab.new_user("maya", "consultant.test")
    lab.deliver(user, letter(1).replace(b"Yes.", b"x" * 998 + b"\r\n") + (b"y" * 98 + b"\r\n") * 1_000_000)
    mailbox = mailbox_of(lab, user)
    inbox = (await mailbox.status())["INBOX"]
    (message,) = (await mailbox.headers("INBOX", Cursor(inbox.uidvalidity, 1), inbox.uidnext)).messages
    raw = await mailbox.message(message)
    assert message.size > 100_000_000
    assert raw is not None
    assert 262_144 <= len(raw) <= 262_144 + 65_536
    await mailbox.close()


async def test_a_connection_to_dovecot_that_is_lost_at_any_byte_tells_nothing_false(lab: Lab) -> None:
    user = lab.new_user("maya", "consultant.test")
    for number in range(3):
        lab.deliver(user, letter(number))
    await cut_everywhere(lab.host, lab.imap_port, user, lab.password)
