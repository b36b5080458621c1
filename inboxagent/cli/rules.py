"""`rules new` and `rules schema`: a sequence to start from, and what an editor needs to complete and check settings."""

import difflib
import json
import re
from pathlib import Path

import click

from inboxagent.cli.composition import compose
from inboxagent.cli.options import config_option
from inboxagent.cli.paper import say, tell
from inboxagent.edge.rulefiles import rule_files
from inboxagent.edge.shipped import find
from inboxagent.errors import Refused, StateUnwritable, UsageError

_NAME = re.compile(r"[\w-]{1,60}")


@click.group("rules")
def rules_group() -> None:
    """Begin a rule file from one that ships; help an editor with them."""


@rules_group.command("new")
@click.argument("name")
@click.option("--like", "model", default="proposal", show_default=True, metavar="SEQUENCE", help="The one to copy.")
@config_option
def new_command(name: str, model: str, config: str | None) -> None:
    """Copy a sequence that ships into your rules folder, as NAME.md."""
    name = name.removesuffix(".md")
    if not _NAME.fullmatch(name):
        raise UsageError(f'"{name}" cannot be the name of a file; letters, digits, - and _ only')
    source = _shipped(model.removesuffix(".md"))
    folder = compose(config).config.rules
    path = folder / f"{name}.md"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(source.read_text("utf-8"))
    except FileExistsError:
        raise Refused(f"{path} is there already") from None
    except OSError as error:
        raise StateUnwritable(f"{path} cannot be written: {error.strerror}") from error
    say(str(path))
    tell(f"A copy of {source.stem}. Make it yours, then: inboxagent check {path}; inboxagent preview {path}")


def _shipped(name: str) -> Path:
    known = {path.stem: path for path in rule_files(find("rules"))}
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    meant = f'did you mean "{near[0]}"?' if near else f"there are: {', '.join(known)}"
    raise Refused(f'no sequence "{name}" ships; {meant}')


@rules_group.command("schema")
def schema_command() -> None:
    """Print the JSON schema of the settings, for editors that check and complete YAML."""
    from inboxagent.rules.schema import SCHEMA

    say(json.dumps(SCHEMA, indent=2))
