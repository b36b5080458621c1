"""Somebody takes the place of a person: a colleague who takes over, a successor, his own other address."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from inboxagent.agent.wish import Wish
from inboxagent.errors import Refused
from inboxagent.outreach.events import By, Event, Word
from inboxagent.outreach.fold import begin
from inboxagent.outreach.state import Conversation, State
from inboxagent.outreach.thread import Piece
from inboxagent.ports import Records


def predecessor(records: Records, wish: Wish) -> Conversation | None:
    """The conversation whose place is taken; None where it is nobody's. Raises `Refused`."""
    if wish.instead_of is None:
        return None
    before = records.conversation(wish.instead_of)
    if before is None:
        raise Refused(f"there is no conversation {wish.instead_of} whose place somebody could take")
    if wish.prospect.address in before.addresses:
        raise Refused(f"{wish.prospect.address} is in {before.id} himself")
    if before.pending is not None:
        raise Refused(f"nobody knows yet what became of `{before.pending.step}` of {before.id}; see `why {before.id}`")
    return before


def succeed(
    conversation: Conversation, before: Conversation, pieces: Iterable[Piece], *, inherits: bool
) -> Conversation:
    """The conversation as one that takes the place of `before`: what was judged there is history, but for what he has
    written himself since her last message. Where he has no thread with her, it `inherits` that one."""
    first, enrolment = conversation.events[0], conversation.enrolment
    his = {piece.message.message_id for piece in pieces if _wrote(piece, conversation)}
    his |= {each.message_id for each in before.events if each.message_id and each.address in conversation.addresses}
    history = tuple(dict.fromkeys([*enrolment.history, *sorted(before.judged - his)]))
    if inherits:
        enrolment = replace(enrolment, latest=before.latest, thread=tuple(sorted(before.ids)))
    because = f"{first.because}, in the place of {before.enrolment.prospect.address} ({before.id})"
    enrolment = replace(enrolment, history=history, origin=before.id)
    return begin(conversation.id, replace(first, because=because, enrolment=enrolment))


def _wrote(piece: Piece, conversation: Conversation) -> bool:
    return any(each.address in conversation.addresses for each in piece.message.from_)


def check_succession(before: Conversation, after: Conversation) -> tuple[Event, ...]:
    """What ends the conversation whose place is taken; nothing where it has ended already.

    Raises `Refused` where he has written there himself, and she has not answered yet.
    """
    asked = unanswered(before, after)
    if asked is not None:
        address = after.enrolment.prospect.address
        raise Refused(
            f"{address} is not to be followed up ({asked:%Y-%m-%d %H:%M} UTC): he answered in {before.id}; "
            "answer him first, then enrol"
        )
    if before.state is State.STOPPED:
        return ()
    because = f"{after.enrolment.prospect.address} takes his place ({after.id})"
    return (Event(at=after.events[0].at, word=Word.STOPPED, by=By.HER, because=because),)


def unanswered(before: Conversation, after: Conversation) -> datetime | None:
    """When he, who is to be written to from now on, wrote in the old conversation without any answer of hers."""
    since = max((each.at for each in before.events if each.word is Word.OWN_MAIL or each.is_call), default=None)
    his = [
        each.mail.at if each.mail else each.at
        for each in before.events
        if each.word is Word.REPLY and each.address in after.addresses
    ]
    return next((at for at in his if since is None or at > since), None)
