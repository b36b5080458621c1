"""The command `inboxagent`. A subcommand's module is imported when it is called, so that the others cost nothing."""

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from inboxagent import __version__
from inboxagent.cli.boundary import guard, unswallowed

COMMANDS = {
    "enroll": "inboxagent.cli.enroll:enroll_command",
    "list": "inboxagent.cli.look:list_command",
    "show": "inboxagent.cli.look:show_command",
    "why": "inboxagent.cli.why:why_command",
    "log": "inboxagent.cli.log:log_command",
    "status": "inboxagent.cli.status:status_command",
    "preview": "inboxagent.cli.preview:preview_command",
    "pause": "inboxagent.cli.change:pause_command",
    "resume": "inboxagent.cli.change:resume_command",
    "stop": "inboxagent.cli.change:stop_command",
    "skip": "inboxagent.cli.progress:skip_command",
    "done": "inboxagent.cli.progress:done_command",
    "release": "inboxagent.cli.change:release_command",
    "drop": "inboxagent.cli.change:drop_command",
    "rules": "inboxagent.cli.rules:rules_group",
    "check": "inboxagent.cli.check:check_command",
    "classify": "inboxagent.cli.classify:classify_command",
    "auth": "inboxagent.cli.auth:auth_group",
    "run": "inboxagent.cli.run:run_command",
    "doctor": "inboxagent.cli.doctor:doctor_command",
    "service": "inboxagent.cli.units:service_group",
    "demo": "inboxagent.cli.demo:demo",
}


class Commands(click.Group):
    """The subcommands by name, behind one error boundary."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order in which a person needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The subcommand with this name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The subcommand that is called, or a usage error with the name that was probably meant."""
        if args[0] not in COMMANDS:
            import difflib  # costly, and needed for slips only

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            meant = f'did you mean "{near[0]}"?' if near else f"there are: {', '.join(COMMANDS)}"
            ctx.fail(f'there is no command "{args[0]}"; {meant}')
        return super().resolve_command(ctx, args)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """As usual, but for broken pipes, which `guard` is to see."""
        with unswallowed():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """As usual, but for broken pipes, which `guard` is to see."""
        with unswallowed():
            return super().invoke(ctx)

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any) -> NoReturn:  # type: ignore[override]  # ends the process in either mode
        """Run what the words of `args` (the process's own by default) say, and end with its exit code."""
        words = list(sys.argv[1:] if args is None else args)
        extra["standalone_mode"] = False
        run = super().main
        sys.exit(guard(lambda: run(words, prog_name, **extra), debug=lambda: words[:1] == ["--debug"]))


@click.group(
    "inboxagent", cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, message="inboxagent %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of a fault instead of keeping it in a file.")
@click.pass_context
def commands(ctx: click.Context, debug: bool) -> None:
    """Write the next follow-up in your own mailbox, in the same thread, until an answer comes."""
    if os.environ.get("NO_COLOR"):
        ctx.color = False
