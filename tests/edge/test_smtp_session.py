"""One connection: encryption that is never left out, one attempt to log in, a line that is reused, replaced, closed."""

import asyncio
import base64
import ssl
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from inboxagent.edge.smtp import SmtpHandover, SmtpTransport
from inboxagent.edge.smtp_session import Security, Server, Session, Timeouts
from inboxagent.errors import ConfigError
from inboxagent.outreach.outbox import Envelope, Fate, Outcome, Phase, Scope
from tests.fakes.scripted_smtp import HOST, POLITE, Act, ScriptedServer, hang_up, say, scripted

CERTIFICATES = Path(__file__).parent / "certificates"
ENVELOPE = Envelope(reverse_path="maya@lind.example", forward_paths=("anna@prospect.test",))
LETTER = b"Subject: Proposal\r\n\r\nHello Anna\r\n"
PATIENT = Timeouts(connect=60, command=60, dot=60, quit=0.3, idle_close=60)
SILENT = Act(then="be silent")
SECRET = "s3cret-pässword"
OFFERS_TLS = say("250-mail.consultant.test\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN")
OFFERS_LOGIN = say("250-mail.consultant.test\r\n250 AUTH PLAIN LOGIN")


def context(certificate: str = "trusted") -> ssl.SSLContext:
    """What a server needs to show this certificate."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(CERTIFICATES / f"{certificate}.pem", CERTIFICATES / "key.pem")
    return made


def connect_to(
    server: ScriptedServer,
    security: Security = "none",
    *,
    ca: str | None = "trusted",
    username: str | None = None,
    password: Callable[[], str] | None = lambda: SECRET,
    timeouts: Timeouts = PATIENT,
) -> SmtpTransport:
    ca_file = str(CERTIFICATES / f"{ca}.pem") if ca else None
    return SmtpTransport(
        HOST, server.port, security, ca_file=ca_file, username=username, password=password,
        local_hostname="laptop.test", timeouts=timeouts,
    )  # fmt: skip


async def send(transport: SmtpTransport) -> Outcome:
    handover = await transport.hand_over(ENVELOPE, LETTER)
    return handover if isinstance(handover, Outcome) else await handover.commit()


async def hand_over(transport: SmtpTransport) -> SmtpHandover:
    handover = await transport.hand_over(ENVELOPE, LETTER)
    assert not isinstance(handover, Outcome)
    return handover


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - what the server hears sets no event
            await asyncio.sleep(0.01)


# Encryption


async def test_starttls_before_anything_private() -> None:
    script = {"EHLO": [OFFERS_TLS, OFFERS_LOGIN]}
    async with scripted(script, tls=context()) as server:
        transport = connect_to(server, "starttls", username="maya")
        assert (await send(transport)).fate is Fate.SENT
        await transport.close()
        verbs = [line.split(" ")[0] for line in server.heard]
        assert verbs == ["EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "QUIT"]
        assert server.accepted == [LETTER]


async def test_tls_from_the_first_octet() -> None:
    async with scripted(tls=context(), tls_at_once=True) as server:
        transport = connect_to(server, "tls")
        assert (await send(transport)).fate is Fate.SENT
        assert (await send(transport)).fate is Fate.SENT
        await transport.close()
        assert server.accepted == [LETTER, LETTER]
        assert server.connections == 1


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_goodbye_leaves_no_line_open_that_waits_for_the_close_of_tls(security: Security) -> None:
    """aiosmtplib says goodbye to TLS, too, and forgets the line, which stays for as long as the other side is slow."""
    hello = {} if security == "tls" else {"EHLO": [OFFERS_TLS, OFFERS_LOGIN]}
    async with scripted(
        {**hello, "QUIT": say("221 2.0.0 Bye")}, tls=context(), tls_at_once=security == "tls"
    ) as server:
        ours = Server(host=HOST, port=server.port, security=security, ca_file=str(CERTIFICATES / "trusted.pem"))
        session = Session(ours, ours.trust())
        assert await session.open() is None
        line = session._smtp.get_transport_info("socket")
        await session.quit()
        await asyncio.sleep(0)
        assert line.fileno() == -1


async def test_no_starttls_no_password() -> None:
    async with scripted({"EHLO": OFFERS_LOGIN}) as server:
        outcome = await send(connect_to(server, "starttls", username="maya"))
        assert (outcome.fate, outcome.scope, outcome.phase) == (Fate.DEFERRED, Scope.ACCOUNT, Phase.TLS)
        assert outcome.retry_after == timedelta(hours=1)
        assert "STARTTLS" in outcome.means
        assert [line.split(" ")[0] for line in server.heard] == ["EHLO"]


@pytest.mark.parametrize(
    ("answer", "after"),
    [
        (say("454 4.7.0 not now"), timedelta(minutes=1)),
        (say("501 no"), timedelta(hours=1)),
        (hang_up(), timedelta(minutes=1)),
        (hang_up(b"220 2.0.0 Ready\r\n"), timedelta(minutes=1)),
    ],
)
async def test_starttls_that_fails(answer: Act, after: timedelta) -> None:
    async with scripted({"EHLO": OFFERS_TLS, "STARTTLS": answer}, tls=context()) as server:
        outcome = await send(connect_to(server, "starttls", username="maya"))
        assert (outcome.fate, outcome.scope, outcome.phase) == (Fate.DEFERRED, Scope.ACCOUNT, Phase.TLS)
        assert outcome.retry_after == after
        assert [line.split(" ")[0] for line in server.heard] == ["EHLO", "STARTTLS"]


@pytest.mark.parametrize("security", ["tls", "starttls"])
@pytest.mark.parametrize(
    ("shown", "trusted", "word"),
    [
        ("expired", "expired", "expired"),
        ("elsewhere", "elsewhere", "IP address mismatch"),
        ("trusted", None, "self-signed"),
        ("trusted", "elsewhere", "self-signed"),
    ],
)
async def test_a_certificate_that_is_not_to_be_trusted(
    security: Security, shown: str, trusted: str | None, word: str
) -> None:
    at_once = security == "tls"
    async with scripted({"EHLO": OFFERS_TLS}, tls=context(shown), tls_at_once=at_once) as server:
        outcome = await send(connect_to(server, security, ca=trusted, username="maya"))
        assert (outcome.fate, outcome.scope, outcome.phase) == (Fate.DEFERRED, Scope.ACCOUNT, Phase.TLS)
        assert outcome.retry_after == timedelta(hours=1)
        assert word in outcome.text
        assert f"{HOST}:{server.port}" in outcome.text
        assert not [line for line in server.heard if line.startswith("AUTH")]
        assert server.accepted == []


async def test_tls_at_a_server_that_speaks_plainly() -> None:
    async with scripted() as server:
        outcome = await send(connect_to(server, "tls"))
        assert (outcome.fate, outcome.scope) == (Fate.DEFERRED, Scope.ACCOUNT)
        assert server.accepted == []


@pytest.mark.parametrize("host", ["mail.lind.example", "192.0.2.1", "127.0.0.1.lind.example"])
def test_in_clear_only_to_this_machine(host: str) -> None:
    with pytest.raises(ConfigError, match=host):
        SmtpTransport(host, 25, "none")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_this_machine_has_several_names(host: str) -> None:
    SmtpTransport(host, 25, "none")


@pytest.mark.parametrize("name", ["missing.pem", "key.pem"])
def test_a_ca_file_that_cannot_be_used(name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        SmtpTransport("mail.lind.example", 465, "tls", ca_file=str(CERTIFICATES / name))


def test_a_name_of_ours_that_ehlo_cannot_carry() -> None:
    with pytest.raises(ConfigError, match="local_hostname"):
        SmtpTransport("mail.lind.example", 465, "tls", local_hostname="my laptop")


# Log-in


async def test_plain_is_chosen_and_asked_once() -> None:
    async with scripted({"EHLO": say("250-x\r\n250 AUTH CRAM-MD5 LOGIN PLAIN")}) as server:
        assert (await send(connect_to(server, username="maya"))).fate is Fate.SENT
        expected = base64.b64encode(f"\0maya\0{SECRET}".encode()).decode()
        assert [line for line in server.heard if line.startswith("AUTH")] == [f"AUTH PLAIN {expected}"]


async def test_login_where_plain_is_not_offered() -> None:
    script = {"EHLO": say("250-x\r\n250 AUTH LOGIN"), "AUTH": say("334 UGFzc3dvcmQ6")}
    password = base64.b64encode(SECRET.encode()).decode()
    async with scripted({**script, password: say("235 2.7.0 Welcome")}) as server:
        assert (await send(connect_to(server, username="maya"))).fate is Fate.SENT


async def test_no_log_in_without_a_user_name() -> None:
    async with scripted({"EHLO": OFFERS_LOGIN}) as server:
        assert (await send(connect_to(server, username=None))).fate is Fate.SENT
        assert not [line for line in server.heard if line.startswith("AUTH")]


@pytest.mark.parametrize(
    "answer",
    ["535 5.7.8 wrong", "534 5.7.9 app password", "530 5.7.0 no", "538 5.7.11 no", "550 5.7.30 retired", "500 what"],
)
async def test_a_refused_log_in_is_tried_once_and_never_again(answer: str) -> None:
    asked = []

    def password() -> str:
        asked.append("once")
        return SECRET

    async with scripted({"EHLO": OFFERS_LOGIN, "AUTH": say(answer)}) as server:
        transport = connect_to(server, username="maya", password=password)
        for _ in range(3):
            outcome = await send(transport)
            assert (outcome.fate, outcome.scope, outcome.phase) == (Fate.REFUSED, Scope.ACCOUNT, Phase.AUTH)
            assert outcome.fatal
            assert outcome.text == answer
        assert len([line for line in server.heard if line.startswith("AUTH")]) == len(asked) == 1
        assert server.connections == 1


@pytest.mark.parametrize(
    ("answer", "minutes"),
    [(say("454 4.7.0 rest"), 5), (say("432 4.7.12 later"), 5), (hang_up(), 5), (hang_up(b"421 4.7.0 bye\r\n"), 5)],
)
async def test_a_log_in_that_is_not_possible_now(answer: Act, minutes: int) -> None:
    async with scripted({"EHLO": OFFERS_LOGIN, "AUTH": [answer, POLITE["AUTH"]]}) as server:
        transport = connect_to(server, username="maya")
        outcome = await send(transport)
        assert (outcome.fate, outcome.scope, outcome.phase) == (Fate.DEFERRED, Scope.ACCOUNT, Phase.AUTH)
        assert outcome.retry_after == timedelta(minutes=minutes)
        assert (await send(transport)).fate is Fate.SENT
        await transport.close()


@pytest.mark.parametrize("offer", ["250 AUTH XOAUTH2 CRAM-MD5", "250 SIZE 1000"])
async def test_no_log_in_in_common(offer: str) -> None:
    async with scripted({"EHLO": say(f"250-x\r\n{offer}")}) as server:
        outcome = await send(connect_to(server, username="maya"))
        assert (outcome.fate, outcome.scope, outcome.phase) == (Fate.REFUSED, Scope.ACCOUNT, Phase.AUTH)
        assert outcome.fatal
        assert [line.split(" ")[0] for line in server.heard] == ["EHLO"]


async def test_a_password_that_cannot_be_had_is_no_refusal() -> None:
    def locked() -> str:
        raise ConfigError("the key ring is locked")

    async with scripted({"EHLO": OFFERS_LOGIN}) as server:
        outcome = await send(connect_to(server, username="maya", password=locked))
        assert (outcome.fate, outcome.scope, outcome.phase) == (Fate.DEFERRED, Scope.ACCOUNT, Phase.AUTH)
        assert "key ring" in outcome.text


@pytest.mark.parametrize("echo", [SECRET, base64.b64encode(f"\0maya\0{SECRET}".encode()).decode()])
async def test_a_server_that_repeats_the_password(echo: str) -> None:
    async with scripted({"EHLO": OFFERS_LOGIN, "AUTH": say(f"535 5.7.8 AUTH PLAIN {echo} is wrong")}) as server:
        transport = connect_to(server, username="maya")
        outcome = await send(transport)
        assert outcome.text == "535 5.7.8 AUTH PLAIN *** is wrong"
        assert echo not in repr(outcome)
        assert SECRET not in repr(vars(transport))


# A line that is reused, replaced, closed


async def test_one_line_for_many_letters() -> None:
    async with scripted() as server:
        transport = connect_to(server)
        assert [(await send(transport)).fate for _ in range(5)] == [Fate.SENT] * 5
        assert server.connections == 1
        await transport.close()
        assert server.heard[-1] == "QUIT"


async def test_a_refusal_resets_and_keeps_the_line() -> None:
    async with scripted({"RCPT": [say("550 5.1.1 nobody"), POLITE["RCPT"]]}) as server:
        transport = connect_to(server)
        assert (await send(transport)).scope is Scope.PROSPECT
        assert (await send(transport)).fate is Fate.SENT
        assert server.connections == 1
        assert [line.split(" ")[0] for line in server.heard] == [
            "EHLO", "MAIL", "RCPT", "RSET", "MAIL", "RCPT", "DATA",
        ]  # fmt: skip
        await transport.close()


@pytest.mark.parametrize("answer", [SILENT, hang_up(), say("421 bye"), say("500 what"), Act(b"nonsense\r\n")])
async def test_a_reset_that_fails_hides_no_refusal(answer: Act) -> None:
    async with scripted({"RCPT": [say("550 5.1.1 nobody"), POLITE["RCPT"]], "RSET": answer}) as server:
        transport = connect_to(server)
        assert (await send(transport)).scope is Scope.PROSPECT
        assert (await send(transport)).fate is Fate.SENT
        assert server.connections == 2
        await transport.close()


async def test_a_refusal_at_the_dot_does_not_wait_for_a_reset() -> None:
    async with scripted({"dot": say("554 5.0.0 no"), "RSET": SILENT}) as server:
        transport = connect_to(server)
        assert (await send(transport)).fate is Fate.REFUSED
        assert "RSET" not in server.heard
        await transport.close()


@pytest.mark.parametrize("answer", [SILENT, hang_up(), say("421 what"), Act(b"nonsense\r\n"), say("500 no")])
async def test_the_answer_to_the_dot_does_not_wait_for_quit(answer: Act) -> None:
    async with scripted({"QUIT": answer}) as server:
        transport = connect_to(server)
        assert (await send(transport)).fate is Fate.SENT
        assert "QUIT" not in server.heard
        await asyncio.wait_for(transport.close(), 30)


@pytest.mark.parametrize(
    "answer",
    [hang_up(), Act(then="reset"), say("421 4.4.2 idle too long"), say("530 5.7.0 log in"), say("535 5.7.3 log in")],
)
async def test_a_line_that_died_between_two_letters_is_replaced(answer: Act) -> None:
    async with scripted({"EHLO": OFFERS_LOGIN, "MAIL": [POLITE["MAIL"], answer, POLITE["MAIL"]]}) as server:
        transport = connect_to(server, username="maya")
        assert [(await send(transport)).fate for _ in range(2)] == [Fate.SENT] * 2
        assert server.connections == 2
        assert len(server.accepted) == 2
        await transport.close()


async def test_a_line_is_replaced_once() -> None:
    async with scripted({"MAIL": [POLITE["MAIL"], hang_up()]}) as server:
        transport = connect_to(server)
        assert (await send(transport)).fate is Fate.SENT
        assert (await send(transport)).phase is Phase.MAIL
        assert server.connections == 2


async def test_a_line_that_breaks_later_than_mail_is_not_tried_again() -> None:
    async with scripted({"RCPT": [POLITE["RCPT"], hang_up(), POLITE["RCPT"]]}) as server:
        transport = connect_to(server)
        assert [(await send(transport)).fate for _ in range(2)] == [Fate.SENT, Fate.DEFERRED]
        assert server.connections == 1


async def test_an_idle_line_is_closed_politely() -> None:
    timeouts = Timeouts(connect=60, command=60, dot=60, quit=1, idle_close=0.05)
    async with scripted() as server:
        transport = connect_to(server, timeouts=timeouts)
        assert (await send(transport)).fate is Fate.SENT
        await until(lambda: "QUIT" in server.heard)
        assert (await send(transport)).fate is Fate.SENT
        assert server.connections == 2
        await transport.close()


async def test_a_letter_that_waits_for_its_dot_is_not_idle() -> None:
    timeouts = Timeouts(connect=60, command=60, dot=60, quit=1, idle_close=0.01)
    async with scripted() as server:
        transport = connect_to(server, timeouts=timeouts)
        await send(transport)
        handover = await hand_over(transport)
        loop = asyncio.get_running_loop()
        long_enough = loop.time() + 0.1
        await until(lambda: loop.time() > long_enough)
        assert (await handover.commit()).fate is Fate.SENT
        await transport.close()


async def test_nothing_listens_there() -> None:
    async with scripted() as server:
        pass
    outcome = await send(connect_to(server))
    assert (outcome.fate, outcome.scope, outcome.phase) == (Fate.DEFERRED, Scope.ACCOUNT, Phase.CONNECT)
    assert outcome.retry_after == timedelta(minutes=1)
    assert str(server.port) in outcome.text


async def test_a_host_that_does_not_exist() -> None:
    transport = SmtpTransport("mail.nowhere.invalid", 465, "tls", timeouts=PATIENT)
    outcome = await send(transport)
    assert (outcome.fate, outcome.scope, outcome.phase) == (Fate.DEFERRED, Scope.ACCOUNT, Phase.CONNECT)


# Stopping in the middle


async def test_a_commit_that_is_cancelled_is_uncertain_and_cuts_the_line() -> None:
    async with scripted({"dot": [Act(then="be silent", accepts=True), POLITE["dot"]]}) as server:
        transport = connect_to(server)
        handover = await hand_over(transport)
        commit = asyncio.create_task(handover.commit())
        await until(lambda: bool(server.accepted))
        commit.cancel()
        with pytest.raises(asyncio.CancelledError):
            await commit
        assert (await handover.commit()).fate is Fate.UNCERTAIN
        assert (await send(transport)).fate is Fate.SENT
        assert (server.connections, len(server.accepted)) == (2, 2)
        await transport.close()


async def test_closing_while_the_dot_waits_is_uncertain() -> None:
    async with scripted({"dot": Act(then="be silent", accepts=True)}) as server:
        transport = connect_to(server)
        commit = asyncio.create_task((await hand_over(transport)).commit())
        await until(lambda: bool(server.accepted))
        await transport.close()
        assert (await commit).fate is Fate.UNCERTAIN


@pytest.mark.parametrize("cue", ["connect", "EHLO", "MAIL", "RCPT", "DATA"])
async def test_a_hand_over_can_be_cancelled_anywhere(cue: str) -> None:
    async with scripted({cue: [SILENT, POLITE[cue]]}) as server:
        transport = connect_to(server)
        task = asyncio.create_task(transport.hand_over(ENVELOPE, LETTER))
        await until(lambda: server.silent)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await send(transport)).fate is Fate.SENT
        assert server.accepted == [LETTER]
        await transport.close()


async def test_closing_during_a_hand_over_ends_it() -> None:
    async with scripted({"RCPT": [SILENT, POLITE["RCPT"]]}) as server:
        transport = connect_to(server)
        task = asyncio.create_task(send(transport))
        await until(lambda: server.silent)
        await transport.close()
        assert (await task).fate is Fate.DEFERRED
        assert server.accepted == []


async def test_a_body_that_nobody_reads_runs_into_the_time_limit() -> None:
    quick = Timeouts(connect=60, command=1, dot=60, quit=0.3)
    async with scripted({"EHLO": OFFERS_LOGIN, "body": SILENT}) as server:
        server.deaf = True
        transport = connect_to(server, timeouts=quick)
        outcome = await transport.hand_over(ENVELOPE, LETTER + (b"y" * 98 + b"\r\n") * 200_000)
        assert isinstance(outcome, Outcome)
        assert (outcome.fate, outcome.scope, outcome.phase) == (Fate.DEFERRED, Scope.LETTER, Phase.BODY)
        assert server.accepted == []
