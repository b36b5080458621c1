"""`pause`, `resume`, `release`, `drop`: her hand on a conversation, or on everything."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import click

from inboxagent.cli import flags
from inboxagent.cli.composition import Composition, compose
from inboxagent.cli.documents import conversation_document
from inboxagent.cli.finding import find
from inboxagent.cli.look import who
from inboxagent.cli.options import config_option, json_option
from inboxagent.cli.paper import plain, say, say_json, tell, when
from inboxagent.edge.system_lock import is_held
from inboxagent.errors import Refused, UsageError
from inboxagent.outreach.events import By, Event, Word
from inboxagent.outreach.state import Conversation, State

if TYPE_CHECKING:
    from inboxagent.outreach.handing import Handed


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command makes of a conversation: the events, none where it is so already, a sentence, and the conversation
    that begins with it."""

    events: tuple[Event, ...]
    says: str
    heir: "Handed | None" = None


Change = Callable[[Composition, Conversation, datetime], Answer]


def apply_change(config: str | None, words: str, as_json: bool, change: Change, *, goes_on: bool = True) -> None:
    """Find, judge and write in one transaction, then say what is so now. What lets nothing go on needs no rules."""
    composition = compose(config)
    if goes_on:
        composition.rules()  # raises before anything is written
    wanted = find(composition.store.conversations(), words).id
    with composition.store.transaction(f"she changes {wanted}", urgent=True) as ledger:
        conversation = find(ledger.conversations(), wanted)
        answer = change(composition, conversation, composition.clock.now())
        if answer.events:
            conversation = ledger.append(wanted, *answer.events)
        if answer.heir is not None:
            ledger.enrol(answer.heir.conversation_id, answer.heir.event)
    if as_json:
        say_json(conversation_document(conversation, composition.next_of(conversation)))
    else:
        say(f"{wanted}  {who(conversation)}: {answer.says}")
        say_next(composition, conversation)


def say_next(composition: Composition, conversation: Conversation) -> None:
    """What comes next now, and whether anybody is there to do it."""
    ahead = composition.next_of(conversation)
    if ahead is None:
        return
    now = composition.clock.now()
    say(f"  `{ahead.step}` goes out on {when(ahead.at, composition.home, now)} ({plain(ahead.because)}).")
    if not is_held(composition.lock_path):
        tell("No daemon is running, so nothing goes out until you start one: inboxagent run")


def hers(word: Word, now: datetime, because: str, step: str | None = None, until: datetime | None = None) -> Event:
    return Event(at=now, word=word, because=because, by=By.HER, step=step, until=until)


def _wanted(conversation: str | None, everything: bool, name: str) -> str:
    if everything == (conversation is not None):
        raise UsageError(f"say which conversation (`{name} ID`), or `{name} --all` for everything")
    return conversation or ""


# -- pause and resume ----------------------------------------------------------------------------------------------


@click.command("pause")
@click.argument("conversation", metavar="[ID]", required=False)
@click.option("--all", "everything", is_flag=True, help="Everything: works without configuration, store or network.")
@config_option
@json_option
def pause_command(conversation: str | None, everything: bool, config: str | None, as_json: bool) -> None:
    """Hold a conversation (its id or address) until you resume it; with --all, nothing goes out at all."""
    wanted = _wanted(conversation, everything, "pause")
    if everything:
        flags.pause_everything(config, as_json)
    else:
        apply_change(config, wanted, as_json, _pause, goes_on=False)


def _pause(_: Composition, conversation: Conversation, now: datetime) -> Answer:
    if conversation.state in (State.STOPPED, State.FINISHED):
        raise Refused(f"{conversation.id} is {conversation.state}, so nothing goes out anyway: {conversation.because}")
    if any(hold.until is None for hold in conversation.holds):
        return Answer((), f"is on hold already until you resume it: {plain(conversation.because)}")
    event = hers(Word.HELD, now, "she paused it")
    return Answer((event,), f"paused; nothing goes out until: inboxagent resume {conversation.id}")


@click.command("resume")
@click.argument("conversation", metavar="[ID]", required=False)
@click.option("--in", "wait", metavar="WAIT", help='Wait so long instead of what the step says, as in "2 weeks".')
@click.option("--all", "everything", is_flag=True, help="End `pause --all`.")
@config_option
@json_option
def resume_command(
    conversation: str | None, wait: str | None, everything: bool, config: str | None, as_json: bool
) -> None:
    """Let a conversation (its id or address) go on: the wait of its next step begins now."""
    wanted = _wanted(conversation, everything, "resume")
    if everything and wait is not None:
        raise UsageError("--in is for one conversation, not for --all")
    if everything:
        flags.resume_everything(config, as_json)
    else:
        apply_change(config, wanted, as_json, lambda account, found, now: _resume(account, found, now, wait))


