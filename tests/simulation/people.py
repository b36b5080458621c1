"""The prospects: thirty people with characters, who write real messages."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Protocol

from inboxagent.mail.inbound import Inbound
from tests.simulation import tongues
from tests.simulation.almanac import ZONES_OF_COUNTRIES
from tests.simulation.post import HER, HIS_WORDS, Post, Truth, report, write
from tests.simulation.timeline import Timeline

MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0
NAMES = [
    "anna",
    "bart",
    "cris",
    "dora",
    "emil",
    "fay",
    "gus",
    "hana",
    "ivo",
    "june",
    "kurt",
    "lea",
    "moe",
    "nina",
    "otto",
    "pia",
    "quin",
    "rosa",
    "sven",
    "tara",
    "ugo",
    "vera",
    "wim",
    "xenia",
    "yuri",
    "zoe",
    "adam",
    "bella",
    "carl",
    "dina",
]
ZONES = ("", "", "Europe/Stockholm", "America/New_York", "Asia/Tokyo", "Europe/London")
COUNTRIES = ("", "", *ZONES_OF_COUNTRIES)


class Town(Protocol):
    """What people need of the world."""

    timeline: Timeline

    def arrive(self, post: Post, *, usual: bool = False) -> None:
        """A message reaches her provider now, and one of her mailboxes."""


@dataclass(slots=True)
class Person:
    """One prospect. `received` are the messages of hers that reached him, newest last."""

    number: int
    town: Town
    random: Random
    character: str = "silent"
    card: dict[str, str] = field(default_factory=dict)  # the fields that she gives when she enrols him
    received: list[Inbound] = field(default_factory=list)
    thread: list[str] = field(default_factory=list)
    written: int = 0
    posts: list[Post] = field(default_factory=list)
    over: bool = False

    @property
    def name(self) -> str:
        return NAMES[self.number]

    @property
    def address(self) -> str:
        return f"{self.name}@{self.name}-works.test"

    @property
    def zone(self) -> str:
        """Where he is, as far as she knows."""
        return self.card.get("zone") or ZONES_OF_COUNTRIES.get(self.card.get("country", ""), "")

    @property
    def colleague(self) -> str:
        return f"kim@{self.name}-works.test"

    def receive(self, message: Inbound, *, delay: float) -> None:
        """A message of hers is on its way to him."""
        self.town.timeline.after(delay, lambda: self._read(message))

    def _read(self, message: Inbound) -> None:
        self.received.append(message)
        self.thread += [message.message_id]
        CHARACTERS[self.character](self, len(self.received))

    # -- what they write -------------------------------------------------------------------------------------------

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Do something after a while."""
        self.town.timeline.after(seconds, act)

    def say(
        self,
        text: str,
        truth: Truth = Truth.ANSWER,
        *,
        author: str | None = None,
        linked: bool = True,
        fields: tuple[str, ...] = (),
        subject: str | None = None,
        identified: bool = True,
        to: str = HER,
    ) -> Post:
        """Write a message now; `linked` names the newest one of hers."""
        self.written += 1
        author = author or self.address
        newest = self.received[-1] if self.received and linked else None
        message_id = f"<{self.written}.{author}>"
        raw = write(
            author,
            to,
            subject or (f"Re: {newest.subject.removeprefix('Re: ')}" if newest else "A word from me"),
            text,
            at=self.town.timeline.true_now,
            message_id=message_id if identified else "",
            answers=newest.message_id if newest else None,
            references=tuple(self.thread[-6:]) if newest else (),
            fields=fields,
        )
        post = Post(
            raw,
            truth,
            (self.number,),
            message_id if identified else "",
            from_him=author == self.address,
            names=(newest.message_id, *self.thread[-6:]) if newest else (),
        )
        self.posts.append(post)
        self.town.arrive(post)
        if truth in HIS_WORDS and newest and identified:
            self.thread.append(message_id)
        return post

    def bounce(self, truth: Truth, status: str, words: str, action: str = "failed") -> None:
        """The mail system reports on the newest message of hers."""
        self.written += 1
        message_id = f"<{self.written}.{self.name}@mx.lind.test>"
        raw = report(
            self.address,
            self.received[-1].message_id,
            at=self.town.timeline.true_now,
            message_id=message_id,
            status=status,
            action=action,
            words=words,
        )
        post = Post(raw, truth, (self.number,), message_id, original=self.received[-1].message_id)
        self.posts.append(post)
        self.town.arrive(post, usual=True)

    def race(self) -> None:
        """A letter to him is about to go: he writes in these very seconds."""
        if self.character == "racer" and self.received and not self.over and self.random.random() < 0.5:
            self.over = True
            self.later(self.random.uniform(0.0, 0.4), lambda: _answer(self))


def _answer(person: Person) -> None:
    person.say(tongues.answer(person.random))


def _silent(person: Person, number: int) -> None:
    """Never a word."""


