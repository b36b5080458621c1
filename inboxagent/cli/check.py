"""`check`: every problem of rule and phrase files at once. Needs no network, and no configuration."""

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import click

from inboxagent.cli.options import config_option, json_option
from inboxagent.cli.paper import say, say_json, tell
from inboxagent.config import find_config, load_config
from inboxagent.edge.rulefiles import Finding, phrase_files, phrasebook, read_phrases, read_rule, rule_files
from inboxagent.edge.shipped import find
from inboxagent.errors import ConfigError, RuleError
from inboxagent.outreach.phrases import Phrasebook


@click.command("check")
@click.argument("files", metavar="[FILE]...", nargs=-1)
@config_option
@json_option
def check_command(files: tuple[str, ...], config: str | None, as_json: bool) -> int:
    """Check rule and phrase files: those that are named, else those of your rules folder, else those that ship."""
    folder = _folder(config)
    paths = [Path(file) for file in files] or [*rule_files(folder), *phrase_files(folder)]
    findings = [_check(path, folder) for path in paths]
    broken = [finding for finding in findings if finding.value is None]
    if as_json:
        say_json([_document(finding) for finding in findings])
    else:
        _say_findings(findings, broken, folder)
    return RuleError.exit_code if broken else 0


def _folder(config: str | None) -> Path:
    """Her rules folder; the shipped one where she has no configuration, or no folder yet."""
    try:
        path = find_config(config, os.environ)
    except ConfigError:
        return find("rules")
    rules = load_config(path, os.environ).rules
    return rules if rules.is_dir() else find("rules")


def _check(path: Path, folder: Path) -> Finding[Any]:
    if path.suffix == ".yaml":
        return read_phrases(path)
    beside = path.absolute().parent
    return read_rule(path, _phrasebook(beside if (beside / "phrases").is_dir() else folder))


@cache
def _phrasebook(hers: Path) -> Phrasebook:
    return phrasebook(find("rules"), hers)


def _document(finding: Finding[Any]) -> dict[str, Any]:
    return {"path": str(finding.path), "ok": finding.value is not None, "problems": list(finding.problems)}


def _say_findings(findings: Sequence[Finding[Any]], broken: Sequence[Finding[Any]], folder: Path) -> None:
    for finding in findings:
        for problem in finding.problems:
            tell(problem)
    fine = len(findings) - len(broken)
    if not findings:
        tell(f"There is no rule file in {folder}.")
    elif fine:
        say(f"{fine} file{' is' if fine == 1 else 's are'} fine.")
    if broken:
        tell(
            f"{len(broken)} file{' is' if len(broken) == 1 else 's are'} not: {', '.join(str(b.path) for b in broken)}"
        )
