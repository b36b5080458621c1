"""Enrolling: find the thread, judge what has come since her last message, begin the conversation."""

import base64
import hashlib
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import reduce
from textwrap import shorten
from zoneinfo import ZoneInfo

from inboxagent.agent.account import Account
from inboxagent.agent.reading import READ_AT
from inboxagent.agent.wish import Wish, check_fit, check_wish
from inboxagent.errors import Refused, Unreachable
from inboxagent.mail.classify import classify
from inboxagent.mail.headers import is_one_of
from inboxagent.mail.inbound import parse, parse_headers
from inboxagent.outreach.acquaintance import acquaint
from inboxagent.outreach.events import By, Event, Word
from inboxagent.outreach.judgement import Arrival, judge_his
from inboxagent.outreach.letter import recipients
from inboxagent.outreach.match import Known, concerns, find, index, is_hers
from inboxagent.outreach.model import Enrolment, Me
from inboxagent.outreach.sequence import Sequence
from inboxagent.outreach.state import Conversation, State, advance, begin
from inboxagent.outreach.thread import Piece, Thread, bears, threads, unique
from inboxagent.ports import Clock, Cursor, Fetched, Ledger, Mailbox, Records, Search, Status, Store

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Scan:
    """What lies in her mailboxes of this person and thread, and when she last wrote to him. Statuses came first.

    What arrived from `since` on is open. That is her last message, or an answer to it that arrived before its copy.
    """

    statuses: Mapping[str, Status]
    pieces: tuple[Piece, ...]
    last_touch_at: datetime | None
    since: datetime | None


