"""What must be true of her account whoever died, and when: P1 to P3 of the design, seen from outside."""

from collections import Counter
from collections.abc import Iterator

from inboxagent.agent.copies import OWED
from inboxagent.outreach.events import Word
from inboxagent.outreach.state import State
from tests.torture.stage import Stage

_WORDS = frozenset(Word) - {Word.NOTE}


def broken_now(stage: Stage) -> Iterator[str]:
    """What may never be, not even between two processes."""
    try:
        known = stage.conversations()
    except Exception as error:  # noqa: BLE001 whatever it is, the store does not open
        yield f"lost: the store does not open: {type(error).__name__}: {error}"
        return
    events = {
        (conversation.id, str(event.word), event.message_id or event.step)
        for conversation in known.values()
        for event in conversation.events
    }
    for line in stage.told():
        if line.get("event") not in _WORDS or "conversation" not in line or line.get("address") in stage.forgotten:
            continue
        fact = (line["conversation"], line["event"], line.get("message_id") or line.get("step"))
        if fact not in events:
            yield f"lost: {fact} was told and is not in the store"
    for address in stage.people.values():
        letters = stage.letters(address)
        for step, times in Counter(each.step for each in letters).items():
            if times > 1:
                yield f"double: {address} has got `{step}` {times} times"
        if address in stage.intended:
            late = [each.step for each in letters if each.message_id not in stage.intended[address]]
            if late:
                yield f"after an answer: {address} has got {late}"
        if address in stage.untouchable and letters:
            yield f"lost: {address} has got {[each.step for each in letters]} although she had forbidden it"
    for message_id, times in Counter(stage.copies()).items():
        if times > 1:
            yield f"double: {message_id} lies in Sent {times} times"


def broken_when_calm(stage: Stage) -> Iterator[str]:
    """What must hold besides, once a process has done all it could."""
    stage.world.settle()
    yield from broken_now(stage)
    copies = Counter(stage.copies())
    for address, conversation in stage.conversations().items():
        sent = {each.message_id for each in conversation.events if each.word is Word.SENT}
        got = {each.message_id for each in stage.letters(address)}
        doubtful = conversation.pending
        if doubtful is not None and not (conversation.uncertain and conversation.state is not State.WAITING):
            yield f"lost: nobody has noticed that `{doubtful.step}` to {address} was interrupted"
        over = {each.step for each in conversation.events if each.word is Word.DROPPED}
        dropped = {each.message_id for each in conversation.events if each.word is Word.INTENT and each.step in over}
        unknown = got - sent - dropped - ({doubtful.message_id} if doubtful else set())
        if unknown:
            yield f"lost: {address} has got {sorted(unknown)}, and the store does not know"
        if sent - got and not stage.world.unknown(address):
            yield f"lost: {sorted(each or '' for each in sent - got)} to {address} is said to be sent and has not come"
        for message_id in sent:
            if copies[message_id or ""] != 1:
                yield f"lost: {message_id} lies in Sent {copies[message_id or '']} times"
    if stage.fact(OWED):
        yield f"stuck: copies are owed still: {stage.fact(OWED)}"
    inbox = b"\n".join(stage.world.mail("INBOX"))
    if any(each not in inbox for each in stage.lies_in_inbox):
        yield "lost: a message is gone from her INBOX"
