"""`backup` and `restore`: everything that is remembered in one file, and back."""

from pathlib import Path

import click

from inboxagent.cli.composition import compose
from inboxagent.cli.options import config_option
from inboxagent.cli.paper import require_agreement, say, tell, when
from inboxagent.edge.backup import put_back, read_backup, write_backup
from inboxagent.edge.system_lock import ProcessLock
from inboxagent.edge.system_state import make_state
from inboxagent.errors import Refused


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@config_option
def backup_command(file: Path, config: str | None) -> None:
    """Write everything that is remembered, and the configuration, into one file; also while the daemon runs."""
    composition = compose(config)
    make_state(composition.config.state)
    now = composition.clock.now()
    size = write_backup(file, composition.config.state, composition.config.me.address, composition.config.path, now)
    say(f"Written: {file}, {size / 1000:,.0f} KB, for you alone. No password is in it. Your rule files are not either.")


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--yes", is_flag=True, help="Do it without asking.")
@config_option
def restore_command(file: Path, yes: bool, config: str | None) -> None:
    """Put a backup in the place of what is remembered now. Nothing goes out until you release the brake."""
    composition = compose(config)
    backup = read_backup(file)
    state, address = composition.config.state, composition.config.me.address
    if backup.address != address:
        raise Refused(f"{file} is of {backup.address}, and the configuration of {address}")
    made = when(backup.at, composition.home, composition.clock.now())
    tell(f"{file} was written on {made}. What is remembered now is put aside, in {state}.")
    if not yes:
        require_agreement("Put it back?")
    make_state(state)
    lock = ProcessLock(composition.lock_path)
    lock.take()
    try:
        kept = put_back(backup, state, composition.clock.now())
    finally:
        lock.release()
    say(f"Put back; what was there is kept in {kept}." if kept else "Put back.")
    say("Nothing goes out yet. Read your mailboxes, which tell what went out and came in since:")
    say("\n    inboxagent run --once\n    inboxagent list\n    inboxagent release --brake      where the list is right")
