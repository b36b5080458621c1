"""`list` and `show`: who stands where, and the whole story of one."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import click

from inboxagent.cli.composition import Composition, compose
from inboxagent.cli.documents import conversation_document, event_document, instant
from inboxagent.cli.finding import find
from inboxagent.cli.options import config_option, json_option
from inboxagent.cli.paper import MOST_BELOW, block, columns, cut, fact, paragraph, plain, say, say_json, tell, when
from inboxagent.cli.standing import Standing, standing
from inboxagent.outreach.decide import Wait
from inboxagent.outreach.events import ANSWERS, By, Event, Word
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
MOST_REPEATED = 40  # characters of it by which a reason that quotes him is known
Row = tuple[Conversation, Wait | None]


@click.command("list")
@click.option("--forgotten", is_flag=True, help="Only who is without a next date, though you did not say so.")
@config_option
@json_option
def list_command(forgotten: bool, config: str | None, as_json: bool) -> None:
    """Show who stands where, and what comes next."""
    composition = compose(config)
    rows = [(each, composition.next_of(each)) for each in composition.store.conversations()]
    rows = _forgotten(rows) if forgotten else rows
    blind = blindness(composition)
    if as_json:
        say_json(
            [{**conversation_document(each, ahead), **_now_document(composition, each, blind)} for each, ahead in rows]
        )
    elif rows:
        _say_table(composition, sorted(rows, key=_urgency))
        _tell_proposals([each for each, _ in rows])
        if flags := composition.flags():
            tell(f"Everything is paused ({flags[0]}); end it with: inboxagent resume --all")
        if blind is not None:
            tell(f"B{_blind_words(composition, blind)[1:]}.")
    elif forgotten:
        tell("Nobody is without a next date, but where you said so.")
    else:
        tell("Nobody is enrolled yet. Begin with: inboxagent enroll SEQUENCE ADDRESS")


def _tell_proposals(conversations: list[Conversation]) -> None:
    """Addresses that came up in conversations, which she may take up; nothing is sent there by itself."""
    proposals = [(each, event) for each in conversations for event in each.events if event.word is Word.PROPOSED]
    enrolled = {address for each in conversations for address in each.addresses} if proposals else set()
    for each, event in proposals:
        if event.address not in enrolled:
            sequence, address = each.enrolment.sequence, plain(event.address or "")
            tell(f"Proposed in {each.id}: {address} ({plain(event.because)}). To take it up:")
            tell(f"  inboxagent enroll {sequence} {address} --instead-of {each.id}")


def _forgotten(rows: Iterable[Row]) -> list[Row]:
    """The newest conversation of everybody for whom nothing is ahead in any, unless she ended or paused it, or he wants
    no mail."""
    rows = list(rows)
    remembered = {address for each, ahead in rows if ahead is not None or each.tasks for address in each.addresses}
    newest = {each.enrolment.prospect.address: (each, ahead) for each, ahead in rows}
    return [row for row in newest.values() if not row[0].addresses & remembered and not _is_wanted_so(row[0])]


def _is_wanted_so(conversation: Conversation) -> bool:
    """Whether somebody said that nothing is to go out: she, or he."""
    if conversation.state is State.STOPPED:
        return any(event.word in _SAID or event.by is By.HER for event in _ends(conversation))
    holds = [event for event in conversation.events if event.word is Word.HELD]
    if conversation.state is State.ANSWERED:
        said_at = max(event.at for event in conversation.events if event.word in ANSWERS)
        return any(event.by is By.HER and event.at >= said_at for event in holds)
    paused = [event for event in holds if event.because == conversation.because]
    return conversation.state is State.HELD and any(event.by is By.HER for event in paused)


_SAID = (Word.UNSUBSCRIBE, Word.SUPPRESSED, Word.REFUSAL)


def _ends(conversation: Conversation) -> list[Event]:
    """What has ended it, since it last began or was resumed."""
    begins = [at for at, event in enumerate(conversation.events) if event.word in (Word.ENROLLED, Word.RESUMED)]
    ending = (*_SAID, Word.STOPPED, Word.WON, Word.LOST)
    return [event for event in conversation.events[begins[-1] :] if event.word in ending]


def blindness(composition: Composition) -> Standing | None:
    """How the account stands while its daemon cannot read; None otherwise."""
    now = standing(composition)
    return now if now.state == "blind" else None


def _now_document(composition: Composition, conversation: Conversation, blind: Standing | None) -> dict[str, Any]:
    """What a conversation alone does not tell: how many letters are ahead, since when he waits for an answer of hers,
    and since when nothing can go out for somebody who waits, because the mailboxes cannot be read."""
    waits = conversation.state in (State.WAITING, State.HELD)
    asked = _unanswered(conversation)
    return {
        "blind_since": instant(blind.since) if blind is not None and waits else None,
        "question_since": instant(asked.at) if asked is not None else None,
        "letters_left": composition.letters_left(conversation),
    }


def _touches(composition: Composition, conversation: Conversation) -> str:
    """`3 of 7`: what came from her side, of all that will have if nobody answers."""
    left = composition.letters_left(conversation)
    return f"{conversation.touches} of {conversation.touches + left}" if left else str(conversation.touches)


def _blind_words(composition: Composition, blind: Standing) -> str:
    since = when(blind.since or composition.clock.now(), composition.home, composition.clock.now())
    return f"blind since {since}, so nothing goes out: {blind.because}"


def _urgency(row: Row) -> tuple[int, float]:
    """Her turn first, then by what comes next."""
    conversation, ahead = row
    undated = conversation.state is State.HELD and ahead is None
    over = conversation.state is State.STOPPED
    place = 0 if undated or (over and _unanswered(conversation)) else ORDER.index(conversation.state)
    return place, ahead.at.timestamp() if ahead else 0.0


def _say_table(composition: Composition, rows: list[Row]) -> None:
    now = composition.clock.now()
    table = [("ID", "PROSPECT", "SEQUENCE", "STATE", "TOUCHES", "NEXT")]
    table += [
        (
            each.id,
            plain(each.enrolment.prospect.address),
            plain(each.enrolment.sequence),
            str(each.state),
            _touches(composition, each),
            cut(_outlook(each, ahead, composition, now), MOST_BELOW),  # a pipe gets no more of it than a terminal
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
    if (asked := _unanswered(conversation)) is not None:
        reason = _reason(conversation) if conversation.state is State.ANSWERED else _words(asked)
        return f"waits for you since {when(asked.at, composition.home, now)}: {reason}"
    if ahead is None:
        waiting = conversation.state is State.WAITING
        return plain(composition.stuck(conversation)) if waiting else _reason(conversation)
    return f"{when(ahead.at, composition.home, now)}  {plain(ahead.step)}"


def _unanswered(conversation: Conversation) -> Event | None:
    """His question that she has not answered, or whatever he wrote where it had ended for good before."""
    if not any(event.word is Word.REPLY for event in conversation.events):
        return None
    from inboxagent.outreach.reminders import question, unheard  # costly, and most have not written

    return question(conversation) or unheard(conversation)


def _reason(conversation: Conversation) -> str:
    """What he wrote, where that is the reason; else the reason."""
    latest = next((each for each in reversed(conversation.events) if each.because == conversation.because), None)
    return _words(latest) if latest else plain(conversation.because)


def _words(event: Event) -> str:
    """What he wrote, if he did, and what it was taken for, where that says more."""
    text, because = plain(event.text or "")[:MOST_WORDS], plain(event.because)
    if not text:
        return because
    return f'"{text}"' if text[:MOST_REPEATED] in because else f'"{text}": {because}'


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
        say_json({**conversation_document(found, ahead), **_now_document(composition, found, blind), "events": events})
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
        ("touches", _touches(composition, conversation)),
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
