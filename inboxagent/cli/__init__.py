"""The command line: the only place that knows everything and wires it."""


def main() -> None:
    """The command `inboxagent`; ends the process with its exit code."""
    # Here, so that importing a neighbour of this module costs nothing.
    from inboxagent.cli.commands import commands

    commands.main(prog_name="inboxagent")
