"""`run`: the agent in the foreground, for ever, once, or only in words."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from zoneinfo import ZoneInfo

import click

from inboxagent.cli.accounts import serve
from inboxagent.cli.calendar import ahead_of, say_letters
from inboxagent.cli.composition import Composition, compose
from inboxagent.cli.eventlog import begin_log, write
from inboxagent.cli.options import configs_option
from inboxagent.cli.paper import plain, say, tell, when
from inboxagent.cli.service import Service, rehearse
from inboxagent.edge.system import leave_soon, stop_on_signals
from inboxagent.errors import ConfigError
from inboxagent.outreach.decide import Wait
from inboxagent.outreach.state import Conversation
from inboxagent.ports import Records


@click.command("run")
@click.option("--once", is_flag=True, help="One reading of every mailbox, what is due, and an end.")
@click.option("--dry-run", is_flag=True, help="Read, and say what would be sent; send nothing, write nothing.")
@click.option("--log-json", is_flag=True, help="Write the log as JSON, an object a line.")
@configs_option
def run_command(once: bool, dry_run: bool, log_json: bool, configs: tuple[str, ...]) -> None:
    """Watch your mailboxes and send what is due, until Ctrl-C or SIGTERM."""
    named = configs or (None,)
    begin_log(_zone(named), as_json=log_json)
    if dry_run:
        for composition in [compose(config, _tell_broken) for config in named]:
            _say_due(composition, asyncio.run(rehearse(composition)))
    else:
        openers = [partial(compose, config, _tell_broken) for config in named]
        asyncio.run(_run(openers, Service.run_once if once else Service.run, again=not once and len(named) > 1))


async def _run(
    openers: Sequence[Callable[[], Composition]],
    task: Callable[[Service, asyncio.Event], Awaitable[None]],
    *,
    again: bool,
) -> None:
    stop = asyncio.Event()
    stop_on_signals(stop)
    await serve(openers, lambda service: task(service, stop), stop, again=again)
    if stop.is_set():
        leave_soon()


def _zone(configs: Sequence[str | None]) -> ZoneInfo:
    """That of the first account whose configuration can be read; what is wrong with the others is said in time."""
    for config in configs:
        with suppress(ConfigError):
            return compose(config).home
    return ZoneInfo("UTC")


def _tell_broken(problem: str) -> None:
    write("rule_broken", {"because": problem})


def _say_due(composition: Composition, records: Records) -> None:
    """What would go out now, and what stands in the way of it."""
    now = composition.clock.now()
    ahead = [(each, wait) for each in records.conversations() if (wait := composition.next_of(each, now))]
    due = [each for each, wait in ahead if wait.at <= now]
    for barrier in _barriers(composition, len(due)):
        tell(barrier)
    for each in due:
        say_letters([f"{each.id}  now"], ahead_of(composition, each)[:1])
    if not due:
        say("Nothing is due.")
        _say_next(composition, ahead)
    tell("This was a dry run: nothing was sent, and nothing was written.")


def _barriers(composition: Composition, due: int) -> list[str]:
    brake = composition.config.limits.brake
    barriers = [f"Everything is paused ({flag}), so none of this would go out." for flag in composition.flags()[:1]]
    if due > brake:
        barriers.append(f"{due} letters are due at once and the brake is at {brake}, so none of them would go out.")
    return barriers


def _say_next(composition: Composition, ahead: Sequence[tuple[Conversation, Wait]]) -> None:
    if ahead:
        conversation, wait = min(ahead, key=lambda pair: pair[1].at)
        date = when(wait.at, composition.home, composition.clock.now())
        address = plain(conversation.enrolment.prospect.address)
        say(f"Next: `{wait.step}` to {address} ({conversation.id}) on {date}.")
