"""`stop`, `won`, `lost`: the end of a conversation, and what begins with it."""

from datetime import datetime
from typing import TYPE_CHECKING

import click

from inboxagent.cli.change import Answer, apply_change, hers
from inboxagent.cli.composition import Composition
from inboxagent.cli.options import config_option, json_option
from inboxagent.cli.paper import plain
from inboxagent.errors import Refused, UsageError
from inboxagent.outreach.events import By, Word
from inboxagent.outreach.state import Conversation, State

if TYPE_CHECKING:
    from inboxagent.outreach.handing import Handed


@click.command("stop")
@click.argument("conversation", metavar="ID")
@click.option("--won", is_flag=True, help="He said yes: the sequence that the rule names for it takes over.")
@click.option("--lost", is_flag=True, help="He said no: the sequence that the rule names for it takes over.")
@config_option
@json_option
def stop_command(conversation: str, won: bool, lost: bool, config: str | None, as_json: bool) -> None:
    """End a conversation (its id or address): nothing goes out in it any more."""
    if won and lost:
        raise UsageError("say --won or --lost, not both")
    _end(conversation, Word.WON if won else Word.LOST if lost else Word.STOPPED, config, as_json)


@click.command("won")
@click.argument("conversation", metavar="ID")
@config_option
@json_option
def won_command(conversation: str, config: str | None, as_json: bool) -> None:
    """He said yes: end a conversation (its id or address); the sequence that its rule names for that takes over."""
    _end(conversation, Word.WON, config, as_json)


@click.command("lost")
@click.argument("conversation", metavar="ID")
@config_option
@json_option
def lost_command(conversation: str, config: str | None, as_json: bool) -> None:
    """He said no: end a conversation (its id or address); the sequence that its rule names for that takes over."""
    _end(conversation, Word.LOST, config, as_json)


def _end(conversation: str, word: Word, config: str | None, as_json: bool) -> None:
    goes_on = word is not Word.STOPPED  # a sequence may take over
    apply_change(
        config, conversation, as_json, lambda account, found, now: _stop(account, found, now, word), goes_on=goes_on
    )


_ENDS = (Word.STOPPED, Word.WON, Word.LOST)


def _stop(composition: Composition, conversation: Conversation, now: datetime, word: Word) -> Answer:
    if conversation.state is State.STOPPED and not _ends_otherwise(conversation, word):
        hers_already = any(event.by is By.HER and event.word in _ENDS for event in conversation.events)
        events = () if hers_already else (hers(Word.STOPPED, now, "she leaves it at that"),)
        return Answer(events, f"is stopped already: {plain(conversation.because)}")
    because = {Word.WON: "she has won him", Word.LOST: "she has lost him"}.get(word, "she stopped it")
    heir = _heir(composition, conversation, now, word)
    if heir is not None:
        to = heir.event.enrolment.sequence if heir.event.enrolment else ""
        because += f"; {to} takes over ({heir.conversation_id})"
    event = hers(word, now, because)
    says = f"{word}; should you change your mind: inboxagent resume {conversation.id}"
    return Answer(
        (event,), says if heir is None else f"{because}; see it with: inboxagent preview {heir.conversation_id}", heir
    )


def _ends_otherwise(conversation: Conversation, word: Word) -> bool:
    """Whether she has only stopped it until now, and says today how it ended."""
    ends = [event.word for event in conversation.events if event.by is By.HER and event.word in _ENDS]
    return word is not Word.STOPPED and not conversation.final and ends[-1:] == [Word.STOPPED]


def _heir(composition: Composition, conversation: Conversation, now: datetime, word: Word) -> "Handed | None":
    """The conversation that the rule begins after a yes or a no. Raises Refused where it cannot."""
    if word is Word.STOPPED:
        return None
    from inboxagent.outreach.handing import Handed, hand_on

    rules = composition.rules()
    sequence = rules.sequences.get(conversation.enrolment.sequence)
    to = {Word.WON: sequence.won, Word.LOST: sequence.lost}.get(word) if sequence else None
    if to is None:
        return None
    if conversation.final:
        raise Refused(f"{conversation.id} is stopped for good: {conversation.because}")
    handed = hand_on(conversation, to, rules, composition.store.conversations(), now, since=now, by_her=True)
    if isinstance(handed, Handed):
        return handed
    raise Refused(f"{handed.because}; `stop {conversation.id}` alone ends it")