async def find_threads(mailbox: Mailbox, me: Me, address: str) -> tuple[Thread, ...]:
    """The threads in which she has written to this address, newest first."""
    return threads(await _exchanged(mailbox, Search(address=address)), address, me.addresses)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A conversation that can begin, and what the mailboxes were like when that was found."""

    wish: Wish
    conversation: Conversation
    statuses: Mapping[str, Status]
    began_at: datetime


async def enroll(
    account: Account, mailbox: Mailbox, store: Store, clock: Clock, wish: Wish, *, dry_run: bool = False
) -> Conversation:
    """Begin a conversation, or say why not; a dry run returns what would be and writes nothing.

    Raises `Refused` (no thread or several, suppressed, enrolled already, answered, dead address, fields missing),
    `UsageError` (unknown field or step), `Unreachable`.
    """
    prepared = await prepare(account, mailbox, store, clock, wish)
    if not dry_run:
        begin_all(account, store, [prepared])
    return prepared.conversation


async def prepare(account: Account, mailbox: Mailbox, store: Store, clock: Clock, wish: Wish) -> Prepared:
    """Find the thread and judge what has come since; writes nothing. Raises as `enroll` does."""
    wish = replace(wish, prospect=replace(wish.prospect, address=wish.prospect.address.lower()))
    check_wish(account, wish)
    _check_address(account, store, wish)
    address, mine = wish.prospect.address, account.me.addresses
    began_at = clock.now()
    statuses = await mailbox.status()
    pieces = await _exchanged(mailbox, Search(address=address))
    found = threads(pieces, address, mine)
    thread = None if wish.new else choose(found, wish, account.home)
    if thread is not None:
        pieces = unique([*pieces, *await _exchanged(mailbox, Search(message_ids=thread.ids))])
        thread = choose(threads(pieces, address, mine), wish, account.home)
    last_touch_at = max((each.last_touch_at for each in found), default=None)
    scan = _Scan(statuses, tuple(pieces), last_touch_at, _open_since(pieces, last_touch_at, mine))
    conversation = _open(wish, thread, scan, account, clock.now())
    check_fit(account, replace(wish, prospect=conversation.enrolment.prospect))
    check_single(store.conversations(), conversation, account.me)
    conversation = await _judge(conversation, scan, wish, account, mailbox)
    _check_open(conversation, account.home)
    return Prepared(wish, conversation, statuses, began_at)


def begin_all(account: Account, store: Store, prepared: Iterable[Prepared]) -> None:
    """Begin all of these conversations, or none. Raises `Refused` where one cannot begin any more."""
    with store.transaction("she enrols") as ledger:
        for each in prepared:
            _check_address(account, ledger, each.wish)
            check_single(ledger.conversations(), each.conversation, account.me)
            ledger.enrol(each.conversation.id, *each.conversation.events)
            _set_back(ledger, each.statuses, each.began_at)


def choose(found: tuple[Thread, ...], wish: Wish, home: ZoneInfo) -> Thread:
    """The one thread she means. Raises `Refused` where none or several fit, listing them by her own clock."""
    address = wish.prospect.address
    fitting = [each for each in found if _fits(each, wish)]
    if not fitting:
        narrowed = " that fits" if found and (wish.subject or wish.message_id) else ""
        raise Refused(
            f"there is no thread{narrowed} in which you wrote to {address}; write to him first, or use --new "
            "to let the first step open one"
        )
    if len(fitting) > 1 and not wish.newest:
        rows = "\n".join(f"  {_by_clock(each.last_at, home)}  {each.subject}  {each.message_id}" for each in fitting)
        raise Refused(
            f"{len(fitting)} threads with {address} fit; choose one with --subject, --message-id or --newest "
            f"(times are those of {home.key}):\n{rows}"
        )
    return fitting[0]


def _by_clock(at: datetime, home: ZoneInfo) -> str:
    return f"{at.astimezone(home):%Y-%m-%d %H:%M}"


def _fits(thread: Thread, wish: Wish) -> bool:
    if wish.message_id is not None and wish.message_id not in thread.ids:
        return False
    return wish.subject is None or bears(thread, wish.subject)


def _check_address(account: Account, records: Records, wish: Wish) -> None:
    address = wish.prospect.address
    if address in account.me.addresses:
        raise Refused(f"{address} is your own address")
    suppressed = records.suppression(address)
    if suppressed is not None:
        raise Refused(f"{address} is never to be written to: {suppressed}")


def check_single(others: Iterable[Conversation], conversation: Conversation, me: Me) -> None:
    """Refuse a second enrolment of a person in the same sequence, or of a thread whose letters reach him already."""
    readers = _readers(conversation, me)
    for other in others:
        if other.state in (State.STOPPED, State.FINISHED):
            continue
        twice = other.enrolment.sequence == conversation.enrolment.sequence and other.addresses & conversation.addresses
        shared = other.ids & conversation.ids and _readers(other, me) & readers
        if twice or shared:
            address = conversation.enrolment.prospect.address
            where = "" if twice else f" in the same thread with {other.enrolment.prospect.address}"
            raise Refused(
                f"{address} is enrolled already{where}: {other.id} ({other.enrolment.sequence}, {other.state})"
            )


def _readers(conversation: Conversation, me: Me) -> frozenset[str]:
    people = recipients(conversation, me)
    return conversation.addresses | {each.address for each in (*people.to, *people.cc)}


async def _exchanged(mailbox: Mailbox, wanted: Search) -> list[Piece]:
    """Every message that fits, as header sections (whole, where one has no Message-ID to know it by)."""
    return [await _piece(mailbox, each) for each in await mailbox.search(wanted)]


async def _piece(mailbox: Mailbox, fetched: Fetched) -> Piece:
    header = parse_headers(fetched.header)
    if not header.has_message_id:
        whole = await mailbox.message(fetched)
        header = parse(whole) if whole else header
    return Piece(header, fetched.received_at)


def _open(wish: Wish, thread: Thread | None, scan: _Scan, account: Account, now: datetime) -> Conversation:
    """The conversation as it would begin, before what came since is judged."""
    enrolment = Enrolment(
        sequence=wish.sequence.name,
        prospect=acquaint(wish.prospect, scan.pieces, account.me),
        latest=thread.latest if thread else None,
        touches=thread.touches if thread else 0,
        last_touch_at=scan.last_touch_at if thread else None,
        thread=thread.ids if thread else (),
        history=_history(scan, account.me.addresses),
        start=wish.start,
        tone=wish.tone,
        pace=wish.pace,
        subject=wish.subject if wish.new else None,
    )
    where = f'in the thread "{thread.subject}"' if thread else "with a new thread"
    because = f"she enrolled him in {wish.sequence.name}, {where}"
    event = Event(at=now, word=Word.ENROLLED, by=By.HER, because=because, enrolment=enrolment)
    return begin(_new_id(wish, now), event)


def _open_since(pieces: Iterable[Piece], last_touch_at: datetime | None, mine: frozenset[str]) -> datetime | None:
    """Her last message, or the first answer to it: a copy may be filed in Sent long after the answer came."""
    if last_touch_at is None:
        return None
    pieces = tuple(pieces)
    last = {each.message.message_id for each in pieces if each.received_at == last_touch_at}
    answers = (each.received_at for each in pieces if not _is_hers(each, mine) and last & {*each.message.thread_ids})
    return min((last_touch_at, *answers))


def _is_hers(piece: Piece, mine: frozenset[str]) -> bool:
    return any(is_one_of(each.address, mine) for each in piece.message.from_)


def _history(scan: _Scan, mine: frozenset[str]) -> tuple[str, ...]:
    """What is never an answer to a follow-up: everything of hers, and all that had arrived before her last message."""
    past = (
        piece.message.message_id
        for piece in scan.pieces
        if scan.since is None or piece.received_at < scan.since or _is_hers(piece, mine)
    )
    return tuple(dict.fromkeys(past))


async def _judge(
    conversation: Conversation, scan: _Scan, wish: Wish, account: Account, mailbox: Mailbox
) -> Conversation:
    """The conversation after all that came since her last message, wherever it lies, reports included.

    Each is judged as of its arrival: somebody who was away and has come back since is not held.
    """
    if scan.since is None:
        return conversation
    known = index([conversation], account.me.addresses)
    arrivals: list[Arrival] = []
    for name, status in scan.statuses.items():
        async for fetched in _since(mailbox, name, status, scan.since):
            header = parse_headers(fetched.header)
            if concerns(header, known) and not is_hers(header, known):
                whole = await mailbox.message(fetched)
                message = parse(whole) if whole else header
                arrived_at = fetched.received_at
                arrivals.append(Arrival(message=message, received_at=arrived_at, now=arrived_at))
    for arrival in sorted(arrivals, key=lambda each: each.received_at):
        conversation = _weigh(conversation, arrival, wish.sequence, account, known)
    return conversation


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
    verdict = classify(arrival.message, now=arrival.received_at, replies_to_ours=linked)
    consequence = judge_his(conversation, found[0], verdict, arrival, account.me, sequence)
    return reduce(advance, consequence.events, conversation)


def _check_open(conversation: Conversation, home: ZoneInfo) -> None:
    """Refuse an enrolment whose first follow-up would go to somebody who has answered, or cannot be reached."""
    if conversation.state not in (State.ANSWERED, State.STOPPED):
        return
    event = next(each for each in reversed(conversation.events) if each.because == conversation.because)
    words = f': "{shorten(event.text, 160)}"' if event.text else ""
    remedy = "; answer him first, then enrol" if conversation.state is State.ANSWERED else ""
    address = conversation.enrolment.prospect.address
    at = f"{_by_clock(event.at, home)}, {home.key}"
    raise Refused(f"{address} is not to be followed up ({at}): {event.because}{words}{remedy}")


def _set_back(ledger: Ledger, statuses: Mapping[str, Status], began_at: datetime) -> None:
    """Have the daemon read again what it may have passed by between the scan and now, when nobody knew of him."""
    first = ledger.fact(READ_AT) is None  # no reading was ever complete: what the scan found is the beginning
    if first:
        ledger.remember(READ_AT, began_at.isoformat())
    cursors = ledger.cursors()
    for name in sorted(cursors.keys() | statuses.keys()):
        status, cursor = statuses.get(name), cursors.get(name)
        if status is None or (cursor is not None and cursor.uidvalidity != status.uidvalidity):
            ledger.move_cursor(name, None)  # made or renumbered since the scan: read it from before the last reading
        elif (first and cursor is None) or (cursor is not None and cursor.next_uid > status.uidnext):
            ledger.move_cursor(name, Cursor(status.uidvalidity, status.uidnext))


def _new_id(wish: Wish, now: datetime) -> str:
    """Seven letters and digits; the instant makes them new, and 35 bits keep thousands apart."""
    digest = hashlib.sha256(f"{wish.prospect.address}/{wish.sequence.name}/{now.isoformat()}".encode()).digest()
    return base64.b32encode(digest).decode().lower()[:7]
