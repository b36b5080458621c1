"""`log`: everything that happened, oldest first, and what happens while somebody looks."""

import json
import subprocess

from inboxagent.outreach.events import By, Word
from tests.cli.desk import Desk, event


def test_every_event_of_everybody_comes_in_the_order_of_its_time(desk: Desk) -> None:
    desk.enrol("k1", event(Word.INTENT, step="one", message_id="<t@lind.example>"), days_ago=3)
    desk.enrol("k2", event(Word.REPLY, "he answered\x1b[31m", by=By.HIM, days=1, text="Yes."), days_ago=2)
    lines = desk.run("log").stdout.splitlines()
    assert [line.split()[4] for line in lines] == ["k1", "k2", "k2", "k1"]
    assert lines[2].endswith("k2  k2@prospect.test  reply: he answered [31m")
    assert lines[3].endswith("k1  k1@prospect.test  intent one: a test")


def test_in_json_each_line_is_one_event(desk: Desk) -> None:
    assert desk.run("log", "--json").stdout == ""
    desk.enrol("k1", event(Word.INTENT, step="one", message_id="<t@lind.example>", text="Hello"))
    first, second = map(json.loads, desk.run("log", "--json").stdout.splitlines())
    assert (first["id"], first["address"], first["event"]) == ("k1", "k1@prospect.test", "enrolled")
    shown = desk.ask("show", "k1")["events"]
    assert second == {"id": "k1", "address": "k1@prospect.test", **shown[1]}
    assert second["text"] == "Hello"


def test_followed_it_goes_on_with_what_others_write(desk: Desk) -> None:
    desk.enrol("k1")
    command = desk.command("log", "--json", "--follow")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=desk.shell()) as process:
        try:
            assert process.stdout is not None
            assert json.loads(process.stdout.readline())["event"] == "enrolled"
            desk.append("k1", event(Word.HELD, "she paused it", by=By.HER))
            assert json.loads(process.stdout.readline())["event"] == "held"
            desk.enrol("k2")
            assert json.loads(process.stdout.readline())["id"] == "k2"
        finally:
            process.kill()
