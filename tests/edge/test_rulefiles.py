"""The rules folder: hers before the shipped one, and a broken file changes nothing."""

import os
from collections.abc import Container
from pathlib import Path

import pytest

from inboxagent.edge import shipped
from inboxagent.edge.rulefiles import phrase_files, read_phrases, read_rule, rule_files
from inboxagent.edge.rulefolders import RuleFiles
from inboxagent.errors import ConfigError

RULE = """---
sequence: {title}
---

## nudge
wait: 3 business days

{letter}

{{{{ sign_off }}}}
"""

PHRASES = "greeting: Hello,\nsign_off: {sign_off}\n"


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Hers and the shipped one."""
    hers, ours = tmp_path / "hers", tmp_path / "ours"
    for folder in (hers, ours):
        (folder / "phrases").mkdir(parents=True)
    write(ours / "proposal.md", RULE.format(title="Shipped", letter="As shipped."))
    write(ours / "phrases/en.yaml", PHRASES.format(sign_off="Regards"))
    return hers, ours


def write(path: Path, text: str) -> None:
    """Write it so that its time differs from that of any version before."""
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(text)
    os.utime(path, ns=(before + 1_000_000, before + 1_000_000))


def test_her_file_goes_before_the_shipped_one_of_that_name(folders: tuple[Path, Path]) -> None:
    rules = RuleFiles(*folders)
    assert rules().sequences["proposal"].title == "Shipped"
    write(folders[0] / "proposal.md", RULE.format(title="Mine", letter="In my words."))
    write(folders[0] / "second.md", RULE.format(title="Second", letter="Another."))
    assert {name: each.title for name, each in rules().sequences.items()} == {"proposal": "Mine", "second": "Second"}
    assert rules.problems == ()


def test_her_phrases_are_laid_over_the_shipped_ones(folders: tuple[Path, Path]) -> None:
    write(folders[0] / "phrases/en.yaml", "sign_off: Bye\n")
    phrases = RuleFiles(*folders)().phrases["en"]
    assert phrases.get("sign_off", "warm") == "Bye"
    assert phrases.get("greeting", "warm") == "Hello,"


def test_a_broken_file_is_told_once_and_its_last_good_version_stays(folders: tuple[Path, Path]) -> None:
    told: list[str] = []
    rules = RuleFiles(*folders, tell=told.append)
    write(folders[0] / "proposal.md", RULE.format(title="Good", letter="Good."))
    assert rules().sequences["proposal"].title == "Good"
    write(folders[0] / "proposal.md", RULE.format(title="Bad", letter="{{ nobody").replace("wait", "wiat"))
    assert rules().sequences["proposal"].title == "Good"
    assert rules().sequences["proposal"].title == "Good"
    assert told == list(rules.problems)
    assert any('proposal.md:6:1: unknown setting "wiat"' in problem for problem in told)
    write(folders[0] / "proposal.md", RULE.format(title="Better", letter="Better."))
    assert rules().sequences["proposal"].title == "Better"
    assert rules.problems == ()


def test_nothing_shipped_steps_in_for_a_file_of_hers_that_was_never_good(folders: tuple[Path, Path]) -> None:
    write(folders[0] / "proposal.md", "nothing of a rule file")
    rules = RuleFiles(*folders)
    assert rules().sequences == {}
    assert rules.problems


def test_a_broken_phrase_file_keeps_its_last_good_version(folders: tuple[Path, Path]) -> None:
    rules = RuleFiles(*folders)
    write(folders[0] / "phrases/en.yaml", "sign_off: Bye\n")
    rules()
    write(folders[0] / "phrases/en.yaml", "sign_off: [\n")
    assert rules().phrases["en"].get("sign_off", "warm") == "Bye"
    assert "proposal" in rules().sequences
    assert "en.yaml" in rules.problems[0]


def test_phrases_that_were_never_good_keep_their_language_out(folders: tuple[Path, Path]) -> None:
    write(folders[0] / "phrases/en.yaml", "sign_off: [\n")
    rules = RuleFiles(*folders)
    assert rules().sequences == {}
    write(folders[0] / "phrases/en.yaml", "sign_off: Bye\n")
    assert "proposal" in rules().sequences


def test_a_file_that_vanishes_stays_in_force_and_is_told(folders: tuple[Path, Path]) -> None:
    rules = RuleFiles(*folders)
    write(folders[0] / "proposal.md", RULE.format(title="Mine", letter="In my words."))
    write(folders[0] / "phrases/en.yaml", "sign_off: Bye\n")
    rules()
    (folders[0] / "proposal.md").unlink()
    assert rules().sequences["proposal"].title == "Mine"
    assert rules.unusable == (folders[0] / "proposal.md",)
    assert rules.problems == (f"{folders[0] / 'proposal.md'}: cannot be read: No such file or directory",)
    write(folders[0] / "proposal.md", RULE.format(title="Back", letter="In my words."))
    assert rules().sequences["proposal"].title == "Back"
    assert (rules.problems, rules.unusable) == ((), ())


def test_a_folder_that_vanishes_stays_in_force(folders: tuple[Path, Path]) -> None:
    rules = RuleFiles(*folders, named_in=Path("config.toml"))
    write(folders[0] / "proposal.md", RULE.format(title="Mine", letter="In my words."))
    write(folders[0] / "phrases/en.yaml", "sign_off: Bye\n")
    rules()
    folders[0].rename(folders[0].with_name("away"))
    assert rules().sequences["proposal"].title == "Mine"
    assert rules().phrases["en"].get("sign_off", "warm") == "Bye"
    assert rules.unusable == (folders[0] / "phrases/en.yaml", folders[0] / "proposal.md")


def test_a_folder_that_nobody_named_may_be_missing(folders: tuple[Path, Path], tmp_path: Path) -> None:
    assert RuleFiles(tmp_path / "none", folders[1])().sequences.keys() == {"proposal"}
    with pytest.raises(ConfigError, match=r"config\.toml: rules: there is no folder .*none; make it"):
        RuleFiles(tmp_path / "none", folders[1], named_in=Path("config.toml"))()


def test_the_shipped_one_never_steps_in_for_hers_with_people_inside(folders: tuple[Path, Path]) -> None:
    bound = {"proposal"}

    def missed(there: Container[str]) -> frozenset[str]:
        return frozenset(name for name in bound if name not in there)

    rules = RuleFiles(*folders, missed=missed)
    assert rules().sequences == {}
    assert any("copy the shipped one there" in problem for problem in rules.problems)
    assert rules.unusable == (folders[0] / "proposal.md",)
    write(folders[0] / "proposal.md", RULE.format(title="Mine", letter="In my words."))
    assert rules().sequences["proposal"].title == "Mine"
    bound.clear()
    assert RuleFiles(*folders, missed=missed)().sequences["proposal"].title == "Mine"


def test_unchanged_files_are_not_read_again(folders: tuple[Path, Path]) -> None:
    rules = RuleFiles(*folders)
    assert rules() is rules()


def test_what_editors_leave_behind_is_no_rule_file(folders: tuple[Path, Path]) -> None:
    for name in (".#proposal.md", "proposal.md~", ".proposal.md.swp", "notes.txt"):
        (folders[0] / name).write_text("x")
    assert rule_files(folders[0]) == []


def test_what_is_not_text_or_not_readable_is_told_with_its_place(folders: tuple[Path, Path]) -> None:
    path = folders[0] / "latin.md"
    path.write_bytes(b"---\nsequence: J\xf6rg\n---\n")
    assert read_rule(path, {}).problems == (f"{path}:2:12: this is not UTF-8 text; save the file as UTF-8",)
    (folders[0] / "folder.md").mkdir()
    (problem,) = read_rule(folders[0] / "folder.md", {}).problems
    assert problem.endswith("folder.md: cannot be read: Is a directory")


def test_what_ships_is_good() -> None:
    folder = shipped.find("rules")
    rules = RuleFiles(Path("/nonexistent"), folder)
    assert rules().sequences.keys() == {path.stem for path in rule_files(folder)}
    assert all(read_phrases(path).value for path in phrase_files(folder))
    assert rules.problems == ()


def test_a_command_reads_only_the_files_it_asks_for(folders: tuple[Path, Path]) -> None:
    write(folders[0] / "mine.md", RULE.format(title="Mine", letter="In my words."))
    write(folders[0] / "broken.md", "no settings")
    write(folders[0] / "phrases" / "sv.yaml", "greeting: [")
    rules = RuleFiles(*folders)
    book = rules.on_demand()
    assert book.sequences["mine"].title == "Mine"
    assert "nobody" not in book.sequences
    assert rules.problems == ()
    assert sorted(book.sequences) == ["mine", "proposal"]
    assert any("broken.md" in problem for problem in rules.problems)
    assert rules.on_demand() is not rules()
    assert rules.on_demand() is rules()
    assert rules().sequences == dict(book.sequences)
