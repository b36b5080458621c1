"""`demo`: a play on mail servers inside the process, whose packages not everybody has installed."""

import click

from inboxagent.cli.boundary import INTERRUPTED
from inboxagent.cli.paper import tell
from inboxagent.errors import UsageError

PACKAGES = frozenset({"aiosmtpd", "pymap"})


@click.command()
def demo() -> None:
    """Show all of it on mail servers inside this process; nothing leaves the machine."""
    try:
        from inboxagent.cli.demo_play import play  # `--help` and `man` work without them
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in PACKAGES:
            raise
        raise UsageError(
            f"the demo needs the package {package}: from a checkout, ./run demo installs it; "
            'elsewhere install "inboxagent[demo]" in place of "inboxagent"'
        ) from error
    try:
        failures = play()
    except KeyboardInterrupt:
        tell("The demo was interrupted; nothing of it is left.")
        raise click.exceptions.Exit(INTERRUPTED) from None
    if failures:
        raise SystemExit(1)
