"""The configuration file: what it says, where it is found, and every sentence about what is wrong with it."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from inboxagent.config import (
    Command,
    Credential,
    Microsoft,
    SecretFile,
    TokenCommand,
    find_config,
    load_config,
    read_config,
)
from inboxagent.config.places import MINIMAL
from inboxagent.errors import ConfigError
from inboxagent.outreach.unsubscribing import Unsubscribing

FULL = """
rules = "letters"
state = "memory"

[me]
name = "Maya Lind"
address = "Maya@Lind.example"
aliases = ["maya@studio.example"]
zone = "Europe/Stockholm"

[imap]
host = "imap.lind.example"
port = 143
username = "maya"
password_command = "pass mail/maya | head -1"
mailboxes = ["INBOX", "Archive"]
poll = "30 seconds"
sent = "Skickat"

[smtp]
host = "smtp.lind.example"
port = 587
split_body = false

[letters]
list_unsubscribe = true

[limits]
per_day = 12
per_hour = 6
company_per_day = 2
person_gap = "2 days"
gap = "3 minutes"
brake = 7

[alerts]
to = "Maya@Private.example"
blind_after = "1 hour"
"""


def read(source: str, **environ: str):
    return read_config(source, Path("/etc/maya/config.toml"), {"HOME": "/home/maya", **environ})


def problems(source: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(source)
    assert caught.value.exit_code == 78
    return str(caught.value)


def test_everything_that_can_be_said_is_understood() -> None:
    config = read(FULL)
    assert config.me.address == "maya@lind.example"
    assert config.me.aliases == ("maya@studio.example",)
    assert (config.imap.port, config.imap.security, config.imap.username) == (143, "starttls", "maya")
    assert config.imap.secret == Command("pass mail/maya | head -1")
    assert config.watching.mailboxes == ("INBOX", "Archive")
    assert config.watching.poll == timedelta(seconds=30)
    assert config.watching.sent == "Skickat"
    assert (config.smtp.port, config.smtp.security) == (587, "starttls")
    assert (config.smtp.username, config.smtp.secret) == ("maya", config.imap.secret)
    assert (config.sending.split_body, config.sending.unsubscribing) == (False, Unsubscribing(by_mail=True))
    assert (config.limits.per_day, config.limits.gap, config.limits.brake) == (12, timedelta(minutes=3), 7)
    assert (config.limits.per_hour, config.limits.company_per_day, config.limits.person_per_week) == (6, 2, 0)
    assert config.limits.person_gap == timedelta(days=2)
    assert (config.alerts.to, config.alerts.blind_after) == ("maya@private.example", timedelta(hours=1))
    assert (config.rules, config.state) == (Path("/etc/maya/letters"), Path("/etc/maya/memory"))


def test_the_example_that_is_shown_is_a_configuration() -> None:
    config = read(MINIMAL)
    assert (config.imap.port, config.imap.security, config.imap.username) == (993, "tls", "maya@lind.example")
    assert (config.smtp.port, config.smtp.security) == (465, "tls")
    assert config.watching.mailboxes is None
    assert (config.alerts.to, config.alerts.blind_after) == ("maya@lind.example", timedelta(minutes=10))
    assert config.rules == Path("/etc/maya/rules")
    assert config.state == Path("/home/maya/.local/state/inboxagent")


def test_systemd_says_where_state_goes_unless_the_file_does() -> None:
    assert read(MINIMAL, STATE_DIRECTORY="/var/lib/inboxagent:/x").state == Path("/var/lib/inboxagent")
    assert read(MINIMAL, XDG_STATE_HOME="/data").state == Path("/data/inboxagent")
    assert read(FULL, STATE_DIRECTORY="/var/lib/inboxagent").state == Path("/etc/maya/memory")


def test_the_zone_of_the_machine_stands_in_for_hers() -> None:
    assert read(MINIMAL.replace('zone = "Europe/Stockholm"', ""), TZ="Asia/Tokyo").me.zone == "Asia/Tokyo"


def test_a_page_to_unsubscribe_on() -> None:
    """It alone says that letters offer it; it needs https and a place for the token."""
    page = "https://lind.example/no/{token}"
    found = read(f'{MINIMAL}[letters]\nunsubscribe_page = "{page}"\n').sending.unsubscribing
    assert found == Unsubscribing(by_mail=True, page=page)
    for wrong in ("http://lind.example/{token}", "https://lind.example/no", "https://lind.example/{token}/{token}"):
        told = problems(f'{MINIMAL}[letters]\nunsubscribe_page = "{wrong}"\n')
        assert f'[letters] unsubscribe_page: "{wrong}" is not one; write it like https://' in told
    both = f'{MINIMAL}[letters]\nlist_unsubscribe = false\nunsubscribe_page = "{page}"\n'
    assert "drop one" in problems(both)


def test_smtp_may_do_without_a_log_in() -> None:
    source = MINIMAL + 'username = ""\n'
    assert read(source).smtp.username is None


def test_a_plain_line_is_for_this_machine_only() -> None:
    here = MINIMAL.replace("imap.lind.example", "127.0.0.1").replace("[smtp]", 'security = "none"\n[smtp]')
    assert read(here).imap.security == "none"
    assert "would show the password to everybody" in problems(here.replace("127.0.0.1", "192.0.2.7"))


SLIPS = {
    'imap.lind.example"': ('imap://lind.example"', "[imap] host: write the name of the server alone"),
    'zone = "Europe/Stockholm"': ('zone = "Europe/Stokholm"', 'did you mean "Europe/Stockholm"?'),
    "zone =": ("zoen =", '[me] zoen: there is no such key; did you mean "zone"?'),
    'address = "maya@lind.example"': ('address = "maya"', '[me] address: "maya" is not an address'),
    'address = "maya@': ('address = "a@b@', '[me] address: "a@b@lind.example" is not an address'),
    'address = "': ('aliases = ["Maya <m@lind.example>"]\naddress = "', '[me] aliases: "Maya <m@lind.example>" is not'),
    'name = "Maya Lind"': ("", "[me] name: missing"),
    'name = "Maya': ("name = 3 # ", "[me] name: write it in quotation marks"),
    "password_command =": ("# ", '"mail/maya"]; or one of password_file, credential, token_command'),
    'password_command = ["pass", "mail/maya"]': ("password_command = [1]", "write the command and its arguments"),
    "[smtp]": ("poll = 120\n[smtp]", '[imap] poll: write a span of time like "90 seconds"'),
    "[imap]\n": ('[imap]\npoll = "0 seconds"\n', 'at least "1 second"'),
    "[imap]\nhost": ("[imap]\nmailboxes = []\nhost", '[imap] mailboxes: write "all", or a list'),
    "[smtp]\nhost": ('[smtp]\nport = "465"\nhost', "[smtp] port: write a whole number from 1 to 65535"),
    "[smtp]\nhost = ": ('[smtp]\nsecurity = "ssl"\nhost = ', '[smtp] security: write "tls", "starttls" or "none"'),
    "[smtp]\n": ("[limits]\nper_day = true\n[smtp]\n", "[limits] per_day: write a whole number from 1"),
    "[me]": ('poll = "1 minute"\n[me]', "poll: there is no such key; it belongs into [imap]"),
    "[me]\n": ("limits = 3\n[me]\n", "limits: this is a table; write [limits]"),
    "[me]\nname": ('[weather]\nto = "x"\n[me]\nname', "weather: there is no such key; there are: rules, state"),
    "[me]\nname =": ("[alerts]\nblind_after = 3\n[me]\nname =", "[alerts] blind_after: write a span of time"),
    'host = "smtp': ('ca_file = "/no/ca.pem"\nhost = "smtp', "[smtp] ca_file: there is no file /no/ca.pem"),
}


@pytest.mark.parametrize("before", SLIPS)
def test_a_slip_is_named_with_its_remedy(before: str) -> None:
    after, sentence = SLIPS[before]
    assert before in MINIMAL
    text = problems(MINIMAL.replace(before, after, 1))
    assert sentence in text
    assert text.count("\n") == 0


def test_all_problems_are_told_at_once_with_their_lines() -> None:
    text = problems(
        FULL.replace("zone =", "zoen =").replace("brake = 7", 'brake = "seven"').replace("[smtp]", "[smpt]")
    )
    first, *lines = text.splitlines()
    assert first == "the configuration has 4 problems:"
    assert [line.split(": ")[0].strip().rpartition(":")[2] for line in lines] == [
        "20",
        "9",
        "/etc/maya/config.toml",
        str(FULL.split("\n").index("brake = 7") + 1),
    ]


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("[me]\nname = \n", "config.toml:2:"),
        ('[me]\nname = "x\n', "config.toml:2:"),
        ("[me\n", "config.toml:1:4: this is not TOML: expected ']'"),
        ("[imap]\n[imap]\n", "config.toml:2:6: this is not TOML: [imap] is there twice; put all of its keys below one"),
        ('[me]\nname = "A"\nname = "B"\n', "this is not TOML: this key is there twice; keep one of them"),
        ("a = " + "[" * 5000, "nested too deeply"),
    ],
)
def test_what_is_not_toml_is_told_with_its_place(source: str, sentence: str) -> None:
    assert sentence in problems(source)


def test_a_password_in_the_file_is_refused_and_not_repeated() -> None:
    text = problems(MINIMAL.replace("password_command =", 'password = "hunter2" #'))
    assert "a password never stands in this file" in text
    assert "hunter2" not in text


def test_a_password_file_is_for_its_owner_only(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("hunter2\n")
    secret.chmod(0o640)
    path = tmp_path / "config.toml"
    path.write_text(MINIMAL.replace('password_command = ["pass", "mail/maya"]', 'password_file = "password"'))
    with pytest.raises(ConfigError, match=f"others may read {secret}; close it with: chmod 600 {secret}"):
        load_config(path, os.environ)
    secret.chmod(0o600)
    assert load_config(path, os.environ).imap.secret == SecretFile(secret)


def test_one_way_to_the_password_is_enough(tmp_path: Path) -> None:
    (tmp_path / "password").touch(mode=0o600)
    path = tmp_path / "config.toml"
    path.write_text(MINIMAL.replace("[smtp]", 'password_file = "password"\n[smtp]'))
    with pytest.raises(ConfigError, match="there is a password_command too; keep one of the two"):
        load_config(path, os.environ)


PASS = 'password_command = ["pass", "mail/maya"]'


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ('credential = "password"', Credential("password")),
        ('token_command = ["oama", "access", "maya"]', TokenCommand(("oama", "access", "maya"))),
        ('token_command = "oama access maya"', TokenCommand("oama access maya")),
    ],
)
def test_other_ways_to_a_secret_serve_both_servers(line: str, secret: object) -> None:
    config = read(MINIMAL.replace(PASS, line))
    assert (config.imap.secret, config.smtp.secret) == (secret, secret)


def test_microsoft_is_a_way_to_log_in() -> None:
    config = read(MINIMAL.replace(PASS, "") + '[microsoft]\nclient_id = "11-22"\n')
    assert config.imap.secret == Microsoft("11-22", "https://login.microsoftonline.com/organizations")
    assert config.smtp.secret == config.imap.secret
    tenant = '[microsoft]\nclient_id = "1"\ntenant = "lind.example"\nauthority = "https://login.microsoftonline.us/"\n'
    config = read(MINIMAL.replace(PASS, "") + tenant)
    assert config.imap.secret == Microsoft("1", "https://login.microsoftonline.us/lind.example")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('credential = "../etc/shadow"', "[imap] credential: write the name alone"),
        ("token_command = 5", "[imap] token_command: write the command and its arguments"),
        (f'{PASS}\ntoken_command = "x"', "[imap] token_command: there is a password_command too"),
        ('credential = "x"\n[microsoft]\ntenant = "a b"', "[microsoft] tenant: write the id or the domain"),
        ('credential = "x"\n[microsoft]\nauthority = "http://a"', "[microsoft] authority: write it like"),
        ('credential = "x"\n[microsoft]\ntenant = "a"', "[microsoft] client_id: missing"),
    ],
)
def test_what_is_wrong_with_a_secret_is_said(line: str, sentence: str) -> None:
    assert sentence in problems(MINIMAL.replace(PASS, line))


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: cannot be read: No such file"):
        load_config(tmp_path / "none.toml", os.environ)
    (tmp_path / "latin.toml").write_bytes(b'[me]\nname = "J\xf6rg"\n')
    with pytest.raises(ConfigError, match="byte 14 is not UTF-8 text"):
        load_config(tmp_path / "latin.toml", os.environ)


def test_the_places_are_searched_in_their_order(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path / "home")}
    places = [tmp_path / "home/.config/inboxagent", tmp_path / "xdg/inboxagent", tmp_path / "systemd"]
    for place in places:
        place.mkdir(parents=True)
        (place / "config.toml").touch()
    assert find_config(None, environ) == places[0] / "config.toml"
    environ["XDG_CONFIG_HOME"] = str(tmp_path / "xdg")
    assert find_config(None, environ) == places[1] / "config.toml"
    environ["CONFIGURATION_DIRECTORY"] = f"{tmp_path / 'systemd'}:/elsewhere"
    assert find_config(None, environ) == places[2] / "config.toml"
    environ["INBOXAGENT_CONFIG"] = str(tmp_path / "named.toml")
    assert find_config(None, environ) == tmp_path / "named.toml"
    assert find_config(str(places[0]), environ) == places[0] / "config.toml"


def test_without_any_it_says_where_it_looked_and_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        find_config(None, {"HOME": str(tmp_path), "XDG_CONFIG_HOME": "relative/is/ignored"})
    assert f"{tmp_path}/.config/inboxagent/config.toml\n" in str(caught.value)
    assert "/etc/inboxagent/config.toml" in str(caught.value)
    assert MINIMAL in str(caught.value)
