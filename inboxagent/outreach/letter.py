"""A step as a letter in its thread: to whom, under which subject and Message-ID, after which References."""

import hmac
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from inboxagent.mail.body import Attachment
from inboxagent.mail.classify import Kind, Verdict
from inboxagent.mail.compose import Outgoing
from inboxagent.mail.flowed import SIGNATURE
from inboxagent.mail.headers import Address, is_one_of, reply_subject
from inboxagent.outreach.events import Word
from inboxagent.outreach.model import Mail, Me
from inboxagent.outreach.outbox import Envelope
from inboxagent.outreach.sequence import Sequence, Step
from inboxagent.outreach.state import Conversation
from inboxagent.outreach.unsubscribing import NOTHING_OFFERED, Unsubscribing

FORGOTTEN_RELEASES = 5

UNSUBSCRIBE = "unsubscribe"
_UNSUBSCRIBE = re.compile(rf"{UNSUBSCRIBE} ([0-9a-f]{{40}})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipients:
    """To and Cc; the prospect's address, as it is now, stands first in To."""

    to: tuple[Address, ...]
    cc: tuple[Address, ...]


def _no_file(name: str) -> Attachment:
    raise ValueError(f"`attach: {name}`: there is no such file")


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosures:
    """What lies beside the rule files: her signature, asked each time, and files by name.

    `attachment` raises ValueError, with what to do, where a file cannot be had.
    """

    signature: Callable[[], str] = lambda: ""
    attachment: Callable[[str], Attachment] = _no_file


NOTHING_ENCLOSED = Enclosures()


@lru_cache(maxsize=4096)
def token(key: bytes, account: str, conversation_id: str, step: str, attempt: int) -> str:
    """The same for every automatic try of a step, a new one only when she released it; nobody else can guess it."""
    words = "\0".join((account, conversation_id, step, str(attempt)))
    return hmac.digest(key, words.encode(), "sha256").hex()[:40]


def tokens(key: bytes, account: str, conversation: Conversation, steps: Iterable[str]) -> dict[str, str]:
    """The step of every token that this conversation's letters can bear, also of letters that it knows nothing of.

    Some releases more than are known are reckoned with: the state may be older than the mailbox.
    """
    return {
        token(key, account, conversation.id, step, attempt): step
        for step in steps
        for attempt in range(conversation.attempts.get(step, 0) + FORGOTTEN_RELEASES)
    }


def address_letter(
    conversation: Conversation,
    me: Me,
    *,
    subject: str | None,
    text: str,
    token: str,
    now: datetime,
    unsubscribing: Unsubscribing = NOTHING_OFFERED,
) -> Outgoing:
    """The letter, in the thread unless it has a subject of its own; raises ValueError where there is no subject."""
    latest = conversation.latest if subject is None else None
    if subject is None and latest is not None:
        subject = reply_subject(latest.subject)
    if subject is None:
        raise ValueError("the first letter of a new thread needs a `subject:` in its step")
    people = recipients(conversation, me)
    return Outgoing(
        from_=Address(name=me.name, address=author(conversation, me)),
        to=people.to,
        cc=people.cc,
        subject=subject,
        text=text,
        message_id=f"<{token}@{me.domain}>",
        date=now,
        in_reply_to=latest.message_id if latest else None,
        references=_chain(latest) if latest else (),
        token=token,
        list_unsubscribe=f"{UNSUBSCRIBE} {token}" if unsubscribing.by_mail else "",
        unsubscribe_page=unsubscribing.page.replace("{token}", token) if unsubscribing.by_mail else "",
    )


def enclose(letter: Outgoing, sequence: Sequence, step: Step, enclosures: Enclosures) -> Outgoing:
    """The letter with her signature and what the step attaches. Raises ValueError where a file cannot be had."""
    signature = enclosures.signature().strip("\n") if sequence.signature else ""
    text = f"{letter.text}\n\n{SIGNATURE}\n{signature}" if signature else letter.text
    return replace(letter, text=text, attachments=tuple(map(enclosures.attachment, step.attach)))


def author(conversation: Conversation, me: Me) -> str:
    """The address of hers that she last used in this thread; where she has not, the one that he wrote to."""
    hers = [each.mail for each in conversation.events if each.word is Word.OWN_MAIL and each.mail is not None]
    newest = hers[-1] if hers else conversation.enrolment.latest
    if newest is None:
        return me.address
    people = (newest.from_, *newest.to, *newest.cc)
    return next((each.address for each in people if is_one_of(each.address, me.addresses)), me.address)


def asked_to_stop(subject: str) -> str | None:
    """The token in the subject of a message that a List-Unsubscribe field asked for."""
    found = _UNSUBSCRIBE.fullmatch(subject.strip())
    return found[1] if found else None


def by_button(subject: str) -> Verdict | None:
    """The verdict on a message that our List-Unsubscribe field asked for: it says nothing else."""
    if asked_to_stop(subject) is None:
        return None
    return Verdict(kind=Kind.UNSUBSCRIBE, because="he asked for it as the List-Unsubscribe field of our letter offers")


def recipients(conversation: Conversation, me: Me) -> Recipients:
    """The participants as they are now: whom the newest message of the thread is from and to, without herself.

    An answer of somebody else in the thread keeps the prospect among the recipients.
    """
    prospect = Address(name=conversation.enrolment.prospect.name, address=conversation.enrolment.prospect.address)
    latest = conversation.latest
    if latest is None:
        return Recipients(to=(prospect,), cc=())
    if is_one_of(latest.from_.address, me.addresses):
        to, cc = latest.to, latest.cc
    else:
        to, cc = latest.reply_to or (latest.from_,), (*latest.to, *latest.cc)
    to = _others(to, me.addresses)
    known = conversation.addresses
    his = tuple(each for each in (*to, *cc) if is_one_of(each.address, known))
    if not his:
        # He is reached under another address only if he asked for it himself.
        his = to[:1] if is_one_of(latest.from_.address, known) and to else (prospect,)
    to = _others((*his, *to), me.addresses)
    taken = frozenset(each.address for each in to)
    return Recipients(to=to, cc=_others(cc, me.addresses | taken))


def envelope(outgoing: Outgoing) -> Envelope:
    """Reverse-path and forward-paths of the letter; the first forward-path is the first in To."""
    everybody = dict.fromkeys(each.address for each in (*outgoing.to, *outgoing.cc))
    return Envelope(reverse_path=outgoing.from_.address, forward_paths=tuple(everybody))


def as_mail(outgoing: Outgoing) -> Mail:
    """The letter as the newest message of the thread, once it is sent."""
    return Mail(
        message_id=outgoing.message_id,
        at=outgoing.date,
        subject=outgoing.subject,
        from_=outgoing.from_,
        to=outgoing.to,
        cc=outgoing.cc,
        references=outgoing.references,
    )


def _chain(latest: Mail) -> tuple[str, ...]:
    """RFC 5322, 3.6.4: the parent's References, then the parent's Message-ID."""
    return tuple(dict.fromkeys((*latest.references, latest.message_id)))


def _others(people: Iterable[Address], without: frozenset[str]) -> tuple[Address, ...]:
    unique: dict[str, Address] = {}
    for each in people:
        if each.address and not is_one_of(each.address, without):
            unique.setdefault(each.address, each)
    return tuple(unique.values())
