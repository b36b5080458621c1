"""Servers that fail, lie or keep silent: each ends in one clear sentence in time, and the next call works."""

import asyncio
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from inboxagent.edge.imap import ImapMailbox
from inboxagent.errors import ConfigError, LoginRefused, Unreachable
from inboxagent.ports import Cursor, Fetched, Search, Status
from tests.fakes.scripted_imap import FETCHED, SECTION, Answer, Line, ScriptedImap, say, send

CERTIFICATES = Path(__file__).parent / "certificates"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PLACE = Fetched(mailbox="INBOX", uidvalidity=7, uid=5, received_at=NOON, size=70, header=b"")
MESSAGE = say(
    b"* 1 FETCH (UID 5 BODY[HEADER]<0> {%d}\r\n%s BODY[TEXT]<0> NIL)" % (len(SECTION), SECTION), "TAG OK done"
)
QUICK = {"connect_after": 0.4, "read_after": 0.5, "call_after": 1.0}  # for servers that keep silent
LIMIT = 30.0  # a busy machine's time for that, and less than who is patient waits

Job = Callable[[ImapMailbox], Awaitable[Any]]

JOBS: Mapping[str, Job] = {
    "status": lambda mailbox: mailbox.status(),
    "headers": lambda mailbox: mailbox.headers("INBOX", Cursor(7, 1), 6),
    "message": lambda mailbox: mailbox.message(PLACE),
    "search": lambda mailbox: mailbox.search(Search(address="anna@prospect.test")),
    "sent": lambda mailbox: mailbox.sent(),
    "append": lambda mailbox: mailbox.append("INBOX", b"From: a@b.test\r\n\r\n", NOON),
}


def open_mailbox(server: ScriptedImap, **options: Any) -> ImapMailbox:
    """A mailbox that is patient, if nothing else is said: what has to come may come late on a busy machine."""
    settings = {"security": "none", "connect_after": 60.0, "read_after": 60.0, "call_after": 60.0, **options}
    settings = {"host": server.host, "port": server.port, "username": "maya", "password": lambda: "s3cret", **settings}
    return ImapMailbox(retry_after=(0.02, 0.1), **settings)


async def fail(server: ScriptedImap, job: Job, **options: Any) -> str:
    """The sentence in which a job ends, which must come in time."""
    mailbox = open_mailbox(server, **options)
    begun = time.monotonic()
    try:
        with pytest.raises(Unreachable) as caught:
            await job(mailbox)
    finally:
        await mailbox.close()
    assert time.monotonic() - begun < LIMIT
    sentence = str(caught.value)
    assert "s3cret" not in sentence
    assert "\n" not in sentence
    return sentence


def drip(line: Line, tag: str, rest: str) -> None:
    """A byte now and then: no read ever times out, and nothing ever comes of it."""
    for byte in b"* OK [ALERT] " + b"x" * 10_000:
        line.send(bytes([byte]))
        time.sleep(0.05)


GREETINGS: list[tuple[str, Answer, str]] = [
    ("never comes", lambda line, tag, rest: line.hang(), "does not answer"),
    ("is BYE", say("* BYE too many connections"), "too many connections"),
    ("is the end", lambda line, tag, rest: line.close(), "the connection ended"),
    ("is a reset", lambda line, tag, rest: line.reset(), "127.0.0.1"),
    ("is another protocol", say("220 mail.consultant.test ESMTP"), "ESMTP"),
    ("is binary", send(b"\x00\xff\xfe\r\n"), "ended the dialogue"),
    ("is endless", send(b"* OK " + b"x" * 17_000_000), "more than"),
    ("drips", drip, "within 1 seconds"),
]
SILENT = ("never comes", "drips")


@pytest.mark.parametrize(("what", "greeting", "words"), GREETINGS, ids=[each[0] for each in GREETINGS])
async def test_a_greeting(what: str, greeting: Answer, words: str) -> None:
    with ScriptedImap({"GREETING": greeting}) as server:
        sentence = await fail(server, JOBS["status"], **(QUICK if what in SILENT else {}))
    assert f"127.0.0.1:{server.port}" in sentence
    assert words in sentence


