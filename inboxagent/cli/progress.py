"""`done`, `note`, `skip`, `hold`: what she has done herself, what is not to be done at all, or not before a day."""

from dataclasses import replace
from datetime import date, datetime, time

import click

from inboxagent.cli.change import Answer, apply_change, hers
from inboxagent.cli.composition import Composition
from inboxagent.cli.options import config_option, json_option
from inboxagent.cli.paper import plain, when
from inboxagent.errors import Refused, UsageError
from inboxagent.outreach.case import LONGEST_TEXT
from inboxagent.outreach.events import By, Word
from inboxagent.outreach.fold import advance
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
    at = ahead.at if ahead is not None and ahead.step == step.word else max(now, conversation.wait_until or now)
    event = skipped(step.word, at, now, f"she left `{step.word}` out", By.HER)
    return Answer((event,), f"`{step.word}` is left out")


@click.command("note")
@click.argument("conversation", metavar="ID")
@click.argument("text", metavar="TEXT")
@click.option("--next", "day", metavar="DATE", help="When the next step is to come, as in 2026-12-04.")
@config_option
@json_option
def note_command(conversation: str, text: str, day: str | None, config: str | None, as_json: bool) -> None:
    """Log a call, or whatever you did outside the mail, in a conversation (its id or address): it is a touch, and the
    next wait begins now."""
    if not text.strip() or len(text) > LONGEST_TEXT:
        raise UsageError(f"TEXT must have 1 to {LONGEST_TEXT} characters")
    apply_change(
        config, conversation, as_json, lambda account, found, now: _note(account, found, now, text.strip(), day)
    )


def _note(composition: Composition, conversation: Conversation, now: datetime, text: str, day: str | None) -> Answer:
    note = replace(hers(Word.NOTE, now, f"she noted: {plain(text)}"), text=text)
    if day is None:
        return Answer((note,), _noted(advance(conversation, note)))
    _refuse_if_over(conversation)
    until = _morning(composition, conversation, now, day)
    event = hers(Word.RESUMED, now, f"she set the next date: {plain(text)}", until=until)
    return Answer((note, event), f"noted; it goes on {when(until, composition.home, now)}")


def _noted(conversation: Conversation) -> str:
    """What the touch means where it stands."""
    if conversation.state is State.ANSWERED:
        return "noted; it is still your turn"
    if conversation.state is not State.WAITING:
        return f"noted; it is {conversation.state} as before"
    return "noted; the date that you set stands" if conversation.next_is_hers else "noted; the next wait begins now"


@click.command("hold")
@click.argument("conversation", metavar="ID")
@click.argument("day", metavar="DATE")
@config_option
@json_option
def hold_command(conversation: str, day: str, config: str | None, as_json: bool) -> None:
    """Hold a conversation (its id or address) until a day, as in 2026-12-04; then it goes on by itself."""
    apply_change(config, conversation, as_json, lambda account, found, now: _hold(account, found, now, day))


def _hold(composition: Composition, conversation: Conversation, now: datetime, day: str) -> Answer:
    _refuse_if_over(conversation)
    until = _morning(composition, conversation, now, day)
    if conversation.state is State.ANSWERED:
        name = conversation.id
        raise Refused(
            f"it is your turn in {name}, so nothing goes out anyway; `note {name} TEXT --next DATE` sets a date"
        )
    event = hers(Word.HELD, now, f"she holds it until {until.astimezone(composition.home):%Y-%m-%d}", until=until)
    return Answer((event,), f"on hold until {when(until, composition.home, now)}")


def _refuse_if_over(conversation: Conversation) -> None:
    """A date is for what can go on."""
    if conversation.pending is not None:
        raise Refused(f"nobody knows yet what became of `{conversation.pending.step}`; see `why {conversation.id}`")
    if conversation.state in (State.STOPPED, State.FINISHED):
        raise Refused(f"{conversation.id} is {conversation.state}, no step is ahead: {conversation.because}")


def _morning(composition: Composition, conversation: Conversation, now: datetime, words: str) -> datetime:
    """The first moment of this day, or after it, at which a letter of the sequence may go. Raises UsageError."""
    from inboxagent.outreach.decide import workdays_of, zone_of
    from inboxagent.outreach.hours import Hours
    from inboxagent.outreach.schedule import admit

    sequence, me = composition.rulebook.sequences.get(conversation.enrolment.sequence), composition.config.me
    zone = zone_of(conversation, sequence, me)
    try:
        begin = datetime.combine(date.fromisoformat(words), time(), zone)
    except ValueError:
        raise UsageError(f'"{words}" is not a day; write it like {now:%Y}-12-31') from None
    if begin <= now:
        raise UsageError(f"{words} is over, or today; name a day to come")
    hours = sequence.hours if sequence else Hours()
    return admit(begin, hours, zone, conversation.id, spread=False, workdays=workdays_of(conversation, sequence, me)).at
