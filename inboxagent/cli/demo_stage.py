"""What a person sees of the demo: a timeline, the letters, and at the end who stands where."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from textwrap import fill, indent
from zoneinfo import ZoneInfo

import click

from inboxagent.cli.demo_story import BY_ADDRESS, MAYA, Person
from inboxagent.cli.embedded import Letter
from inboxagent.mail.inbound import parse_headers
from inboxagent.outreach.events import Event, Word
from inboxagent.outreach.state import Conversation

ZONE = ZoneInfo(MAYA.zone)
MARGIN = " " * 18
FASTEST, SLOWEST = 0.08, 0.7  # real seconds that a stretch of time takes to pass
SECONDS_A_DAY = 0.09


class Stage:
    """Prints the play. `lively` shows the clock running between the lines; letters are shown once a step."""

    def __init__(self, *, lively: bool, haste: float = 1.0) -> None:
        self._lively = lively
        self._haste = haste
        self._shown: set[str] = set()

    def begin(self) -> None:
        """Say what is to be seen."""
        click.secho("inboxagent demo", bold=True)
        click.echo(
            "Real IMAP and SMTP servers on loopback, a clock that runs fast, nine weeks in a few seconds.\n"
            f"{MAYA.name}, a consultant in Stockholm, has sent seven people a proposal. Nothing leaves this machine.\n"
        )

    def wrote_proposals(self, now: datetime, people: Sequence[Person]) -> None:
        """Her own letters, before the agent knows of anybody."""
        names = ", ".join(person.first_name for person in people[:-1])
        self._line(now, "✎", "Maya", f"sends her proposal to {names} and {people[-1].first_name}")

    def enrolled(self, now: datetime, person: Person, sequence: str) -> None:
        """One enrolment."""
        self._line(now, "+", person.first_name, f"enroll {sequence} {person.address}")

    async def glide(self, begin: datetime, end: datetime) -> None:
        """Let the time between two events pass, so that it can be seen."""
        days = (end - begin) / timedelta(days=1)
        seconds = min(SLOWEST, max(FASTEST, days * SECONDS_A_DAY)) / self._haste
        frames = max(1, int(seconds / 0.04)) if self._lively else 1
        for frame in range(frames):
            if self._lively:
                at = begin + (end - begin) * (frame / frames)
                click.echo(f"\r{click.style(_when(at), dim=True)}", nl=False)
            await asyncio.sleep(seconds / frames)
        if self._lively:
            click.echo("\r" + " " * len(MARGIN) + "\r", nl=False)

    def event(self, now: datetime, conversation: Conversation, word: Word) -> None:
        """One event of a conversation, with the letter where it is new to the reader."""
        who = BY_ADDRESS[conversation.enrolment.prospect.address].first_name
        event = next(each for each in reversed(conversation.events) if each.word is word)
        match word:
            case Word.SENT:
                self._sent(now, who, conversation, event)
            case Word.REPLY:
                self._line(now, "←", who, f"answers: “{_first_words(event)}”", fg="green")
                click.echo(f"{MARGIN}         it is Maya's turn now; no letter follows by itself")
            case Word.AUTO_REPLY:
                until = event.until.astimezone(ZONE) if event.until else now
                self._line(now, "←", who, f"is away; held until {_when(until).strip()}", fg="yellow")
            case Word.NOT_NOW:
                until = event.until.astimezone(ZONE) if event.until else now
                words = f"asks for later: “{_first_words(event)}”; held until {_when(until).strip()}"
                self._line(now, "←", who, words, fg="yellow")
            case Word.UNSUBSCRIBE:
                self._line(now, "←", who, f"asks not to be written to: “{_first_words(event)}”; never again", fg="red")
            case Word.BOUNCE:
                self._line(now, "✗", who, "the letter came back, the address is dead; stopped", fg="red")
            case Word.RESUMED:
                asked = any(each.word is Word.NOT_NOW for each in conversation.events)
                words = "had asked for this day" if asked else "should be back; the wait goes on where it stood"
                self._line(now, "·", who, words, fg="yellow")
            case Word.FINISHED:
                self._line(now, "■", who, "never answered; all seven letters have gone, and that is the end", fg="cyan")
            case _:
                self._line(now, "·", who, event.because)

    def reminded(self, now: datetime, what: str) -> None:
        """A mail to herself."""
        self._line(now, "✉", "Maya", f"gets a reminder: {what}", fg="magenta")

    def end(self, conversations: Iterable[Conversation], zone: ZoneInfo) -> None:
        """Who stands where."""
        click.secho("\nNine weeks later", bold=True)
        for each in conversations:
            name = BY_ADDRESS[each.enrolment.prospect.address].first_name
            click.echo(f"  {name:6} {each.state:9} {each.touches} touches   court: {each.court}")

    def verdict(self, letters: Sequence[Letter], sent: Sequence[bytes], answered_at: Mapping[str, datetime]) -> int:
        """Count what must not have happened, from the servers' own records; the sum of it."""
        hers = [each for each in letters if each.reverse_path == MAYA.address != each.recipient]
        late = sum(each.at > answered_at[each.recipient] for each in hers if each.recipient in answered_at)
        ids = Counter(parse_headers(each.message).message_id for each in hers)
        twice = sum(count - 1 for count in ids.values())
        copies = Counter(parse_headers(each).message_id for each in sent)
        astray = sum(copies[message_id] != 1 for message_id in ids)
        click.echo(
            f"\n{len(hers)} letters accepted by the server: {late} after an answer, {twice} twice, "
            f"{astray} without exactly one copy in Sent."
        )
        return late + twice + astray

    def _sent(self, now: datetime, who: str, conversation: Conversation, event: Event) -> None:
        intent = next(each for each in conversation.events if each.message_id == event.message_id)
        subject = intent.mail.subject if intent.mail else ""
        self._line(now, "→", who, f"{event.step}, touch {conversation.touches}: {subject}", fg="blue")
        if intent.step and intent.text and intent.step not in self._shown:
            self._shown.add(intent.step)
            click.echo(click.style(_framed(intent.text), dim=True))

    def _line(self, now: datetime, sign: str, who: str, what: str, fg: str | None = None) -> None:
        click.echo(f"{click.style(_when(now), dim=True)} {click.style(f'{sign} {who:6}', fg=fg)} {what}")


def _when(at: datetime) -> str:
    local = at.astimezone(ZONE)
    return f"{local:%a} {local.day:2} {local:%b} {local:%H:%M}  "


def _framed(text: str) -> str:
    paragraphs = (fill(line, 72) for line in text.rstrip().splitlines())
    return indent("\n".join(paragraphs), MARGIN + "│ ", lambda _: True)


def _first_words(event: Event) -> str:
    lines = [line.strip() for line in (event.text or "").splitlines() if line.strip()]
    greeting = len(lines) > 1 and lines[0].endswith(",")
    return lines[1] if greeting else lines[0] if lines else ""
