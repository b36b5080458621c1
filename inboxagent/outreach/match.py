"""Which conversations a message concerns, strongest evidence first, and by what. A subject alone never matches."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from inboxagent.mail.classify import Kind, Verdict, classify
from inboxagent.mail.headers import Address, addresses, is_one_of, without_detail
from inboxagent.mail.inbound import Inbound
from inboxagent.outreach.letter import asked_to_stop
from inboxagent.outreach.quotation import (
    is_mass_mail,
    quoted_addresses,
    quoted_ids,
    quoted_roots,
    thread_root,
    topic,
)
from inboxagent.outreach.state import Conversation


class Evidence(StrEnum):
    """By what a message is linked to a conversation, strongest first."""

    OURS = "it is a message of ours"
    THREAD = "it answers a message of the thread"
    REPORT = "it reports on a message of the thread"
    ADDRESS = "it comes from the prospect"
    ASIDE = "it answers what she wrote to the prospect outside the thread"
    RECIPIENT = "it reports on the prospect's address"
    QUOTE = "it quotes a message of the thread"
    TO_HIM = "she wrote it to the prospect"

    @property
    def in_thread(self) -> bool:
        """Whether an id of ours, which nobody can guess, ties it to the thread."""
        return self in (Evidence.OURS, Evidence.THREAD, Evidence.REPORT)

    @property
    def names_hers(self) -> bool:
        """Whether it names a message of hers to him, of the thread or not."""
        return self.in_thread or self is Evidence.ASIDE


REPORTED_WITHIN = timedelta(days=7)  # RFC 5321, 4.5.4.1: servers give up after 4 to 5 days


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One conversation that a message concerns."""

    conversation_id: str
    evidence: Evidence
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What messages are compared with, each with the ids of its conversations; and when he was last written to."""

    mine: frozenset[str]
    people: frozenset[str]  # every conversation
    ids: Mapping[str, tuple[str, ...]]
    addresses: Mapping[str, tuple[str, ...]]
    asides: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # her letters to him outside the thread
    roots: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    topics: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    wrote_at: Mapping[str, datetime] = field(default_factory=dict)  # by conversation

    def of(self, address: str) -> tuple[str, ...]:
        """The conversations of whom this address, or the mailbox of this subaddress, belongs to."""
        return self.addresses.get(address) or self.addresses.get(without_detail(address), ())


def index(conversations: Iterable[Conversation], mine: frozenset[str]) -> Known:
    """What is known of these conversations; `mine` are her own addresses, lower-case."""
    conversations = tuple(conversations)
    return Known(
        mine=mine,
        people=frozenset(each.id for each in conversations),
        ids=_by((each.id, each.ids) for each in conversations),
        addresses=_by((each.id, each.addresses) for each in conversations),
        asides=_by((each.id, each.asides) for each in conversations),
        roots=_by((each.id, each.thread_roots) for each in conversations),
        topics=_by((each.id, {topic(subject) for subject in each.subjects} - {""}) for each in conversations),
        wrote_at={each.id: each.wrote_at for each in conversations if each.wrote_at is not None},
    )


def _by(keys: Iterable[tuple[str, Iterable[str]]]) -> dict[str, tuple[str, ...]]:
    """The ids of conversations, each given with its keys, by key."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name, its_keys in keys:
        for key in its_keys:
            found[key].append(name)
    return {key: tuple(ids) for key, ids in found.items()}


def is_hers(message: Inbound, known: Known) -> bool:
    """Whether she wrote it, from any client and any address of hers, and nobody else had a hand in it.

    A contact form writes under her own address and names the writer in Reply-To or Sender.
    """
    authors = [author.address for author in message.from_]
    others = (*message.reply_to, *message.sender)
    return (
        bool(authors)
        and all(is_one_of(each, known.mine) for each in authors)
        and not any(known.of(each.address) for each in others)
    )


def may_be_report(header: Inbound) -> bool:
    """Whether a header section may belong to a report, which often links to the thread in its body only."""
    kind = header.field("content-type").lower()
    author = " ".join(each.address for each in header.from_)
    return (
        "multipart/report" in kind
        or "feedback-report" in kind
        or header.field("return-path").strip() == "<>"
        or bool(header.field("x-failed-recipients"))
        or author.startswith(_DAEMONS)
    )


_DAEMONS = (
    "mailer-daemon",
    "postmaster",
    "mail-daemon",
    "maildelivery",
    "bounce",
    "noreply-dmarc",
    "microsoftexchange",
)


def concerns(header: Inbound, known: Known) -> bool:
    """Whether the whole message has to be read; everything else stays unread (P5)."""
    if _by_header(header, known):
        return True
    if not known.ids or is_hers(header, known):
        return False
    return may_be_report(header) or may_quote(header, known)


