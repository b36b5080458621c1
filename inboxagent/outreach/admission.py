"""Whether a letter that is due may go now: the limits, and the manners between two letters. Counted from the events."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from inboxagent.outreach.company import company
from inboxagent.outreach.events import Event, Word
from inboxagent.outreach.limits import Limits
from inboxagent.outreach.state import Conversation

HOUR = timedelta(hours=1)
WEEK = timedelta(days=7)
_BEGINNING = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """What keeps a letter back, and until when; `everybody`: every other letter as well."""

    until: datetime
    because: str
    everybody: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """A letter that went out, or may have: nobody's knowing counts as gone. `key` is the same whenever it is asked."""

    at: datetime
    conversation_id: str
    people: frozenset[str]
    key: str


@dataclass(frozen=True, slots=True)
class _Touches:
    """What has gone in one conversation, as its events say."""

    conversation: Conversation
    letters: tuple[Gone, ...]
    hers: tuple[Gone, ...]  # calls included, outside the thread
    all_hers: tuple[Gone, ...]


@dataclass(frozen=True)
class Traffic:
    """What has gone to whom since an instant; a conversation that has not changed is not gone through again."""

    known: Mapping[str, _Touches] = field(default_factory=dict)
    since: datetime = _BEGINNING
    forgotten: tuple[datetime, ...] = ()  # when letters went to nobody knows whom

    def over(
        self, conversations: Iterable[Conversation], since: datetime, forgotten: tuple[datetime, ...] = ()
    ) -> "Traffic":
        """Of these conversations and no others, beside the letters to whom was forgotten; what went before `since` is
        left out."""
        return Traffic({each.id: self._touches(each) for each in conversations}, since, forgotten)

    def updated(self, conversations: Iterable[Conversation], since: datetime) -> "Traffic":
        """With these conversations as they are now."""
        return Traffic({**self.known, **self.over(conversations, since).known}, since, self.forgotten)

    @cached_property
    def letters(self) -> tuple[Gone, ...]:
        """Ours."""
        nobody_knows = (Gone(at=at, conversation_id="", people=frozenset(), key=f"{at}") for at in self.forgotten)
        return self._recent((*(gone for each in self.known.values() for gone in each.letters), *nobody_knows))

    @cached_property
    def hers(self) -> tuple[Gone, ...]:
        """What she wrote outside the thread, calls included."""
        return self._recent(gone for each in self.known.values() for gone in each.hers)

    @cached_property
    def all_hers(self) -> tuple[Gone, ...]:
        """All that she wrote, calls included."""
        return self._recent(gone for each in self.known.values() for gone in each.all_hers)

    def _recent(self, gone: Iterable[Gone]) -> tuple[Gone, ...]:
        return tuple(each for each in gone if each.at >= self.since)

    def _touches(self, conversation: Conversation) -> _Touches:
        known = self.known.get(conversation.id)
        return known if known is not None and known.conversation is conversation else _touches(conversation)


def _touches(conversation: Conversation) -> _Touches:
    hers = [event for event in conversation.events if _is_hers(event)]
    return _Touches(
        conversation,
        letters=tuple(_gone(conversation, event) for event in _handed_over(conversation.events)),
        hers=tuple(_gone(conversation, event) for event in hers if event.mail is None),
        all_hers=tuple(_gone(conversation, event) for event in hers),
    )


def _is_hers(event: Event) -> bool:
    """Whether she wrote to him herself, or called."""
    return event.word is Word.OWN_MAIL or event.is_call


def horizon(limits: Limits, now: datetime) -> datetime:
    """What went before this instant no limit asks for."""
    return now - max(WEEK, limits.person_gap, 2 * limits.gap)


def _handed_over(events: Iterable[Event]) -> Iterator[Event]:
    """The intents that the server did not say no to. What became of one closes it: a later no is about another letter,
    which may have had no intent yet."""
    intent: Event | None = None
    for event in events:
        if event.word in (Word.DEFERRED, Word.REFUSED):
            intent = None
        elif intent is not None and (event.word in _CLOSING or _is_sent(intent, event)):
            yield intent
            intent = None
        if event.word is Word.INTENT:
            intent = event
    if intent is not None:
        yield intent


_CLOSING = (Word.INTENT, Word.RELEASED, Word.DROPPED)


def _is_sent(intent: Event, event: Event) -> bool:
    return event.word is Word.SENT and event.message_id == intent.message_id


def _gone(conversation: Conversation, event: Event) -> Gone:
    key = event.message_id or f"{conversation.id} {event.at}"
    return Gone(at=event.at, conversation_id=conversation.id, people=conversation.addresses, key=key)


def _at(gone: Gone) -> datetime:
    return gone.at


