"""`check`: every problem of every file, without network or configuration."""

from pathlib import Path

import pytest

from inboxagent.edge.shipped import find
from tests.cli.desk import Desk

BROKEN = """---
sequence: Broken
tone: wram
---

## one
wait: 3 buisness days

Hello {{ name }
"""


def test_her_rules_folder_is_checked(desk: Desk) -> None:
    (desk.folder / "rules" / "phrases").mkdir()
    (desk.folder / "rules" / "phrases" / "en.yaml").write_text("sign_off: Bye\n")
    result = desk.run("check")
    assert (result.stdout, result.stderr) == (f"2 files are fine in {desk.folder / 'rules'}.\n", "")


def test_all_problems_of_all_files_are_told(desk: Desk) -> None:
    path = desk.folder / "rules" / "broken.md"
    path.write_text(BROKEN)
    result = desk.run("check", code=65)
    assert result.stdout == f"1 file is fine in {desk.folder / 'rules'}.\n"
    assert f'{path}:7:7: "buisness days" is not a unit of time\n     7 | wait: 3 buisness days\n' in result.stderr
    assert 'did you mean "business days"?' in result.stderr
    assert f"{path}:3:7: " in result.stderr
    assert f"{path}:9:" in result.stderr
    assert f"1 file is not: {path}\n" in result.stderr


def test_named_files_need_no_configuration(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "mine.md").write_text(BROKEN)
    desk.run("check", str(tmp_path / "mine.md"), config=False, code=65)
    assert desk.run("check", str(desk.folder / "rules" / "quick.md"), config=False).stdout == "1 file is fine.\n"


def test_without_configuration_and_files_it_checks_what_ships(desk: Desk) -> None:
    assert desk.run("check", config=False).stdout.endswith(f"files are fine in {find('rules')}.\n")


def test_a_folder_that_is_named_and_missing_is_code_78(desk: Desk) -> None:
    rules = desk.folder / "rules"
    rules.rename(desk.folder / "elsewhere")
    sentence = f"inboxagent: {desk.config}: rules: there is no folder {rules}; make it, or name the one you mean\n"
    preview = ("preview", str(desk.folder / "elsewhere" / "quick.md"))
    for words in (("check",), preview, ("list",), ("run", "--once"), ("enroll", "quick", "anna@prospect.test")):
        if words == ("list",):
            desk.enrol("k1")
        assert desk.run(*words, code=78).stderr == sentence, words


def test_a_file_that_is_not_there_is_a_problem(desk: Desk) -> None:
    result = desk.run("check", "none.md", code=65)
    assert "none.md: cannot be read: No such file or directory" in result.stderr


def test_warnings_are_told_and_leave_it_at_0(desk: Desk) -> None:
    rule = desk.folder / "rules" / "quick.md"
    rule.write_text(rule.read_text().replace("{{ project }} arrive", "{{ project }} in {{ town }} arrive"))
    result = desk.run("check")
    assert 'warning: "town" is not among the fields' in result.stderr
    assert result.stdout == f"1 file is fine in {desk.folder / 'rules'}.\n"


def test_the_answer_in_json(desk: Desk) -> None:
    path = desk.folder / "rules" / "broken.md"
    path.write_text(BROKEN)
    broken, fine = desk.ask("check", code=65)
    assert (broken["path"], broken["ok"], fine["ok"], fine["problems"]) == (str(path), False, True, [])
    assert len(broken["problems"]) == 3


@pytest.mark.parametrize("setting", ["then", "won", "lost", "refused"])
def test_a_sequence_that_is_nowhere_cannot_take_over(desk: Desk, setting: str) -> None:
    rule = desk.folder / "rules" / "quick.md"
    good = rule.read_text()
    rule.write_text(good.replace("tone: brief", f"tone: brief\n{setting}: keep-in-tuch"))
    told = desk.run("check", code=65).stderr
    column = len(setting) + 3
    missing = f'there is no sequence "keep-in-tuch" for "{setting}" to hand him on to'
    assert f"{rule}:6:{column}: {missing}\n" in told
    assert 'did you mean "keep-in-touch"?' in told
    alone = desk.run("check", str(rule))
    assert f"{rule}:6:{column}: warning: {missing}\n" in alone.stderr
    for name in ("keep-in-touch", "keep-in-touch.md", "quick", "end"):
        rule.write_text(good.replace("tone: brief", f"tone: brief\n{setting}: {name}"))
        assert desk.run("check").stderr == ""


def test_a_file_that_is_checked_alone_may_name_what_lies_elsewhere(desk: Desk) -> None:
    rule = desk.folder / "rules" / "quick.md"
    rule.write_text(rule.read_text().replace("tone: brief", "tone: brief\nthen: zebra"))
    assert "has to lie in your rules folder by the time it is needed" in desk.run("check", str(rule)).stderr
    (desk.folder / "rules" / "zebra.md").write_text("broken")
    assert "there is no sequence" not in desk.run("check", str(rule)).stderr
