"""What she has to know: a mail to herself, and a command of hers. Silence must not look like quiet days."""

import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

from inboxagent.agent.account import Account
from inboxagent.agent.notices import Notices
from inboxagent.errors import InboxagentError
from inboxagent.outreach.outbox import Fate, Outcome
from inboxagent.outreach.stoppage import Stoppage
from inboxagent.ports import Clock, Observe, Store, Transport

TOLD = "alerts"
ONCE_IN = timedelta(days=1)
TRY_AGAIN_AFTER = timedelta(hours=1)
_NUMBER = re.compile(r"\d+")

Command = Callable[[Mapping[str, object]], Awaitable[None]]
"""Runs a command of hers with an object; never raises."""

BLIND = """\
Your mailboxes cannot be read, since {at}:

    {because}

Nothing is sent meanwhile, and nothing is lost: as soon as they can be read
again it goes on by itself. "inboxagent status" tells how it is.
"""

STOPPED = """\
No letter goes out before {at}:

    {because}

Nothing is lost: what is due goes out afterwards by itself, as far apart as
always. "inboxagent status" tells how it is.
"""
WORTH_TELLING = timedelta(hours=1)


BRAKED = """\
Nothing goes out, for this looks like a mistake (a clock that jumped, an edited
file, an old backup):

    {because}

Look at "inboxagent list", then say: inboxagent release --brake
"""

TEXTS = {
    "sending_stopped": ("inboxagent cannot send", STOPPED),
    "blind": ("inboxagent cannot read your mailboxes", BLIND),
    "braked": ("inboxagent has put the brake on", BRAKED),
}
"""By mail. Of anything else (a line that broke in a send, a refused log-in) mail may be the broken part: that is for
her command and the log."""


class Alerts:
    """Over her own SMTP server and by her command, at most once a day for one cause. Else the log has to do."""

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
        command: Command | None = None,
    ) -> None:
        """`to` gets the mails, `command` an object with what there is to say; `blind_after`: how long she can wait."""
        self._account = account
        self._notices = Notices(account, transport, clock, to)
        self._store = store
        self._clock = clock
        self._observe = observe
        self._to = to
        self._blind_after = blind_after
        self._command = command
        self._told: dict[str, str] = {}  # what a full disk may have kept out of the store
        self._not_before: datetime | None = None

    async def blind(self, since: datetime, because: str) -> None:
        """Tell her, if it has lasted long enough and she has not been told of this cause within a day."""
        if self._clock.now() - since >= self._blind_after:
            await self.tell("blind", because, because, since)

    async def stopped(self, stoppage: Stoppage | None) -> None:
        """Tell her that her server, or what it said, keeps everything back, if that is for an hour or longer. Where the
        server takes nothing from her, no mail is tried: her command and the log are told."""
        if stoppage is not None and stoppage.until - stoppage.since >= WORTH_TELLING:
            because, by_mail = stoppage.because, not stoppage.mute
            await self.tell("sending_stopped", because, because, stoppage.until, by_mail=by_mail)

    async def tell(
        self, what: str, cause: str, because: str, at: datetime | None = None, *, by_mail: bool = True
    ) -> None:
        """Tell her of `what` has happened, unless she was told of this cause within a day; `at`: the time that the
        letter about it names. `by_mail` is false where mail is what is broken."""
        now = self._clock.now()
        if self._command is not None and not self._was_told(f"command: {cause}", now):
            await self._command({"alert": what, "because": because, "address": self._account.me.address})
            self._note(f"command: {cause}", now)
        if by_mail and what in TEXTS and now >= (self._not_before or now) and not self._was_told(cause, now):
            await self._tell_by_mail(what, cause, because, at or now)

    async def _tell_by_mail(self, what: str, cause: str, because: str, at: datetime) -> None:
        now = self._clock.now()
        try:
            outcome = await self._mail(what, at, because)
        except (InboxagentError, ValueError) as error:  # a password that cannot be read, an address that needs SMTPUTF8
            self._put_off(str(error), now + TRY_AGAIN_AFTER)
            return
        if outcome.fate in (Fate.SENT, Fate.UNCERTAIN):  # a second mail about it would tell her nothing new
            self._observe("alerted", {"to": self._to, "because": because})
            self._note(cause, now)
        else:
            self._put_off(outcome.text, now + (ONCE_IN if outcome.fatal else TRY_AGAIN_AFTER))

    async def _mail(self, what: str, at: datetime, because: str) -> Outcome:
        local = at.astimezone(self._account.home)
        subject, text = TEXTS[what]
        when = f"{local:%a} {local.day} {local:%b %H:%M} ({self._account.me.zone})"
        return await self._notices.send(subject, text.format(at=when, because=because), because)

    def _was_told(self, cause: str, now: datetime) -> bool:
        told_at = {**_strings(self._store.fact(TOLD)), **self._told}.get(_key(cause))
        return told_at is not None and now - datetime.fromisoformat(told_at) < ONCE_IN

    def _note(self, cause: str, now: datetime) -> None:
        self._told[_key(cause)] = now.isoformat()
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


def _key(cause: str) -> str:
    """The sentence without its numbers: ports, seconds and UIDs do not make another cause."""
    return _NUMBER.sub("#", cause)


def _strings(fact: object) -> Mapping[str, str]:
    return fact if isinstance(fact, dict) else {}