CUTS: list[tuple[str, str]] = [
    ("status", "LIST"),
    ("status", "STATUS"),
    ("headers", "EXAMINE"),
    ("headers", "SEARCH"),
    ("headers", "FETCH"),
    ("message", "FETCH"),
    ("search", "SEARCH"),
    ("sent", "LIST"),
    ("append", "APPEND"),
]

ENDS: Mapping[str, Answer] = {
    "end": lambda line, tag, rest: line.close(),
    "reset": lambda line, tag, rest: line.reset(),
    "silence": lambda line, tag, rest: line.hang(),
    "BYE": lambda line, tag, rest: (line.say("* BYE restarting"), line.close())[0],
    "garbage": say("\x01\x02 garbage \xff"),
    "half a line": send(b"* 1 FET", Line.close),
    "another's tag": say("zzz9 OK done"),
    "BAD": say("TAG BAD nonsense"),
    "NO": say("TAG NO [SERVERBUG] not now"),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(("job", "verb"), CUTS)
async def test_a_line_that_breaks_anywhere(job: str, verb: str, end: str) -> None:
    with ScriptedImap({verb: ENDS[end]}) as server:
        sentence = await fail(server, JOBS[job], **(QUICK if end == "silence" else {}))
        assert f"127.0.0.1:{server.port}" in sentence


@pytest.mark.parametrize(
    "answer",
    [
        FETCHED[:40],  # in the middle of the line
        FETCHED[: FETCHED.index(b"From") + 9],  # in the middle of the literal
        FETCHED[:-3],  # between the literal and its end
        FETCHED,  # before the tagged answer
        FETCHED.replace(b"{%d}" % len(SECTION), b"{999999999999}"),
        FETCHED.replace(b"{%d}" % len(SECTION), b"{7}"),
    ],
)
async def test_a_fetch_that_is_cut_gives_nothing(answer: bytes) -> None:
    with ScriptedImap({"FETCH": send(answer, Line.close)}) as server:
        await fail(server, JOBS["headers"])


async def test_a_literal_that_is_longer_than_what_was_asked_for() -> None:
    with ScriptedImap(
        {"FETCH": say(b"* 1 FETCH (UID 5 BODY[TEXT]<0> {2000000}", b"x" * 2_000_000, "TAG OK done")}
    ) as server:
        assert "a literal of 2000000 bytes" in await fail(server, JOBS["headers"])


@pytest.mark.parametrize("job", JOBS)
async def test_the_call_after_a_failure_connects_anew(job: str) -> None:
    appended = say("+ go on", "TAG OK done")
    polite = {"APPEND": appended, **({"FETCH": MESSAGE} if job == "message" else {})}
    with ScriptedImap({"AUTHENTICATE": ENDS["end"]}, polite) as server:
        mailbox = open_mailbox(server)
        with pytest.raises(Unreachable):
            await JOBS[job](mailbox)
        await JOBS[job](mailbox)
        assert server.connections == 2
        await mailbox.close()


async def test_a_connection_that_died_while_it_rested_is_replaced_unnoticed() -> None:
    def dying(line: Line, tag: str, rest: str) -> None:
        line.say("* STATUS INBOX (UIDNEXT 6 UIDVALIDITY 7)", f"{tag} OK done")
        line.close()

    with ScriptedImap({"STATUS": dying}) as server:
        mailbox = open_mailbox(server)
        for _ in range(3):
            assert (await mailbox.status())["INBOX"].uidnext == 6
        assert server.connections == 3
        await mailbox.close()


async def test_an_append_is_never_tried_twice() -> None:
    with ScriptedImap({"APPEND": ENDS["end"]}) as server:
        mailbox = open_mailbox(server)
        await mailbox.status()
        with pytest.raises(Unreachable):
            await mailbox.append("INBOX", b"From: a@b.test\r\n\r\n", NOON)
        assert sum(command.startswith("APPEND") for command in server.heard) == 1
        await mailbox.close()


async def test_a_call_that_is_given_up_cuts_the_line_and_the_next_one_works() -> None:
    with ScriptedImap({"LIST": ENDS["silence"]}, {}) as server:
        mailbox = open_mailbox(server, read_after=30, call_after=30)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await mailbox.status()
        async with asyncio.timeout(LIMIT):
            assert "INBOX" in await mailbox.status()
        await mailbox.close()


async def test_a_call_that_takes_too_long_cuts_the_line_and_the_next_one_works() -> None:
    with ScriptedImap({"LIST": ENDS["silence"]}, {}) as server:
        mailbox = open_mailbox(server, read_after=30, call_after=0.3)
        with pytest.raises(Unreachable, match=r"within 0\.3 seconds"):
            await mailbox.status()
        async with asyncio.timeout(LIMIT):
            assert "INBOX" in await mailbox.status()
        await mailbox.close()


# --- the way there


async def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    mailbox = ImapMailbox(host="127.0.0.1", port=port, security="none", username="maya", password=lambda: "s3cret")
    with pytest.raises(Unreachable, match=f"127.0.0.1:{port} refuses the connection; check host and port"):
        await mailbox.status()
    await mailbox.close()


async def test_a_name_that_does_not_exist() -> None:
    mailbox = ImapMailbox(host="imap.invalid", port=993, security="tls", username="maya", password=lambda: "s3cret")
    with pytest.raises(Unreachable, match=r"the name imap\.invalid cannot be found"):
        await mailbox.status()
    await mailbox.close()


def server_tls(name: str) -> ssl.SSLContext:
    """A server's context with one of the certificates of the tests."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATES / f"{name}.pem", CERTIFICATES / "key.pem")
    return context


@pytest.mark.parametrize("name", ["expired", "elsewhere", "trusted"])
async def test_a_certificate_that_is_not_valid(name: str) -> None:
    ca_file = None if name == "trusted" else str(CERTIFICATES / f"{name}.pem")
    with ScriptedImap(tls=server_tls(name)) as server:
        sentence = await fail(server, JOBS["status"], security="tls", ca_file=ca_file)
        assert f"the certificate of 127.0.0.1:{server.port} is not valid: " in sentence
        assert "set ca_file for a private authority" in sentence
        assert server.heard == []


async def test_a_private_authority() -> None:
    with ScriptedImap(tls=server_tls("trusted")) as server:
        mailbox = open_mailbox(server, security="tls", ca_file=str(CERTIFICATES / "trusted.pem"))
        assert "INBOX" in await mailbox.status()
        await mailbox.close()


async def test_a_file_of_certificates_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing")
    with ScriptedImap(tls=server_tls("trusted")) as server:
        for name in ("missing.pem", "empty.pem"):
            sentence = await fail(server, JOBS["status"], security="tls", ca_file=str(tmp_path / name))
            assert f"{name} cannot be read" in sentence


async def test_a_server_that_does_not_speak_tls() -> None:
    with ScriptedImap() as server:
        assert "does not speak TLS" in await fail(server, JOBS["status"], security="tls")


async def test_a_handshake_that_never_ends() -> None:
    with ScriptedImap({"GREETING": ENDS["silence"]}) as server:
        await fail(server, JOBS["status"], security="tls", connect_after=30, call_after=0.5)


async def test_without_starttls_the_password_is_not_sent() -> None:
    with ScriptedImap() as server:
        sentence = await fail(server, JOBS["status"], security="starttls")
        assert "offers no STARTTLS; the password was not sent" in sentence
        assert not any(command.startswith(("LOGIN", "AUTHENTICATE")) for command in server.heard)


async def test_what_was_said_in_clear_before_starttls_is_forgotten() -> None:
    def forge(line: Line, tag: str, rest: str) -> None:
        line.say(f"{tag} OK begin", "* CAPABILITY IMAP4rev1 AUTH=PLAIN FORGED")  # RFC 3501, 6.2.1
        line.sock = server_tls("trusted").wrap_socket(line.sock, server_side=True)
        line.hang()

    clear = {"CAPABILITY": say("* CAPABILITY IMAP4rev1 STARTTLS", "TAG OK done"), "STARTTLS": forge}
    with ScriptedImap({**clear, "GREETING": say("* OK ready")}) as server:
        await fail(server, JOBS["status"], security="starttls", ca_file=str(CERTIFICATES / "trusted.pem"), **QUICK)
        assert not any(command.startswith(("LOGIN", "AUTHENTICATE")) for command in server.heard)


def test_without_tls_only_this_machine() -> None:
    for host in ("imap.consultant.test", "192.0.2.1"):
        with pytest.raises(ConfigError, match="loopback"):
            ImapMailbox(host=host, port=143, security="none", username="maya", password=lambda: "s3cret")


# --- the log-in


def refuse(*words: str) -> Mapping[str, Answer]:
    """A server that answers so to a log-in of either kind."""

    def answer(line: Line, tag: str, rest: str) -> None:
        if rest == "PLAIN":
            line.say("+ ")
            line.hear()
        line.say(*(each.replace("TAG", tag) for each in words))
        if "BYE" in words[-1]:
            line.close()

    return {"AUTHENTICATE": answer, "LOGIN": answer}


@pytest.mark.parametrize("capability", ["AUTH=PLAIN", ""])
@pytest.mark.parametrize("words", ["[AUTHENTICATIONFAILED] wrong", "wrong, s3cret is no good", "[EXPIRED] too old"])
async def test_a_refused_log_in_is_final(words: str, capability: str) -> None:
    script = {**refuse(f"TAG NO {words}"), "GREETING": say("* OK ready")}
    script["CAPABILITY"] = say(f"* CAPABILITY IMAP4rev1 IDLE {capability}", "TAG OK done")
    with ScriptedImap(script) as server:
        mailbox = open_mailbox(server)
        with pytest.raises(LoginRefused) as caught:
            await mailbox.status()
        sentence = str(caught.value)
        assert f"127.0.0.1:{server.port} refuses the log-in of maya: " in sentence
        assert words.replace("s3cret", "***") in sentence
        assert "s3cret" not in sentence
        for again in (mailbox.status(), mailbox.wait(1), mailbox.sent()):
            with pytest.raises(LoginRefused):
                await again
        assert server.connections == 1
        await mailbox.close()


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("TAG NO [LIMIT] try again in 5 minutes", 300),
        ("TAG BAD Request is throttled. Suggested Backoff Time: 56120 milliseconds", 56.12),
        ("TAG NO [UNAVAILABLE] Rate limit hit. Retry after 90 s.", 90),
        ("TAG NO [INUSE] wait 999999 hours", 86_400),
        ("TAG NO [LIMIT] try again later", None),
        ("TAG NO [LIMIT] 20 minutes of CPU used", None),
    ],
)
async def test_a_pause_that_the_server_asks_for_is_told(words: str, seconds: float | None) -> None:
    with ScriptedImap(refuse(words)) as server:
        mailbox = open_mailbox(server)
        with pytest.raises(Unreachable) as caught:
            await mailbox.status()
        assert caught.value.retry_after == pytest.approx(seconds)
        await mailbox.close()


@pytest.mark.parametrize(
    "words",
    [
        ("TAG NO [UNAVAILABLE] later",),
        ("TAG NO [INUSE] later",),
        ("TAG NO [LIMIT] later",),
        ("TAG NO [ALERT] Too many simultaneous connections. (Failure)",),
        ("TAG NO Temporary authentication failure.",),
        ("TAG BAD what is that?",),
        ("* BYE closing down",),
        ("garbage",),
    ],
)
@pytest.mark.parametrize("capability", ["AUTH=PLAIN", ""])
async def test_a_log_in_that_may_work_later(words: tuple[str], capability: str) -> None:
    script = {**refuse(*words), "GREETING": say("* OK ready")}
    script["CAPABILITY"] = say(f"* CAPABILITY IMAP4rev1 IDLE {capability}", "TAG OK done")
    with ScriptedImap(script) as server:
        assert "does not let maya log in now" in await fail(server, JOBS["status"])


async def test_a_server_that_takes_no_password() -> None:
    capabilities = say("* CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=GSSAPI", "TAG OK done")
    with ScriptedImap({"GREETING": say("* OK ready"), "CAPABILITY": capabilities}) as server:
        assert "no way to log in with a password; it was not sent" in await fail(server, JOBS["status"])
        assert not any(command.startswith(("LOGIN", "AUTHENTICATE")) for command in server.heard)


@pytest.mark.parametrize("password", ['qu"o\\te {3} %*', "pässwörd"])
async def test_login_with_an_odd_password(password: str) -> None:
    got: list[str] = []

    def login(line: Line, tag: str, rest: str) -> None:
        if rest.endswith("}"):
            line.say("+ go on")
            rest += line.hear()
        got.append(rest)
        line.say(f"{tag} OK welcome")

    plain = say("* CAPABILITY IMAP4rev1", "TAG OK done")
    with ScriptedImap({"GREETING": say("* OK ready"), "CAPABILITY": plain, "LOGIN": login}) as server:
        mailbox = open_mailbox(server, username='ma"ya', password=lambda: password)
        await mailbox.status()
        await mailbox.close()
    quoted = '"ma\\"ya" "qu\\"o\\\\te {3} %*"'
    assert got == [quoted if password.isascii() else '"ma\\"ya" {10}' + password.encode().decode("latin-1")]


async def test_the_password_is_asked_for_at_each_log_in() -> None:
    asked: list[int] = []

    def password() -> str:
        asked.append(1)
        return "s3cret"

    with ScriptedImap({"LIST": ENDS["end"]}, {}) as server:
        mailbox = open_mailbox(server, password=password)
        with pytest.raises(Unreachable):
            await mailbox.status()
        await mailbox.status()
        await mailbox.status()
        assert len(asked) == 2
        await mailbox.close()


# --- answers that are odd, or not enough


async def status(*lists: str | bytes, **answers: Answer) -> Mapping[str, Status]:
    """The status that a server tells which lists these mailboxes."""
    script = {"LIST": say(*lists, "TAG OK done"), **answers}
    with ScriptedImap(script) as server:
        mailbox = open_mailbox(server)
        try:
            return await mailbox.status()
        finally:
            await mailbox.close()


async def test_drafts_and_what_cannot_be_opened_are_left_out() -> None:
    told = await status(
        '* LIST (\\HasNoChildren) "." INBOX',
        '* LIST (\\Noselect) "." Clients',
        '* LIST (\\NonExistent) "." Gone',
        '* LIST (\\HasNoChildren \\DRAFTS) "." INBOX.Anything',
        '* LIST (\\HasNoChildren) NIL "Drafts"',
        STATUS=lambda line, tag, rest: line.say(
            f"* STATUS {rest.split(' (')[0]} (UIDNEXT 6 UIDVALIDITY 7)", f"{tag} OK x"
        ),
    )
    assert told.keys() == {"INBOX", "Drafts"}  # that one is not what is marked as Drafts


async def test_inbox_is_asked_last_and_is_always_asked() -> None:
    asked: list[str] = []

    def answer(line: Line, tag: str, rest: str) -> None:
        asked.append(rest.split(" (")[0])
        line.say(f"* STATUS {asked[-1]} (UIDVALIDITY 7 UIDNEXT 6)", f"{tag} OK done")

    assert (await status('* LIST () "/" inbox', '* LIST () "/" Later', STATUS=answer)).keys() == {"INBOX", "Later"}
    assert asked == ['"Later"', '"INBOX"']
    assert (await status(STATUS=answer)).keys() == {"INBOX"}


async def test_names_as_literals_quoted_and_in_modified_utf_7() -> None:
    def answer(line: Line, tag: str, rest: str) -> None:
        name = rest.removesuffix(" (UIDNEXT UIDVALIDITY)")
        literal = name.strip('"').replace("\\", "")
        line.say(f"* STATUS {{{len(literal)}}}", f"{literal} (UIDNEXT 6 UIDVALIDITY 7 )", f"{tag} OK done")

    names = (b"{7}\r\nA (b) c", b'"quo\\"ted"', b"Entw&APw-rfe", b"2026", b"NIL")
    told = await status(*(b'* LIST () "/" ' + name for name in names), STATUS=answer)
    assert told.keys() == {"INBOX", "A (b) c", 'quo"ted', "2026", "NIL"}


async def test_a_status_that_is_refused_means_that_nothing_is_known() -> None:
    with pytest.raises(Unreachable, match='status of the mailbox "INBOX": no permission'):
        await status('* LIST () "/" INBOX', STATUS=say("TAG NO no permission"))


async def test_a_mailbox_that_vanishes_between_list_and_status_is_no_failure() -> None:
    lists = [('* LIST () "/" INBOX', '* LIST () "/" Old'), ('* LIST () "/" INBOX',)]

    def answer(line: Line, tag: str, rest: str) -> None:
        if "Old" in rest:
            line.say(f"{tag} NO [NONEXISTENT] no such mailbox")
        else:
            line.say("* STATUS INBOX (UIDNEXT 6 UIDVALIDITY 7)", f"{tag} OK done")

    listed = lambda line, tag, rest: line.say(*lists.pop(0), f"{tag} OK done")  # noqa: E731
    with ScriptedImap({"LIST": listed, "STATUS": answer}) as server:
        mailbox = open_mailbox(server)
        assert (await mailbox.status()).keys() == {"INBOX"}
        await mailbox.close()


async def test_list_status_takes_one_command() -> None:
    capabilities = say("* CAPABILITY IMAP4rev1 LIST-STATUS SPECIAL-USE LIST-EXTENDED", "TAG OK done")
    both = say('* LIST () "/" INBOX', "* STATUS INBOX (UIDNEXT 9 UIDVALIDITY 7)", "TAG OK done")
    with ScriptedImap({"GREETING": say("* OK hi"), "CAPABILITY": capabilities, "LIST": both}) as server:
        mailbox = open_mailbox(server)
        assert await mailbox.status() == {"INBOX": Status(7, 9)}
        await mailbox.close()
    asked = [command for command in server.heard if command.startswith(("LIST", "STATUS"))]
    assert asked == ['LIST "" "*" RETURN (SPECIAL-USE STATUS (UIDNEXT UIDVALIDITY))']


@pytest.mark.parametrize("told", ["TAG OK [CAPABILITY IMAP4rev1 LIST-STATUS] welcome", "TAG OK welcome"])
async def test_what_counts_is_what_a_server_offers_after_the_log_in(told: str) -> None:
    offers = ["* CAPABILITY IMAP4rev1 AUTH=PLAIN", "* CAPABILITY IMAP4rev1 LIST-STATUS"]

    def log_in(line: Line, tag: str, rest: str) -> None:
        line.say("+ ")
        line.hear()
        line.say(told.replace("TAG", tag))

    script = {
        "GREETING": say("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi"),
        "CAPABILITY": lambda line, tag, rest: line.say(offers.pop(0), f"{tag} OK done"),
        "AUTHENTICATE": log_in,
    }
    with ScriptedImap(script) as server:
        mailbox = open_mailbox(server)
        await mailbox.status()
        await mailbox.close()
    assert any("RETURN" in command for command in server.heard)


async def test_a_mailbox_without_status_in_the_list_is_asked_for_it() -> None:
    capabilities = say("* CAPABILITY IMAP4rev1 LIST-STATUS", "TAG OK done")
    with ScriptedImap({"GREETING": say("* OK hi"), "CAPABILITY": capabilities}) as server:
        mailbox = open_mailbox(server)
        assert await mailbox.status() == {"INBOX": Status(7, 6)}
        await mailbox.close()


async def test_uidnext_is_found_otherwise_where_status_does_not_tell_it() -> None:
    partly = {"STATUS": say("* STATUS INBOX (UIDVALIDITY 7)", "TAG OK done")}
    assert await status(**partly) == {"INBOX": Status(7, 6)}  # EXAMINE tells it
    silent = say("* 1 EXISTS", "* OK [UIDVALIDITY 7] x", "TAG OK done")
    assert await status(**partly, EXAMINE=silent, SEARCH=say("* SEARCH 12", "TAG OK done")) == {"INBOX": Status(7, 13)}
    empty = say("* 0 EXISTS", "* OK [UIDVALIDITY 7] x", "TAG OK done")
    assert await status(**partly, EXAMINE=empty) == {"INBOX": Status(7, 1)}
    with pytest.raises(Unreachable, match='UIDNEXT of the mailbox "INBOX"'):
        await status(**partly, EXAMINE=silent, SEARCH=say("* SEARCH", "TAG OK done"))
    with pytest.raises(Unreachable, match='UIDVALIDITY of the mailbox "INBOX"'):
        await status(STATUS=say("* STATUS INBOX (UIDNEXT 6)", "TAG OK done"), EXAMINE=say("* 1 EXISTS", "TAG OK done"))


async def headers(**answers: Answer) -> tuple[list[int], int]:
    """UIDs and the next UID of a page that this server gives."""
    with ScriptedImap(answers) as server:
        mailbox = open_mailbox(server)
        try:
            page = await mailbox.headers("INBOX", Cursor(7, 3), 6)
        finally:
            await mailbox.close()
        return [message.uid for message in page.messages], page.next_uid


async def test_a_message_that_is_there_and_not_given_is_never_passed_over() -> None:
    with pytest.raises(Unreachable, match='UID 5 of the mailbox "INBOX"'):
        await headers(FETCH=say("TAG OK done"))
    with pytest.raises(Unreachable, match='UID 5 of the mailbox "INBOX"'):
        await headers(FETCH=say("TAG NO [SERVERBUG] cannot read it"))
    with pytest.raises(Unreachable, match='UID 4 of the mailbox "INBOX"'):
        await headers(SEARCH=say("* SEARCH 4 5", "TAG OK done"))
    without_date = FETCHED.replace(b"02-Mar-2026", b"02-Foo-2026").removesuffix(b"\r\n")
    with pytest.raises(Unreachable, match='UID 5 of the mailbox "INBOX"'):
        await headers(FETCH=say(without_date, "TAG OK done"))


async def test_what_comes_before_a_message_that_is_not_given_is_handed_out() -> None:
    before = FETCHED.replace(b"UID 5", b"UID 3").removesuffix(b"\r\n")
    assert await headers(
        SEARCH=say("* SEARCH 3 4 5", "TAG OK done"), FETCH=say(before, FETCHED.removesuffix(b"\r\n"), "TAG OK done")
    ) == ([3], 4)


async def test_a_message_that_goes_between_search_and_fetch_is_passed_over() -> None:
    found = ["* SEARCH 4 5", "* SEARCH"]
    searched = lambda line, tag, rest: line.say(found.pop(0), f"{tag} OK done")  # noqa: E731
    assert await headers(SEARCH=searched) == ([5], 6)


async def test_an_expunged_message_with_a_false_date_is_not_believed() -> None:
    found = ["* SEARCH 5", "* SEARCH"]
    searched = lambda line, tag, rest: line.say(found.pop(0), f"{tag} OK done")  # noqa: E731
    false = FETCHED.replace(b"02-Mar-2026", b"01-Jan-1970").replace(b"SIZE 70", b"SIZE 0").removesuffix(b"\r\n")
    assert await headers(SEARCH=searched, FETCH=say(false, "TAG OK [EXPUNGEISSUED] some are gone")) == ([], 6)


async def test_uids_that_were_not_asked_for_are_left_alone() -> None:
    assert await headers(SEARCH=say("* SEARCH 2 5 6 99", "TAG OK done")) == ([5], 6)
    other = FETCHED.replace(b"UID 5", b"UID 2").removesuffix(b"\r\n")
    flags = "* 1 FETCH (FLAGS (\\Seen))"
    assert await headers(FETCH=say(other, flags, FETCHED.removesuffix(b"\r\n"), "* 9 EXISTS", "TAG OK x")) == ([5], 6)


async def test_a_replica_that_lags_behind_is_not_believed() -> None:
    behind = say("* 1 EXISTS", "* OK [UIDVALIDITY 7] x", "* OK [UIDNEXT 5] x", "TAG OK done")
    with pytest.raises(Unreachable, match="up to UID 5, and had said 6"):
        await headers(EXAMINE=behind)


async def test_pages_share_a_view_as_long_as_it_shows_everything() -> None:
    views = [6, 6, 9]

    def opened(line: Line, tag: str, rest: str) -> None:
        line.say("* 1 EXISTS", "* OK [UIDVALIDITY 7] x", f"* OK [UIDNEXT {views.pop(0)}] x", f"{tag} OK done")

    with ScriptedImap({"EXAMINE": opened}) as server:
        mailbox = open_mailbox(server)
        for cursor, uidnext in ((1, 6), (3, 6), (5, 6)):
            await mailbox.headers("INBOX", Cursor(7, cursor), uidnext)
        assert len(views) == 2
        with pytest.raises(Unreachable, match="up to UID 6, and had said 9"):
            await mailbox.headers("INBOX", Cursor(7, 5), 9)
        await mailbox.headers("INBOX", Cursor(7, 5), 9)
        assert views == []
        await mailbox.close()


async def test_gaps_of_millions_cost_little() -> None:
    asked: list[str] = []

    def searched(line: Line, tag: str, rest: str) -> None:
        asked.append(rest)
        low, high = rest.removeprefix("UID ").split(":")
        line.say("* SEARCH 4000000000" if int(low) <= 4_000_000_000 <= int(high) else "* SEARCH", f"{tag} OK done")

    given = FETCHED.replace(b"UID 5", b"UID 4000000000").removesuffix(b"\r\n")
    opened = say("* 90000 EXISTS", "* OK [UIDVALIDITY 7] x", "* OK [UIDNEXT 4000000001] x", "TAG OK done")
    with ScriptedImap({"SEARCH": searched, "FETCH": say(given, "TAG OK done"), "EXAMINE": opened}) as server:
        mailbox = open_mailbox(server)
        page = await mailbox.headers("INBOX", Cursor(7, 1), 4_000_000_001)
        await mailbox.close()
    assert [message.uid for message in page.messages] == [4_000_000_000]
    assert page.next_uid == 4_000_000_001
    assert len(asked) < 40


async def test_a_mailbox_of_a_hundred_thousand_comes_in_pages_of_few_commands() -> None:
    """Never more than a page is held, and no line that is asked for grows with the mailbox."""
    asked: list[str] = []

    def searched(line: Line, tag: str, rest: str) -> None:
        asked.append(rest)
        low, high = map(int, rest.removeprefix("UID ").split(":"))
        line.say(f"* SEARCH {' '.join(map(str, range(low, high + 1)))}", f"{tag} OK done")

    def given(line: Line, tag: str, rest: str) -> None:
        asked.append(rest)
        low, high = map(int, rest.partition(" ")[0].split(":"))
        line.send(b"".join(FETCHED.replace(b"UID 5", b"UID %d" % uid) for uid in range(low, high + 1)))
        line.say(f"{tag} OK done")

    opened = say("* 100000 EXISTS", "* OK [UIDVALIDITY 7] x", "* OK [UIDNEXT 100001] x", "TAG OK done")
    with ScriptedImap({"SEARCH": searched, "FETCH": given, "EXAMINE": opened}) as server:
        mailbox = open_mailbox(server)
        cursor, pages = Cursor(7, 95_001), []
        while cursor.next_uid < 100_001:
            page = await mailbox.headers("INBOX", cursor, 100_001)
            pages.append([message.uid for message in page.messages])
            cursor = Cursor(7, page.next_uid)
        await mailbox.close()
    assert [uid for page in pages for uid in page] == list(range(95_001, 100_001))
    assert max(map(len, pages)) == 1_000
    assert len(asked) == 3 * len(pages) == 15
    assert max(map(len, asked)) < 1_000


async def test_nothing_but_reading_and_append_is_ever_said() -> None:
    with ScriptedImap({"APPEND": say("+ go on", "TAG OK done"), "FETCH": MESSAGE}, {}) as server:
        mailbox = open_mailbox(server)
        for job in ("status", "message", "sent", "append"):
            await JOBS[job](mailbox)
        assert await mailbox.wait(60) is True
        await JOBS["status"](mailbox)
        await mailbox.close()
    verbs = {command.removeprefix("UID ").split(" ")[0] for command in server.heard if command.isascii()}
    assert verbs & {"SELECT", "STORE", "COPY", "MOVE", "EXPUNGE", "DELETE", "RENAME", "CREATE"} == set()
    assert all("PEEK" in command for command in server.heard if command.startswith("UID FETCH"))


@pytest.mark.parametrize(
    ("capabilities", "host", "files"),
    [("IMAP4rev1 X-GM-EXT-1", "127.0.0.1", True), ("IMAP4rev1", "127.0.0.1", False)],
)
async def test_gmail_files_its_own_copy_in_sent(capabilities: str, host: str, files: bool) -> None:
    script = {"GREETING": say("* OK hi"), "CAPABILITY": say(f"* CAPABILITY {capabilities}", "TAG OK done")}
    with ScriptedImap(script) as server:
        mailbox = open_mailbox(server, host=host)
        assert await mailbox.files_sent() is files
        await mailbox.close()


async def test_microsoft_files_its_own_copy_in_sent() -> None:
    for host in ("outlook.office365.com", "imap-mail.outlook.com", "OUTLOOK.office365.us"):
        mailbox = ImapMailbox(host=host, port=993, security="tls", username="maya", password=lambda: "s3cret")
        assert await mailbox.files_sent() is True
        await mailbox.close()
