"""The coming steps of a conversation, as a calendar and as letters."""

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Any

import click

from inboxagent.cli.composition import Composition
from inboxagent.cli.documents import instant
from inboxagent.cli.paper import block, cells, columns, paragraph, plain, say, size, when, width, wrap
from inboxagent.mail.compose import Outgoing
from inboxagent.mail.headers import Address
from inboxagent.outreach.preview import Coming, foresee
from inboxagent.outreach.state import Conversation


def ahead_of(composition: Composition, conversation: Conversation, tone: str | None = None) -> tuple[Coming, ...]:
    """The steps ahead in a conversation, in a tone if it is given; none where its rule file cannot be read."""
    rules = composition.rulebook
    sequence = rules.sequences.get(conversation.enrolment.sequence)
    if sequence is None:
        return ()
    me, now = composition.config.me, composition.clock.now()
    return tuple(foresee(conversation, sequence, rules.phrases, me, now, tone, composition.enclosures))


def say_calendar(composition: Composition, coming: Sequence[Coming]) -> None:
    """One line a step: when, which, and why then."""
    now, home = composition.clock.now(), composition.home
    rows = [(f"    {when(each.at, home, now)}", plain(each.step.word), plain(each.because)) for each in coming]
    for line in columns(rows):
        say(line)


def say_letters(dates: Iterable[str], coming: Iterable[Coming]) -> None:
    """Each step with its date, its reason and its letter."""
    for date, each in zip(dates, coming, strict=True):
        say(click.style(f"{date}  {plain(each.step.word)}", bold=True))
        say("  " + paragraph(each.because, "  ", before=2))
        if each.letter is None:
            say(f"  It could not be written: {plain(each.fault)}")
        else:
            _say_letter(each.letter, quotes=each.quotes)
        say()


def say_letters_beside(dates: Iterable[str], tones: Sequence[str], comings: Sequence[Sequence[Coming]]) -> None:
    """Each step with its date and reason once, and its letter in two tones side by side."""
    half = (width() - 3) // 2
    for date, one, other in zip(dates, *comings, strict=True):
        say(click.style(f"{date}  {plain(one.step.word)}", bold=True))
        say("  " + paragraph(one.because, "  ", before=2))
        left, right = (_lines(tone, each, half) for tone, each in zip(tones, (one, other), strict=True))
        for pair in zip_longest(left, right, fillvalue=""):
            say(f"{pair[0]}{' ' * (half - cells(pair[0]))} | {pair[1]}".rstrip())
        say()


def _lines(tone: str, coming: Coming, most: int) -> list[str]:
    text = coming.letter.text if coming.letter else f"It could not be written: {coming.fault}"
    return [f"[{tone}]", "", *wrap(text, most)]


def _say_letter(letter: Outgoing, *, quotes: bool) -> None:
    rows = [("To", people(letter.to)), ("Cc", people(letter.cc)), ("Subject", letter.subject)]
    rows += [("Attached", f"{each.name} ({size(len(each.content))})") for each in letter.attachments]
    for name, text in rows:
        if text:
            say(f"  | {name}: {plain(text)}")
    say("  |")
    say(block(letter.text, "  | "))
    if quotes:
        say("  |\n  | > (the message that is answered)")


def people(addresses: Iterable[Address]) -> str:
    """Names and addresses on one line."""
    return ", ".join(f"{each.name} <{each.address}>" if each.name else each.address for each in addresses)


def coming_document(coming: Coming) -> dict[str, Any]:
    """One object of `preview --json`."""
    letter = coming.letter
    return {
        "step": coming.step.word,
        "kind": str(coming.step.do),
        "at": instant(coming.at),
        "because": coming.because,
        "to": [each.address for each in letter.to] if letter else [],
        "cc": [each.address for each in letter.cc] if letter else [],
        "subject": letter.subject if letter else None,
        "letter": letter.text if letter else None,
        "quotes": coming.quotes,
        "attachments": [each.name for each in letter.attachments] if letter else [],
        "fault": coming.fault or None,
    }
