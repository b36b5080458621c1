"""The scan before an enrolment: what lies in her mailboxes of a person, and what has come since her last message."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce

from inboxagent.agent.account import Account
from inboxagent.errors import Unreachable
from inboxagent.mail.classify import classify
from inboxagent.mail.headers import is_one_of
from inboxagent.mail.inbound import Inbound, parse, parse_headers
from inboxagent.outreach.case import Arrival
from inboxagent.outreach.fold import advance
from inboxagent.outreach.judgement import judge_his
from inboxagent.outreach.letter import by_button
from inboxagent.outreach.match import Known, concerns, find, index, is_hers
from inboxagent.outreach.own_hand import token_in
from inboxagent.outreach.sequence import Sequence
from inboxagent.outreach.state import Conversation
from inboxagent.outreach.thread import Piece, Thread, from_her
from inboxagent.ports import Cursor, Fetched, Mailbox, Search, Status

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Scan:
    """What lies in her mailboxes of this person and thread, and when she last wrote to him. Statuses came first.

    What arrived from `since` on is open. That is her last message, or an answer to it that arrived before its copy. A
    letter of ours has closed what it goes on from in its thread, and nothing else: those are `settled`.
    """

    statuses: Mapping[str, Status]
    pieces: tuple[Piece, ...]
    last_touch_at: datetime | None
    since: datetime | None
    settled: frozenset[str] = frozenset()


async def exchanged(mailbox: Mailbox, wanted: Search) -> list[Piece]:
    """Every message that fits, as header sections (whole, where one has no Message-ID to know it by)."""
    return [await _piece(mailbox, each) for each in await mailbox.search(wanted)]


async def _piece(mailbox: Mailbox, fetched: Fetched) -> Piece:
    header = parse_headers(fetched.header)
    if not header.has_message_id:
        whole = await mailbox.message(fetched)
        header = parse(whole) if whole else header
    return Piece(header, fetched.received_at)


def open_since(pieces: Iterable[Piece], last_touch_at: datetime | None, mine: frozenset[str]) -> datetime | None:
    """Her last message, or the first answer to it: a copy may be filed in Sent long after the answer came."""
    if last_touch_at is None:
        return None
    pieces = tuple(pieces)
    last = {each.message.message_id for each in pieces if each.received_at == last_touch_at}
    answers = (each.received_at for each in pieces if not _is_hers(each, mine) and last & {*each.message.thread_ids})
    return min((last_touch_at, *answers))


def written_at(found: Iterable[Thread], address: str, mine: frozenset[str]) -> datetime | None:
    """When she last wrote to this address by her own hand."""
    touches = (piece for each in found for piece in each.pieces if from_her(piece, address, mine))
    return max((piece.received_at for piece in touches if not token_in(piece.message)), default=None)


def settled(found: Iterable[Thread]) -> frozenset[str]:
    """What our letters answered to, or had before them in their thread: somebody let them go on behind it."""
    ours = (piece.message for each in found for piece in each.pieces if token_in(piece.message))
    return frozenset(message_id for message in ours for message_id in message.thread_ids)


def _is_hers(piece: Piece, mine: frozenset[str]) -> bool:
    return any(is_one_of(each.address, mine) for each in piece.message.from_)


def history(scan: Scan, mine: frozenset[str]) -> tuple[str, ...]:
    """What is never an answer to a follow-up: everything of hers, and all that had arrived before her last message."""
    past = (piece.message.message_id for piece in scan.pieces if _is_past(piece, scan) or _is_hers(piece, mine))
    return tuple(dict.fromkeys(past))


def _is_past(piece: Piece, scan: Scan) -> bool:
    return scan.since is None or piece.received_at < scan.since or piece.message.message_id in scan.settled


async def judge_since(
    conversation: Conversation, scan: Scan, sequence: Sequence, account: Account, mailbox: Mailbox
) -> Conversation:
    """The conversation after all that came since her last message, wherever it lies, reports included.

    Each is judged as of its arrival: somebody who was away and has come back since is not held.
    """
    if scan.since is None:
        return conversation
    known = index([conversation], account.me.addresses)
    arrivals = [each async for each in _open_mail(scan, scan.since, known, mailbox)]
    arrivals += _deleted_since(scan, scan.since, known, {each.message.message_id for each in arrivals})
    for arrival in sorted(arrivals, key=lambda each: each.received_at):
        conversation = _weigh(conversation, arrival, sequence, account, known)
    return conversation


async def _open_mail(scan: Scan, since: datetime, known: Known, mailbox: Mailbox) -> AsyncIterator[Arrival]:
    for name, status in scan.statuses.items():
        async for fetched in _since(mailbox, name, status, since):
            header = parse_headers(fetched.header)
            if _is_open(header, known):
                whole = await mailbox.message(fetched)
                yield _arrived(parse(whole) if whole else header, fetched.received_at)


def _deleted_since(scan: Scan, since: datetime, known: Known, seen: Set[str]) -> Iterator[Arrival]:
    """What the search has shown and was deleted before it was read: it is judged by its header section."""
    for piece in scan.pieces:
        is_gone = piece.received_at >= since and piece.message.message_id not in seen
        if is_gone and _is_open(piece.message, known):
            yield _arrived(piece.message, piece.received_at)


def _is_open(header: Inbound, known: Known) -> bool:
    return concerns(header, known) and not is_hers(header, known)


def _arrived(message: Inbound, at: datetime) -> Arrival:
    return Arrival(message=message, received_at=at, now=at)


async def _since(mailbox: Mailbox, name: str, status: Status, since: datetime) -> AsyncIterator[Fetched]:
    """Every header section of a mailbox that arrived from this second on (IMAP searches by whole days)."""
    cursor = Cursor(status.uidvalidity, 1)
    while cursor.next_uid < status.uidnext:
        page = await mailbox.headers(name, cursor, status.uidnext, since - DAY)
        for fetched in page.messages:
            if fetched.received_at >= since:
                yield fetched
        if page.next_uid <= cursor.next_uid:
            raise Unreachable(f"{name}: the server announced mail at UID {cursor.next_uid} and shows none")
        cursor = Cursor(cursor.uidvalidity, page.next_uid)


def _weigh(
    conversation: Conversation, arrival: Arrival, sequence: Sequence, account: Account, known: Known
) -> Conversation:
    """One message's consequence, as the daemon would have drawn it."""
    found = find(arrival.message, arrival.received_at, known)
    if not found:
        return conversation
    linked = found[0].evidence.in_thread
    asked = by_button(arrival.message.subject)
    verdict = asked or classify(arrival.message, now=arrival.received_at, replies_to_ours=linked)
    consequence = judge_his(conversation, found[0], verdict, arrival, account.me, sequence)
    return reduce(advance, consequence.events, conversation)
