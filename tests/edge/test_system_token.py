"""Access tokens of OAuth 2.0: from a command, and from Microsoft by way of a scripted log-in server over TLS."""

import stat
from pathlib import Path

import pytest

from inboxagent.edge.system_microsoft import MicrosoftToken
from inboxagent.edge.system_token import CommandToken, read_token
from inboxagent.errors import ConfigError, LoginRefused, Unreachable
from tests.fakes.scripted_oauth import ScriptedOAuth

pytest.importorskip("msal", reason="not installed: msal (the extra microsoft)")
CERTIFICATES = Path(__file__).parent / "certificates"
MAYA = "maya@lind.example"


class Printer:
    """A command that prints one thing after the other, on a clock that the test winds."""

    def __init__(self, *prints: str) -> None:
        self.prints = list(prints)
        self.seconds = 0.0

    def __call__(self) -> bytes:
        return self.prints.pop(0).encode()

    def token(self) -> CommandToken:
        return CommandToken(self, lambda: self.seconds)


def test_a_bare_token_is_asked_for_at_each_log_in() -> None:
    token = Printer("first\n", "second\n").token()
    assert [token(), token()] == ["first", "second"]


def test_a_token_with_a_life_is_kept_until_five_minutes_before_its_end() -> None:
    printer = Printer('{"access_token": "first", "expires_in": 3600}', '{"access_token": "second"}')
    token = printer.token()
    assert [token(), token()] == ["first", "first"]
    printer.seconds = 3299
    assert token() == "first"
    printer.seconds = 3301
    assert token() == "second"


def test_a_token_that_was_refused_is_asked_for_anew() -> None:
    token = Printer(
        '{"access_token": "first", "expires_in": 3600}', '{"access_token": "second", "expires_in": 9}'
    ).token()
    assert token() == "first"
    assert token("first") == "second"


@pytest.mark.parametrize(
    "printed", ["", "two words\n", '{"access_token": ""}', '{"error": "secret-thing"}', "{nonsense"]
)
def test_what_is_no_token_is_refused_and_not_repeated(printed: str) -> None:
    with pytest.raises(ConfigError, match="printed no access token") as caught:
        read_token(printed.encode())
    assert "secret-thing" not in str(caught.value)


# -- Microsoft


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(CERTIFICATES / "trusted.pem"))
    with ScriptedOAuth(MAYA, CERTIFICATES / "trusted.pem", CERTIFICATES / "key.pem") as running:
        yield running


def microsoft(server: ScriptedOAuth, folder: Path, username: str = MAYA) -> MicrosoftToken:
    return MicrosoftToken("the-app", f"{server.address}/organizations", username, folder / "microsoft" / "maya.json")


def test_she_logs_in_once_by_a_code_and_tokens_follow_for_ever(server: ScriptedOAuth, tmp_path: Path) -> None:
    shown: list[tuple[str, str]] = []
    microsoft(server, tmp_path).log_in(lambda address, code: shown.append((address, code)))
    assert shown == [(f"{server.address}/device", "ABCD-EFGH")]
    kept = tmp_path / "microsoft" / "maya.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    token = microsoft(server, tmp_path)  # another process
    assert token() == "token-1"  # it has an hour to live
    assert token("token-1") == "token-2"  # refused: refreshed at once
    assert token() == "token-2"


def test_a_token_near_its_end_is_refreshed_before_the_log_in(server: ScriptedOAuth, tmp_path: Path) -> None:
    server.lives = 200
    microsoft(server, tmp_path).log_in(lambda address, code: None)
    assert microsoft(server, tmp_path)() == "token-2"
    assert server.asked[-1] == "refresh_token"


def test_a_log_in_that_has_ended_says_what_to_do(server: ScriptedOAuth, tmp_path: Path) -> None:
    with pytest.raises(LoginRefused, match=r"nobody has logged in for maya@lind.example yet; .*auth login"):
        microsoft(server, tmp_path)()
    microsoft(server, tmp_path).log_in(lambda address, code: None)
    server.refuses_refresh = True
    with pytest.raises(LoginRefused, match=r"invalid_grant AADSTS70008: it has expired\.; log in again") as caught:
        microsoft(server, tmp_path)("token-1")
    assert "refresh-1" not in str(caught.value)


def test_the_log_in_of_somebody_else_is_not_kept(server: ScriptedOAuth, tmp_path: Path) -> None:
    with pytest.raises(LoginRefused, match=r"that was the log-in of maya@lind.example"):
        microsoft(server, tmp_path, "nora@lind.example").log_in(lambda address, code: None)
    assert not (tmp_path / "microsoft" / "maya.json").exists()


def test_a_log_in_server_that_is_away_is_waited_for(server: ScriptedOAuth, tmp_path: Path) -> None:
    away = MicrosoftToken("the-app", "https://localhost:9/organizations", MAYA, tmp_path / "maya.json")
    (tmp_path / "maya.json").write_text("{}")
    with pytest.raises(Unreachable, match="localhost:9/organizations cannot be asked"):
        away()
