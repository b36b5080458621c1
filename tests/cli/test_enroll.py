"""`enroll`: the thread is found on a real server, and she is told what will happen when."""

import pytest

from inboxagent.cli.embedded import EmbeddedProvider
from tests.cli.desk import SECRET, Desk, ago, write

ANNA = "anna@prospect.test"
PROJECT = ("--field", "project=the portal")


def test_it_finds_the_thread_and_says_what_will_happen(desk: Desk, provider: EmbeddedProvider) -> None:
    write(provider, ANNA)
    result = desk.run("enroll", "quick", ANNA.upper(), *PROJECT, "--field", "name=Anna Berg")
    first, *rest = result.stdout.splitlines()
    conversation = first.split()[0]
    assert first == f"{conversation}  Anna Berg <{ANNA}> is enrolled in quick."
    assert rest[0].startswith('  Thread "The proposal", 1 letter of yours so far, the last one on ')
    assert [word for line in rest[2:] for word in line.split() if word in ("one", "two")] == ["one", "two"]
    assert f"inboxagent preview {conversation}" in result.stderr
    assert "No daemon is running" in result.stderr
    (listed,) = desk.ask("list")
    assert (listed["id"], listed["prospect"]) == (conversation, {"address": ANNA, "name": "Anna Berg"})
    assert (listed["touches"], listed["next"]["step"]) == (1, "one")


def test_what_was_agreed_on_the_telephone_is_the_summary_that_after_call_sends(
    desk: Desk, provider: EmbeddedProvider
) -> None:
    """She logs the call where he is enrolled, ends that, and need not say it again; what he will read is shown."""
    write(provider, ANNA)
    first = desk.ask("enroll", "quick", ANNA, *PROJECT)["id"]
    agreed, on = "You send the figures by Friday.", ("--field", f"next_date={ago(-30):%Y-%m-%d}")
    desk.run("stop", first)
    refusal = desk.run("enroll", "after-call", ANNA, *on, code=1).stderr
    assert f'add --field summary=…, or say it first with: inboxagent note {ANNA} "…"' in refusal
    desk.run("note", first, agreed)
    told = desk.run("enroll", "after-call", ANNA, *on, "--dry-run")
    assert f'{ANNA} will read, as summary, what you noted: "{agreed}"' in told.stderr
    called = desk.ask("enroll", "after-call", ANNA, *on)["id"]
    assert agreed in desk.run("preview", called).stdout


def test_a_dry_run_changes_nothing(desk: Desk, provider: EmbeddedProvider) -> None:
    write(provider, ANNA)
    result = desk.run("enroll", "quick", ANNA, *PROJECT, "--dry-run")
    assert "would be enrolled in quick." in result.stdout
    assert "nothing is enrolled" in result.stderr
    assert desk.ask("list") == []
    assert not list((desk.folder / "state").iterdir())


def test_several_threads_are_listed_and_one_is_chosen(desk: Desk, provider: EmbeddedProvider) -> None:
    desk.days_ago = 1
    write(provider, ANNA, "The first proposal")
    desk.days_ago = 0
    second = write(provider, ANNA, "The second proposal")
    refused = desk.run("enroll", "quick", ANNA, *PROJECT, code=1)
    assert refused.stdout == ""
    assert "The first proposal" in refused.stderr
    assert second in refused.stderr
    by_id = ("--message-id", second.strip("<>"))
    for choice in (("--subject", "second"), by_id, ("--newest",)):
        assert (
            'Thread "The second proposal"' in desk.run("enroll", "quick", ANNA, *PROJECT, *choice, "--dry-run").stdout
        )


def test_twice_is_refused_with_the_id(desk: Desk, provider: EmbeddedProvider) -> None:
    write(provider, ANNA)
    conversation = desk.ask("enroll", "quick", ANNA, *PROJECT)["id"]
    assert conversation in desk.run("enroll", "quick", ANNA, *PROJECT, code=1).stderr


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["quick", ANNA], 1, f'{ANNA} lacks "project"; add --field project='),
        (["quick", ANNA, *PROJECT, "--field", "projekt=x"], 2, 'quick knows no field "projekt"'),
        (["quick", ANNA, "--field", "project"], 2, "--field project: write it like"),
        (["quick", ANNA, *PROJECT, *PROJECT], 2, "--field project is given twice"),
        (["quick", ANNA, *PROJECT, "--start", "three"], 2, 'quick has no step "three"; its steps are one, two'),
        (["quick", "anna", *PROJECT], 2, '"anna" is not one plain address'),
        (["quick", "a@b@prospect.test", *PROJECT], 2, '"a@b@prospect.test" is not one plain address'),
        (["quick", f"Anna <{ANNA}>", *PROJECT], 2, f'"Anna <{ANNA}>" is not one plain address; write it alone'),
        (["quick", f"{ANNA}\nBcc: eve@prospect.test", *PROJECT], 2, "is not one plain address"),
        (["quick", f"{ANNA}, bart@prospect.test", *PROJECT], 2, "is not one plain address"),
        (["quick", f"{ANNA}\n", *PROJECT], 2, "is not one plain address"),
        (["quikc", ANNA, *PROJECT], 1, 'there is no sequence "quikc"'),
        (["quick", ANNA, *PROJECT, "--new", "--newest"], 2, "--new opens a thread of its own"),
        (["quick", ANNA, *PROJECT, "--new"], 1, "`one` has no `subject:` line"),
        (["quick", "maya@lind.example", *PROJECT], 1, "maya@lind.example is your own address"),
        (["quick", ANNA, *PROJECT], 69, "127.0.0.1:1"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_read(desk: Desk, words: list[str], code: int, sentence: str) -> None:
    """Port 1 answers nobody: only what is all right gets as far as that."""
    result = desk.run("enroll", *words, code=code)
    assert sentence in result.stderr
    assert (result.stdout, desk.ask("list")) == ("", [])


def test_a_broken_rule_file_is_shown(desk: Desk) -> None:
    rule = desk.folder / "rules" / "quick.md"
    rule.write_text(rule.read_text().replace("wait: 2 days", "wait: 2 dais"))
    result = desk.run("enroll", "quick", ANNA, *PROJECT, code=65)
    assert "the rules of quick cannot be used:" in result.stderr
    assert 'did you mean "days"?' in result.stderr


def test_nobody_without_a_thread(desk: Desk, provider: EmbeddedProvider) -> None:
    assert (
        f"there is no thread in which you wrote to {ANNA}" in desk.run("enroll", "quick", ANNA, *PROJECT, code=1).stderr
    )


def test_a_refused_log_in_is_code_77_and_shows_no_password(desk: Desk, provider: EmbeddedProvider) -> None:
    (desk.folder / "password").write_text(f"{SECRET} but wrong\n")
    result = desk.run("enroll", "quick", ANNA, *PROJECT, code=77)
    assert result.stderr.startswith("inboxagent: ")
    assert SECRET not in result.output


def test_a_password_that_cannot_be_had_is_code_78(desk: Desk, provider: EmbeddedProvider) -> None:
    text = desk.config.read_text()
    desk.config.write_text(text.replace('password_file = "password"', 'password_command = ["sh", "-c", "exit 7"]'))
    result = desk.run("enroll", "quick", ANNA, *PROJECT, code=78)
    assert "the password command (sh) failed: exit code 7" in result.stderr
