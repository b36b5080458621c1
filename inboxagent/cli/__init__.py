"""The command line: the only place that knows everything and wires it."""


def main() -> None:
    """The command `inboxagent`; ends the process with its exit code."""
    import gc

    # Most of what a command makes lives until its end: looking through it for rubbish a hundred times is a fifth of
    # the time that `list` takes at 1,000 conversations.
    gc.set_threshold(200_000)
    # Here, so that importing a neighbour of this module costs nothing.
    from inboxagent.cli.commands import commands

    commands.main(prog_name="inboxagent")
