"""The look at all watched mailboxes at once: one round trip where LIST-STATUS (RFC 5819) is offered.

It fails closed: a watched mailbox whose status cannot be learnt is `Unreachable`, never left out.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from inboxagent.edge.imap_answers import Listed
from inboxagent.edge.imap_connection import Connection
from inboxagent.edge.imap_names import find_drafts
from inboxagent.ports import Status

Wanted = Literal["all"] | Sequence[str]


def read_status(connection: Connection, wanted: Wanted) -> Mapping[str, Status]:
    """The status of every watched mailbox, by its decoded name."""
    listed, told = connection.list_mailboxes(with_status=True)
    names = watch(connection, listed, wanted)
    items: dict[str, Mapping[str, int] | str] = {name: told[name] for name in names if name in told}
    # INBOX last: what is asked last is known latest, and most answers arrive there.
    untold = sorted((name for name in names if name not in told), key=lambda name: name == "INBOX")
    if untold:
        items |= connection.ask_statuses(untold)
    refused = [name for name, item in items.items() if isinstance(item, str)]
    if refused:
        names = _still_there(connection, wanted, names, refused)
    if wanted == "all":
        names = tuple(name for name in names if name == "INBOX" or not _is_hollow(items[name]))
    return {name: _status(connection, name, items[name]) for name in names}


def watched_names(connection: Connection, wanted: Wanted) -> tuple[str, ...]:
    """The names of the watched mailboxes, asked now."""
    return watch(connection, connection.list_mailboxes()[0], wanted)


def watch(connection: Connection, listed: Sequence[Listed], wanted: Wanted) -> tuple[str, ...]:
    """Which of these mailboxes are watched. Raises `Unreachable` with the names that are wanted and not there."""
    there = [box.name for box in listed if box.selectable]
    if wanted == "all":
        drafts = find_drafts(listed)
        # INBOX always exists (RFC 3501, 5.1), also where a server forgets to list it.
        return tuple(dict.fromkeys(["INBOX", *(name for name in there if name not in drafts)]))
    names = tuple("INBOX" if name.upper() == "INBOX" else name for name in wanted)
    missing = [name for name in names if name not in there and name != "INBOX"]
    if missing:
        quoted = ", ".join(f'"{name}"' for name in missing)
        raise connection.server.trouble(f"has no mailbox {quoted}, which the configuration wants to be watched")
    return names


def _still_there(
    connection: Connection, wanted: Wanted, names: Iterable[str], refused: Iterable[str]
) -> tuple[str, ...]:
    """The names without those that were refused because they have just been deleted or renamed."""
    there = watched_names(connection, wanted)
    return tuple(name for name in names if name in there or name not in refused)


def _is_hollow(item: Mapping[str, int] | str) -> bool:
    """Whether a listed name is no mailbox: Dovecot lists the deleted parent of a mailbox without \\Noselect, and says
    of its status only that there is none of that name (RFC 5530 has NONEXISTENT for it)."""
    if not isinstance(item, str):
        return False
    said = item.lower()
    return any(words in said for words in ("nonexistent", "doesn't exist", "does not exist"))


def _status(connection: Connection, name: str, items: Mapping[str, int] | str) -> Status:
    if isinstance(items, str):
        remedy = "to leave it out, list the mailboxes to be watched"
        raise connection.server.trouble(f'does not tell the status of the mailbox "{name}": {items} ({remedy})')
    uidvalidity, uidnext = items.get("UIDVALIDITY"), items.get("UIDNEXT")
    if uidvalidity and uidnext:
        return Status(uidvalidity, uidnext)
    return _status_within(connection, name)


def _status_within(connection: Connection, name: str) -> Status:
    """The status of a mailbox whose server leaves UIDNEXT or UIDVALIDITY out: by opening it."""
    opened = connection.examine(name)
    uidnext = opened.uidnext
    if not uidnext:
        uids = connection.search("UID *") if opened.exists else []
        if opened.exists and not uids:
            raise connection.server.trouble(f'does not tell UIDNEXT of the mailbox "{name}"')
        uidnext = max(uids, default=0) + 1
    if not opened.uidvalidity:
        raise connection.server.trouble(f'does not tell UIDVALIDITY of the mailbox "{name}"')
    return Status(opened.uidvalidity, uidnext)
