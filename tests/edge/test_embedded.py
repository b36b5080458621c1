"""The embedded provider behaves as a provider does; the demo and other tests build upon it."""

import email
import email.policy
import gc
import smtplib
import socket
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from imapclient import IMAPClient

from inboxagent.cli.embedded import EmbeddedProvider, away

MAYA, ANNA, CRIS = "maya@consultant.test", "anna@prospect.test", "cris@prospect.test"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def letter(recipient: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = MAYA, recipient, "The proposal"
    message["Message-ID"] = "<1@consultant.test>"
    message.set_content("Would Tuesday suit you?")
    return message


def submit(provider: EmbeddedProvider, message: EmailMessage, password: str = "secret") -> None:
    with smtplib.SMTP(provider.host, provider.submission_port, timeout=60) as smtp:
        smtp.login(MAYA, password)
        smtp.send_message(message)


def only(messages: list[bytes]) -> EmailMessage:
    (raw,) = messages
    return email.message_from_bytes(raw, policy=email.policy.default)


@pytest.fixture
def maya(embedded: EmbeddedProvider) -> Iterator[IMAPClient]:
    with IMAPClient(embedded.host, embedded.imap_port, ssl=False, timeout=60) as client:
        client.normalise_times = False
        client.login(MAYA, "secret")
        yield client


def test_a_letter_arrives_with_its_trace_and_the_providers_time(embedded: EmbeddedProvider) -> None:
    submit(embedded, letter(ANNA))
    got = only(embedded.mail(ANNA))
    assert got["Message-ID"] == "<1@consultant.test>"
    assert got["Return-Path"] == f"<{MAYA}>"
    assert got["Received"].endswith("Mon, 02 Mar 2026 12:00:00 +0000")
    assert [(kept.recipient, kept.at) for kept in embedded.accepted] == [(ANNA, NOON)]


def test_imap_shows_the_special_mailboxes_and_the_providers_time(embedded: EmbeddedProvider, maya: IMAPClient) -> None:
    embedded.deliver(MAYA, b"Subject: hello\r\n\r\nhello\r\n", "Archive", seen=True)
    assert maya.find_special_folder(b"\\Sent") == "Sent"
    assert maya.has_capability("SPECIAL-USE")
    maya.select_folder("Archive", readonly=True)
    (row,) = maya.fetch(maya.search(), ["INTERNALDATE", "FLAGS"]).values()
    assert row[b"INTERNALDATE"] == NOON
    assert b"\\Seen" in row[b"FLAGS"]


def test_idle_announces_what_comes(embedded: EmbeddedProvider, maya: IMAPClient) -> None:
    maya.select_folder("INBOX", readonly=True)
    maya.idle()
    embedded.deliver(MAYA, b"Subject: hello\r\n\r\nhello\r\n")
    assert (1, b"EXISTS") in maya.idle_check(timeout=60)
    maya.idle_done()


def test_what_is_appended_by_imap_is_there(embedded: EmbeddedProvider, maya: IMAPClient) -> None:
    maya.append("Sent", letter(ANNA).as_bytes(), [b"\\Seen"], NOON)
    assert only(embedded.mail(MAYA, "Sent"))["To"] == ANNA


def test_mail_for_nobody_is_reported(embedded: EmbeddedProvider) -> None:
    submit(embedded, letter("dora@prospect.test"))
    report = only(embedded.mail(MAYA))
    assert report.get_content_type() == "multipart/report"
    assert "Final-Recipient: rfc822; dora@prospect.test" in report.as_string()
    assert "Message-ID: <1@consultant.test>" in report.as_string()
    assert report["Return-Path"] == "<>"


def test_mail_for_nobody_is_refused_where_that_is_wished() -> None:
    with EmbeddedProvider({MAYA: "secret"}, now=lambda: NOON, refuse_unknown=True) as provider:
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            submit(provider, letter(ANNA))
        assert provider.accepted == []


def test_somebody_away_answers_once_in_the_thread(embedded: EmbeddedProvider) -> None:
    embedded.on_mail(CRIS, away("I am away until Monday."))
    submit(embedded, letter(CRIS))
    submit(embedded, letter(CRIS))
    notice = only(embedded.mail(MAYA))
    assert notice["In-Reply-To"] == "<1@consultant.test>"
    assert notice["Auto-Submitted"] == "auto-replied"
    assert notice.get_content().strip() == "I am away until Monday."
    assert len(embedded.mail(CRIS)) == 2


def test_only_who_knows_the_password_gets_in(embedded: EmbeddedProvider) -> None:
    with pytest.raises(smtplib.SMTPAuthenticationError):
        submit(embedded, letter(ANNA), password="guess")
    with (
        smtplib.SMTP(embedded.host, embedded.submission_port, timeout=60) as smtp,
        pytest.raises(smtplib.SMTPSenderRefused),
    ):
        smtp.send_message(letter(ANNA))
    with IMAPClient(embedded.host, embedded.imap_port, ssl=False, timeout=60) as client:
        with pytest.raises(client.Error):
            client.login(MAYA, "guess")
        client.login(MAYA, "secret")


def test_a_line_that_comes_up_at_the_very_end_is_not_left_open() -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", ResourceWarning)
        for _ in range(20):
            with EmbeddedProvider({MAYA: "secret"}, now=lambda: NOON) as provider:
                line = socket.create_connection((provider.host, provider.submission_port))
            line.close()
        gc.collect()
    assert [str(each.message) for each in told] == []


def test_a_letter_without_its_dot_is_not_accepted(embedded: EmbeddedProvider) -> None:
    smtp = smtplib.SMTP(embedded.host, embedded.submission_port, timeout=60)
    smtp.login(MAYA, "secret")
    smtp.mail(MAYA)
    smtp.rcpt(ANNA)
    smtp.docmd("DATA")
    smtp.send(b"Subject: half\r\n\r\nhal")
    smtp.close()
    submit(embedded, letter(ANNA))
    assert len(embedded.mail(ANNA)) == 1
