"""What MAIL and RCPT say for a letter, by what the server offers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inboxagent.edge.smtp_envelope import Commands, write_commands
from inboxagent.outreach.outbox import Envelope, Fate, Outcome, Phase, Scope

HER = "maya@lind.example"
HIM = "anna@prospect.test"
LETTER = b"Subject: Proposal\r\n\r\nHello\r\n"
EIGHT_BIT = "Subject: Proposal\r\n\r\nGrüße\r\n".encode()
EVERYTHING = {"size": "1000", "8bitmime": "", "smtputf8": ""}


def written(extensions: dict[str, str], *, to: str = HIM, message: bytes = LETTER) -> Commands:
    commands = write_commands(Envelope(reverse_path=HER, forward_paths=(to,)), message, extensions)
    assert isinstance(commands, Commands)
    return commands


def refused(extensions: dict[str, str], *, to: str = HIM, message: bytes = LETTER) -> Outcome:
    outcome = write_commands(Envelope(reverse_path=HER, forward_paths=(to,)), message, extensions)
    assert isinstance(outcome, Outcome)
    assert (outcome.fate, outcome.phase) == (Fate.REFUSED, Phase.MAIL)
    return outcome


def test_a_server_that_offers_nothing_gets_nothing() -> None:
    commands = written({}, message=EIGHT_BIT)
    assert commands.mail == (b"MAIL", b"FROM:<maya@lind.example>")
    assert commands.rcpt == ((b"RCPT", b"TO:<anna@prospect.test>"),)


def test_only_what_is_needed_is_asked_for() -> None:
    assert written(EVERYTHING).mail[2:] == (b"SIZE=%d" % len(LETTER),)
    assert written(EVERYTHING, message=EIGHT_BIT).mail[2:] == (b"SIZE=%d" % len(EIGHT_BIT), b"BODY=8BITMIME")


def test_every_recipient_in_his_place() -> None:
    envelope = Envelope(reverse_path=HER, forward_paths=(HIM, "bo@prospect.test"))
    commands = write_commands(envelope, LETTER, {})
    assert isinstance(commands, Commands)
    assert commands.rcpt == ((b"RCPT", b"TO:<anna@prospect.test>"), (b"RCPT", b"TO:<bo@prospect.test>"))


@pytest.mark.parametrize("limit", ["", "0", "many", "-5", str(len(LETTER))])
def test_a_size_that_is_no_limit_or_is_kept(limit: str) -> None:
    assert b"SIZE=%d" % len(LETTER) in written({"size": limit}).mail


def test_a_letter_over_the_limit_is_not_even_announced() -> None:
    outcome = refused({"size": str(len(LETTER) - 1)})
    assert outcome.scope is Scope.LETTER
    assert outcome.means == "the letter is too big"
    assert str(len(LETTER)) in outcome.text


def test_a_domain_beyond_ascii_needs_no_extension() -> None:
    assert written({}, to="anna@bücher.test").rcpt == ((b"RCPT", b"TO:<anna@xn--bcher-kva.test>"),)
    assert written(EVERYTHING, to="anna@bücher.test").rcpt == ((b"RCPT", b"TO:<anna@xn--bcher-kva.test>"),)


def test_a_local_part_beyond_ascii_needs_smtputf8() -> None:
    commands = written(EVERYTHING, to="änne@prospect.test")
    assert commands.mail[2:] == (b"SIZE=%d" % len(LETTER), b"SMTPUTF8")
    assert commands.rcpt == ((b"RCPT", "TO:<änne@prospect.test>".encode()),)
    outcome = refused({}, to="änne@prospect.test")
    assert (outcome.scope, outcome.address) == (Scope.PROSPECT, "änne@prospect.test")
    assert "SMTPUTF8" in outcome.means


@pytest.mark.parametrize("domain", ["straße.test", "ﬁsh.test", "a" * 70 + "ü.test"])
def test_a_domain_that_would_become_another_one_is_not_translated(domain: str) -> None:
    """The old translation of a sharp s is "ss": somebody else's domain."""
    assert refused({}, to=f"anna@{domain}").scope is Scope.PROSPECT
    assert written({"smtputf8": ""}, to=f"anna@{domain}").rcpt == ((b"RCPT", f"TO:<anna@{domain}>".encode()),)


@pytest.mark.parametrize(
    "address", ['"anna b"@prospect.test', '"a>b"@prospect.test', "anna@[192.0.2.1]", "a+b=c@x.test"]
)
def test_unusual_addresses_pass_unchanged(address: str) -> None:
    assert written({}, to=address).rcpt == ((b"RCPT", b"TO:<" + address.encode() + b">"),)


@pytest.mark.parametrize(
    "address",
    ["", "anna", "@prospect.test", "anna@", "anna@b@c.test", "Anna <anna@prospect.test>", "anna(x)@prospect.test",
     "a@b.test,c@d.test", "anna@prospect.test> SIZE=1", "anna@prospect.test\r\nDATA",
     '"a\r\n"@b.test', "a\udce4@b.test"],
)  # fmt: skip
def test_what_is_no_address_goes_nowhere(address: str) -> None:
    outcome = refused(EVERYTHING, to=address)
    assert (outcome.scope, outcome.address) == (Scope.PROSPECT, address)
    assert outcome.text.encode()


@given(st.text(max_size=60), st.sampled_from([{}, EVERYTHING]))
def test_no_address_writes_a_second_command(address: str, extensions: dict[str, str]) -> None:
    commands = write_commands(Envelope(reverse_path=HER, forward_paths=(address,)), LETTER, extensions)
    if isinstance(commands, Commands):
        line = b" ".join(commands.rcpt[0])
        assert not any(octet < 32 or octet == 127 for octet in line)
        assert line.startswith(b"RCPT TO:<")
        assert line.endswith(b">")
        assert b">" not in line[:-1] or b'"' in line
