"""Exactly one copy of each letter in Sent: owed in the transaction that records the send, filed afterwards."""

from collections.abc import Mapping
from datetime import datetime

from inboxagent.errors import Unreachable
from inboxagent.mail.compose import Outgoing, compose
from inboxagent.ports import Ledger, Mailbox, Observe, Store

OWED = "copies"


class Copies:
    """The copies that are owed to the Sent mailbox. A failed APPEND is tried again alone and never sends anything."""

    def __init__(self, mailbox: Mailbox, store: Store, observe: Observe) -> None:
        self._mailbox = mailbox
        self._store = store
        self._observe = observe

    def owe(self, ledger: Ledger, letter: Outgoing) -> None:
        """Note inside a transaction that this letter has to be filed."""
        copy = {"at": letter.date.isoformat(), "letter": compose(letter).decode("latin-1")}
        ledger.remember(OWED, {**_owed(ledger.fact(OWED)), letter.message_id: copy})

    async def file(self) -> None:
        """File what is owed; what the server has filed by itself meanwhile is left alone."""
        for message_id, copy in _owed(self._store.fact(OWED)).items():
            try:
                filed = await self._file(message_id, copy)
            except Unreachable as error:
                self._observe("copy_waits", {"message_id": message_id, "because": str(error)})
                return
            with self._store.transaction("a copy is in Sent") as ledger:
                rest = {key: value for key, value in _owed(ledger.fact(OWED)).items() if key != message_id}
                ledger.remember(OWED, rest or None)
            self._observe("copied", {"message_id": message_id, "because": filed})

    async def _file(self, message_id: str, copy: Mapping[str, str]) -> str:
        if await self._mailbox.files_sent():
            return "the server files its own"
        sent = await self._mailbox.sent()
        if sent is None:
            return "there is no Sent mailbox"
        if await self._mailbox.holds(sent, message_id):
            return f"it lies in {sent} already"
        await self._mailbox.append(sent, copy["letter"].encode("latin-1"), datetime.fromisoformat(copy["at"]))
        return f"appended to {sent}"


def _owed(fact: object) -> dict[str, dict[str, str]]:
    return dict(fact) if isinstance(fact, dict) else {}
