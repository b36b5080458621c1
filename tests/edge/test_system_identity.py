"""What root takes along when it becomes the service's user; that it does is tested on a real systemd."""

from pathlib import Path

import pytest

from inboxagent.edge import system_secrets
from inboxagent.edge.system_identity import become_owner, credentials
from inboxagent.edge.system_secrets import carry, read_credential


def unit(units: Path, name: str, *lines: str) -> None:
    path = units / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(["[Service]", *lines, ""]))


def test_the_unit_says_what_is_handed_over(tmp_path: Path) -> None:
    unit(tmp_path, "inboxagent.service", "ExecStart=/bin/true", "LoadCredential=password:/etc/inboxagent/password")
    assert credentials(Path(), tmp_path) == [("password", Path("/etc/inboxagent/password"))]


def test_each_of_several_accounts_has_its_own(tmp_path: Path) -> None:
    unit(tmp_path, "inboxagent@.service", "LoadCredential=password:/etc/inboxagent/%i/password")
    assert credentials(Path("maya"), tmp_path) == [("password", Path("/etc/inboxagent/maya/password"))]


def test_a_drop_in_may_add_and_take_back(tmp_path: Path) -> None:
    unit(tmp_path, "inboxagent@.service", "LoadCredential=password:/etc/inboxagent/%i/password")
    unit(tmp_path, "inboxagent@.service.d/10.conf", "LoadCredential=smtp:/etc/smtp")
    unit(tmp_path, "inboxagent@maya.service.d/10.conf", "LoadCredential=", "LoadCredential=imap:/srv/imap")
    assert credentials(Path("maya"), tmp_path) == [("imap", Path("/srv/imap"))]
    assert [name for name, _ in credentials(Path("nora"), tmp_path)] == ["password", "smtp"]


def test_elsewhere_nobody_becomes_anybody(tmp_path: Path) -> None:
    environ = {"HOME": "/home/maya"}
    become_owner(tmp_path / "config.toml", environ)
    assert environ == {"HOME": "/home/maya"}


def test_what_root_took_along_is_read_from_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_secrets, "_carried", {})
    carry("password", b"open sesame\nmore\n")
    assert read_credential("password", {}) == "open sesame"