def _resume(composition: Composition, conversation: Conversation, now: datetime, wait: str | None) -> Answer:
    if conversation.pending is not None:
        step, name = conversation.pending.step, conversation.id
        raise Refused(
            f"nobody knows yet what became of `{step}`; first say `release {name}` to send it again, "
            f"or `drop {name}` to leave it at that"
        )
    if conversation.state is State.WAITING:
        raise Refused(f"{conversation.id} is not on hold; it is waiting for its next step already")
    if conversation.final:
        raise Refused(f"{conversation.id} is stopped for good: {conversation.because}")
    if conversation.state is State.FINISHED:
        raise Refused(f"{conversation.id} is finished, no step is left: {conversation.because}")
    _refuse_if_taken_over(composition, conversation)
    until = _wait_end(composition, conversation, wait, now) if wait else None
    because = f"she resumed it, to go on in {wait}" if wait else "she resumed it"
    return Answer((hers(Word.RESUMED, now, because, until=until),), "goes on")


def _refuse_if_taken_over(composition: Composition, conversation: Conversation) -> None:
    """Who was handed on, or has become a customer, is not written to as before."""
    if conversation.state is not State.STOPPED:
        return
    from inboxagent.outreach.roles import rival

    others = [each for each in composition.store.conversations() if each.id != conversation.id]
    live = (each for each in others if each.state not in (State.STOPPED, State.FINISHED))
    heir = next((each for each in live if each.enrolment.origin == conversation.id), None)
    sequence, rules = conversation.enrolment.sequence, composition.rulebook
    open_ = heir or rival(conversation.addresses, sequence, rules, others)
    if open_ is not None:
        raise Refused(f"{open_.enrolment.sequence} has taken him over ({open_.id}, {open_.state}); end that first")


def _wait_end(composition: Composition, conversation: Conversation, words: str, now: datetime) -> datetime:
    """When the wait in these words ends, on the calendar of the sequence's zone."""
    from inboxagent.outreach.decide import workdays_of, zone_of
    from inboxagent.outreach.schedule import add_wait
    from inboxagent.rules.problem import Report
    from inboxagent.rules.source import Piece
    from inboxagent.rules.waits import read_wait

    report = Report("--in")
    wait = read_wait(Piece(text=words, line=1), report)
    if wait is None:
        problem = report.problems[0]
        raise UsageError(f"--in: {problem.text}{f'; {problem.hint}' if problem.hint else ''}")
    sequence = composition.rulebook.sequences.get(conversation.enrolment.sequence)
    me = composition.config.me
    workdays = workdays_of(conversation, sequence, me)
    return add_wait(now, wait, zone_of(conversation, sequence, me), workdays)


# -- release and drop ----------------------------------------------------------------------------------------------


@click.command("release")
@click.argument("conversation", metavar="[ID]", required=False)
@click.option("--brake", is_flag=True, help="Let go out what fell due all at once.")
@config_option
@json_option
def release_command(conversation: str | None, brake: bool, config: str | None, as_json: bool) -> None:
    """Send an uncertain letter again, which may reach him twice; or, with --brake, let a backlog go out."""
    if brake == (conversation is not None):
        raise UsageError("say which conversation (`release ID`), or `release --brake`")
    if brake:
        _release_brake(config, as_json)
    else:
        apply_change(config, conversation or "", as_json, _release)


def _release(composition: Composition, conversation: Conversation, now: datetime) -> Answer:
    step, doubt = _uncertain_step(composition, conversation, now)
    event = hers(Word.RELEASED, now, "she had it sent again, though it may have gone out before", step)
    return Answer((*doubt, event), f"`{step}` goes out again, under a new Message-ID")


@click.command("drop")
@click.argument("conversation", metavar="ID")
@config_option
@json_option
def drop_command(conversation: str, config: str | None, as_json: bool) -> None:
    """Leave an uncertain letter (id or address) at that: it is not sent again, and the next step follows it."""
    apply_change(config, conversation, as_json, _drop)


def _drop(composition: Composition, conversation: Conversation, now: datetime) -> Answer:
    step, doubt = _uncertain_step(composition, conversation, now)
    event = hers(Word.DROPPED, now, "she left it at that, whether it went out or not", step)
    return Answer((*doubt, event), f"`{step}` is not sent again")


def _uncertain_step(
    composition: Composition, conversation: Conversation, now: datetime
) -> tuple[str | None, tuple[Event, ...]]:
    """The step whose fate nobody knows, and the event that says so where a daemon died before it could."""
    pending = conversation.pending
    if pending is None:
        raise Refused(f"{conversation.id} has no uncertain letter; it is {conversation.state}: {conversation.because}")
    if conversation.uncertain:
        return pending.step, ()
    if is_held(composition.lock_path):
        raise Refused(f"`{pending.step}` of {conversation.id} is being sent this very moment; look again in a minute")
    because = f"interrupted while `{pending.step}` was being handed over; it may have gone out"
    doubt = Event(at=now, word=Word.UNCERTAIN, because=because, step=pending.step, message_id=pending.message_id)
    return pending.step, (doubt,)


def _release_brake(config: str | None, as_json: bool) -> None:
    from inboxagent.agent.brake import release

    composition = compose(config)
    with composition.store.transaction("she releases the brake") as ledger:
        due = release(ledger, composition.clock.now())
    if as_json:
        say_json({"brake": "released"})
        return
    gap = int(composition.config.limits.gap.total_seconds())
    letters = f"{due} letters go out" if due else "what is due goes out"
    say(f"The brake is released: {letters}, one at a time, at least {gap} s apart.")
    tell("`inboxagent list` shows which; `inboxagent pause --all` stops them.")
