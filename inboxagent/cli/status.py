"""`status`: whether the daemon lives and sees, and what waits for her."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import click

from inboxagent.cli.composition import Composition, compose
from inboxagent.cli.documents import instant
from inboxagent.cli.options import configs_option, json_option
from inboxagent.cli.paper import ago, fact, plain, say, say_json, when
from inboxagent.cli.standing import Standing, standing
from inboxagent.edge.system_lock import is_held
from inboxagent.edge.system_state import count_set_aside, read_status
from inboxagent.errors import ConfigError
from inboxagent.outreach.decide import Wait
from inboxagent.outreach.events import Word
from inboxagent.outreach.forgotten import LETTERS, instants
from inboxagent.outreach.state import Conversation
from inboxagent.outreach.stoppage import FACT, Stoppage, from_fact

WORST_FIRST = ("stopped", "blind", "braked", "paused", "ok")
COLOURS = {"ok": "green", "paused": "yellow"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One account's standing and figures."""

    composition: Composition
    standing: Standing
    stopped: Stoppage | None  # her server takes nothing at the moment
    uncertain: tuple[Conversation, ...]
    tasks: tuple[Conversation, ...]
    set_aside: int
    sent_today: int
    ahead: tuple[Conversation, Wait] | None
    problems: tuple[str, ...]  # of her rules


@click.command("status")
@configs_option
@json_option
def status_command(configs: tuple[str, ...], as_json: bool) -> int:
    """Say whether the daemon runs and sees, and what waits for you. Exit code 0 if it is ok or paused, else 1."""
    reports = [_report(compose(config)) for config in configs or (None,)]
    if as_json:
        say_json(_document(reports))
    else:
        for report in reports:
            _say_report(report)
    return 0 if _worst(reports).state in ("ok", "paused") else 1


def _report(composition: Composition) -> Report:
    conversations = composition.store.conversations()
    now = standing(composition)
    ahead, problems = _ahead(composition, conversations)
    return Report(
        composition=composition,
        standing=now,
        stopped=_stopped(composition),
        uncertain=tuple(each for each in conversations if each.uncertain),
        tasks=tuple(each for each in conversations if each.tasks),
        set_aside=count_set_aside(composition.config.state),
        sent_today=_sent_today(composition, conversations),
        ahead=ahead,
        problems=problems,
    )


def _ahead(
    composition: Composition, conversations: Sequence[Conversation]
) -> tuple[tuple[Conversation, Wait] | None, tuple[str, ...]]:
    """What comes next of all, and what is wrong with her rules: as the daemon says, or as they lie there."""
    try:
        composition.rules()
    except ConfigError as error:
        return None, (str(error),)
    said = read_status(composition.status_path) or {}
    theirs = said.get("unusable_rules") if is_held(composition.lock_path) else None
    unusable = sorted({*map(str, composition.rules.unusable), *(theirs if isinstance(theirs, list) else ())})
    return composition.earliest(conversations), tuple(f"{path} cannot be used as it is" for path in unusable)


def _stopped(composition: Composition) -> Stoppage | None:
    stopped = from_fact(composition.store.fact(FACT))
    return stopped if stopped is not None and stopped.until > composition.clock.now() else None


def _sent_today(composition: Composition, conversations: Sequence[Conversation]) -> int:
    today = composition.clock.now().astimezone(composition.home).date()
    sent = [event.at for each in conversations for event in each.events if event.word is Word.SENT]
    sent += instants(composition.store.fact(LETTERS))
    return sum(at.astimezone(composition.home).date() == today for at in sent)


def _worst(reports: Sequence[Report]) -> Standing:
    return min((report.standing for report in reports), key=lambda standing: WORST_FIRST.index(standing.state))


def _document(reports: Sequence[Report]) -> dict[str, Any]:
    worst = _worst(reports)
    readings = [report.standing.last_reading_at for report in reports]
    ahead = min((report.ahead for report in reports if report.ahead), key=lambda pair: pair[1].at, default=None)
    return {
        "state": worst.state,
        "since": instant(worst.since),
        "last_reading_at": instant(None if None in readings else min(each for each in readings if each)),
        "accounts": [_account_document(report) for report in reports],
        "uncertain": sum(len(report.uncertain) for report in reports),
        "set_aside": sum({report.composition.config.state: report.set_aside for report in reports}.values()),
        "sent_today": sum(report.sent_today for report in reports),
        "next": None if ahead is None else {"id": ahead[0].id, "step": ahead[1].step, "at": instant(ahead[1].at)},
        "tasks": sum(len(each.tasks) for report in reports for each in report.tasks),
    }


def _account_document(report: Report) -> dict[str, Any]:
    standing, stopped = report.standing, report.stopped
    return {
        "address": report.composition.config.me.address,
        "state": standing.state,
        "since": instant(standing.since),
        "last_reading_at": instant(standing.last_reading_at),
        "because": standing.because,
        "problems": list(report.problems),
        "sending_stopped": None if stopped is None else {"until": instant(stopped.until), "because": stopped.because},
    }


def _say_report(report: Report) -> None:
    composition, standing = report.composition, report.standing
    now = composition.clock.now()
    since = f" since {when(standing.since, composition.home, now)}" if standing.since else ""
    colour = "yellow" if report.problems and standing.state == "ok" else COLOURS.get(standing.state, "red")
    say(f"{composition.config.me.address}  {click.style(standing.state + since, fg=colour, bold=True)}")
    read_at = standing.last_reading_at
    facts = [
        ("because", standing.because),
        ("last read", ago(read_at, now) if read_at else "never"),
        ("sent today", f"{report.sent_today} of at most {composition.config.limits.per_day}"),
        ("next", _next_words(report, now)),
    ]
    if report.stopped:
        until = when(report.stopped.until, composition.home, now)
        facts.append(("sending", f"stopped until {until}: {plain(report.stopped.because)}"))
    if report.problems:
        facts.append(("rules", f"{'; '.join(report.problems)}; what was good before stays in force: inboxagent check"))
    if report.uncertain:
        ids = ", ".join(each.id for each in report.uncertain)
        facts.append(("uncertain", f"{ids}; `why ID` tells more, `release ID` sends again, `drop ID` lets it be"))
    if report.tasks:
        ids = ", ".join(f"{each.tasks[0].step} ({each.id})" for each in report.tasks)
        facts.append(("to do", f"{ids}; `show ID` tells more, `done ID` when you have done it"))
    if report.set_aside:
        facts.append(("set aside", f"{report.set_aside} in {composition.config.state / 'set-aside'}"))
    for name, text in facts:
        say(fact(name, text))


def _next_words(report: Report, now: datetime) -> str:
    if report.ahead is None:
        return "nothing"
    conversation, wait = report.ahead
    at = when(wait.at, report.composition.home, now)
    return f"{at}, {wait.step} to {plain(conversation.enrolment.prospect.address)} ({conversation.id})"
