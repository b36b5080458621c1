"""A mail to herself when her mailboxes could not be read for a while: silence must not look like quiet days."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from inboxagent.agent.account import Account
from inboxagent.agent.notices import Notices
from inboxagent.errors import InboxagentError
from inboxagent.outreach.outbox import Fate, Outcome
from inboxagent.ports import Clock, Observe, Store, Transport

TOLD = "alerts"
ONCE_IN = timedelta(days=1)
TRY_AGAIN_AFTER = timedelta(hours=1)
_NUMBER = re.compile(r"\d+")

TEXT = """\
Your mailboxes cannot be read, since {since}:

    {because}

Nothing is sent meanwhile, and nothing is lost: as soon as they can be read
again it goes on by itself. "inboxagent status" tells how it is.
"""


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
        self._notices = Notices(account, transport, clock, to)
        self._store = store
        self._clock = clock
        self._observe = observe
        self._to = to
        self._blind_after = blind_after
        self._told: dict[str, str] = {}  # what a full disk may have kept out of the store
        self._not_before: datetime | None = None

    async def blind(self, since: datetime, because: str) -> None:
        """Tell her, if it has lasted long enough and she has not been told of this cause within a day."""
        now = self._clock.now()
        if now - since < self._blind_after or now < (self._not_before or now) or self._was_told(because, now):
            return
        try:
            outcome = await self._mail(since, because)
        except (InboxagentError, ValueError) as error:  # a password that cannot be read, an address that needs SMTPUTF8
            self._put_off(str(error), now + TRY_AGAIN_AFTER)
            return
        if outcome.fate in (Fate.SENT, Fate.UNCERTAIN):  # a second mail about it would tell her nothing new
            self._note(because, now)
        else:
            self._put_off(outcome.text, now + (ONCE_IN if outcome.fatal else TRY_AGAIN_AFTER))

    async def _mail(self, since: datetime, because: str) -> Outcome:
        at = since.astimezone(self._account.home)
        text = TEXT.format(since=f"{at:%a} {at.day} {at:%b %H:%M} ({self._account.me.zone})", because=because)
        return await self._notices.send("inboxagent cannot read your mailboxes", text, because)

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
