"""The command line: the only place that knows everything and wires it."""


def main() -> None:
    """The command `inboxagent`; ends the process with its exit code."""
    try:
        import gc

        # Most of what a command makes lives until its end: looking through it for rubbish a hundred times is a fifth
        # of the time that `list` takes at 1,000 conversations.
        gc.set_threshold(200_000)
        # Here, so that importing a neighbour of this module costs nothing.
        from inboxagent.cli.commands import commands

        try:
            commands.main(prog_name="inboxagent")
        finally:
            gc.freeze()  # nor does the end of the process look through it once more
    except KeyboardInterrupt:  # while something was imported, or the process was at its end already
        raise SystemExit(130) from None
