"""What a decision writes down without any letter: holds that end, steps passed over, tasks, the end and the heir."""

from dataclasses import replace
from typing import TypeGuard, get_args

from inboxagent.agent.account import Account
from inboxagent.outreach.decide import Action, Finish, Hold, Remind, Resume, Skip, skipped
from inboxagent.outreach.events import Event, Word
from inboxagent.outreach.fold import advance
from inboxagent.outreach.handing import Handed, Kept, hand_on
from inboxagent.outreach.personalise import RenderError
from inboxagent.outreach.state import Conversation
from inboxagent.outreach.writing import write
from inboxagent.ports import Clock, Ledger

Move = Resume | Hold | Finish | Skip | Remind
_MOVES = frozenset(get_args(Move))


def is_move(action: Action | None) -> TypeGuard[Move]:
    """Whether the action needs no letter and changes something."""
    return type(action) in _MOVES


def move(account: Account, clock: Clock, ledger: Ledger, conversation: Conversation, action: Move) -> list[Event]:
    """Write the action down; the events of this conversation that came of it."""
    match action:
        case Finish(then=str(then)):
            events = _finish(account, clock, ledger, conversation, action, then)
        case Finish():
            events = [_event(clock, Word.FINISHED, action.because)]
        case Skip(step=step, at=at):
            events = [skipped(step.word, at, clock.now(), action.because)]
        case Remind():
            events = [_remind(account, clock, conversation, action)]
        case Resume():
            events = [_event(clock, Word.RESUMED, action.because)]
        case Hold():
            events = [_event(clock, Word.HELD, action.because)]
    ledger.append(conversation.id, *events)
    return events


def _event(clock: Clock, word: Word, because: str) -> Event:
    return Event(at=clock.now(), word=word, because=because)


def _finish(
    account: Account, clock: Clock, ledger: Ledger, conversation: Conversation, action: Finish, then: str
) -> list[Event]:
    if ledger.suppression(conversation.enrolment.prospect.address) is not None:
        return [_event(clock, Word.FINISHED, action.because)]
    by_her = conversation.events[-1].is_her_go  # after she was told what keeps it
    match hand_on(conversation, then, account.rules(), ledger.conversations(), clock.now(), by_her=by_her):
        case Kept(because=because, stuck=True):
            return [_event(clock, Word.HELD, because)]
        case Kept(because=because):
            return [_event(clock, Word.FINISHED, f"{action.because}; {because}")]
        case Handed() as heir:
            ledger.enrol(heir.conversation_id, heir.event)
            because = f"{action.because}; {then} takes over ({heir.conversation_id})"
            return [_event(clock, Word.FINISHED, because)]


def refuse(
    account: Account, clock: Clock, ledger: Ledger, conversation: Conversation, said: Event, heir: str
) -> tuple[Event, str | None]:
    """He said no, and the rule names a sequence for that: begin it, unless another has taken over already.

    His word with what came of it, and the id of the conversation that began.
    """
    if any(each.enrolment.origin == conversation.id for each in ledger.conversations()):
        return said, None
    if (suppressed := ledger.suppression(conversation.enrolment.prospect.address)) is not None:
        return replace(said, because=f"{said.because}; never to be written to: {suppressed}"), None
    now = clock.now()
    match hand_on(advance(conversation, said), heir, account.rules(), ledger.conversations(), now, since=now):
        case Kept(because=because):
            return replace(said, because=f"{said.because}; {because}"), None
        case Handed() as handed:
            ledger.enrol(handed.conversation_id, handed.event)
            because = f"{said.because}; {heir} takes over ({handed.conversation_id})"
            return replace(said, because=because), handed.conversation_id


def _remind(account: Account, clock: Clock, conversation: Conversation, action: Remind) -> Event:
    """The task with its text; one that cannot be written holds the conversation."""
    rules, step = account.rules(), action.step
    sequence = rules.sequences[conversation.enrolment.sequence]
    try:
        text = write(conversation, sequence, step, rules.phrases, account.me, clock.now()).text
    except RenderError as error:
        return _event(clock, Word.HELD, f"`{step.word}` cannot be written: {error}")
    return Event(at=clock.now(), word=Word.TASK, because=action.because, step=step.word, text=text)