def may_quote(header: Inbound, known: Known) -> bool:
    """Whether a message from somebody unknown bears the subject of a thread, and was not sent to many."""
    return topic(header.subject) in known.topics and not is_mass_mail(header)


def match(message: Inbound, known: Known) -> tuple[Match, ...]:
    """The conversations a message concerns by its header section or by what it returns, each once."""
    reported = message.report.original_ids if message.report else ()
    return _strongest(_by_header(message, known)) or match_ids(reported, known)


def find(message: Inbound, received_at: datetime, known: Known) -> tuple[Match, ...]:
    """The conversations a whole message concerns, each once, by the strongest evidence there is, its text included."""
    found = match(message, known)
    if found or is_hers(message, known):
        return found
    verdict = classify(message, now=received_at)
    if verdict.original_ids or verdict.kind in (Kind.BOUNCE, Kind.DELAYED):
        return match_ids(verdict.original_ids, known) or match_recipients(verdict, received_at, known)
    return match_quoted(message, known)


def match_ids(original_ids: Iterable[str], known: Known) -> tuple[Match, ...]:
    """The conversations that a report concerns, by a Message-ID of the returned original."""
    found: list[Match] = []
    for message_id in original_ids:
        returned = (*known.ids.get(message_id, ()), *known.asides.get(message_id, ()))
        found += _all(returned, Evidence.REPORT, f"it returns {message_id}")
    return _strongest(found)


def match_recipients(verdict: Verdict, received_at: datetime, known: Known) -> tuple[Match, ...]:
    """Those that a report without any id concerns: it names his address, and a letter went there within 7 days.

    One that returns the id of another message is about that one, or backscatter of somebody who forges her address.
    """
    found: list[Match] = []
    if not verdict.original_ids:
        for address in verdict.recipients:
            recent = [
                each
                for each in known.of(address)
                if each in known.wrote_at and abs(received_at - known.wrote_at[each]) <= REPORTED_WITHIN
            ]
            because = f"it returns no Message-ID, but names {address}, written to within {REPORTED_WITHIN.days} days"
            found += _all(recent, Evidence.RECIPIENT, because)
    return _strongest(found)


def match_quoted(message: Inbound, known: Known) -> tuple[Match, ...]:
    """Those whose letters are quoted under the subject of the thread: by an id, a Thread-Index, or his address."""
    if not may_quote(message, known):
        return ()
    found: list[Match] = []
    for message_id in quoted_ids(message):
        found += _all(known.ids.get(message_id, ()), Evidence.QUOTE, f"its text quotes {message_id}")
    for root in quoted_roots(message):
        found += _all(known.roots.get(root, ()), Evidence.QUOTE, f"its text quotes the Thread-Index {root}")
    about = frozenset(known.topics[topic(message.subject)])
    for address in quoted_addresses(message):
        same = [each for each in known.of(address) if each in about]
        found += _all(same, Evidence.QUOTE, f"under the subject of the thread its text names {address}")
    return _strongest(found)


def _strongest(found: Iterable[Match]) -> tuple[Match, ...]:
    strongest: dict[str, Match] = {}
    for each in found:
        strongest.setdefault(each.conversation_id, each)
    return tuple(strongest.values())


def _by_header(message: Inbound, known: Known) -> list[Match]:
    hers = is_hers(message, known)
    found = _all(known.ids.get(message.message_id, ()), Evidence.OURS, f"Message-ID {message.message_id}")
    if (token := asked_to_stop(message.subject)) is not None:
        letters = [each for each in known.ids if each.startswith(f"<{token}@")]
        found += [
            one for each in letters for one in _all(known.ids[each], Evidence.THREAD, f"its subject names {each}")
        ]
    for message_id in message.thread_ids:
        evidence = Evidence.TO_HIM if hers else Evidence.THREAD
        found += _all(known.ids.get(message_id, ()), evidence, f"it names {message_id}")
    if (root := thread_root(message)) and not hers:
        found += _all(known.roots.get(root, ()), Evidence.THREAD, f"it has the Thread-Index {root} of the thread")
    people = readers(message) if hers else (*message.from_, *message.reply_to, *message.sender)
    for person in people:
        evidence = Evidence.TO_HIM if hers else Evidence.ADDRESS
        where = "written to" if hers else "from"
        found += _all(known.of(person.address), evidence, f"{where} {person.address}")
    for message_id in () if hers else message.thread_ids:
        because = f"it names {message_id}, which she wrote to him outside the thread"
        found += _all(known.asides.get(message_id, ()), Evidence.ASIDE, because)
    return found


def readers(message: Inbound) -> tuple[Address, ...]:
    """Everybody it was written to; her own copy in Sent names the blind ones too."""
    return (*message.to, *message.cc, *addresses(message.field("bcc")))


def _all(conversation_ids: Iterable[str], evidence: Evidence, because: str) -> list[Match]:
    return [Match(conversation_id=each, evidence=evidence, because=because) for each in conversation_ids]
