"""`status`: whether the daemon lives and sees, and what waits for her."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import click

from inboxagent.cli.composition import Composition, compose
from inboxagent.cli.documents import instant
from inboxagent.cli.options import configs_option, json_option
from inboxagent.cli.paper import ago, fact, plain, say, say_json, when
from inboxagent.edge.system_lock import holder, is_held
from inboxagent.edge.system_pause import raised_at
from inboxagent.edge.system_state import count_set_aside, read_status
from inboxagent.outreach.decide import Wait
from inboxagent.outreach.events import Word
from inboxagent.outreach.state import Conversation

WORST_FIRST = ("stopped", "blind", "braked", "paused", "ok")
GRACE = timedelta(seconds=30)
COLOURS = {"ok": "green", "paused": "yellow"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one account is, since when, and why."""

    state: str
    since: datetime | None
    last_reading_at: datetime | None
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One account's standing and figures."""

    composition: Composition
    standing: Standing
    uncertain: tuple[Conversation, ...]
    set_aside: int
    sent_today: int
    ahead: tuple[Conversation, Wait] | None


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
    return Report(
        composition=composition,
        standing=standing(composition),
        uncertain=tuple(each for each in conversations if each.uncertain),
        set_aside=count_set_aside(composition.config.state),
        sent_today=_sent_today(composition, conversations),
        ahead=composition.earliest(conversations),
    )


def standing(composition: Composition) -> Standing:
    """The worst thing that can be said of the account: stopped, blind, braked, paused, or else ok."""
    said = read_status(composition.status_path) or {}
    last_reading_at = _instant(said.get("last_reading_at"))

    def be(state: str, since: datetime | None, because: str) -> Standing:
        return Standing(state=state, since=since, last_reading_at=last_reading_at, because=because)

    if not is_held(composition.lock_path):
        return be("stopped", _instant(said.get("told_at")), f"no daemon is running{_last_words(said)}")
    if said.get("pid") != holder(composition.lock_path):
        return be("blind", composition.clock.now(), "the daemon has only just begun")
    if said.get("sight") != "ok":
        return be("blind", _instant(said.get("since")), str(said.get("because", "")))
    if overdue_since := _overdue_since(composition, last_reading_at):
        return be("blind", overdue_since, "the last reading was too long ago")
    if (brake := _brake(composition)) is not None:
        due = f"{brake.get('due')} letters fell due at once; nothing goes out until: inboxagent release --brake"
        return be("braked", _instant(brake.get("at")), due)
    if flags := composition.flags():
        return be("paused", raised_at(flags[0]), f"{flags[0]} is there; end it with: inboxagent resume --all")
    return be("ok", _instant(said.get("since")), "all mailboxes are read")


def _last_words(said: Mapping[str, object]) -> str:
    """How the last daemon ended, and what to do."""
    if not said:
        return "; start it with: inboxagent run"
    ended = f"ended: {said.get('because')}" if said.get("sight") == "stopped" else "was killed, or crashed"
    return f"; the last one {ended}. Start it with: inboxagent run"


def _overdue_since(composition: Composition, last_reading_at: datetime | None) -> datetime | None:
    """Since when a reading has been overdue; None where it is not."""
    if last_reading_at is None:
        return composition.clock.now()
    due_at = last_reading_at + 2 * composition.config.watching.poll + GRACE
    return due_at if composition.clock.now() > due_at else None


def _brake(composition: Composition) -> dict[str, Any] | None:
    from inboxagent.agent.sending import BRAKE, BRAKE_RELEASED

    fact = composition.store.fact(BRAKE)
    released = composition.store.fact(BRAKE_RELEASED) is not None
    return fact if isinstance(fact, dict) and not released else None


def _sent_today(composition: Composition, conversations: Sequence[Conversation]) -> int:
    today = composition.clock.now().astimezone(composition.home).date()
    sent = (event.at for each in conversations for event in each.events if event.word is Word.SENT)
    return sum(at.astimezone(composition.home).date() == today for at in sent)


def _instant(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


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
    }


def _account_document(report: Report) -> dict[str, Any]:
    standing = report.standing
    return {
        "address": report.composition.config.me.address,
        "state": standing.state,
        "since": instant(standing.since),
        "last_reading_at": instant(standing.last_reading_at),
        "because": standing.because,
    }


def _say_report(report: Report) -> None:
    composition, standing = report.composition, report.standing
    now = composition.clock.now()
    since = f" since {when(standing.since, composition.home, now)}" if standing.since else ""
    colour = COLOURS.get(standing.state, "red")
    say(f"{composition.config.me.address}  {click.style(standing.state + since, fg=colour, bold=True)}")
    read_at = standing.last_reading_at
    facts = [
        ("because", standing.because),
        ("last read", ago(read_at, now) if read_at else "never"),
        ("sent today", f"{report.sent_today} of at most {composition.config.limits.per_day}"),
        ("next", _next_words(report, now)),
    ]
    if report.uncertain:
        ids = ", ".join(each.id for each in report.uncertain)
        facts.append(("uncertain", f"{ids}; `why ID` tells more, `release ID` sends again, `drop ID` lets it be"))
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
