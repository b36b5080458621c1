"""What root takes along of a unit when it becomes the service's user, and what it is told where it cannot."""

import shutil
from pathlib import Path

import pytest

from inboxagent.edge import system_secrets, system_unit
from inboxagent.edge.system_secrets import Carried, carry, read_credential
from inboxagent.edge.system_unit import Handed, handed_over, unit_of
from inboxagent.errors import ConfigError

ONE = Path()


def unit(units: Path, name: str, *lines: str) -> None:
    path = units / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(["[Service]", *lines, ""]))


def sources(account: Path, units: Path) -> dict[str, str]:
    return {each.name: f"{each.setting}={each.source}" for each in handed_over(account, units)}


def test_the_unit_says_what_is_handed_over(tmp_path: Path) -> None:
    unit(tmp_path, "inboxagent.service", "ExecStart=/bin/true", "LoadCredential=password:/etc/inboxagent/password")
    assert sources(ONE, tmp_path) == {"password": "LoadCredential=/etc/inboxagent/password"}


def test_each_of_several_accounts_has_its_own(tmp_path: Path) -> None:
    unit(tmp_path, "inboxagent@.service", "LoadCredential=password:/etc/inboxagent/%i/password")
    assert sources(Path("maya"), tmp_path) == {"password": "LoadCredential=/etc/inboxagent/maya/password"}
    assert (unit_of(ONE), unit_of(Path("maya"))) == ("inboxagent.service", "inboxagent@maya.service")


def test_a_drop_in_may_add_and_take_back(tmp_path: Path) -> None:
    unit(tmp_path, "inboxagent@.service", "LoadCredential=password:/etc/inboxagent/%i/password")
    unit(tmp_path, "inboxagent@.service.d/10.conf", "LoadCredential=smtp:/etc/smtp")
    drop = ["LoadCredential=", "LoadCredentialEncrypted = imap:/srv/imap.cred"]
    unit(tmp_path, "inboxagent@maya.service.d/10.conf", *drop)
    assert sources(Path("maya"), tmp_path) == {"imap": "LoadCredentialEncrypted=/srv/imap.cred"}
    assert list(sources(Path("nora"), tmp_path)) == ["password", "smtp"]


def test_a_value_stands_in_for_a_file_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "smtp").write_text("from the file\n")
    values = ["SetCredential=imap:of the unit", "SetCredential=smtp:of the unit"]
    files = [f"LoadCredential=imap:{tmp_path}/imap", f"LoadCredential=smtp:{tmp_path}/smtp"]
    unit(tmp_path, "inboxagent.service", *values, *files)
    fetched = {each.name: each.fetch() for each in handed_over(ONE, tmp_path)}
    assert fetched == {"imap": b"of the unit", "smtp": b"from the file\n"}


def test_a_value_may_go_over_several_lines_and_have_escapes(tmp_path: Path) -> None:
    unit(tmp_path, "inboxagent.service", "SetCredentialEncrypted=imap: \\", "    Whxq \\", "    ABC=")
    assert sources(ONE, tmp_path) == {"imap": "SetCredentialEncrypted=Whxq      ABC="}
    assert Handed("imap", "SetCredential", "caf\\x65\\ncafé").fetch() == "cafe\ncafé".encode()


def test_a_file_is_looked_for_in_the_stores_of_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_unit, "STORES", (tmp_path / "etc", tmp_path / "run"))
    kept = tmp_path / "run" / "credstore" / "imap"
    kept.parent.mkdir(parents=True)
    kept.write_text("open sesame\n")
    assert Handed("imap", "LoadCredential", "").fetch() == b"open sesame\n"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r'"imap" \(LoadCredential= of the unit\): .*/none cannot be read: No such'):
        Handed("imap", "LoadCredential", f"{tmp_path}/none").fetch()


def test_without_the_program_that_decrypts_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ConfigError, match="systemd-creds, which decrypts it, is not installed"):
        Handed("imap", "SetCredentialEncrypted", "Whxq").fetch()


@pytest.mark.skipif(not shutil.which("systemd-creds"), reason="not installed: systemd-creds")
def test_what_cannot_be_decrypted_says_why_and_how_to_try_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        Handed("imap", "LoadCredentialEncrypted", f"{tmp_path}/none").fetch()
    assert "cannot be decrypted here: Failed to read" in str(caught.value)
    assert str(caught.value).endswith(f"; try it: sudo systemd-creds decrypt --name=imap {tmp_path}/none -")


@pytest.fixture
def carried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_secrets, "_carried", [])
    carry(Carried("inboxagent.service", {"imap": b"open sesame\nmore\n"}, {"smtp": "it is locked"}))


@pytest.mark.usefixtures("carried")
def test_what_root_took_along_is_read_from_memory() -> None:
    assert read_credential("imap", {}) == "open sesame"


@pytest.mark.usefixtures("carried")
@pytest.mark.parametrize(
    ("name", "sentence"), [("smtp", "it is locked"), ("other", 'service hands over no credential "other"; add it')]
)
def test_what_it_could_not_take_along_is_said_once_it_is_needed(name: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        read_credential(name, {})
