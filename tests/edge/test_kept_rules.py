"""A file that is broken, or has gone, leaves its last good version in force, over a restart as well."""

from pathlib import Path

import pytest

from inboxagent.edge.rulefiles import read_kept
from inboxagent.edge.rulefolders import RuleFiles

GOOD = "---\nsequence: Mine\n---\n\n## one\nwait: 3 days\n\nDid it reach you?\n"


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path, Path]:
    hers, shipped, state = tmp_path / "hers", tmp_path / "shipped", tmp_path / "state"
    for folder in (hers, shipped, state):
        folder.mkdir()
    (hers / "mine.md").write_text(GOOD)
    return hers, shipped, state / "rules"


def test_a_restart_on_a_broken_file_keeps_the_last_good_version(folders: tuple[Path, Path, Path]) -> None:
    hers, shipped, kept = folders
    RuleFiles(hers, shipped, kept=kept, keeps=True)()
    (hers / "mine.md").write_text(GOOD.replace("3 days", "3 dais"))
    again = RuleFiles(hers, shipped, kept=kept, keeps=True)
    assert again().sequences["mine"].steps[0].word == "one"
    assert again.unusable == (hers / "mine.md",)
    assert (kept / "mine.md").read_text() == GOOD


def test_who_only_looks_writes_nothing(folders: tuple[Path, Path, Path]) -> None:
    hers, shipped, kept = folders
    assert "mine" in RuleFiles(hers, shipped, kept=kept)().sequences
    assert not kept.exists()


def test_a_good_version_takes_the_place_of_the_older_one(folders: tuple[Path, Path, Path]) -> None:
    hers, shipped, kept = folders
    rules = RuleFiles(hers, shipped, kept=kept, keeps=True)
    rules()
    before = rules.stamp()
    (hers / "mine.md").write_text(GOOD.replace("3 days", "4 days"))
    assert rules.stamp() != before
    rules()
    found = read_kept(kept, "mine", {})
    assert found is not None
    assert str(found.steps[0].wait) == "4 days"
    assert rules.unusable == ()


def test_who_comes_when_the_file_has_gone_finds_the_last_good_version(folders: tuple[Path, Path, Path]) -> None:
    hers, shipped, kept = folders
    RuleFiles(hers, shipped, kept=kept, keeps=True)()
    (hers / "mine.md").unlink()
    late = RuleFiles(
        hers, shipped, kept=kept, missed=lambda there: frozenset() if "mine" in there else frozenset({"mine"})
    )
    assert late.on_demand().sequences["mine"].steps[0].word == "one"
    assert late.unusable == (hers / "mine.md",)
    assert RuleFiles(hers, shipped, kept=kept)().sequences == {}, "with nobody inside it is no more"


def test_without_her_folder_nothing_kept_is_in_force(folders: tuple[Path, Path, Path]) -> None:
    """Her phrases have gone with it."""
    hers, shipped, kept = folders
    RuleFiles(hers, shipped, kept=kept, keeps=True)()
    hers.rename(hers.with_name("away"))
    late = RuleFiles(hers, shipped, kept=kept, missed=lambda _: frozenset({"mine"}))
    assert late().sequences == {}
    assert late.unusable == (hers / "mine.md",)
    assert "this file has gone, and somebody is enrolled in it" in late.problems[-1]
