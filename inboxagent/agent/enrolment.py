"""Enrolling: find the thread, judge what has come since her last message, begin the conversation."""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from textwrap import shorten
from zoneinfo import ZoneInfo

from inboxagent.agent.account import Account
from inboxagent.agent.consequences import write_holds
from inboxagent.agent.doubles import check_single
from inboxagent.agent.reading import READ_AT
from inboxagent.agent.scan import Scan, exchanged, history, judge_since, open_since, settled, written_at
from inboxagent.agent.succession import check_succession, predecessor, succeed
from inboxagent.agent.wish import Wish, check_fit, check_wish
from inboxagent.errors import Refused
from inboxagent.outreach.acquaintance import acquaint
from inboxagent.outreach.events import By, Event, Word
from inboxagent.outreach.fold import begin
from inboxagent.outreach.model import Enrolment
from inboxagent.outreach.notes import with_note
from inboxagent.outreach.state import Conversation, State
from inboxagent.outreach.thread import Thread, bears, threads, unique
from inboxagent.ports import Clock, Cursor, Ledger, Mailbox, Records, Search, Status, Store


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
    prospect = replace(wish.prospect, address=wish.prospect.address.lower())
    wish = replace(wish, prospect=with_note(prospect, wish.sequence, store.conversations()))
    before = predecessor(store, wish)
    check_wish(account, wish)
    _check_address(account, store, wish)
    address, mine = wish.prospect.address, account.me.addresses
    began_at = clock.now()
    statuses = await mailbox.status()
    pieces = await exchanged(mailbox, Search(address=address))
    found = threads(pieces, address, mine)
    inherits = before is not None and not found and not wish.new
    thread = None if wish.new or inherits else choose(found, wish, account.home)
    if thread is not None:
        pieces = unique([*pieces, *await exchanged(mailbox, Search(message_ids=thread.ids))])
        thread = choose(threads(pieces, address, mine), wish, account.home)
    if before is not None:
        pieces = unique([*pieces, *await exchanged(mailbox, Search(message_ids=tuple(before.ids)))])
    last_touch_at = max((each.last_touch_at for each in found), default=before.wrote_at if before else None)
    by_hand = written_at(found, address, mine) if before is None else None
    since = open_since(pieces, by_hand or last_touch_at, mine)
    scan = Scan(statuses, tuple(pieces), last_touch_at, since, settled(found))
    conversation = _open(wish, thread, scan, account, clock.now())
    if before is not None:
        conversation = succeed(conversation, before, scan.pieces, inherits=inherits)
    check_fit(account, replace(wish, prospect=conversation.enrolment.prospect))
    check_single(_others(store, before), conversation, account)
    conversation = await judge_since(conversation, scan, wish.sequence, account, mailbox)
    _check_open(conversation, account.home)
    if before is not None:
        check_succession(before, conversation)
    return Prepared(wish, conversation, statuses, began_at)


def begin_all(account: Account, store: Store, prepared: Iterable[Prepared]) -> None:
    """Begin all of these conversations, or none. Raises `Refused` where one cannot begin any more."""
    with store.transaction("she enrols") as ledger:
        for each in prepared:
            _check_address(account, ledger, each.wish)
            before = predecessor(ledger, each.wish)
            check_single(_others(ledger, before), each.conversation, account)
            if before is not None:
                ledger.append(before.id, *check_succession(before, each.conversation))
            events = each.conversation.events
            ledger.enrol(each.conversation.id, *events)
            write_holds(account, events[0].at, ledger, each.conversation, events)
            _set_back(ledger, each.statuses, each.began_at)


def _others(records: Records, before: Conversation | None) -> list[Conversation]:
    """Everybody else's conversations: the one that ends with this enrolment is in nobody's way."""
    return [each for each in records.conversations() if before is None or each.id != before.id]


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


def _open(wish: Wish, thread: Thread | None, scan: Scan, account: Account, now: datetime) -> Conversation:
    """The conversation as it would begin, before what came since is judged."""
    enrolment = Enrolment(
        sequence=wish.sequence.name,
        prospect=acquaint(wish.prospect, scan.pieces, account.me),
        latest=thread.latest if thread else None,
        touches=thread.touches if thread else 0,
        last_touch_at=scan.last_touch_at if thread else None,
        thread=thread.ids if thread else (),
        history=history(scan, account.me.addresses),
        start=wish.start,
        tone=wish.tone,
        pace=wish.pace,
        subject=wish.subject if wish.new else None,
    )
    where = f'in the thread "{thread.subject}"' if thread else "with a new thread"
    because = f"she enrolled him in {wish.sequence.name}, {where}"
    event = Event(at=now, word=Word.ENROLLED, by=By.HER, because=because, enrolment=enrolment)
    return begin(_new_id(wish, now), event)


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
