"""A mail to herself when her mailboxes cannot be read, or nothing may go out: silence must not look like quiet days."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from inboxagent.agent.account import Account
from inboxagent.errors import InboxagentError
from inboxagent.mail.compose import Outgoing, compose
from inboxagent.mail.headers import Address
from inboxagent.outreach.letter import envelope, token
from inboxagent.outreach.outbox import Fate, Outcome
from inboxagent.outreach.stoppage import Stoppage
from inboxagent.ports import Clock, Observe, Store, Transport

TOLD = "alerts"
ONCE_IN = timedelta(days=1)
TRY_AGAIN_AFTER = timedelta(hours=1)
_NUMBER = re.compile(r"\d+")

BLIND = """\
Your mailboxes cannot be read, since {since}:

    {because}

Nothing is sent meanwhile, and nothing is lost: as soon as they can be read
again it goes on by itself. "inboxagent status" tells how it is.
"""

STOPPED = """\
No letter goes out before {until}:

    {because}

Nothing is lost: what is due goes out afterwards by itself, as far apart as
always. "inboxagent status" tells how it is.
"""
WORTH_TELLING = timedelta(hours=1)


class Alerts:
    """Over her own SMTP server, at most once a day for one cause. Where that fails too, the log has to do."""

    def __init__(
        self,
        account: Account,
        transport: Transport,
        store: Store,
        clock: Clock,
        observe: Observe,
        *,
        to: str,
        blind_after: timedelta,
    ) -> None:
        self._account = account
        self._transport = transport
        self._store = store
        self._clock = clock
        self._observe = observe
        self._to = to
        self._blind_after = blind_after
        self._told: dict[str, str] = {}  # what a full disk may have kept out of the store
        self._not_before: datetime | None = None

    async def blind(self, since: datetime, because: str) -> None:
        """Tell her, if it has lasted long enough and she has not been told of this cause within a day."""
        if self._clock.now() - since >= self._blind_after:
            text = BLIND.format(since=self._when(since), because=because)
            await self._tell("inboxagent cannot read your mailboxes", text, because)

    async def stopped(self, stoppage: Stoppage | None) -> None:
        """Tell her that her server, or what it said, keeps everything back, if that is for an hour or longer."""
        if stoppage is not None and stoppage.until - stoppage.since >= WORTH_TELLING:
            text = STOPPED.format(until=self._when(stoppage.until), because=stoppage.because)
            await self._tell("inboxagent cannot send", text, stoppage.because)

    async def _tell(self, subject: str, text: str, because: str) -> None:
        now = self._clock.now()
        if now < (self._not_before or now) or self._was_told(because, now):
            return
        try:
            outcome = await self._mail(subject, text, now)
        except (InboxagentError, ValueError) as error:  # a password that cannot be read, an address that needs SMTPUTF8
            self._put_off(str(error), now + TRY_AGAIN_AFTER)
            return
        if outcome.fate in (Fate.SENT, Fate.UNCERTAIN):  # a second mail about it would tell her nothing new
            self._note(because, now)
        else:
            self._put_off(outcome.text, now + (ONCE_IN if outcome.fatal else TRY_AGAIN_AFTER))

    async def _mail(self, subject: str, text: str, now: datetime) -> Outcome:
        letter = self._letter(subject, text, now)
        message = b"Auto-Submitted: auto-generated\r\n" + compose(letter)
        handed = await self._transport.hand_over(envelope(letter), message)
        return handed if isinstance(handed, Outcome) else await handed.commit()

    def _when(self, at: datetime) -> str:
        local = at.astimezone(self._account.home)
        return f"{local:%a} {local.day} {local:%b %H:%M} ({self._account.me.zone})"

    def _letter(self, subject: str, text: str, now: datetime) -> Outgoing:
        me = self._account.me
        name = token(self._account.key, me.address, "alert", text, int(now.timestamp()))
        return Outgoing(
            from_=Address(name="inboxagent", address=me.address),
            to=(Address(name="", address=self._to),),
            subject=subject,
            text=text,
            message_id=f"<{name}@{me.domain}>",
            date=now,
        )

    def _was_told(self, because: str, now: datetime) -> bool:
        told_at = {**_strings(self._store.fact(TOLD)), **self._told}.get(_cause(because))
        return told_at is not None and now - datetime.fromisoformat(told_at) < ONCE_IN

    def _note(self, because: str, now: datetime) -> None:
        self._told[_cause(because)] = now.isoformat()
        self._observe("alerted", {"to": self._to, "because": because})
        try:
            with self._store.transaction("she was told") as ledger:
                told = {**_strings(ledger.fact(TOLD)), **self._told}
                recent = {key: at for key, at in told.items() if now - datetime.fromisoformat(at) < ONCE_IN}
                ledger.remember(TOLD, recent)
        except InboxagentError as error:
            self._observe("alert_unwritten", {"because": str(error)})

    def _put_off(self, because: str, until: datetime) -> None:
        self._not_before = until
        self._observe("alert_unsent", {"to": self._to, "because": because, "until": until.isoformat()})


def _cause(because: str) -> str:
    """The sentence without its numbers: ports, seconds and UIDs do not make another cause."""
    return _NUMBER.sub("#", because)


def _strings(fact: object) -> Mapping[str, str]:
    return fact if isinstance(fact, dict) else {}
