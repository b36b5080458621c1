"""`log`: everything that ever happened, in every conversation, in the order of its time."""

import time
from collections.abc import Iterable, Iterator
from typing import Any

import click

from inboxagent.cli.composition import Composition, compose
from inboxagent.cli.documents import event_document
from inboxagent.cli.options import config_option
from inboxagent.cli.paper import plain, say, say_json, when
from inboxagent.outreach.events import Event
from inboxagent.outreach.state import Conversation

NOTICE_EVERY = 0.5  # seconds

Entry = tuple[Conversation, Event]


@click.command("log")
@click.option("--follow", "-f", is_flag=True, help="Go on with what happens from now on, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on each line, for other programs.")
@config_option
def log_command(follow: bool, as_json: bool, config: str | None) -> None:
    """Show everything that ever happened, oldest first: every letter, answer and command."""
    composition = compose(config)
    for entries in _news(composition, follow=follow):
        for conversation, event in entries:
            if as_json:
                say_json(_document(conversation, event), lines=True)
            else:
                say(_line(composition, conversation, event))


def _news(composition: Composition, *, follow: bool) -> Iterator[list[Entry]]:
    """What has happened, and then what else happens, each time that somebody has written."""
    told: dict[str, int] = {}
    mark: object = None
    while True:
        generation = composition.store.generation()
        changed, mark = composition.store.changed(mark)
        yield sorted(_untold(changed, told), key=lambda entry: entry[1].at)
        if not follow:
            return
        while composition.store.generation() == generation:
            time.sleep(NOTICE_EVERY)


def _untold(conversations: Iterable[Conversation], told: dict[str, int]) -> Iterator[Entry]:
    """The events that are not among the first so many of their conversation, which are counted as told then."""
    for conversation in conversations:
        known = told.get(conversation.id, 0)
        told[conversation.id] = len(conversation.events)
        yield from ((conversation, event) for event in conversation.events[known:])


def _document(conversation: Conversation, event: Event) -> dict[str, Any]:
    address = conversation.enrolment.prospect.address
    return {"id": conversation.id, "address": address, **event_document(event)}


def _line(composition: Composition, conversation: Conversation, event: Event) -> str:
    at = when(event.at, composition.home, composition.clock.now())
    address = plain(conversation.enrolment.prospect.address)
    step = f" {plain(event.step)}" if event.step else ""
    return f"{at:>20}  {conversation.id}  {address}  {event.word}{step}: {plain(event.because)}"
