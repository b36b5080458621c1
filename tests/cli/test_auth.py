"""`auth login`: what she is shown, and what follows."""

from pathlib import Path

import pytest

from tests.cli.desk import Desk
from tests.fakes.scripted_oauth import ScriptedOAuth

CERTIFICATES = Path(__file__).parents[1] / "edge" / "certificates"
pytest.importorskip("msal", reason="not installed: msal (the extra microsoft)")


def test_she_is_shown_an_address_and_a_code(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(CERTIFICATES / "trusted.pem"))
    with ScriptedOAuth("maya@lind.example", CERTIFICATES / "trusted.pem", CERTIFICATES / "key.pem") as server:
        text = desk.config.read_text().replace('password_file = "password"\n', "")
        desk.config.write_text(f'{text}\n[microsoft]\nclient_id = "the-app"\nauthority = "{server.address}"\n')
        said = desk.run("auth", "login").stdout
        address = f"{server.address}/device"
    assert f"Open {address} in a browser" in said
    assert "    ABCD-EFGH\n" in said
    assert "maya@lind.example is logged in." in said
    (kept,) = (desk.folder / "state" / "microsoft").glob("*.json")
    assert server.tokens[0] in kept.read_text()
    assert server.tokens[0] not in said


def test_where_nobody_asks_for_it_it_says_so(desk: Desk) -> None:
    assert "no server logs in by [microsoft]" in desk.run("auth", "login", code=78).stderr
