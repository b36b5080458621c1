"""`rules new` and `schema`, `check` on files with people inside, `done`, `skip`, tones side by side."""

import json
from pathlib import Path

from inboxagent.outreach.events import Word
from inboxagent.rules.hours import KEYS
from inboxagent.rules.schema import SCHEMA
from inboxagent.rules.settings import SETTINGS
from tests.cli.desk import RULE, Desk, event

TASKS = """---
sequence: Tasks
won: quick
---

## ring
do: task
wait: 1 day

Ring them.

## two
wait: 3 days

Hello, did it arrive?
"""


def test_a_new_file_is_a_copy_of_one_that_ships(desk: Desk) -> None:
    path = desk.folder / "rules" / "mine.md"
    assert desk.run("rules", "new", "mine", "--like", "after-call").stdout == f"{path}\n"
    assert path.read_text().startswith("---\nsequence: After the call\n")
    assert "is there already" in desk.run("rules", "new", "mine", code=1).stderr
    assert 'did you mean "after-call"?' in desk.run("rules", "new", "x", "--like", "after-cal", code=1).stderr
    assert "cannot be the name" in desk.run("rules", "new", "../x", code=2).stderr


def test_the_schema_knows_every_setting(desk: Desk) -> None:
    assert json.loads(desk.run("rules", "schema", config=False).stdout) == SCHEMA
    assert SCHEMA["properties"].keys() == set(SETTINGS)
    assert SCHEMA["properties"]["send"]["properties"].keys() == set(KEYS)


def test_check_says_what_an_edit_changes_for_whom(desk: Desk) -> None:
    desk.enrol("k1")
    desk.enrol("k2", event(Word.SENT, step="one"))
    kept = desk.folder / "state" / "rules"
    kept.mkdir()
    rule = desk.folder / "rules" / "quick.md"
    (kept / "quick.md").write_text(rule.read_text())
    assert desk.run("check").stderr == ""
    rule.write_text(rule.read_text().replace("Hello, which part", "Hello Anna, which part"))
    assert "2 people are inside quick; for 1 of them the next step changes." in desk.run("check").stderr


def test_status_is_yellow_where_a_rule_file_is_broken(desk: Desk) -> None:
    (desk.folder / "rules" / "other.md").write_text(RULE.format(days="Mon-Sun", wait="3 dais"))
    status = desk.ask("status", code=1)
    (problem,) = status["accounts"][0]["problems"]
    assert problem.endswith("other.md cannot be used as it is")
    assert "other.md cannot be used" in " ".join(desk.run("status", code=1).stdout.split())


def tasks(desk: Desk) -> Path:
    path = desk.folder / "rules" / "tasks.md"
    path.write_text(TASKS)
    return path


def test_what_she_has_to_do_is_listed_until_it_is_done(desk: Desk) -> None:
    tasks(desk)
    desk.enrol("k1", event(Word.TASK, step="ring", text="Ring them."))
    assert desk.ask("list")[0]["tasks"][0]["text"] == "Ring them."
    assert "ring (k1)" in desk.run("status", code=1).stdout
    assert "`ring` is done" in desk.run("done", "k1").stdout
    assert desk.ask("list")[0]["tasks"] == []
    assert "k1 has no task for you" in desk.run("done", "k1", code=1).stderr


def test_a_step_is_left_out(desk: Desk) -> None:
    desk.enrol("k1")
    assert "`one` is left out" in desk.run("skip", "k1").stdout
    (listed,) = desk.ask("list")
    assert listed["next"]["step"] == "two"


def test_two_tones_side_by_side(desk: Desk) -> None:
    path = desk.folder / "rules" / "greet.md"
    path.write_text("---\nlanguage: en\n---\n\n## one\nwait: 1 day\n\n{{ greeting }}\n\nWell?\n\n{{ sign_off }}\n")
    shown = desk.run("preview", str(path), "--tone", "warm,formal").stdout
    assert "Hello," in shown
    assert any("Warm regards," in line and "Yours faithfully," in line for line in shown.splitlines())
    documents = desk.ask("preview", str(path), "--tone", "warm,formal")
    assert [each["tone"] for each in documents] == ["warm", "formal"]
    assert 'there is no tone "wram"' in desk.run("preview", str(path), "--tone", "wram", code=2).stderr
