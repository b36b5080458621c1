"""`list` and `show`: who stands where, and the whole story of one."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import click

from inboxagent.cli.composition import Composition, compose
from inboxagent.cli.documents import conversation_document, event_document, instant
from inboxagent.cli.finding import find
from inboxagent.cli.options import config_option, json_option
from inboxagent.cli.paper import block, columns, fact, paragraph, plain, say, say_json, tell, when
from inboxagent.cli.status import Standing, standing
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
MOST_WORDS = 200  # characters of what he wrote
Row = tuple[Conversation, Wait | None]


@click.command("list")
@config_option
@json_option
def list_command(config: str | None, as_json: bool) -> None:
    """Show who stands where, and what comes next."""
    composition = compose(config)
    rows = [(each, composition.next_of(each)) for each in composition.store.conversations()]
    blind = blindness(composition)
    if as_json:
        say_json([{**conversation_document(each, ahead), **_blind_document(each, blind)} for each, ahead in rows])
    elif rows:
        _say_table(composition, sorted(rows, key=_urgency))
        if flags := composition.flags():
            tell(f"Everything is paused ({flags[0]}); end it with: inboxagent resume --all")
        if blind is not None:
            tell(f"B{_blind_words(composition, blind)[1:]}.")
    else:
        tell("Nobody is enrolled yet. Begin with: inboxagent enroll SEQUENCE ADDRESS")


def blindness(composition: Composition) -> Standing | None:
    """How the account stands while its daemon cannot read; None otherwise."""
    now = standing(composition)
    return now if now.state == "blind" else None


def _blind_document(conversation: Conversation, blind: Standing | None) -> dict[str, Any]:
    """Since when nothing can go out for somebody who waits, because the mailboxes cannot be read."""
    waits = conversation.state in (State.WAITING, State.HELD)
    return {"blind_since": instant(blind.since) if blind is not None and waits else None}


def _blind_words(composition: Composition, blind: Standing) -> str:
    since = when(blind.since or composition.clock.now(), composition.home, composition.clock.now())
    return f"blind since {since}, so nothing goes out: {blind.because}"


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
    """What she has to do, what comes next, or why nothing does."""
    if conversation.tasks:
        task = conversation.tasks[0]
        return f"to do since {when(task.at, composition.home, now)}: {plain(task.step or '')}"
    if ahead is None:
        waiting = conversation.state is State.WAITING
        return plain(composition.stuck(conversation)) if waiting else _reason(conversation)
    return f"{when(ahead.at, composition.home, now)}  {plain(ahead.step)}"


def _reason(conversation: Conversation) -> str:
    """What he wrote, where that is the reason; else the reason."""
    latest = next((each for each in reversed(conversation.events) if each.because == conversation.because), None)
    text = plain(latest.text or "")[:MOST_WORDS] if latest else ""
    return f'"{text}": {plain(conversation.because)}' if text else plain(conversation.because)


@click.command("show")
@click.argument("conversation", metavar="ID")
@config_option
@json_option
def show_command(conversation: str, config: str | None, as_json: bool) -> None:
    """Show the whole story of one conversation; ID is its id or the prospect's address."""
    composition = compose(config)
    found = find(composition.store.conversations(), conversation)
    ahead = composition.next_of(found)
    blind = blindness(composition)
    if as_json:
        events = [event_document(event) for event in found.events]
        say_json({**conversation_document(found, ahead), **_blind_document(found, blind), "events": events})
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
    facts += [
        ("to do", f"{task.step}: {task.text or ''} (then: inboxagent done {conversation.id})")
        for task in conversation.tasks
    ]
    if (blind := blindness(composition)) is not None and ahead is not None:
        facts.append(("but", _blind_words(composition, blind)))
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
