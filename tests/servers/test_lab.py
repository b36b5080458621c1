"""The lab itself: that what other tests build upon is true of it."""

import smtplib
import time
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

import pytest
from imapclient import IMAPClient

from tests.servers.lab import Lab


def letter(sender: str, recipient: str, words: str = "Would Tuesday suit you?") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, recipient, "The proposal"
    message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain="consultant.test")
    message.set_content(words)
    return message


def test_a_submitted_letter_arrives_over_the_second_hop(lab: Lab) -> None:
    maya, anna = lab.new_user("maya", "consultant.test"), lab.new_user("anna")
    sent = letter(maya, anna)
    lab.submit(maya, anna, sent)
    got = lab.wait_mail(anna)
    assert got["Message-ID"] == sent["Message-ID"]
    assert got["Return-Path"] == f"<{maya}>"
    assert sum("mx.prospect.test" in hop for hop in got.get_all("Received", [])) >= 1


def test_mailboxes_are_kept_apart(lab: Lab) -> None:
    one, other = lab.new_user("anna"), lab.new_user("anna")
    lab.deliver(one, letter("maya@consultant.test", one).as_bytes())
    assert len(lab.mail(one)) == 1
    assert lab.mail(other) == []


def test_vacation_answers_in_the_thread(lab: Lab) -> None:
    maya = lab.new_user("maya", "consultant.test")
    cris = lab.new_user("cris", sieve='require "vacation"; vacation :days 7 "I am away until Monday.";')
    sent = letter(maya, cris)
    lab.submit(maya, cris, sent)
    answer = lab.wait_mail(maya)
    assert answer["In-Reply-To"] == sent["Message-ID"]
    assert answer["Auto-Submitted"].startswith("auto-replied")
    assert answer["Return-Path"] == "<>"
    assert "I am away until Monday." in answer.get_content()


@pytest.mark.parametrize(
    ("recipient", "status"),
    [
        ("dora@prospect.test", "5.1.1"),
        ("dora@full.test", "5.2.2"),
        ("dora@moved.test", "5.1.6"),
        ("dora@who.test", "5.4.4"),
    ],
)
def test_what_cannot_arrive_bounces(lab: Lab, recipient: str, status: str) -> None:
    maya = lab.new_user("maya", "consultant.test")
    sent = letter(maya, recipient)
    lab.submit(maya, recipient, sent)
    report = lab.wait_mail(maya)
    assert report.get_content_type() == "multipart/report"
    assert f"Status: {status}" in report.as_string()
    assert f"Final-Recipient: rfc822; {recipient}" in report.as_string()
    assert sent["Message-ID"] in report.as_string()


def test_a_bounce_of_the_second_hop_quotes_its_words(lab: Lab) -> None:
    maya = lab.new_user("maya", "consultant.test")
    lab.submit(maya, "dora@prospect.test", letter(maya, "dora@prospect.test"))
    assert "550 5.1.1 <dora@prospect.test>" in lab.wait_mail(maya).as_string()


def test_a_delay_is_reported_before_the_failure(lab: Lab) -> None:
    maya = lab.new_user("maya", "consultant.test")
    lab.submit(maya, "anna@slow.test", letter(maya, "anna@slow.test"))
    assert "Action: delayed" in lab.wait_mail(maya).as_string()


def test_refusals_at_rcpt_and_at_login(lab: Lab) -> None:
    maya = lab.new_user("maya", "consultant.test")
    for domain, code in (("refused.test", 550), ("later.test", 450)):
        recipient = f"anna@{domain}"
        with pytest.raises(smtplib.SMTPRecipientsRefused) as caught:
            lab.submit(maya, recipient, letter(maya, recipient))
        assert caught.value.recipients[recipient][0] == code
    with smtplib.SMTP(lab.host, lab.submission_port, local_hostname="localhost") as smtp:
        smtp.starttls(context=lab.tls())
        with pytest.raises(smtplib.SMTPAuthenticationError):
            smtp.login(maya, "wrong")


def ask_until_the_line_is_gone(client: IMAPClient) -> None:
    """A kick takes its time."""
    client.idle_done()
    end = time.monotonic() + 90
    while time.monotonic() < end:
        client.noop()


def test_idle_announces_a_delivery_and_a_kick_ends_it(lab: Lab) -> None:
    anna = lab.new_user("anna")
    client = IMAPClient(lab.host, lab.imaps_port, ssl_context=lab.tls(), timeout=60)
    try:
        client.login(anna, lab.password)
        client.select_folder("INBOX", readonly=True)
        client.idle()
        lab.deliver(anna, letter("maya@consultant.test", anna).as_bytes())
        assert (1, b"EXISTS") in client.idle_check(timeout=60)
        lab.kick(anna)
        with pytest.raises((OSError, client.Error)):
            ask_until_the_line_is_gone(client)
    finally:
        client.shutdown()


def test_the_sent_mailbox_says_so(lab: Lab) -> None:
    with IMAPClient(lab.host, lab.imap_port, ssl=False, timeout=60) as client:
        client.login(lab.new_user("maya", "consultant.test"), lab.password)
        assert client.find_special_folder(b"\\Sent") == "Sent"


def test_dovecot_comes_back_on_its_ports_with_its_mail(lab: Lab) -> None:
    anna = lab.new_user("anna")
    lab.deliver(anna, letter("maya@consultant.test", anna).as_bytes())
    lab.stop()
    with pytest.raises(OSError):
        lab.imap(anna)
    lab.start()
    assert len(lab.mail(anna)) == 1
