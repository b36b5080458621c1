"""Elsewhere than at the service's configuration nobody becomes anybody; there it is tested on a real systemd."""

from pathlib import Path

from inboxagent.edge.system_identity import become_owner


def test_elsewhere_nobody_becomes_anybody(tmp_path: Path) -> None:
    environ = {"HOME": "/home/maya"}
    become_owner(tmp_path / "config.toml", environ)
    assert environ == {"HOME": "/home/maya"}
