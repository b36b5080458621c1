"""What `doctor` looks at beyond the state folder: rules, servers, and what the world is told of her domain."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from inboxagent.agent.copies import FILES_ITS_OWN
from inboxagent.cli import doctor_clock
from inboxagent.cli.composition import Composition
from inboxagent.cli.diagnosis import Diagnosis, Grade
from inboxagent.cli.discovery import Resolve
from inboxagent.cli.paper import plain
from inboxagent.edge.dns import resolve
from inboxagent.edge.imap import ImapMailbox
from inboxagent.errors import InboxagentError
from inboxagent.outreach.outbox import Outcome
from inboxagent.outreach.stoppage import explain
from inboxagent.ports import Cursor

WANTED = {
    "IDLE": "new mail is announced at once",
    "LIST-STATUS": "all mailboxes are looked at in one question",
    "SPECIAL-USE": "the server says which mailbox is Sent",
}
LATEST = 20  # letters whose arrival is compared with the clock
SELECTORS = ("default", "dkim", "mail", "google", "selector1", "selector2", "s1", "s2", "k1", "fm1", "mx")
"""Under which names the keys of DKIM usually are; they cannot be listed (RFC 6376, 3.6.2.1)."""


def rules(composition: Composition) -> Iterator[Diagnosis]:
    """Whether every rule file can be used."""
    try:
        names = sorted(composition.rules().sequences)
    except InboxagentError as error:
        yield Diagnosis(about="rules", grade=Grade.PROBLEM, says=str(error))
        return
    for path in composition.rules.unusable:
        yield Diagnosis(
            about="rules", grade=Grade.PROBLEM, says=f"{path} cannot be used as it is", remedy="inboxagent check"
        )
    yield Diagnosis(about="rules", grade=Grade.OK, says=f"there are: {', '.join(names)}")


def imap(composition: Composition) -> Iterator[Diagnosis]:
    """Whether the mailboxes can be read, and how well."""
    yield from asyncio.run(_look(composition))


async def _look(composition: Composition) -> list[Diagnosis]:
    mailbox = composition.mailbox()
    try:
        return await _read(composition, mailbox)
    except InboxagentError as error:
        remedy = "without it nothing is read, and so nothing sent"
        return [Diagnosis(about="imap", grade=Grade.PROBLEM, says=str(error), remedy=remedy)]
    finally:
        await mailbox.close()


async def _read(composition: Composition, mailbox: ImapMailbox) -> list[Diagnosis]:
    names, offered = list(await mailbox.status()), await mailbox.capabilities()
    host = composition.config.imap.host
    says = f"{host}: logged in, {len(names)} mailboxes are read: {plain(', '.join(names[:12]))}"
    found = [Diagnosis(about="imap", grade=Grade.OK, says=says)]
    found += [_offer(composition, name, offered) for name in WANTED]
    found.append(_sent(composition, await mailbox.sent(), await mailbox.files_sent()))
    return found + doctor_clock.compare(await _arrivals(mailbox), composition.clock.now())


async def _arrivals(mailbox: ImapMailbox) -> list[datetime]:
    """When the server says that the latest letters of the INBOX have arrived."""
    status = (await mailbox.status()).get("INBOX")
    if status is None:
        return []
    page = await mailbox.headers("INBOX", Cursor(status.uidvalidity, max(1, status.uidnext - LATEST)), status.uidnext)
    return [each.received_at for each in page.messages]


def _offer(composition: Composition, name: str, offered: frozenset[str]) -> Diagnosis:
    if name in offered:
        return Diagnosis(about=name, grade=Grade.OK, says=WANTED[name])
    poll = composition.config.watching.poll.total_seconds()
    instead = {
        "IDLE": f"new mail is seen within {poll:g} s ([imap] poll)",
        "LIST-STATUS": "each mailbox is asked for by itself, which takes longer with many",
        "SPECIAL-USE": "Sent and Drafts are known by their usual names, or by [imap] sent",
    }
    return Diagnosis(about=name, grade=Grade.OK, says=f"not offered: {instead[name]}")


def _sent(composition: Composition, name: str | None, files: bool) -> Diagnosis:
    if name is None:
        says = "no mailbox for sent mail is found, so what you write yourself is not known"
        remedy = 'name it in the configuration: [imap] sent = "…"'
        return Diagnosis(about="sent", grade=Grade.PROBLEM, says=says, remedy=remedy)
    learnt = composition.has_store and composition.store.fact(FILES_ITS_OWN) is not None
    if files or learnt:
        says = f"the server files its own copies in {plain(name)}, so none is added"
    else:
        says = f"a copy of each letter is filed in {plain(name)}, unless the server does it first"
    return Diagnosis(about="sent", grade=Grade.OK, says=says)


def smtp(composition: Composition) -> Iterator[Diagnosis]:
    """Whether letters would be taken."""
    server = composition.config.smtp
    try:
        refusal = asyncio.run(_knock(composition))
    except InboxagentError as error:
        yield Diagnosis(about="smtp", grade=Grade.PROBLEM, says=str(error))
        return
    if refusal is None:
        says = f"{server.host}: logged in" if server.username else f"{server.host}: takes letters without a log-in"
        yield Diagnosis(about="smtp", grade=Grade.OK, says=says)
    else:
        remedy = "put right what it says; until then nothing is sent"
        yield Diagnosis(about="smtp", grade=Grade.PROBLEM, says=explain(refusal), remedy=remedy)


async def _knock(composition: Composition) -> Outcome | None:
    transport = composition.transport()
    try:
        return await transport.probe()
    finally:
        await transport.close()


def domain(composition: Composition) -> Iterator[Diagnosis]:
    """What other servers find when they ask whether her letters are hers."""
    try:
        yield from look_up(composition.config.me.domain, resolve)
    except InboxagentError as error:
        yield Diagnosis(about="domain", grade=Grade.WARNING, says=str(error), remedy="ask again once the network is up")


def look_up(name: str, resolve: Resolve) -> Iterator[Diagnosis]:
    """SPF (RFC 7208), DKIM (RFC 6376) and DMARC (RFC 7489) of a domain, each as good as the name servers tell."""
    spf = _records(resolve(name, "TXT"), "v=spf1")
    dkim = [each for each in SELECTORS if _has_key(resolve(f"{each}._domainkey.{name}", "TXT"))]
    above = name.partition(".")[2]
    dmarc = _records(resolve(f"_dmarc.{name}", "TXT"), "v=dmarc1")
    if not dmarc and "." in above:
        dmarc = _records(resolve(f"_dmarc.{above}", "TXT"), "v=dmarc1")
    yield _spf(name, spf)
    if dkim:
        yield Diagnosis(about="DKIM", grade=Grade.OK, says=f"there is a key under {', '.join(dkim)}")
    else:
        says = f"none of the usual names of a key is known at {name}; it may have another one"
        remedy = "look whether a letter of yours has a DKIM-Signature, and whether the receiver calls it good"
        yield Diagnosis(about="DKIM", grade=Grade.WARNING, says=says, remedy=remedy)
    if dmarc:
        yield Diagnosis(about="DMARC", grade=Grade.OK, says=plain(dmarc[0]))
    else:
        remedy = f'publish a TXT record at _dmarc.{name}: "v=DMARC1; p=none"'
        says = f"{name} has no record, which large receivers ask for"
        yield Diagnosis(about="DMARC", grade=Grade.WARNING, says=says, remedy=remedy)


def _spf(name: str, records: Sequence[str]) -> Diagnosis:
    if not records:
        remedy = "publish the one that your provider names, as a TXT record"
        says = f"{name} has no record, so letters from it look forged"
        return Diagnosis(about="SPF", grade=Grade.WARNING, says=says, remedy=remedy)
    if len(records) > 1:  # RFC 7208, 4.5
        says = f"{name} has {len(records)} records, and more than one counts as none"
        return Diagnosis(about="SPF", grade=Grade.PROBLEM, says=says, remedy="make one of them")
    return Diagnosis(about="SPF", grade=Grade.OK, says=plain(records[0]))


def _records(texts: Sequence[str], version: str) -> list[str]:
    return [text for text in texts if text.lower().split(";")[0].split(" ")[0].strip() == version]


def _has_key(texts: Sequence[str]) -> bool:
    """Whether one of them has a key: an empty one was revoked (RFC 6376, 3.6.1)."""
    return any(re.search(r"\bp=[^;\s]", text) for text in texts)
