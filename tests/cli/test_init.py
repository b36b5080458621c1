"""`init`: from an address to a configuration that works, without a terminal; what providers publish is read."""

import stat
from pathlib import Path

import pytest

from inboxagent.cli.discovery import discover
from inboxagent.cli.embedded import EmbeddedProvider
from inboxagent.config.providers import Place, read_autoconfig
from tests.cli.desk import SECRET, Desk

AUTOCONFIG = b"""<?xml version="1.0"?>
<clientConfig version="1.1"><emailProvider id="lind.example">
  <incomingServer type="pop3"><hostname>pop.lind.example</hostname><port>995</port>
    <socketType>SSL</socketType></incomingServer>
  <incomingServer type="imap"><hostname>imap.lind.example</hostname><port>143</port>
    <socketType>STARTTLS</socketType><username>%EMAILLOCALPART%</username></incomingServer>
  <outgoingServer type="smtp"><hostname>smtp.lind.example</hostname><port>25</port>
    <socketType>plain</socketType></outgoingServer>
  <outgoingServer type="smtp"><hostname>smtp.lind.example</hostname><port>465</port>
    <socketType>SSL</socketType></outgoingServer>
</emailProvider></clientConfig>"""


class World:
    """What the web and the name servers say."""

    def __init__(self, pages: dict[str, bytes] | None = None, records: dict[tuple[str, str], list[str]] | None = None):
        self.pages = pages or {}
        self.records = records or {}
        self.asked: list[str] = []

    def fetch(self, address: str) -> bytes | None:
        self.asked.append(address)
        return self.pages.get(address)

    def resolve(self, name: str, kind: str) -> list[str]:
        self.asked.append(name)
        return self.records.get((name, kind), [])


def test_a_known_provider_is_found_without_asking_anybody() -> None:
    world = World()
    found = discover("maya@gmail.com", world.fetch, world.resolve)
    assert found is not None
    assert (found.imap, found.way) == (Place("imap.gmail.com", 993, "tls"), "app password")
    assert world.asked == []


def test_an_autoconfig_file_is_read_and_what_is_not_encrypted_left_out() -> None:
    place = "https://lind.example/.well-known/autoconfig/mail/config-v1.1.xml"
    world = World({place: AUTOCONFIG})
    found = discover("maya@lind.example", world.fetch, world.resolve)
    assert found is not None
    assert found.imap == Place("imap.lind.example", 143, "starttls")
    assert found.smtp == Place("smtp.lind.example", 465, "tls")
    assert (found.username, found.because) == ("maya", f"published at {place}")
    assert all("lind.example" in each for each in world.asked)


@pytest.mark.parametrize("document", [b"", b"<html><body>Not found</body></html>", b"<a><b></a>", AUTOCONFIG[:400]])
def test_what_is_no_autoconfig_file_is_passed_over(document: bytes) -> None:
    assert read_autoconfig(document, "maya@lind.example", "here") is None


def test_srv_records_are_heeded_by_priority() -> None:
    records = {
        ("_imaps._tcp.lind.example", "SRV"): ["20 1 993 slow.lind.example.", "10 1 993 mail.lind.example."],
        ("_submissions._tcp.lind.example", "SRV"): ["0 0 0 ."],
        ("_submission._tcp.lind.example", "SRV"): ["0 1 587 mail.lind.example."],
    }
    found = discover("maya@lind.example", World().fetch, World(records=records).resolve)
    assert found is not None
    assert found.imap == Place("mail.lind.example", 993, "tls")
    assert found.smtp == Place("mail.lind.example", 587, "starttls")


def test_whoever_takes_the_mail_of_a_domain_keeps_it() -> None:
    records = {("lind.example", "MX"): ["10 lind-example.mail.protection.outlook.com."]}
    found = discover("maya@lind.example", World().fetch, World(records=records).resolve)
    assert found is not None
    assert (found.way, found.imap.host) == ("microsoft", "outlook.office365.com")


def test_where_nobody_says_it_nothing_is_guessed() -> None:
    assert discover("maya@lind.example", World().fetch, World().resolve) is None


# -- the command


@pytest.fixture
def words(desk: Desk, provider: EmbeddedProvider) -> list[str]:
    """What a script would say for Maya at her embedded provider."""
    desk.config.unlink()
    return [
        *("init", "--address", "maya@lind.example", "--name", "Maya Lind", "--zone", "Europe/Stockholm"),
        *("--imap", f"127.0.0.1:{provider.imap_port}/none", "--smtp", f"127.0.0.1:{provider.submission_port}/none"),
    ]