def _quick(person: Person, number: int) -> None:
    if number >= 2 and not person.over:
        person.over = True
        person.later(person.random.uniform(5.0, 20 * MINUTE), lambda: _answer(person))


def _slow(person: Person, number: int) -> None:
    if number == 1:
        person.later(person.random.uniform(DAY, 9 * DAY), lambda: _answer(person))


def _twice(person: Person, number: int) -> None:
    if number == 2:
        person.later(HOUR, lambda: _answer(person))
        person.later(HOUR + person.random.uniform(1.0, DAY), lambda: _answer(person))


def _away(person: Person, number: int) -> None:
    if person.over:
        return
    days = person.random.randint(3, 8)
    back = person.town.timeline.true_now + timedelta(days=days)
    dated = person.random.random() < 0.6
    words = tongues.absence(person.random, back if dated else None)
    person.later(person.random.uniform(1.0, 5 * MINUTE), lambda: _away_note(person, words))
    person.over = True
    if person.random.random() < 0.4:
        person.later((days + 1) * DAY, lambda: _answer(person))


def _away_note(person: Person, words: str) -> None:
    fields = ("Auto-Submitted: auto-replied", "Precedence: bulk")
    subject = f"Automatic reply: {person.received[-1].subject}"
    person.say(words + "\n", Truth.AWAY, fields=fields, subject=subject)


def _dead(person: Person, number: int) -> None:
    if number == 2:
        words = "550 5.1.1 User unknown"
        person.later(person.random.uniform(2.0, HOUR), lambda: person.bounce(Truth.DEAD, "5.1.1", words))


def _full(person: Person, number: int) -> None:
    if number in (2, 3):
        words = "552 5.2.2 Mailbox full"
        person.later(person.random.uniform(2.0, HOUR), lambda: person.bounce(Truth.SOFT, "4.2.2", words))


def _delayed(person: Person, number: int) -> None:
    if number == 2:
        words = "451 4.4.1 No answer from host"
        person.later(4 * HOUR, lambda: person.bounce(Truth.DELAYED, "4.4.1", words, "delayed"))
    if number == 3:
        person.later(person.random.uniform(HOUR, 2 * DAY), lambda: _answer(person))


def _opting_out(person: Person, number: int) -> None:
    if number == 2:
        words = tongues.stop(person.random)
        linked = person.random.random() < 0.7
        person.later(
            person.random.uniform(1.0, 2 * DAY), lambda: _unit(person.say(words, Truth.OPT_OUT, linked=linked))
        )


def _colleague(person: Person, number: int) -> None:
    if number == 2:
        words = "I answer for my colleague: please call me about it.\n"
        person.later(person.random.uniform(MINUTE, 2 * DAY), lambda: _unit(person.say(words, author=person.colleague)))


def _private(person: Person, number: int) -> None:
    if number == 2:
        words = "From my own address: yes, I am interested.\n"
        author = f"{person.name}@home.example"
        person.later(person.random.uniform(MINUTE, 2 * DAY), lambda: _unit(person.say(words, author=author)))


def _new_thread(person: Person, number: int) -> None:
    if number == 2:
        words = "I lost your mail, so I write anew: could we talk next month?\n"
        identified = person.random.random() < 0.5
        person.later(
            person.random.uniform(MINUTE, 2 * DAY),
            lambda: _unit(person.say(words, linked=False, identified=identified)),
        )


def _in_may(person: Person, number: int) -> None:
    if number == 2:
        words, truth = person.random.choice(
            (
                ("Not now, please ask me again in May.\n", Truth.NOT_NOW),
                ("No, thank you, we have decided otherwise.\n", Truth.REFUSAL),
                ("Thank you! I will come back to you next week.\n", Truth.PROMISE),
            )
        )
        person.later(person.random.uniform(MINUTE, DAY), lambda: _unit(person.say(words, truth)))


def _gazette(person: Person, number: int) -> None:
    """Newsletters and receipts come from him, and he answers only in the end."""
    if number == 1:
        fields = ("List-Id: <news.works.test>", "List-Unsubscribe: <mailto:off@works.test>", "Precedence: bulk")
        person.later(
            person.random.uniform(HOUR, 3 * DAY),
            lambda: _unit(person.say("Our news of this month.\n", Truth.NOTHING, linked=False, fields=fields)),
        )
    if number == 4:
        person.later(MINUTE, lambda: _answer(person))


def _unit(_: object) -> None:
    """What an agenda wants its acts to return."""


CHARACTERS: dict[str, Callable[[Person, int], None]] = {
    "silent": _silent,
    "quick": _quick,
    "slow": _slow,
    "twice": _twice,
    "away": _away,
    "dead": _dead,
    "full": _full,
    "delayed": _delayed,
    "opting out": _opting_out,
    "colleague": _colleague,
    "private": _private,
    "new thread": _new_thread,
    "in May": _in_may,
    "gazette": _gazette,
    "racer": _silent,
}
SILENT = ("silent",) * 5
"""Most people never answer, which is what the whole thing is for."""
