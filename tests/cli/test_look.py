"""`list`, `show` and `why`: who stands where, the whole story, the reasons."""

import ast
import os
import subprocess
import sys

import pytest

from inboxagent.cli.documents import instant
from inboxagent.cli.why import SENTENCES
from inboxagent.edge.system_lock import ProcessLock
from inboxagent.edge.system_state import write_status
from inboxagent.outreach.events import By, Word
from tests.cli.desk import Desk, ago, event

LIST_KEYS = ["id", "prospect", "sequence", "state", "court", "touches", "next", "held_until", "because"]
LIST_KEYS += ["proposed", "tasks", "blind_since", "question_since", "letters_left"]


def test_an_empty_list_says_how_to_begin(desk: Desk) -> None:
    result = desk.run("list")
    assert result.stdout == ""
    assert "inboxagent enroll SEQUENCE ADDRESS" in result.stderr
    assert desk.ask("list") == []


def test_the_list_has_one_aligned_line_for_each(desk: Desk) -> None:
    desk.enrol("k1")
    desk.enrol("k2222", event(Word.REPLY, "he answered", by=By.HIM))
    desk.enrol("k3", event(Word.STOPPED, "she stopped it", by=By.HER))
    lines = desk.run("list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["ID", "k2222", "k1", "k3"]  # her turn first
    assert {line.index("quick") for line in lines[1:]} == {lines[0].index("SEQUENCE")}
    assert max(map(len, lines)) <= 100
    assert lines[1].endswith("answered  1 of 3   he answered")
    assert lines[2].split()[-1] == "one"


def test_the_list_shows_what_he_wrote_first_and_on_a_narrow_terminal_too(desk: Desk) -> None:
    text = "Yes, we begin in May.\nPlease call me."
    desk.enrol("k1", event(Word.REPLY, "he answered: a person", by=By.HIM, text=text), address=f"{'anna' * 5}@a.test")
    said = '"Yes, we begin in May. Please call me.": he answered: a person'
    assert said in desk.run("list").stdout
    ours, its = os.openpty()
    subprocess.run(desk.command("list"), stdout=its, env={**desk.shell(), "COLUMNS": "80", "NO_COLOR": "1"}, check=True)
    os.close(its)
    lines = os.read(ours, 65_536).decode().splitlines()
    os.close(ours)
    assert (len(lines), lines[2]) == (3, f"    {said}")


def test_the_list_says_nothing_twice_and_no_more_into_a_pipe_than_at_a_terminal(desk: Desk) -> None:
    asked = "what does the first part alone cost, and when could you begin with it, if we agreed on it this week?"
    because = f'it answers <{"a1b2" * 20}@prospect.test>: a person writes "{asked[:80]}"'
    desk.enrol("k1", event(Word.REPLY, because, by=By.HIM, text=asked))
    desk.enrol("k2", event(Word.REPLY, 'he answered: a person writes "Yes, please"', by=By.HIM, text="Yes, please"))
    desk.enrol("k3", event(Word.BOUNCE, "550 5.1.1 " + "no such user here " * 20, permanent=True))
    lines = {line.split()[0]: line for line in desk.run("list").stdout.splitlines()}
    start = lines["ID"].index("NEXT")
    assert lines["k1"].count("what does the first part") == 1
    assert lines["k2"][start:] == '"Yes, please"'
    assert {len(lines[each][start:]) for each in ("k1", "k3")} == {96}
    assert {each["because"] for each in desk.ask("list")} >= {because}


def test_an_answer_after_a_dead_address_waits_for_her_until_she_has_written(desk: Desk) -> None:
    bounce = event(Word.BOUNCE, "his address is dead", days=0.5, permanent=True)
    answer = event(Word.REPLY, "he answered: a person", days=0.2, by=By.HIM, text="Here is my new address.")
    desk.enrol("k1")
    desk.enrol("k2", bounce, answer)
    desk.enrol("k3", bounce)
    lines = desk.run("list").stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["k2", "k1", "k3"]
    assert "stopped  " in lines[1]
    assert "waits for you since " in lines[1]
    assert lines[1].endswith(': "Here is my new address.": he answered: a person')
    found = {each["id"]: each for each in desk.ask("list")}
    assert (found["k2"]["state"], found["k2"]["next"]) == ("stopped", None)
    assert found["k2"]["question_since"] == instant(answer.at)
    assert found["k3"]["question_since"] is None
    desk.append("k2", event(Word.OWN_MAIL, "she wrote to him", days=0.1, by=By.HER))
    assert desk.ask("show", "k2")["question_since"] is None


def test_the_list_in_json_has_the_agreed_keys(desk: Desk) -> None:
    desk.enrol("k1")
    desk.enrol("k2", event(Word.AUTO_REPLY, "away", until=ago(-5)))
    desk.enrol("k3", event(Word.HELD, "she paused it", by=By.HER))
    one, two, three = desk.ask("list")
    assert list(one) == LIST_KEYS
    assert one["prospect"] == {"address": "k1@prospect.test", "name": "Anna"}
    assert (one["sequence"], one["state"], one["court"], one["touches"]) == ("quick", "waiting", "his", 1)
    assert (one["next"]["step"], one["next"]["kind"]) == ("one", "mail")
    assert one["next"]["at"].endswith("Z")
    assert one["held_until"] is None
    assert (two["state"], two["court"], two["because"]) == ("held", "his", "away")
    assert two["held_until"] < two["next"]["at"]
    assert (three["state"], three["court"], three["next"], three["held_until"]) == ("held", "hers", None, None)


def test_show_tells_the_whole_story(desk: Desk) -> None:
    desk.enrol("k1", event(Word.REPLY, "he answered", by=By.HIM, text="Yes,\nplease.", message_id="<a@prospect.test>"))
    text = desk.run("show", "K1").stdout
    assert text.startswith("k1  Anna <k1@prospect.test>\n")
    assert "answered, your turn" in text
    assert "  | Yes,\n  | please.\n" in text
    assert "<a@prospect.test>" in text


def test_show_in_json_is_the_list_with_events(desk: Desk) -> None:
    desk.enrol("k1", event(Word.INTENT, step="one", message_id="<t@lind.example>"), event(Word.SENT, step="one"))
    shown = desk.ask("show", "k1@prospect.test")
    assert list(shown) == [*LIST_KEYS, "events"]
    assert [each["event"] for each in shown["events"]] == ["enrolled", "intent", "sent"]
    assert {"at", "event", "because", "message_id", "step"} <= shown["events"][1].keys()
    assert shown["events"][1]["message_id"] == "<t@lind.example>"
    assert (shown["touches"], shown["next"]["step"]) == (2, "two")


def test_why_says_it_in_sentences(desk: Desk) -> None:
    desk.enrol("k1", event(Word.REPLY, 'he answered: a person writes "Yes"', by=By.HIM))
    text = desk.run("why", "k1").stdout
    assert "She enrolled the thread." in text
    assert 'Follow-ups ended here: he answered: a person writes "Yes".' in text
    assert text.splitlines()[-1].split(maxsplit=1) == ["now", "Nothing goes out until you say `resume k1`."]


@pytest.mark.parametrize(
    ("events", "sentence"),
    [
        ([], "`one` goes out on "),
        ([event(Word.STOPPED, by=By.HER)], "Nothing goes out any more."),
        ([event(Word.INTENT, step="one"), event(Word.UNCERTAIN, step="one")], "Nobody knows what became of `one`."),
        ([event(Word.SENT, step="one"), event(Word.SENT, step="two")], "all steps of quick are over"),
    ],
)
def test_why_ends_with_what_follows(desk: Desk, events: list, sentence: str) -> None:
    desk.enrol("k1", *events)
    assert sentence in desk.ask("why", "k1")["now"]


def test_why_names_what_stands_in_the_way(desk: Desk) -> None:
    desk.enrol("k1")
    with desk.composition.store.transaction("a test") as ledger:
        ledger.suppress("@prospect.test", "he asked for it")
    assert "never to be written to: he asked for it" in desk.ask("why", "k1")["now"]
    desk.run("pause", "--all")
    assert "everything is paused" in desk.ask("why", "k1")["now"]


def test_without_its_rule_file_a_conversation_rests_and_says_so(desk: Desk) -> None:
    desk.enrol("k1")
    (desk.folder / "rules" / "quick.md").write_text("broken")
    assert desk.ask("list")[0]["next"] is None
    assert desk.run("list").stdout.endswith("waiting  1        there is no readable rule file `quick`\n")
    assert "there is no readable rule file `quick`" in desk.ask("why", "k1")["now"]


@pytest.mark.parametrize("command", ["show", "why", "pause", "resume", "stop", "release", "drop", "preview"])
def test_whoever_is_unknown_is_refused_with_a_suggestion(desk: Desk, command: str) -> None:
    assert "nobody is enrolled yet" in desk.run(command, "k1", code=1).stderr
    desk.enrol("k7f2q")
    assert 'did you mean "k7f2q"?' in desk.run(command, "k7f2", code=1).stderr
    assert "`inboxagent list` shows everybody" in desk.run(command, "zzz", code=1).stderr


def test_an_address_in_several_conversations_is_listed(desk: Desk) -> None:
    desk.enrol("k1", event(Word.STOPPED, by=By.HER), address="anna@prospect.test")
    desk.enrol("k2", address="anna@prospect.test")
    result = desk.run("show", "Anna@Prospect.test", code=1)
    assert "anna@prospect.test is in 2 conversations" in result.stderr
    assert "k1  quick, stopped" in result.stderr
    assert "k2  quick, waiting" in result.stderr


def test_what_he_wrote_is_inert(desk: Desk) -> None:
    desk.enrol(
        "k1", event(Word.REPLY, "he wrote \x1b[31mred\x07", by=By.HIM, text="\x1b]0;title\x07\n{{ braces }}\udc80")
    )
    for command in ("list", "show", "why"):
        words = [command] if command == "list" else [command, "k1"]
        output = desk.run(*words).stdout
        assert "\x1b" not in output
        assert "\x07" not in output
    assert "{{ braces }}" in output or "{{ braces }}" in desk.run("show", "k1").stdout


def test_a_command_imports_only_what_it_needs(desk: Desk) -> None:
    desk.enrol("k1", event(Word.STOPPED, by=By.HER))
    others = (
        "imapclient",
        "aiosmtplib",
        "jinja2",
        "ruamel",
        "mailparser",
        "selectolax",
        "asyncio",
        "email",
        "subprocess",
    )
    costly = (*others, "inboxagent.ports", "inboxagent.outreach.letter", "inboxagent.agent", "inboxagent.rules")
    code = (
        "import sys\nfrom inboxagent.cli.commands import commands\n"
        f"try: commands.main(['list', '--config', {str(desk.config)!r}])\n"
        f"except SystemExit as end: print([name for name in {costly} if name in sys.modules], end.code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=desk.shell(), check=True)
    assert done.stdout.splitlines()[-1] == "[] 0"
    desk.enrol("k2")  # waits, so that its rule is read; names in letters need no template engine
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=desk.shell(), check=True)
    assert {"jinja2", "email"}.isdisjoint(ast.literal_eval(done.stdout.splitlines()[-1].removesuffix(" 0")))


def test_while_the_daemon_is_blind_whoever_waits_is_shown_so(desk: Desk) -> None:
    desk.enrol("k1")
    desk.enrol("k2", event(Word.REPLY, "he answered", by=By.HIM))
    since = instant(ago(0.1))
    lock = ProcessLock(desk.composition.lock_path)
    lock.take()
    status = {"pid": os.getpid(), "sight": "blind", "since": since, "because": "imap.test:993 does not answer"}
    write_status(desk.composition.status_path, status)
    one, two = desk.ask("list")
    assert (one["blind_since"], two["blind_since"]) == (since, None)
    assert desk.ask("show", "k1@prospect.test")["blind_since"] == since
    told = desk.run("list").stderr
    assert told.startswith("Blind since ")
    assert told.endswith(", so nothing goes out: imap.test:993 does not answer.\n")
    assert "imap.test:993 does not answer" in desk.run("show", "k1@prospect.test").stdout
    assert "imap.test:993" not in desk.run("show", "k2@prospect.test").stdout
    assert "But the mailboxes cannot be read: imap.test:993" in " ".join(desk.run("why", "k1").stdout.split())
    lock.release()
    assert desk.ask("list")[0]["blind_since"] is None


def test_every_event_has_its_sentence() -> None:
    assert SENTENCES.keys() == set(Word)
