"""`doctor --send`: one letter to herself, from which it is learnt what her server makes of letters."""

import asyncio
import secrets
from collections.abc import Sequence
from datetime import timedelta

from inboxagent.agent.copies import FILES_ITS_OWN
from inboxagent.cli.composition import Composition
from inboxagent.cli.diagnosis import Diagnosis, Grade
from inboxagent.cli.doctor_clock import REMEDY, SKEW
from inboxagent.cli.documents import instant
from inboxagent.cli.paper import plain
from inboxagent.edge.imap import ImapMailbox
from inboxagent.errors import InboxagentError
from inboxagent.mail.compose import Outgoing, compose
from inboxagent.mail.headers import Address
from inboxagent.mail.inbound import parse_headers
from inboxagent.outreach.letter import envelope
from inboxagent.outreach.outbox import Fate, Outcome
from inboxagent.ports import Fetched, Search

PATIENCE = 60.0  # seconds until it has arrived
LOOK_EVERY = 1.0
SENT_AFTER = 3.0  # seconds that a server has for its own copy once the letter has arrived
TEXT = "inboxagent has sent this letter to learn what your mail server does with\nletters. You can delete it.\n"


def send(composition: Composition, patience: float = PATIENCE) -> list[Diagnosis]:
    """Send it, wait for it, and say what was learnt; a copy in Sent that the server has filed is remembered."""
    try:
        return asyncio.run(_send(composition, patience))
    except InboxagentError as error:
        return [Diagnosis(about="letter", grade=Grade.PROBLEM, says=str(error))]


async def _send(composition: Composition, patience: float) -> list[Diagnosis]:
    mailbox, transport = composition.mailbox(), composition.transport()
    letter = _letter(composition)
    try:
        sent = await mailbox.sent()
        handed = await transport.hand_over(envelope(letter), b"Auto-Submitted: auto-generated\r\n" + compose(letter))
        outcome = handed if isinstance(handed, Outcome) else await handed.commit()
        if outcome.fate is not Fate.SENT:
            return [Diagnosis(about="letter", grade=Grade.PROBLEM, says=f"it was not taken: {outcome.text}")]
        found = await _await(mailbox, letter, sent, patience)
        return _judge(composition, letter, found, sent)
    finally:
        await asyncio.gather(mailbox.close(), transport.close())


def _letter(composition: Composition) -> Outgoing:
    me, word = composition.config.me, secrets.token_hex(8)
    return Outgoing(
        from_=Address(name=me.name, address=me.address),
        to=(Address(name=me.name, address=me.address),),
        subject=f"inboxagent doctor {word}",
        text=TEXT,
        message_id=f"<doctor.{word}@{me.domain}>",
        date=composition.clock.now(),
    )


async def _await(mailbox: ImapMailbox, letter: Outgoing, sent: str | None, patience: float) -> list[Fetched]:
    """Every copy of the letter, once one has arrived and a server that files copies has had the time for it."""
    wanted = Search(
        address=letter.to[0].address, message_ids=(letter.message_id,), received_since=letter.date - timedelta(days=1)
    )
    loop = asyncio.get_running_loop()
    ends = loop.time() + patience
    arrived = False
    while True:
        copies = [each for each in await mailbox.search(wanted) if _is_of(each, letter)]
        if not arrived and any(each.mailbox != sent for each in copies):
            arrived, ends = True, min(ends, loop.time() + SENT_AFTER)
        if loop.time() >= ends or (arrived and any(each.mailbox == sent for each in copies)):
            return copies
        await asyncio.sleep(LOOK_EVERY)


def _is_of(found: Fetched, letter: Outgoing) -> bool:
    header = parse_headers(found.header)
    return header.message_id == letter.message_id or header.subject == letter.subject


def _judge(composition: Composition, letter: Outgoing, copies: Sequence[Fetched], sent: str | None) -> list[Diagnosis]:
    arrived = [each for each in copies if each.mailbox != sent]
    filed = [each for each in copies if each.mailbox == sent]
    learnt = [_arrival(letter, arrived), *_identity(letter, copies)]
    if filed:
        with composition.store.transaction("doctor") as ledger:
            ledger.remember(FILES_ITS_OWN, {"since": instant(composition.clock.now())})
        says = f"the server files its own copy in {plain(sent or '')}; from now on none is added"
    else:
        says = "the server files no copy of its own; inboxagent files one"
    return [*learnt, Diagnosis(about="sent", grade=Grade.OK, says=says)]


def _arrival(letter: Outgoing, arrived: Sequence[Fetched]) -> Diagnosis:
    if not arrived:
        says = "the server took it, and it has not arrived"
        return Diagnosis(about="letter", grade=Grade.WARNING, says=says, remedy="look for it in Junk and in a while")
    skew = arrived[0].received_at - letter.date
    if abs(skew) > SKEW:
        says = f"it arrived {skew.total_seconds():+.0f} s after it was sent, by the server's clock"
        return Diagnosis(about="clock", grade=Grade.WARNING, says=says, remedy=REMEDY)
    return Diagnosis(about="letter", grade=Grade.OK, says=f"it has arrived in {plain(arrived[0].mailbox)}")


def _identity(letter: Outgoing, copies: Sequence[Fetched]) -> list[Diagnosis]:
    ids = {parse_headers(each.header).message_id for each in copies}
    if not ids or letter.message_id in ids:
        return [Diagnosis(about="id", grade=Grade.OK, says="the Message-ID is kept")] if ids else []
    says = "the server gives letters another Message-ID; answers are then known by the copy in Sent, or by his address"
    return [Diagnosis(about="id", grade=Grade.WARNING, says=says)]
