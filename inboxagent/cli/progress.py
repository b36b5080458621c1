"""`done` and `skip`: what she has done herself, and what is not to be done at all."""

from datetime import datetime

import click

from inboxagent.cli.change import Answer, apply_change, hers
from inboxagent.cli.composition import Composition
from inboxagent.cli.options import config_option, json_option
from inboxagent.errors import Refused
from inboxagent.outreach.events import By, Word
from inboxagent.outreach.state import Conversation, State


@click.command("done")
@click.argument("conversation", metavar="ID")
@click.argument("step", metavar="[STEP]", required=False)
@config_option
@json_option
def done_command(conversation: str, step: str | None, config: str | None, as_json: bool) -> None:
    """Say that you have done the task of a conversation (its id or address): the next wait begins now."""
    apply_change(config, conversation, as_json, lambda _, found, now: _done(found, now, step))


def _done(conversation: Conversation, now: datetime, step: str | None) -> Answer:
    open_ = [task.step for task in conversation.tasks]
    if not open_:
        raise Refused(f"{conversation.id} has no task for you")
    if step is not None and step not in open_:
        raise Refused(f"{conversation.id} has no open task `{step}`; open: {', '.join(str(each) for each in open_)}")
    done = step or open_[0]
    return Answer((hers(Word.DONE, now, "she did it", done),), f"`{done}` is done")


@click.command("skip")
@click.argument("conversation", metavar="ID")
@config_option
@json_option
def skip_command(conversation: str, config: str | None, as_json: bool) -> None:
    """Leave out the next step of a conversation (its id or address): the wait after it runs as if it had gone."""
    apply_change(config, conversation, as_json, _skip)


def _skip(composition: Composition, conversation: Conversation, now: datetime) -> Answer:
    from inboxagent.outreach.decide import next_step, outlook, skipped

    if conversation.pending is not None:
        raise Refused(f"`{conversation.pending.step}` of {conversation.id} is on its way; see `why {conversation.id}`")
    if conversation.state not in (State.WAITING, State.HELD):
        raise Refused(f"{conversation.id} is {conversation.state}, no step is ahead: {conversation.because}")
    sequence = composition.rulebook.sequences.get(conversation.enrolment.sequence)
    step = next_step(conversation, sequence) if sequence else None
    if step is None:
        raise Refused(f"no step of {conversation.id} is left to be skipped")
    ahead = outlook(conversation, sequence, now, composition.config.me)
    at = ahead.at if ahead is not None and ahead.step == step.word else now
    event = skipped(step.word, at, now, f"she left `{step.word}` out", By.HER)
    return Answer((event,), f"`{step.word}` is left out")
