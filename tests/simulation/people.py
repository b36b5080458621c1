"""The prospects: thirty people with characters, who write real messages."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from inboxagent.mail.inbound import Inbound
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
PUBLIC = ("yahoo.test",)  # a domain of this name is a public provider's in every country
DOMAINS = (*PUBLIC, *PUBLIC, "guild.test", "guild.test", *("",) * 8)
"""Where people have their mailboxes; most at a firm of their own."""
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
    behave: Callable[["Person", int], None]  # what he does when so many messages have reached him
    card: dict[str, str] = field(default_factory=dict)  # the fields that she gives when she enrols him
    received: list[Inbound] = field(default_factory=list)
    thread: list[str] = field(default_factory=list)
    written: int = 0
    posts: list[Post] = field(default_factory=list)
    over: bool = False
    shared_domain: str = ""
    given: str = ""  # of whom the list of names does not know
    name: str = field(init=False)
    domain: str = field(init=False)  # his own firm's, or one that he shares with others
    address: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = self.given or NAMES[self.number]
        self.domain = self.shared_domain or f"{self.name}-works.test"
        self.address = f"{self.name}@{self.domain}"

    @property
    def zone(self) -> str:
        """Where he is, as far as she knows."""
        return self.card.get("zone") or ZONES_OF_COUNTRIES.get(self.card.get("country", ""), "")

    @property
    def subaddress(self) -> str:
        """His own mailbox, too (RFC 5233)."""
        return f"{self.name}+offers@{self.domain}"

    @property
    def colleague(self) -> str:
        return f"{self.name}.kim@{self.domain}"

    def receive(self, message: Inbound, *, delay: float) -> None:
        """A message of hers is on its way to him."""
        self.town.timeline.after(delay, lambda: self._read(message))

    def _read(self, message: Inbound) -> None:
        self.received.append(message)
        self.thread += [message.message_id]
        self.behave(self, len(self.received))

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
        unlike_his = "" if author == self.address else f"{self.number}."  # he may write himself some day
        message_id = f"<{self.written}.{unlike_his}{author}>"
        thread = self.thread[-6:] if self.random.random() < 0.7 else []  # some programs name one message only
        raw = write(
            author,
            to,
            subject or (f"Re: {newest.subject.removeprefix('Re: ')}" if newest else "A word from me"),
            text,
            at=self.town.timeline.true_now,
            message_id=message_id if identified else "",
            answers=newest.message_id if newest else None,
            references=tuple(thread) if newest else (),
            fields=fields,
        )
        post = Post(
            raw,
            truth,
            (self.number,),
            message_id if identified else "",
            from_him=author in (self.address, self.subaddress),
            names=(newest.message_id, *thread) if newest else (),
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
