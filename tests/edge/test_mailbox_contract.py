"""What every Mailbox promises: the model in memory, and IMAP against pymap here and Dovecot in tests/servers."""

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from inboxagent.cli.embedded import EmbeddedProvider
from inboxagent.edge.imap import ImapMailbox
from inboxagent.errors import Unreachable
from inboxagent.ports import Cursor, Fetched, Mailbox, Search
from tests.fakes.mail_program import FakeProgram, ImapProgram, MailProgram
from tests.fakes.mailbox import FakeMailbox

MAYA = "maya@consultant.test"
ANNA = "anna@prospect.test"
MORNING = datetime(2026, 3, 2, 8, 30, 15, tzinfo=UTC)

Open = Callable[..., Mailbox]


def letter(number: int = 1, sender: str = ANNA, to: str = MAYA, extra: str = "", text: str = "Yes, gladly.") -> bytes:
    """A message with the Message-ID <number@prospect.test>."""
    fields = f"From: {sender}\nTo: {to}\nSubject: Re: The proposal\nMessage-ID: <{number}@prospect.test>\n{extra}"
    return f"{fields}\n{text}\n".replace("\n", "\r\n").encode()


async def read(mailbox: Mailbox, name: str = "INBOX", first: int = 1) -> list[Fetched]:
    """All messages of a mailbox from a UID on."""
    status = (await mailbox.status())[name]
    page = await mailbox.headers(name, Cursor(status.uidvalidity, first), status.uidnext)
    assert page.next_uid == max(status.uidnext, first)
    return list(page.messages)


def ids(messages: list[Fetched]) -> list[str]:
    """The numbers of letters."""
    return [each.header.partition(b"Message-ID: <")[2].partition(b"@")[0].decode() for each in messages]


