"""`enroll --csv`: all or nothing, each bad row by its line and column."""

from pathlib import Path

import pytest

from inboxagent.cli.embedded import EmbeddedProvider
from tests.cli.desk import Desk, ago, write

ANNA, BART = "anna@prospect.test", "bart@other.test"


@pytest.fixture
def table(desk: Desk, provider: EmbeddedProvider) -> Path:
    for address in (ANNA, BART):
        write(provider, address)
    return desk.folder / "people.csv"


def test_everybody_in_the_table_is_enrolled(desk: Desk, table: Path) -> None:
    table.write_text(f"Email,Project,First name,tone,Shoe size\n{ANNA},the portal,Anna,formal,38\n{BART},the shop,,,\n")
    result = desk.run("enroll", "quick", "--csv", str(table))
    assert "2 people enrolled." in result.stderr
    assert "Columns that quick does not use: Shoe size" in result.stderr
    shown = desk.ask("list")
    assert {each["prospect"]["address"] for each in shown} == {ANNA, BART}
    assert "the shop" in desk.run("preview", BART).stdout


def test_whoever_will_read_what_she_noted_is_named(desk: Desk, table: Path) -> None:
    first = desk.ask("enroll", "quick", ANNA, "--field", "project=the portal")["id"]
    desk.run("stop", first)
    desk.run("note", first, "You send the figures by Friday.")
    day = f"{ago(-30):%Y-%m-%d}"
    table.write_text(f"email,next_date,summary\n{ANNA},{day},\n{BART},{day},We begin in May.\n")
    told = desk.run("enroll", "after-call", "--csv", str(table)).stderr
    assert f'{ANNA} will read, as summary, what you noted: "You send the figures by Friday."' in told
    assert told.count("will read") == 1


def test_one_bad_row_and_nobody_is_enrolled(desk: Desk, table: Path) -> None:
    table.write_text(f"email;project\n{ANNA};the portal\nbart-at-other.test;the shop\n{ANNA};again\n{BART};\n;x\n")
    result = desk.run("enroll", "quick", "--csv", str(table), code=65)
    assert desk.ask("list") == []
    lines = result.stderr.splitlines()
    assert lines[0].startswith(f'{table}:3: column "email": "bart-at-other.test" is not one plain address')
    assert lines[1] == f"{table}:4: {ANNA} stands in line 2 already"
    assert lines[2].startswith(f'{table}:5: {BART} lacks "project"')
    assert lines[3] == f'{table}:6: column "email": there is no address'
    assert "4 of 5 rows cannot be enrolled, so nobody is" in lines[4]


def test_every_fault_of_a_row_is_named_by_its_column(desk: Desk, table: Path) -> None:
    table.write_text(f"email,project,Tone,pace,start\n{ANNA},the portal,wrm,,nope\nbart,the shop,,99,\n")
    lines = desk.run("enroll", "quick", "--csv", str(table), "--dry-run", code=65).stderr.splitlines()
    assert lines[0] == f'{table}:2: column "Tone": there is no tone "wrm"; did you mean "warm"?'
    assert lines[1].startswith(f'{table}:2: column "start": quick has no step "nope"; its steps are ')
    assert lines[2].startswith(f'{table}:3: column "email": "bart" is not one plain address')
    assert lines[3].startswith(f'{table}:3: column "pace": "99" is no pace; write a number from ')
    assert "2 of 2 rows cannot be enrolled" in lines[4]


def test_skip_bad_enrols_the_others(desk: Desk, table: Path) -> None:
    table.write_text(f"email;project\n{ANNA};the portal\nnobody@prospect.test;the shop\n")
    result = desk.run("enroll", "quick", "--csv", str(table), "--skip-bad")
    assert f"{table}:3: there is no thread in which you wrote to nobody@prospect.test" in result.stderr
    assert [each["prospect"]["address"] for each in desk.ask("list")] == [ANNA]


def test_a_dry_run_of_a_table_changes_nothing(desk: Desk, table: Path) -> None:
    table.write_text(f"email,project\n{ANNA},the portal\n")
    assert "1 person could be enrolled" in desk.run("enroll", "quick", "--csv", str(table), "--dry-run").stderr
    assert desk.ask("list") == []


def test_what_is_no_table_is_said(desk: Desk, table: Path) -> None:
    table.write_text("name,project\nAnna,the portal\n")
    assert 'no column is called "address"' in desk.run("enroll", "quick", "--csv", str(table), code=65).stderr
    assert "cannot be read" in desk.run("enroll", "quick", "--csv", f"{table}.no", code=2).stderr
    assert "an address, or --csv" in desk.run("enroll", "quick", code=2).stderr
