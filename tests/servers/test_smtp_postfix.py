"""The transport against a real Postfix: it takes the split body, and what it refuses is read right."""

import asyncio

import pytest

from inboxagent.edge.smtp import SmtpHandover, SmtpTransport
from inboxagent.edge.smtp_session import Security, Timeouts
from inboxagent.outreach.outbox import Envelope, Fate, Outcome, Phase, Scope
from tests.servers.lab import Lab
from tests.servers.polling import until


def connect_to(lab: Lab, user: str, security: Security = "starttls", password: str | None = None) -> SmtpTransport:
    return SmtpTransport(
        lab.host,
        lab.submission_port if security == "starttls" else lab.smtps_port,
        security,
        ca_file=str(lab.cafile),
        username=user,
        password=lambda: lab.password if password is None else password,
        local_hostname="laptop.consultant.test",
        timeouts=Timeouts(connect=20, command=30, dot=30, quit=5),
    )


def letter(subject: str) -> bytes:
    return (
        f"Message-ID: <{subject}.{'x' * 80}@consultant.test>\r\nFrom: Maya <maya@consultant.test>\r\n"
        f"To: Anna <anna@prospect.test>\r\nSubject: {subject}\r\nDate: Mon, 02 Nov 2026 09:00:00 +0000\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        f".\r\n..two\r\nGrüße\r\n{'long ' * 190}\r\n\r\n"
    ).encode()


async def hand_over(transport: SmtpTransport, her: str, him: str, message: bytes) -> SmtpHandover | Outcome:
    return await transport.hand_over(Envelope(reverse_path=her, forward_paths=(him,)), message)


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_three_letters_over_one_line(lab: Lab, security: Security) -> None:
    her, him = lab.new_user("maya", "consultant.test"), lab.new_user("anna", "prospect.test")
    transport = connect_to(lab, her, security)
    for number in range(3):
        handover = await hand_over(transport, her, him, letter(f"number-{number}"))
        assert isinstance(handover, SmtpHandover)
        assert len(await asyncio.to_thread(lab.mail, her)) == 0  # the last look, between body and dot
        outcome = await handover.commit()
        assert (outcome.fate, outcome.code) == (Fate.SENT, 250)
        assert "queued as" in outcome.text
    await transport.close()
    await asyncio.to_thread(until, lambda: len(lab.mail(him)) == 3, what="all three have arrived")
    arrived = await asyncio.to_thread(lab.mail, him)
    assert all(any(raw.endswith(letter(f"number-{number}")) for raw in arrived) for number in range(3))


async def test_an_aborted_letter_never_arrives(lab: Lab) -> None:
    her, him = lab.new_user("maya", "consultant.test"), lab.new_user("anna", "prospect.test")
    transport = connect_to(lab, her)
    handover = await hand_over(transport, her, him, letter("never"))
    assert isinstance(handover, SmtpHandover)
    await handover.abort()
    handover = await hand_over(transport, her, him, letter("always"))
    assert isinstance(handover, SmtpHandover)
    await handover.commit()
    await transport.close()
    await asyncio.to_thread(lab.wait_mail, him, lambda message: message["Subject"] == "always")
    assert len(await asyncio.to_thread(lab.mail, him)) == 1


@pytest.mark.parametrize(
    ("domain", "fate", "scope"),
    [("refused.test", Fate.REFUSED, Scope.PROSPECT), ("later.test", Fate.DEFERRED, Scope.LETTER)],
)
async def test_refused_at_rcpt(lab: Lab, domain: str, fate: Fate, scope: Scope) -> None:
    her = lab.new_user("maya", "consultant.test")
    transport = connect_to(lab, her)
    outcome = await hand_over(transport, her, f"anna@{domain}", letter("no"))
    assert isinstance(outcome, Outcome)
    assert (outcome.fate, outcome.scope, outcome.phase) == (fate, scope, Phase.RCPT)
    assert outcome.address == f"anna@{domain}"
    await transport.close()


async def test_a_wrong_password_is_said_once(lab: Lab) -> None:
    her = lab.new_user("maya", "consultant.test")
    transport = connect_to(lab, her, password="wrong")
    for _ in range(2):
        outcome = await hand_over(transport, her, "anna@prospect.test", letter("no"))
        assert isinstance(outcome, Outcome)
        assert (outcome.fate, outcome.scope, outcome.phase) == (Fate.REFUSED, Scope.ACCOUNT, Phase.AUTH)
        assert outcome.fatal