class MailboxContract:
    """The suite. A subclass gives `program`, another mail program, and `open_mailbox`, which makes a Mailbox."""

    odd_name = 'A & "B"'  # that the server allows for a mailbox

    @pytest.fixture
    def program(self) -> MailProgram:
        raise NotImplementedError

    @pytest.fixture
    def open_mailbox(self) -> Open:
        raise NotImplementedError

    @pytest.fixture
    async def mailbox(self, open_mailbox: Open) -> AsyncIterator[Mailbox]:
        mailbox = open_mailbox()
        yield mailbox
        await mailbox.close()

    # --- the look at everything

    async def test_status_tells_every_mailbox_but_drafts(self, mailbox: Mailbox, program: MailProgram) -> None:
        program.create("Clients")
        names = (await mailbox.status()).keys()
        assert names >= {"INBOX", "Sent", "Trash", "Archive", "Clients"}
        assert "Drafts" not in names

    async def test_status_sees_a_message_that_has_just_come(self, mailbox: Mailbox, program: MailProgram) -> None:
        before = await mailbox.status()
        for name in ("INBOX", "Archive"):
            uid = program.deliver(letter(), name)
            after = (await mailbox.status())[name]
            assert after.uidnext == uid + 1
            assert after.uidnext > before[name].uidnext
            assert after.uidvalidity == before[name].uidvalidity

    async def test_status_sees_a_message_in_the_mailbox_that_was_read_last(
        self, mailbox: Mailbox, program: MailProgram
    ) -> None:
        program.deliver(letter(1))
        await read(mailbox)
        uid = program.deliver(letter(2))
        assert (await mailbox.status())["INBOX"].uidnext == uid + 1
        assert ids(await read(mailbox)) == ["1", "2"]

    async def test_mailboxes_come_go_and_change_their_names(self, mailbox: Mailbox, program: MailProgram) -> None:
        await mailbox.status()
        program.create("Kunden Österreich")
        program.deliver(letter(), "Kunden Österreich")
        first = await mailbox.status()
        assert ids(await read(mailbox, "Kunden Österreich")) == ["1"]
        odd = self.odd_name
        program.rename("Kunden Österreich", odd)
        second = await mailbox.status()
        assert "Kunden Österreich" not in second
        assert second[odd].uidnext == first["Kunden Österreich"].uidnext
        assert ids(await read(mailbox, odd)) == ["1"]
        program.delete(odd)
        assert odd not in await mailbox.status()

    async def test_a_list_of_mailboxes_is_taken_at_its_word(self, open_mailbox: Open, program: MailProgram) -> None:
        program.create("Clients")
        mailbox = open_mailbox(mailboxes=["INBOX", "Clients"])
        assert (await mailbox.status()).keys() == {"INBOX", "Clients"}
        program.delete("Clients")
        with pytest.raises(Unreachable, match='no mailbox "Clients"'):
            await mailbox.status()
        with pytest.raises(Unreachable, match='no mailbox "Clients"'):
            await mailbox.search(Search(address=ANNA))
        await mailbox.close()

    # --- header sections

    async def test_headers_tell_place_arrival_size_and_fields(self, mailbox: Mailbox, program: MailProgram) -> None:
        raw = letter(7, extra="References: <1@consultant.test>\n <2@consultant.test>\nAuto-Submitted: auto-replied\n")
        uid = program.deliver(raw, received_at=MORNING.astimezone())
        (message,) = await read(mailbox)
        assert (message.mailbox, message.uid, message.size) == ("INBOX", uid, len(raw))
        assert message.uidvalidity == (await mailbox.status())["INBOX"].uidvalidity
        assert message.received_at == MORNING
        assert message.received_at.utcoffset() == timedelta(0)
        for field in (b"From: anna@prospect.test", b"<2@consultant.test>", b"Auto-Submitted: auto-replied"):
            assert field in message.header
        assert b"Yes, gladly" not in message.header

    async def test_headers_begin_at_the_cursor_and_end_below_uidnext(
        self, mailbox: Mailbox, program: MailProgram
    ) -> None:
        first, second, third = (program.deliver(letter(number)) for number in (1, 2, 3))
        status = (await mailbox.status())["INBOX"]
        program.deliver(letter(4))
        page = await mailbox.headers("INBOX", Cursor(status.uidvalidity, second), status.uidnext)
        assert [each.uid for each in page.messages] == [second, third]
        assert page.next_uid == status.uidnext
        page = await mailbox.headers("INBOX", Cursor(status.uidvalidity, first), third)
        assert [each.uid for each in page.messages] == [first, second]
        assert page.next_uid == third

    async def test_beyond_the_last_message_there_is_nothing(self, mailbox: Mailbox, program: MailProgram) -> None:
        uid = program.deliver(letter())
        assert await read(mailbox, first=uid + 1) == []
        assert await read(mailbox, "Archive") == []

    async def test_a_long_mailbox_comes_in_pages(self, mailbox: Mailbox, program: MailProgram) -> None:
        letters = [letter(number) for number in range(1_003)]
        program.deliver_many(letters)
        status = (await mailbox.status())["INBOX"]
        first = await mailbox.headers("INBOX", Cursor(status.uidvalidity, 1), status.uidnext)
        assert ids(list(first.messages)) == [str(number) for number in range(1_000)]
        second = await mailbox.headers("INBOX", Cursor(status.uidvalidity, first.next_uid), status.uidnext)
        assert ids(list(second.messages)) == ["1000", "1001", "1002"]
        assert second.next_uid == status.uidnext

    async def test_what_is_gone_is_passed_over(self, mailbox: Mailbox, program: MailProgram) -> None:
        uids = [program.deliver(letter(number)) for number in range(5)]
        await read(mailbox)
        program.expunge("INBOX", uids[1])
        program.expunge("INBOX", uids[4])
        assert [each.uid for each in await read(mailbox)] == [uids[0], uids[2], uids[3]]

    async def test_a_moved_message_is_found_where_it_went(self, mailbox: Mailbox, program: MailProgram) -> None:
        uid = program.deliver(letter(5), received_at=MORNING)
        await read(mailbox)
        new = program.move("INBOX", uid, "Archive")
        assert await read(mailbox) == []
        (message,) = await read(mailbox, "Archive")
        assert (message.uid, message.received_at) == (new, MORNING)

    async def test_another_uidvalidity_is_not_read(self, mailbox: Mailbox, program: MailProgram) -> None:
        program.create("Clients")
        program.deliver(letter(1), "Clients")
        before = (await mailbox.status())["Clients"]
        (message,) = await read(mailbox, "Clients")
        program.delete("Clients")
        program.create("Clients")
        program.deliver(letter(2), "Clients")
        if (await mailbox.status())["Clients"].uidvalidity == before.uidvalidity:
            pytest.fail("the server gave the new mailbox the UIDVALIDITY of the old one")
        with pytest.raises(Unreachable, match="UIDVALIDITY"):
            await mailbox.headers("Clients", Cursor(before.uidvalidity, 1), before.uidnext)
        with pytest.raises(Unreachable, match="UIDVALIDITY"):
            await mailbox.message(message)
        assert ids(await read(mailbox, "Clients")) == ["2"]

    async def test_a_mailbox_that_is_not_so_far_is_not_believed(self, mailbox: Mailbox, program: MailProgram) -> None:
        program.deliver(letter())
        status = (await mailbox.status())["INBOX"]
        with pytest.raises(Unreachable):
            await mailbox.headers("INBOX", Cursor(status.uidvalidity, 1), status.uidnext + 1)

    async def test_a_mailbox_that_is_not_there_cannot_be_read(self, mailbox: Mailbox) -> None:
        with pytest.raises(Unreachable, match="Nowhere"):
            await mailbox.headers("Nowhere", Cursor(1, 1), 2)
        assert "INBOX" in await mailbox.status()

    async def test_headers_since_an_instant(self, mailbox: Mailbox, program: MailProgram) -> None:
        for number, minutes in enumerate((-1, 0, 1)):
            program.deliver(letter(number), received_at=MORNING + timedelta(minutes=minutes))
        status = (await mailbox.status())["INBOX"]
        page = await mailbox.headers("INBOX", Cursor(status.uidvalidity, 1), status.uidnext, MORNING)
        assert ids(list(page.messages)) == ["1", "2"]
        assert page.next_uid == status.uidnext

    async def test_a_header_section_is_cut(self, mailbox: Mailbox, program: MailProgram) -> None:
        program.deliver(letter(1, extra="References: " + "<1@consultant.test>\n " * 5_000 + "<2@consultant.test>\n"))
        program.deliver(letter(2))
        first, second = await read(mailbox)
        assert 60_000 < len(first.header) <= 65_536
        assert ids([second]) == ["2"]

    # --- whole messages

    async def test_a_message_comes_as_it_is(self, mailbox: Mailbox, program: MailProgram) -> None:
        raw = letter(1, text='Grüße, with a "quote", a {5}\nand a line\n)\n* 1 FETCH (UID 9)\n')
        program.deliver(raw)
        (message,) = await read(mailbox)
        assert await mailbox.message(message) == raw

    async def test_a_message_without_a_body(self, mailbox: Mailbox, program: MailProgram) -> None:
        raw = b"From: anna@prospect.test\r\nSubject: Yes\r\n\r\n"
        program.deliver(raw)
        (message,) = await read(mailbox)
        assert await mailbox.message(message) == raw

    async def test_a_long_message_is_cut(self, mailbox: Mailbox, program: MailProgram) -> None:
        raw = letter(1, extra="X-Long: " + "word\n " * 20_000 + "end\n", text="line\n" * 100_000)
        program.deliver(raw)
        (message,) = await read(mailbox)
        cut = await mailbox.message(message)
        assert cut is not None
        header, _, body = cut.partition(b"\r\n\r\n")
        assert 60_000 < len(header) <= 65_536
        assert raw.startswith(header)
        assert body == raw.partition(b"\r\n\r\n")[2][:262_144]

    async def test_a_message_that_is_gone_is_none(self, mailbox: Mailbox, program: MailProgram) -> None:
        uid = program.deliver(letter())
        (message,) = await read(mailbox)
        program.expunge("INBOX", uid)
        assert await mailbox.message(message) is None

    # --- searching

    async def test_search_by_address_in_all_mailboxes(self, mailbox: Mailbox, program: MailProgram) -> None:
        program.create("Clients")
        program.deliver(letter(1), "Clients", received_at=MORNING)
        program.deliver(
            letter(2, sender=MAYA, to=f'"A." <{ANNA.upper()}>, x@y.test'), "Sent", received_at=MORNING + timedelta(1)
        )
        program.deliver(
            letter(3, sender="b@c.test", extra=f"Cc: Anna\n <{ANNA}>\n"), received_at=MORNING - timedelta(1)
        )
        for number, other in enumerate((f"jo{ANNA}", f"{ANNA}.example", "b@c.test"), start=4):
            program.deliver(letter(number, sender=other, text=f"I know {ANNA}."))
        program.deliver(letter(8), "Drafts")
        found = await mailbox.search(Search(address=ANNA))
        assert [(*ids([each]), each.mailbox) for each in found] == [("3", "INBOX"), ("1", "Clients"), ("2", "Sent")]

    async def test_search_since_an_instant(self, mailbox: Mailbox, program: MailProgram) -> None:
        for number, minutes in enumerate((-1_500, -1, 0, 1)):
            program.deliver(letter(number), received_at=MORNING + timedelta(minutes=minutes))
        program.deliver(letter(9, extra="In-Reply-To: <a@consultant.test>\n"), received_at=MORNING - timedelta(days=9))
        wanted = Search(address=ANNA, message_ids=["<a@consultant.test>"], received_since=MORNING)
        assert ids(list(await mailbox.search(wanted))) == ["9", "2", "3"]

    async def test_search_by_message_ids_is_exact(self, mailbox: Mailbox, program: MailProgram) -> None:
        program.deliver(letter(1, extra="In-Reply-To: <a@consultant.test>\n"), received_at=MORNING)
        program.deliver(letter(2, extra="References: <b@consultant.test>\n <c@consultant.test>\n"), "Archive")
        program.deliver(letter(3, extra="In-Reply-To: <aa@consultant.test>\nReferences: <A@consultant.test>\n"))
        program.deliver(letter(4, extra="Subject: about <a@consultant.test>\n", text="<a@consultant.test>"))

        async def find(*message_ids: str) -> set[str]:
            return set(ids(list(await mailbox.search(Search(message_ids=message_ids)))))

        assert await find("<a@consultant.test>") == {"1"}
        assert await find("<c@consultant.test>", "<nobody@consultant.test>") == {"2"}
        assert await find("<3@prospect.test>", "<a@consultant.test>") == {"1", "3"}
        assert await find(*(f"<{number}@nobody.test>" for number in range(30)), "<b@consultant.test>") == {"2"}
        assert await find("a@consultant.test") == set()

    @pytest.mark.parametrize(
        "odd", ['<a"b\\c@x.test>', "<(a)%*{3}@x.test>", "<a b@x.test>", "<" + "long" * 60 + "@x.test>"]
    )
    async def test_search_for_odd_message_ids(self, mailbox: Mailbox, program: MailProgram, odd: str) -> None:
        program.deliver(letter(1, extra=f"References: <1@consultant.test> {odd}\n"))
        program.deliver(letter(2))
        found = await mailbox.search(Search(message_ids=[odd]))
        assert ids(list(found)) in (["1"], [] if " " in odd else ["1"])

    async def test_nothing_is_wanted_and_nothing_found(self, mailbox: Mailbox, program: MailProgram) -> None:
        program.deliver(letter())
        assert list(await mailbox.search(Search())) == []

    # --- Sent, and the only thing that is written

    async def test_sent_is_found_or_named(self, mailbox: Mailbox, open_mailbox: Open) -> None:
        assert await mailbox.sent() == "Sent"
        named = open_mailbox(sent="Out")
        assert await named.sent() == "Out"
        assert await mailbox.files_sent() is False
        await named.close()

    async def test_append_files_a_seen_message_at_its_time(self, mailbox: Mailbox, program: MailProgram) -> None:
        raw = letter(1, sender=MAYA, to=ANNA)
        await mailbox.append("Sent", raw, MORNING)
        (message,) = await read(mailbox, "Sent")
        assert message.received_at == MORNING
        assert program.raw("Sent", message.uid) == raw
        assert program.state()["Sent"][message.uid] == {"\\Seen"}

    async def test_append_to_nowhere_fails_and_the_mailbox_goes_on(self, mailbox: Mailbox) -> None:
        with pytest.raises(Unreachable, match="Nowhere"):
            await mailbox.append("Nowhere", letter(), MORNING)
        assert "INBOX" in await mailbox.status()

    async def test_nothing_else_changes_the_mailboxes(self, mailbox: Mailbox, program: MailProgram) -> None:
        flagged = program.deliver(letter(1))
        program.flag("INBOX", flagged, "\\Flagged", "\\Deleted")
        program.deliver(letter(2, sender=MAYA, to=ANNA), "Sent")
        program.deliver(letter(3), "Archive")
        before = program.state()
        for name in ("INBOX", "Sent", "Archive"):
            for message in await read(mailbox, name):
                await mailbox.message(message)
        await mailbox.search(Search(address=ANNA, message_ids=["<1@prospect.test>"]))
        await mailbox.wait(0.2)
        await mailbox.status()
        await mailbox.close()
        assert program.state() == before

    # --- waiting

    async def test_wait_tells_of_new_mail(self, mailbox: Mailbox, program: MailProgram) -> None:
        assert await mailbox.wait(60) is True  # connected: something may have been missed
        for number in range(3):
            assert await mailbox.wait(0.3) is False
            program.deliver(letter(number))
            assert await mailbox.wait(60) is True

    async def test_wait_tells_of_mail_that_came_between_two_calls(self, mailbox: Mailbox, program: MailProgram) -> None:
        assert await mailbox.wait(60) is True
        program.deliver(letter())
        await mailbox.status()
        assert await mailbox.wait(60) is True

    async def test_close_may_be_said_twice_and_before_anything(self, open_mailbox: Open) -> None:
        mailbox = open_mailbox()
        await mailbox.close()
        await mailbox.close()


