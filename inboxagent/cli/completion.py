"""`completion` and `man`: what a shell and a reader want to know of the commands, made from the commands themselves."""

import click
from click.shell_completion import get_completion_class

from inboxagent import __version__
from inboxagent.cli.paper import say, tell

PROGRAM, VARIABLE = "inboxagent", "_INBOXAGENT_COMPLETE"
PLACES = {
    "bash": "~/.local/share/bash-completion/completions/inboxagent",
    "zsh": "~/.zfunc/_inboxagent   (with fpath+=~/.zfunc before compinit)",
    "fish": "~/.config/fish/completions/inboxagent.fish",
}


@click.command("completion")
@click.argument("shell", type=click.Choice(list(PLACES)))
@click.pass_context
def completion_command(ctx: click.Context, shell: str) -> None:
    """Print the completion script for a shell: inboxagent completion bash > FILE."""
    made = get_completion_class(shell)
    assert made is not None
    tell(f"Put it into {PLACES[shell]}")
    say(made(ctx.find_root().command, {}, PROGRAM, VARIABLE).source())


@click.command("man")
@click.pass_context
def man_command(ctx: click.Context) -> None:
    """Print the manual page: inboxagent man | man -l -"""
    say(manual(ctx.find_root()))


def manual(root: click.Context) -> str:
    """All commands as one page (man(7))."""
    group = root.command
    assert isinstance(group, click.Group)
    parts = [
        f'.TH INBOXAGENT 1 "" "inboxagent {__version__}"',
        f".SH NAME\ninboxagent \\- {_escape(group.get_short_help_str(200).rstrip('.').lower())}",
        ".SH SYNOPSIS\n.B inboxagent\n\\fICOMMAND\\fR [\\fIOPTIONS\\fR] \\fIARGUMENTS\\fR",
        ".SH COMMANDS",
        *(_command(each) for each in _contexts(root)),
        ".SH EXIT STATUS\n0 done; 1 not found or refused; 2 usage; 65 rule file; 69 server away; 70 a fault of ours; "
        "73, 74 state; 75 try later; 77 log\\-in refused; 78 configuration; 130 interrupted.",
        ".SH FILES\n.I ~/.config/inboxagent/config.toml\n.br\n.I ~/.local/state/inboxagent/",
    ]
    return "\n".join(parts)


def _contexts(root: click.Context) -> list[click.Context]:
    """One for each command, those inside groups as well."""
    group = root.command
    if not isinstance(group, click.Group):
        return [root]
    below: list[click.Context] = []
    for name in group.list_commands(root):
        command = group.get_command(root, name)
        if command is not None and not command.hidden:
            below += _contexts(click.Context(command, info_name=name, parent=root))
    return below


def _command(ctx: click.Context) -> str:
    usage = " ".join(ctx.command.collect_usage_pieces(ctx))
    lines = [f".SS {_escape(ctx.command_path.removeprefix('inboxagent '))} {_escape(usage)}"]
    lines.append(_escape(ctx.command.help or ""))
    for parameter in ctx.command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is not None and "--help" not in record[0]:
            lines.append(f".TP\n.B {_escape(record[0])}\n{_escape(record[1])}")
    return "\n".join(lines)


def _escape(text: str) -> str:
    """Text as roff takes it: no command at the start of a line, hyphens that stay hyphens."""
    plain = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join(f"\\&{line}" if line.startswith((".", "'")) else line for line in plain.splitlines())
