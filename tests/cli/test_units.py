"""`service install`: where the unit goes, what it starts, and what she is told next."""

import os

import pytest

from inboxagent.cli import units
from tests.cli.desk import Desk


def test_the_unit_of_a_user_starts_this_program(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    program = desk.folder / "50% of mine" / "inboxagent"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    monkeypatch.setattr("sys.argv", [str(program)])
    said = desk.run("service", "install", config=False).stdout
    unit = desk.folder / "home" / ".config" / "systemd" / "user" / "inboxagent.service"
    assert f"Written: {unit}\n" in said
    assert "systemctl --user enable --now inboxagent" in said
    assert f'ExecStart="{desk.folder}/50%% of mine/inboxagent" run\n' in unit.read_text()


def test_what_comes_first_and_what_an_upgrade_needs_is_said(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    program = desk.folder / "inboxagent"
    program.write_text("#!/bin/sh\n")
    monkeypatch.setattr("sys.argv", [str(program)])
    first = desk.run("service", "install", config=False).stdout
    assert "begin with:  inboxagent init" in first
    assert "systemctl --user disable --now inboxagent; rm " in first
    again = desk.run("service", "install", config=False).stdout
    assert "It was there before." in again
    assert "systemctl --user restart inboxagent" in again


def test_a_plain_path_is_written_as_it_is() -> None:
    assert units.quote("/opt/inboxagent/bin/inboxagent") == "/opt/inboxagent/bin/inboxagent"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may install for the system")
def test_a_program_that_the_service_cannot_see_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    program = desk.folder / "inboxagent"
    program.write_text("#!/bin/sh\n")
    monkeypatch.setattr("sys.argv", [str(program)])
    monkeypatch.setattr(units, "HIDDEN", (str(desk.folder),))
    assert "which the service cannot see" in desk.run("service", "install", "--system", config=False, code=1).stderr
