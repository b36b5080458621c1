"""The log-in by access token (SASL XOAUTH2) on Dovecot and Postfix, which ask a scripted server whether it is good."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from inboxagent.edge.imap import ImapMailbox
from inboxagent.edge.smtp import SmtpTransport
from inboxagent.errors import LoginRefused
from inboxagent.outreach.outbox import Envelope, Fate, Outcome
from tests.fakes.scripted_oauth import ScriptedOAuth
from tests.servers import lab as servers
from tests.servers.desk import Desk

LETTER = b"From: maya@consultant.test\r\nTo: anna1@prospect.test\r\nMessage-ID: <1@consultant.test>\r\n\r\nHello\r\n"


@pytest.fixture(scope="module")
def oauth() -> Iterator[ScriptedOAuth]:
    with ScriptedOAuth("") as running:
        yield running


@pytest.fixture(scope="module")
def lab(oauth: ScriptedOAuth) -> Iterator[servers.Lab]:
    if reason := servers.missing():
        pytest.skip(reason)
    with servers.Lab(introspection=f"{oauth.address}/introspect") as running:
        yield running


@pytest.fixture
def maya(lab: servers.Lab, oauth: ScriptedOAuth) -> str:
    oauth.user = lab.new_user("maya", "consultant.test")
    return oauth.user


class Tokens:
    """What a token command would do: the newest token of the server, and which ones were refused."""

    def __init__(self, *given: str) -> None:
        self.given = list(given)
        self.refused: list[str] = []

    def __call__(self, refused: str = "") -> str:
        if refused:
            self.refused.append(refused)
        return self.given.pop(0) if len(self.given) > 1 else self.given[0]


def mailbox(lab: servers.Lab, maya: str, token: Tokens) -> ImapMailbox:
    return ImapMailbox(
        host="localhost",
        port=lab.imaps_port,
        security="tls",
        username=maya,
        token=token,
        ca_file=str(lab.cafile),
    )


async def test_imap_takes_a_good_token(lab: servers.Lab, maya: str, oauth: ScriptedOAuth) -> None:
    box = mailbox(lab, maya, Tokens(oauth.mint()))
    assert "INBOX" in await box.status()
    await box.append("Sent", LETTER, datetime(2026, 3, 2, tzinfo=UTC))
    await box.close()
    assert len(lab.mail(maya, "Sent")) == 1


async def test_imap_asks_once_for_another_token_where_one_is_refused(
    lab: servers.Lab, maya: str, oauth: ScriptedOAuth
) -> None:
    tokens = Tokens("expired", oauth.mint())
    box = mailbox(lab, maya, tokens)
    assert "INBOX" in await box.status()
    assert tokens.refused == ["expired"]
    await box.close()


@pytest.mark.parametrize("given", [("bad",), ("bad", "worse", "never asked for")])
async def test_imap_gives_up_after_the_second_refusal(lab: servers.Lab, maya: str, given: tuple[str, ...]) -> None:
    tokens = Tokens(*given)
    box = mailbox(lab, maya, tokens)
    with pytest.raises(LoginRefused, match=f"refuses the log-in of {maya}") as caught:
        await box.status()
    assert tokens.refused == ["bad"]
    assert "worse" not in str(caught.value)
    await box.close()


async def submit(lab: servers.Lab, maya: str, token: Tokens) -> Outcome:
    transport = SmtpTransport(
        "localhost", lab.submission_port, "starttls", ca_file=str(lab.cafile), username=maya, token=token
    )
    envelope = Envelope(reverse_path=maya, forward_paths=("anna1@prospect.test",))
    handed = await transport.hand_over(envelope, LETTER)
    outcome = handed if isinstance(handed, Outcome) else await handed.commit()
    await transport.close()
    return outcome


async def test_smtp_takes_a_good_token_and_replaces_a_bad_one_once(
    lab: servers.Lab, maya: str, oauth: ScriptedOAuth
) -> None:
    assert (await submit(lab, maya, Tokens(oauth.mint()))).fate is Fate.SENT
    tokens = Tokens("expired", oauth.mint())
    assert (await submit(lab, maya, tokens)).fate is Fate.SENT
    assert tokens.refused == ["expired"]


async def test_smtp_gives_up_after_the_second_refusal(lab: servers.Lab, maya: str) -> None:
    tokens = Tokens("bad-one", "worse-one", "never asked for")
    outcome = await submit(lab, maya, tokens)
    assert (outcome.fate, outcome.fatal) == (Fate.REFUSED, True)
    assert tokens.refused == ["bad-one"]
    assert "worse-one" not in outcome.text


def test_a_token_command_in_the_configuration_is_enough(lab: servers.Lab, oauth: ScriptedOAuth, tmp_path: Path) -> None:
    desk = Desk(lab, tmp_path)
    oauth.user = desk.address
    text = desk.config.read_text().replace('password_file = "password"', f'token_command = "echo {oauth.mint()}"')
    desk.config.write_text(text)
    anna = lab.new_user("anna")
    desk.write(anna)
    desk.enroll(anna)
    with desk.daemon():
        lab.wait_mail(anna, lambda message: "did the proposal arrive" in message.get_content())
