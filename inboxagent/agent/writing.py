"""A step that is due, written out: its words, its readers, what is quoted and attached, its octets."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from inboxagent.agent.account import Account
from inboxagent.mail.body import Quotation
from inboxagent.mail.compose import Outgoing, compose
from inboxagent.mail.headers import Address
from inboxagent.mail.inbound import parse
from inboxagent.mail.newtext import new_text
from inboxagent.outreach.decide import Send
from inboxagent.outreach.letter import address_letter, enclose, token
from inboxagent.outreach.localise import say
from inboxagent.outreach.model import Mail
from inboxagent.outreach.sequence import Sequence
from inboxagent.outreach.state import Conversation
from inboxagent.outreach.writing import choose, write
from inboxagent.ports import Clock, Mailbox, Search, Store


@dataclass(frozen=True, slots=True)
class Ready:
    """A letter that is written out, for exactly this decision."""

    conversation_id: str
    send: Send
    answers_to: Mail | None
    outgoing: Outgoing
    message: bytes
    variant: str | None = None


class Writer:
    """Writes letters out."""

    def __init__(self, account: Account, mailbox: Mailbox, store: Store, clock: Clock) -> None:
        self._account = account
        self._mailbox = mailbox
        self._store = store
        self._clock = clock

    async def write(self, conversation: Conversation, send: Send) -> Ready:
        """The letter as it goes now.

        Raises RenderError or ValueError where it cannot be written, `Unreachable` where what it quotes cannot be read.
        """
        sequence = self._account.rules().sequences[conversation.enrolment.sequence]
        outgoing = self._compose(conversation, sequence, send)
        if sequence.quote and outgoing.in_reply_to is not None and conversation.latest is not None:
            outgoing = replace(outgoing, quotation=await self._quote(conversation.latest, sequence.language))
        variant = choose(send.step, conversation.enrolment.prospect.address)
        name = variant.name if variant else None
        return Ready(conversation.id, send, conversation.latest, outgoing, compose(outgoing), name)

    def _compose(self, conversation: Conversation, sequence: Sequence, send: Send) -> Outgoing:
        account, me, now = self._account, self._account.me, self._clock.now()
        words = write(conversation, sequence, send.step, account.rules().phrases, me, now)
        outgoing = address_letter(
            conversation,
            me,
            subject=words.subject,
            text=words.text,
            token=token(account.key, me.address, conversation.id, send.step.word, send.attempt),
            now=now,
            unsubscribing=account.unsubscribing,
        )
        outgoing = enclose(outgoing, sequence, send.step, account.enclosures)
        allowed = replace(outgoing, to=self._allowed(outgoing.to), cc=self._allowed(outgoing.cc))
        if allowed.to[:1] != outgoing.to[:1]:
            raise ValueError(f"{outgoing.to[0].address}, where he wants his mail, is never to be written to")
        return allowed

    def _allowed(self, people: Iterable[Address]) -> tuple[Address, ...]:
        return tuple(each for each in people if self._store.suppression(each.address) is None)

    async def _quote(self, latest: Mail, language: str) -> Quotation | None:
        """The words of the message that is answered, without what it quotes itself; none where it is gone."""
        for fetched in await self._mailbox.search(Search(message_ids=(latest.message_id,))):
            whole = await self._mailbox.message(fetched)
            message = parse(whole) if whole else None
            if message is not None and message.message_id == latest.message_id and (words := new_text(message, ())):
                day = latest.at.astimezone(ZoneInfo(self._account.me.zone)).date()
                author = latest.from_.name or latest.from_.address
                return Quotation(heading=f"{author}, {say(day, language)}:", text=words)
        return None
