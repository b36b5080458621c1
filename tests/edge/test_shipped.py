"""What ships is found in a checkout and in a wheel."""

from pathlib import Path

import pytest

from inboxagent.edge import shipped


def test_a_checkout_has_its_rules_at_the_top() -> None:
    assert (shipped.find("rules") / "proposal.md").is_file()


def test_a_wheel_has_them_inside_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = tmp_path / "inboxagent" / "shipped" / "rules"
    inside.mkdir(parents=True)
    monkeypatch.setattr(shipped, "PACKAGE", tmp_path / "inboxagent")
    assert shipped.find("rules") == inside