def test_a_configuration_is_tried_and_then_written_for_her_alone(desk: Desk, words: list[str]) -> None:
    result = desk.run(*words, "--password-file", str(desk.folder / "password"), "--country", "SE")
    assert "127.0.0.1: logged in; " in result.stderr
    assert "copies of your letters lie in Sent" in result.stderr
    assert "inboxagent enroll proposal ADDRESS --dry-run" in result.stdout
    assert stat.S_IMODE(desk.config.stat().st_mode) == 0o600
    assert SECRET not in desk.config.read_text() + result.output
    assert "Nothing is due." in desk.run("run", "--once", "--dry-run").stdout


def test_a_password_file_is_named_from_where_she_is(
    desk: Desk, words: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(desk.folder)
    desk.config = tmp_path / "elsewhere" / "config.toml"
    desk.run(*words, "--password-file", "password")
    assert f'password_file = "{desk.folder}/password"\n' in desk.config.read_text()
    warned = {each["about"] for each in desk.ask("doctor") if each["grade"] != "ok"}
    assert "state" not in warned  # its folder is there from the beginning


def test_a_wrong_port_says_where_and_what_to_look_at(desk: Desk, provider: EmbeddedProvider, words: list[str]) -> None:
    words += ["--password-file", str(desk.folder / "password"), "--smtp", f"127.0.0.1:{provider.imap_port}/none"]
    said = desk.run(*words, code=69).stderr
    assert said.count(f"127.0.0.1:{provider.imap_port}: ") == 1
    assert "see that host, port and security of [smtp] are right" in said
    assert not desk.config.exists()


@pytest.mark.parametrize(
    ("option", "given", "sentence"),
    [
        ("--zone", "Europe/Stokholm", '"Europe/Stokholm" is not a time zone; did you mean "Europe/Stockholm"?'),
        ("--country", "ZZ", '"ZZ" is not the code of a country'),
        ("--ca-file", "none.pem", "there is no file /"),
        ("--password-file", "no-password", "there is no file /"),
    ],
)
def test_an_option_that_is_wrong_is_named_and_nothing_written(
    desk: Desk, words: list[str], option: str, given: str, sentence: str
) -> None:
    said = desk.run(*words, option, given, code=2).stderr
    assert f"inboxagent: {option}: {sentence}" in said
    assert not desk.config.exists()


def test_what_comes_next_names_a_file_that_would_not_be_found(desk: Desk, words: list[str]) -> None:
    words += ["--password-command", "echo x", "--no-login"]
    said = desk.run(*words).stdout
    for command in ("doctor", "preview proposal", "enroll proposal ADDRESS --dry-run", "run"):
        assert f"    inboxagent {command} --config {desk.config}" in said
    said = desk.run(*words, config=False).stdout
    assert "    inboxagent doctor    " in said
    assert "    inboxagent service install    " in said
    assert "--config" not in said


def test_a_refused_log_in_writes_nothing(desk: Desk, words: list[str]) -> None:
    assert "refuses the log-in" in desk.run(*words, "--password-command", "echo wrong", code=77).stderr
    assert not desk.config.exists()


def test_without_a_terminal_it_says_what_is_missing(desk: Desk, words: list[str]) -> None:
    (desk.folder / "password").unlink()
    assert "say where the password is by --password-command" in desk.run(*words, code=2).stderr
    assert "say it by --address" in desk.run("init", code=2).stderr
    assert not desk.config.exists()


def test_what_is_there_is_not_overwritten(desk: Desk, words: list[str]) -> None:
    desk.config.write_text("mine")
    assert "is there already; edit it, or move it away" in desk.run(*words, code=1).stderr
    assert desk.config.read_text() == "mine"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("mail.lind.example:99999", '--imap: "99999" is not a port; write a number'),
        ("mail.lind.example/ssl", '--imap: "ssl" is no way to encrypt; there are: tls, starttls, none'),
        ("a b", "--imap: write the name of the server alone"),
    ],
)
def test_a_wrong_server_is_named(desk: Desk, words: list[str], given: str, sentence: str) -> None:
    assert sentence in desk.run(*words, "--imap", given, "--password-command", "x", code=2).stderr


def test_a_password_that_is_typed_is_kept_beside_it(
    desk: Desk, words: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("inboxagent.cli.init._has_terminal", lambda: True)
    (desk.folder / "password").unlink()
    result = desk.run(*words, input=f"wrong\n{SECRET}\n")
    assert "refuses the log-in" in result.stderr
    kept = desk.folder / "password"
    assert (kept.read_text(), stat.S_IMODE(kept.stat().st_mode)) == (f"{SECRET}\n", 0o600)
    assert SECRET not in result.output