def bar(traffic: Traffic, conversation: Conversation, limits: Limits, now: datetime, home: ZoneInfo) -> Bar | None:
    """What keeps the next letter of this conversation back now; of several bars the one that lasts longest."""
    bars = [
        _day(traffic, limits, now, home),
        _hour(traffic, limits, now),
        _gap(traffic, limits, now),
        _company(traffic, conversation, limits, now, home),
        _person(traffic, conversation, limits, now),
        _week(traffic, conversation, limits, now),
    ]
    standing = [each for each in bars if each is not None and each.until > now]
    # What keeps everybody back is told first: then nobody else need be looked at.
    return max(standing, key=lambda each: (each.everybody, each.until), default=None)


def give_way(ahead: Iterable[datetime], now: datetime, home: ZoneInfo) -> Bar | None:
    """A letter waits for one of a higher priority that goes to the same person on the same day."""
    today = [at for at in ahead if at.astimezone(home).date() == now.astimezone(home).date()]
    if not today:
        return None
    return Bar(until=min(today), because="a letter of a higher priority goes to him today (priority)")


def next_day(now: datetime, home: ZoneInfo) -> datetime:
    """The beginning of the next calendar day in her zone."""
    return datetime.combine(now.astimezone(home).date() + timedelta(days=1), time(0), home)


def _day(traffic: Traffic, limits: Limits, now: datetime, home: ZoneInfo) -> Bar | None:
    if not limits.per_day or len(_today(traffic.letters, now, home)) < limits.per_day:
        return None
    because = f"{limits.per_day} letters have gone today (per_day)"
    return Bar(until=next_day(now, home), because=because, everybody=True)


def _hour(traffic: Traffic, limits: Limits, now: datetime) -> Bar | None:
    recent = sorted(each.at for each in traffic.letters if now - HOUR < each.at <= now)
    if not limits.per_hour or len(recent) < limits.per_hour:
        return None
    because = f"{len(recent)} letters have gone within an hour (per_hour)"
    return Bar(until=recent[-limits.per_hour] + HOUR, because=because, everybody=True)


def _gap(traffic: Traffic, limits: Limits, now: datetime) -> Bar | None:
    """At least `gap`, and up to a quarter more: a machine's even beat is no manner to write letters."""
    last = max((each for each in traffic.letters if each.at <= now), key=_at, default=None)
    if last is None:
        return None
    until = last.at + limits.gap + limits.gap / 4 * _share(last.key)
    return Bar(until=until, because="the letter before went a moment ago (gap)", everybody=True)


def _share(key: str) -> float:
    """A fraction of 1 that depends on nothing but the key."""
    return int.from_bytes(hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()[:4], "big") / 2**32


def _company(traffic: Traffic, conversation: Conversation, limits: Limits, now: datetime, home: ZoneInfo) -> Bar | None:
    firm = company(conversation.enrolment.prospect.address)
    if not limits.company_per_day or firm is None:
        return None
    there = [each for each in traffic.letters if firm in {company(person) for person in each.people}]
    if len(_today(there, now, home)) < limits.company_per_day:
        return None
    because = f"{limits.company_per_day} letters have gone to {firm} today (company_per_day)"
    return Bar(until=next_day(now, home), because=because)


def _person(traffic: Traffic, conversation: Conversation, limits: Limits, now: datetime) -> Bar | None:
    """Between the steps of one sequence, and after her mail in its thread, the rule's own waits are all there is.

    What stands in the time to come went when the clock was wrong: it counts for as long as it seems.
    """
    others = [each for each in traffic.letters if each.conversation_id != conversation.id]
    hers = traffic.all_hers if conversation.next_is_hers else traffic.hers  # where she named the date no wait runs
    last = max((each.at for each in _to(conversation, (*others, *hers)) if each.at < now + WEEK), default=None)
    if last is None:
        return None
    return Bar(until=last + limits.person_gap, because="something else went to him a short while ago (person_gap)")


def _week(traffic: Traffic, conversation: Conversation, limits: Limits, now: datetime) -> Bar | None:
    """Whatever came from her side counts; her mail is one touch in however many conversations it is noted."""
    touches = {each.key: each.at for each in _to(conversation, (*traffic.letters, *traffic.all_hers))}
    recent = sorted(at for at in touches.values() if now - WEEK < at < now + WEEK)
    if not limits.person_per_week or len(recent) < limits.person_per_week:
        return None
    because = f"he was written to or called {len(recent)} times within a week (person_per_week)"
    return Bar(until=recent[-limits.person_per_week] + WEEK, because=because)


def _to(conversation: Conversation, sent: Iterable[Gone]) -> list[Gone]:
    his = conversation.addresses
    return [each for each in sent if each.people & his]


def _today(sent: Iterable[Gone], now: datetime, home: ZoneInfo) -> list[Gone]:
    today = now.astimezone(home).date()
    return [each for each in sent if each.at.astimezone(home).date() == today]
