"""`why`: the reasons, in plain sentences, with the words that caused them."""

from datetime import datetime

import click

from inboxagent.cli.composition import Composition, compose
from inboxagent.cli.documents import conversation_document, instant
from inboxagent.cli.finding import find
from inboxagent.cli.look import blindness, who
from inboxagent.cli.options import config_option, json_option
from inboxagent.cli.paper import paragraph, say, say_json, when
from inboxagent.outreach.decide import Wait
from inboxagent.outreach.events import Event, Word
from inboxagent.outreach.fold import past
from inboxagent.outreach.sequence import Do
from inboxagent.outreach.state import Conversation, State

SENTENCES = {
    Word.ENROLLED: "{because}.",
    Word.INTENT: "`{step}` was to go out: {because}.",
    Word.SENT: "`{step}` went out: {because}.",
    Word.DEFERRED: "`{step}` did not go out yet: {because}.",
    Word.REFUSED: "`{step}` did not go out: {because}.",
    Word.UNCERTAIN: "Nobody knows what became of `{step}`: {because}.",
    Word.RELEASED: "`{step}` may go out once more: {because}.",
    Word.DROPPED: "`{step}` counts as over: {because}.",
    Word.OWN_MAIL: "The wait began anew: {because}.",
    Word.REPLY: "Follow-ups ended here: {because}.",
    Word.AUTO_REPLY: "It was held: {because}.",
    Word.NOT_NOW: "It was held, as he asked for: {because}.",
    Word.PROMISE: "It was held, as he promised an answer: {because}.",
    Word.REFUSAL: "It was stopped: {because}.",
    Word.UNSUBSCRIBE: "It was stopped for good: {because}.",
    Word.BOUNCE: "A letter came back: {because}.",
    Word.DELAYED: "A letter is on its way still: {because}.",
    Word.HELD: "It was held: {because}.",
    Word.RESUMED: "It went on: {because}.",
    Word.STOPPED: "It was stopped: {because}.",
    Word.FINISHED: "It was finished: {because}.",
    Word.SUPPRESSED: "It was stopped for good: {because}.",
    Word.TASK: "`{step}` was yours to do: {because}.",
    Word.DONE: "`{step}` was done: {because}.",
    Word.SKIPPED: "{because}.",
    Word.WON: "It was won: {because}.",
    Word.LOST: "It was lost: {because}.",
    Word.PROPOSED: "You may want to know: {because}.",
    Word.NOTE: "Nothing changed: {because}.",
}


@click.command("why")
@click.argument("conversation", metavar="ID")
@config_option
@json_option
def why_command(conversation: str, config: str | None, as_json: bool) -> None:
    """Say why a conversation stands where it stands; ID is its id or the prospect's address."""
    composition = compose(config)
    found = find(composition.store.conversations(), conversation)
    ahead = composition.next_of(found)
    outcome = _outcome(composition, found, ahead)
    told = [(event, sentence(event, after)) for event, after in zip(found.events, past(found), strict=True)]
    if as_json:
        reasons = [{"at": instant(event.at), "event": str(event.word), "says": says} for event, says in told]
        say_json({**conversation_document(found, ahead), "reasons": reasons, "now": outcome})
        return
    say(click.style(f"{found.id}  {who(found)}, {found.enrolment.sequence}", bold=True))
    now = composition.clock.now()
    for event, says in told:
        _say_dated(when(event.at, composition.home, now), says)
    _say_dated("now", outcome)


def sentence(event: Event, after: Conversation) -> str:
    """What the event did, and because of what; `after` is the conversation as it was then."""
    form = SENTENCES[event.word]
    if event.is_call or event.word is Word.OWN_MAIL:
        form = "She was in touch: {because}." if after.state is State.ANSWERED else SENTENCES[Word.OWN_MAIL]
        form = "The date that she set stands: {because}." if after.next_is_hers else form
    said = form.format(because=event.because.rstrip("."), step=event.step or "a letter")
    return said[0].upper() + said[1:]


def _outcome(composition: Composition, conversation: Conversation, ahead: Wait | None) -> str:
    """What follows from all that for the next letter."""
    now = composition.clock.now()
    if ahead is not None:
        at = when(ahead.at, composition.home, now)
        what = "goes out" if ahead.do is Do.MAIL else "is yours to do"
        return f"`{ahead.step}` {what} on {at}: {ahead.because}.{_barriers(composition, conversation, now)}"
    if conversation.pending is not None:
        return (
            f"Nobody knows what became of `{conversation.pending.step}`. A copy in your mailbox, a report or an answer "
            f"settles it; or you do, with `release {conversation.id}` (send it again) or `drop {conversation.id}`."
        )
    if conversation.state in (State.FINISHED, State.STOPPED):
        return "Nothing goes out any more."
    if conversation.state is State.WAITING:
        return f"Nothing goes out: {composition.stuck(conversation)}."
    return f"Nothing goes out until you {_answer(composition, conversation)}say `resume {conversation.id}`."


def _answer(composition: Composition, conversation: Conversation) -> str:
    """What lets it go on beside her command: her answer, where the rule says so and no hold waits for her."""
    sequence = composition.rulebook.sequences.get(conversation.enrolment.sequence)
    silent_for = sequence.after_my_answer if sequence and conversation.state is State.ANSWERED else None
    if silent_for is None or any(hold.until is None for hold in conversation.holds):
        return ""
    return f"answer him (then it goes on if he is silent for {silent_for}) or "


def _barriers(composition: Composition, conversation: Conversation, now: datetime) -> str:
    """What would stop it all the same."""
    if flags := composition.flags():
        return f" But everything is paused: {flags[0]} is there."
    if (blind := blindness(composition)) is not None:
        return f" But the mailboxes cannot be read: {blind.because}."
    suppressed = composition.store.suppression(conversation.enrolment.prospect.address)
    return f" But he is never to be written to: {suppressed}." if suppressed else ""


def _say_dated(at: str, text: str) -> None:
    say(f"{at:>20}  {paragraph(text, ' ' * 22, before=22)}")