class TestFakeMailbox(MailboxContract):
    """The model that the tests of everything above use."""

    @pytest.fixture
    def program(self) -> FakeProgram:
        return FakeProgram(now=lambda: MORNING)

    @pytest.fixture
    def open_mailbox(self, program: FakeProgram) -> Open:
        return lambda **options: FakeMailbox(program, **options)


class TestPymap(MailboxContract):
    """IMAP against pymap, which has neither LIST-STATUS nor UNSELECT."""

    @pytest.fixture
    def program(self, embedded: EmbeddedProvider) -> Iterator[ImapProgram]:
        with ImapProgram(embedded.host, embedded.imap_port, MAYA, "secret") as program:
            yield program

    @pytest.fixture
    def open_mailbox(self, embedded: EmbeddedProvider) -> Open:
        return lambda **options: ImapMailbox(
            host=embedded.host,
            port=embedded.imap_port,
            security="none",
            username=MAYA,
            password=lambda: "secret",
            **options,
        )

    async def test_a_message_with_lf_alone_keeps_its_header_section(
        self, mailbox: Mailbox, embedded: EmbeddedProvider
    ) -> None:
        """Found by the torture: without it nobody knew who had answered, and the next letter went out."""
        raw = letter().replace(b"\r\n", b"\n")
        embedded.deliver(MAYA, raw)
        (fetched,) = await read(mailbox)
        assert await mailbox.message(fetched) == raw
