"""A connection that is lost at any byte: what is told is right, or nothing is told."""

from collections.abc import Mapping
from datetime import UTC, datetime

from inboxagent.cli.embedded import EmbeddedProvider
from inboxagent.edge.imap import ImapMailbox
from inboxagent.errors import Unreachable
from inboxagent.ports import Cursor, Mailbox, Search
from tests.fakes.cutting_proxy import CuttingProxy

MAYA = "maya@consultant.test"
STEP = 53  # bytes from one cut to the next


def letter(number: int) -> bytes:
    """A small message."""
    fields = f"From: anna@prospect.test\r\nMessage-ID: <{number}@prospect.test>\r\n"
    return f"{fields}In-Reply-To: <1@consultant.test>\r\n\r\nYes.\r\n".encode()


async def look(mailbox: Mailbox, told: dict[str, object]) -> None:
    """Everything a cycle asks; `told` gets what was answered."""
    status = told["status"] = await mailbox.status()
    inbox = status["INBOX"]
    page = await mailbox.headers("INBOX", Cursor(inbox.uidvalidity, 1), inbox.uidnext)
    told["page"] = (tuple(page.messages), page.next_uid)
    told["message"] = await mailbox.message(page.messages[-1])
    told["found"] = tuple(await mailbox.search(Search(message_ids=["<1@consultant.test>"])))


async def told_through(
    host: str, port: int, user: str, password: str, limit: int | None
) -> tuple[Mapping[str, object], int]:
    """What is told over a connection that ends after so many bytes, and how many there were."""
    told: dict[str, object] = {}
    with CuttingProxy(host, port, limit) as proxy:
        mailbox = ImapMailbox(
            host=proxy.host, port=proxy.port, security="none", username=user, password=lambda: password, read_after=60
        )
        try:
            await look(mailbox, told)
        except Unreachable:
            assert limit is not None
        finally:
            await mailbox.close()
        return told, proxy.passed


async def cut_everywhere(host: str, port: int, user: str, password: str) -> None:
    """Cut at every so-manieth byte: what is told is what an unbroken connection tells, or nothing."""
    right, total = await told_through(host, port, user, password, None)
    assert right.keys() == {"status", "page", "message", "found"}
    complete = 0
    for limit in range(0, total, STEP):
        told, _ = await told_through(host, port, user, password, limit)
        assert told.items() <= right.items()
        complete += told.keys() == right.keys()
    assert complete <= 150 // STEP + 1  # only the answer to LOGOUT may be missing, and servers tell how long it took


async def test_a_connection_that_is_lost_at_any_byte_tells_nothing_false(embedded: EmbeddedProvider) -> None:
    for number in range(3):
        embedded.deliver(MAYA, letter(number))
    await cut_everywhere(embedded.host, embedded.imap_port, MAYA, "secret")


async def test_an_append_through_a_lost_connection_is_not_doubled(embedded: EmbeddedProvider) -> None:
    for limit in range(200, 700, 17):
        with CuttingProxy(embedded.host, embedded.imap_port, limit) as proxy:
            mailbox = ImapMailbox(
                host=proxy.host,
                port=proxy.port,
                security="none",
                username=MAYA,
                password=lambda: "secret",
                read_after=60,
            )
            before = len(embedded.mail(MAYA, "Sent"))
            try:
                await mailbox.append("Sent", letter(limit), datetime(2026, 3, 2, tzinfo=UTC))
                least = 1
            except Unreachable:
                least = 0
            finally:
                await mailbox.close()
            assert least <= len(embedded.mail(MAYA, "Sent")) - before <= 1
