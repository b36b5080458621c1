"""`list` and `show`: who stands where, and the whole story of one."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import click

from inboxagent.cli.composition import Composition, compose
from inboxagent.cli.documents import conversation_document, event_document
from inboxagent.cli.finding import find
from inboxagent.cli.options import config_option, json_option
from inboxagent.cli.paper import block, columns, fact, paragraph, plain, say, say_json, tell, when
from inboxagent.outreach.decide import Wait
from inboxagent.outreach.events import Event
from inboxagent.outreach.state import Conversation, State

STYLES: Mapping[State, Mapping[str, Any]] = {
    State.WAITING: {"fg": "cyan"},
    State.ANSWERED: {"fg": "green"},
    State.HELD: {"fg": "yellow"},
    State.FINISHED: {"dim": True},
    State.STOPPED: {"dim": True},
}
ORDER = (State.ANSWERED, State.HELD, State.WAITING, State.FINISHED, State.STOPPED)
Row = tuple[Conversation, Wait | None]


@click.command("list")
@config_option
@json_option
def list_command(config: str | None, as_json: bool) -> None:
    """Show who stands where, and what comes next."""
    composition = compose(config)
    rows = [(each, composition.next_of(each)) for each in composition.store.conversations()]
    if as_json:
        say_json([conversation_document(each, ahead) for each, ahead in rows])
    elif rows:
        _say_table(composition, sorted(rows, key=_urgency))
        if flags := composition.flags():
            tell(f"Everything is paused ({flags[0]}); end it with: inboxagent resume --all")
    else:
        tell("Nobody is enrolled yet. Begin with: inboxagent enroll SEQUENCE ADDRESS")


def _urgency(row: Row) -> tuple[int, float]:
    """Her turn first, then by what comes next."""
    conversation, ahead = row
    undated = conversation.state is State.HELD and ahead is None
    place = 0 if undated else ORDER.index(conversation.state)
    return place, ahead.at.timestamp() if ahead else 0.0


def _say_table(composition: Composition, rows: list[Row]) -> None:
    now = composition.clock.now()
    table = [("ID", "PROSPECT", "SEQUENCE", "STATE", "NEXT")]
    table += [
        (
            each.id,
            plain(each.enrolment.prospect.address),
            plain(each.enrolment.sequence),
            str(each.state),
            _outlook(each, ahead, composition, now),
        )
        for each, ahead in rows
    ]
    head, *lines = columns(table)
    coloured = [click.style(line, **STYLES[each.state]) for (each, _), line in zip(rows, lines, strict=True)]
    say("\n".join((click.style(head, bold=True), *coloured)))


def _outlook(conversation: Conversation, ahead: Wait | None, composition: Composition, now: datetime) -> str:
    """What comes next, or why nothing does."""
    if ahead is None:
        waiting = conversation.state is State.WAITING
        return plain(composition.stuck(conversation) if waiting else conversation.because)
    return f"{when(ahead.at, composition.home, now)}  {plain(ahead.step)}"


@click.command("show")
@click.argument("conversation", metavar="ID")
@config_option
@json_option
def show_command(conversation: str, config: str | None, as_json: bool) -> None:
    """Show the whole story of one conversation; ID is its id or the prospect's address."""
    composition = compose(config)
    found = find(composition.store.conversations(), conversation)
    ahead = composition.next_of(found)
    if as_json:
        events = [event_document(event) for event in found.events]
        say_json({**conversation_document(found, ahead), "events": events})
        return
    _say_head(composition, found, ahead)
    for event in found.events:
        say()
        _say_event(composition, event)


def _say_head(composition: Composition, conversation: Conversation, ahead: Wait | None) -> None:
    now = composition.clock.now()
    say(click.style(f"{conversation.id}  {who(conversation)}", bold=True))
    facts = [
        ("sequence", conversation.enrolment.sequence),
        ("state", f"{conversation.state}, {_turn(conversation)}"),
        ("because", conversation.because),
        ("touches", str(conversation.touches)),
        ("fields", ", ".join(f"{k}={v}" for k, v in sorted(conversation.enrolment.prospect.fields.items())) or "none"),
    ]
    if ahead is not None:
        facts.append(("next", f"{ahead.step} on {when(ahead.at, composition.home, now)}: {ahead.because}"))
    for name, text in facts:
        say(fact(name, text))


def _say_event(composition: Composition, event: Event) -> None:
    at = when(event.at, composition.home, composition.clock.now())
    say(f"{at}  {click.style(str(event.word), bold=True)}{f' {event.step}' if event.step else ''}")
    say("  " + paragraph(event.because, "  ", before=2))
    if event.message_id:
        say(f"  {plain(event.message_id)}")
    if event.text:
        say(block(event.text, "  | "))


def _turn(conversation: Conversation) -> str:
    if conversation.state in (State.FINISHED, State.STOPPED):
        return "nothing goes out any more"
    return "your turn" if conversation.court == "hers" else "his turn"


def who(conversation: Conversation) -> str:
    """His name and address."""
    prospect = conversation.enrolment.prospect
    return plain(f"{prospect.name} <{prospect.address}>" if prospect.name else prospect.address)
