"""`check`: every problem of rule and phrase files at once. Needs no network, and no configuration."""

import os
from collections.abc import Sequence as Many
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import click

from inboxagent.cli.composition import compose
from inboxagent.cli.inflight import edit_lines
from inboxagent.cli.options import config_option, json_option
from inboxagent.cli.paper import say, say_json, tell
from inboxagent.config import find_config, load_config
from inboxagent.edge.rulefiles import (
    Finding,
    phrase_files,
    phrasebook,
    read_phrases,
    read_rule,
    require_folder,
    rule_files,
)
from inboxagent.edge.shipped import find
from inboxagent.edge.system import SystemClock
from inboxagent.errors import ConfigError, RuleError
from inboxagent.outreach.phrases import Phrasebook
from inboxagent.outreach.sequence import Sequence
from inboxagent.rules.harm import find_harm
from inboxagent.rules.heirs import find_missing_heirs
from inboxagent.rules.problem import show
from inboxagent.rules.source import split_lines


@click.command("check")
@click.argument("files", metavar="[FILE]...", nargs=-1)
@config_option
@json_option
def check_command(files: tuple[str, ...], config: str | None, as_json: bool) -> int:
    """Check rule and phrase files: those that are named, else those of your rules folder, else those that ship."""
    folder = _folder(config)
    paths = [Path(file) for file in files] or [*rule_files(folder), *phrase_files(folder)]
    today = SystemClock().now().date()
    findings = [_weighed(_check(path, folder), folder, today, alone=bool(files)) for path in paths]
    broken = [finding for finding in findings if finding.value is None]
    if as_json:
        say_json([_document(finding) for finding in findings])
    else:
        _say_findings(findings, broken, "" if files else f" in {folder}")
        _tell_edits(config, findings)
    return RuleError.exit_code if broken else 0


def _folder(config: str | None) -> Path:
    """Her rules folder; the shipped one where she has no configuration, or none that names a folder, or no folder yet.

    Raises ConfigError where a folder that is named does not exist.
    """
    try:
        path = find_config(config, os.environ)
    except ConfigError:
        return find("rules")
    known = load_config(path, os.environ)
    require_folder(known.rules, path if known.rules_named else None)
    return known.rules if known.rules.is_dir() else find("rules")


def _check(path: Path, folder: Path) -> Finding[Any]:
    if path.suffix == ".yaml":
        return read_phrases(path)
    beside = path.absolute().parent
    return read_rule(path, _phrasebook(beside if (beside / "phrases").is_dir() else folder))


def _weighed(finding: Finding[Any], folder: Path, today: date, *, alone: bool) -> Finding[Any]:
    """With a problem for each sequence that it hands on to and that is nowhere, a warning where it is checked `alone`,
    since it may have been written for another folder; and with the warnings for what works and harms."""
    if not isinstance(finding.value, Sequence):
        return finding
    try:
        source = finding.path.read_text("utf-8")
        changed_on = datetime.fromtimestamp(finding.path.stat().st_mtime, UTC).date()
    except (OSError, ValueError):  # it went away meanwhile
        return finding
    beside = finding.path.absolute().parent
    known = {path.stem for each in (find("rules"), folder, beside) for path in rule_files(each)}
    missing = find_missing_heirs(str(finding.path), source, known, surely=not alone)
    value = finding.value if alone or not missing else None
    harm = find_harm(str(finding.path), value, today, changed_on) if value else ()
    lines = split_lines(source)
    shown = (show(problem, lines) for problem in (*missing, *harm))
    return replace(finding, value=value, problems=(*finding.problems, *shown))


def _tell_edits(config: str | None, findings: Many[Finding[Any]]) -> None:
    """What the edits change for the people inside; without a configuration nobody is."""
    try:
        composition = compose(config)
    except ConfigError:
        return
    for finding in findings:
        if isinstance(finding.value, Sequence):
            for line in edit_lines(composition, finding.path, finding.value):
                tell(line)


@cache
def _phrasebook(hers: Path) -> Phrasebook:
    return phrasebook(find("rules"), hers)


def _document(finding: Finding[Any]) -> dict[str, Any]:
    return {"path": str(finding.path), "ok": finding.value is not None, "problems": list(finding.problems)}


def _say_findings(findings: Many[Finding[Any]], broken: Many[Finding[Any]], where: str) -> None:
    for finding in findings:
        for problem in finding.problems:
            tell(problem)
    fine = len(findings) - len(broken)
    if not findings:
        tell(f"There is no rule file{where}.")
    elif fine:
        say(f"{fine} file{' is' if fine == 1 else 's are'} fine{where}.")
    if broken:
        tell(
            f"{len(broken)} file{' is' if len(broken) == 1 else 's are'} not: {', '.join(str(b.path) for b in broken)}"
        )
