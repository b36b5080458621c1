"""A mail from the agent to her, over her own SMTP server."""

from inboxagent.agent.account import Account
from inboxagent.mail.compose import Outgoing, compose
from inboxagent.mail.headers import Address
from inboxagent.outreach.letter import envelope, token
from inboxagent.outreach.outbox import Outcome
from inboxagent.ports import Clock, Transport


class Notices:
    """Says that it is automatic (RFC 3834), so that no responder answers; never part of a thread."""

    def __init__(self, account: Account, transport: Transport, clock: Clock, to: str) -> None:
        self._account = account
        self._transport = transport
        self._clock = clock
        self.to = to

    async def send(self, subject: str, text: str, cause: str) -> Outcome:
        """One mail; `cause` and the time make its Message-ID. Raises InboxagentError (a password that cannot be read),
        ValueError (an address that cannot be written)."""
        me, now = self._account.me, self._clock.now()
        name = token(self._account.key, me.address, "notice", cause, int(now.timestamp()))
        letter = Outgoing(
            from_=Address(name="inboxagent", address=me.address),
            to=(Address(name="", address=self.to),),
            subject=subject,
            text=text,
            message_id=f"<{name}@{me.domain}>",
            date=now,
        )
        message = b"Auto-Submitted: auto-generated\r\n" + compose(letter)
        handed = await self._transport.hand_over(envelope(letter), message)
        return handed if isinstance(handed, Outcome) else await handed.commit()
