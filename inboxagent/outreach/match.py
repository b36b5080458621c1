"""Which conversations a message concerns, strongest evidence first, and by what. A subject alone never matches."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from inboxagent.mail.headers import Address, addresses
from inboxagent.mail.inbound import Inbound
from inboxagent.outreach.state import Conversation


class Evidence(StrEnum):
    """By what a message is linked to a conversation, strongest first."""

    OURS = "it is a message of ours"
    THREAD = "it answers a message of the thread"
    REPORT = "it reports on a message of the thread"
    ADDRESS = "it comes from the prospect"
    TO_HIM = "she wrote it to the prospect"


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One conversation that a message concerns."""

    conversation_id: str
    evidence: Evidence
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What messages are compared with: Message-IDs and addresses, each with the ids of its conversations."""

    mine: frozenset[str]
    ids: Mapping[str, tuple[str, ...]]
    addresses: Mapping[str, tuple[str, ...]]


def index(conversations: Iterable[Conversation], mine: frozenset[str]) -> Known:
    """What is known of these conversations; `mine` are her own addresses, lower-case."""
    ids: dict[str, list[str]] = {}
    people: dict[str, list[str]] = {}
    for conversation in conversations:
        for message_id in conversation.ids:
            ids.setdefault(message_id, []).append(conversation.id)
        for address in conversation.addresses:
            people.setdefault(address, []).append(conversation.id)
    return Known(
        mine=mine,
        ids={key: tuple(found) for key, found in ids.items()},
        addresses={key: tuple(found) for key, found in people.items()},
    )


def is_hers(message: Inbound, known: Known) -> bool:
    """Whether she wrote it, from any client and any address of hers, and nobody else had a hand in it.

    A contact form writes under her own address and names the writer in Reply-To or Sender.
    """
    authors = [author.address for author in message.from_]
    others = (*message.reply_to, *message.sender)
    return (
        bool(authors) and known.mine.issuperset(authors) and not any(each.address in known.addresses for each in others)
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
    return bool(_by_header(header, known)) or (bool(known.ids) and may_be_report(header) and not is_hers(header, known))


def match(message: Inbound, known: Known) -> tuple[Match, ...]:
    """The conversations a whole message concerns, each once, by the strongest evidence there is."""
    reported = message.report.original_ids if message.report else ()
    return _strongest(_by_header(message, known)) or match_ids(reported, known)


def match_ids(original_ids: Iterable[str], known: Known) -> tuple[Match, ...]:
    """The conversations that a report concerns, by a Message-ID of the returned original; a failed recipient alone
    could be anybody's doing (backscatter)."""
    found: list[Match] = []
    for message_id in original_ids:
        found += _all(known.ids.get(message_id, ()), Evidence.REPORT, f"it returns {message_id}")
    return _strongest(found)


def _strongest(found: Iterable[Match]) -> tuple[Match, ...]:
    strongest: dict[str, Match] = {}
    for each in found:
        strongest.setdefault(each.conversation_id, each)
    return tuple(strongest.values())


def _by_header(message: Inbound, known: Known) -> list[Match]:
    hers = is_hers(message, known)
    found = _all(known.ids.get(message.message_id, ()), Evidence.OURS, f"Message-ID {message.message_id}")
    for message_id in message.thread_ids:
        evidence = Evidence.TO_HIM if hers else Evidence.THREAD
        found += _all(known.ids.get(message_id, ()), evidence, f"it names {message_id}")
    people = readers(message) if hers else (*message.from_, *message.reply_to, *message.sender)
    for person in people:
        evidence = Evidence.TO_HIM if hers else Evidence.ADDRESS
        where = "written to" if hers else "from"
        found += _all(known.addresses.get(person.address, ()), evidence, f"{where} {person.address}")
    return found


def readers(message: Inbound) -> tuple[Address, ...]:
    """Everybody it was written to; her own copy in Sent names the blind ones too."""
    return (*message.to, *message.cc, *addresses(message.field("bcc")))


def _all(conversation_ids: Iterable[str], evidence: Evidence, because: str) -> list[Match]:
    return [Match(conversation_id=each, evidence=evidence, because=because) for each in conversation_ids]
