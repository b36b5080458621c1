"""Search criteria for a server, and the exact check of what it finds: SEARCH compares substrings, and servers differ.

Every value is sent as a run of its ASCII characters in a quoted string, which needs no charset and no literal; what
that finds too much, the check takes away again.
"""

import re
from collections.abc import Iterator, Sequence

from inboxagent.edge.imap_answers import quote
from inboxagent.edge.imap_reading import criteria
from inboxagent.mail.headers import addresses, message_ids
from inboxagent.mail.inbound import parse_headers
from inboxagent.ports import Fetched, Search

_ADDRESS_FIELDS = ("from", "to", "cc")
_ID_FIELDS = ("message-id", "in-reply-to", "references")
_IDS_AT_ONCE = 10
_ASCII_RUN = re.compile(r"[ -~]+")


def queries(wanted: Search) -> list[str]:
    """SEARCH criteria that together find everything that fits, and perhaps more."""
    found = []
    if wanted.address:
        keys = [f"{field.upper()} {_value(wanted.address)}" for field in _ADDRESS_FIELDS]
        found.append(f"{any_of(keys)} {criteria(wanted.received_since)}".rstrip())
    ids = list(dict.fromkeys(wanted.message_ids))
    for start in range(0, len(ids), _IDS_AT_ONCE):
        some = ids[start : start + _IDS_AT_ONCE]
        found.append(any_of([f"HEADER {field} {_value(each)}" for each in some for field in _ID_FIELDS]))
    return found


def fits(wanted: Search, fetched: Fetched) -> bool:
    """Whether a message is what is wanted: addresses as parsed, Message-IDs byte for byte."""
    fields = parse_headers(fetched.header).fields
    ids = {each for name in _ID_FIELDS for value in fields.get(name, ()) for each in message_ids(value)}
    if ids & set(wanted.message_ids):
        return True
    if not wanted.address or (wanted.received_since and fetched.received_at < wanted.received_since):
        return False
    people = (person for name in _ADDRESS_FIELDS for value in fields.get(name, ()) for person in addresses(value))
    return any(person.address == wanted.address.lower() for person in people)


def any_of(keys: Sequence[str]) -> str:
    """These search keys joined by OR, which takes two (RFC 3501, 6.4.4): a balanced tree, as depth is limited."""
    if len(keys) == 1:
        return keys[0]
    middle = len(keys) // 2
    return f"OR {any_of(keys[:middle])} {any_of(keys[middle:])}"


def _value(text: str) -> str:
    """The longest run of ASCII in a value, quoted; a quoted empty string where there is none."""
    return quote(max(_runs(text), key=len, default="").encode("ascii")).decode("ascii")


def _runs(text: str) -> Iterator[str]:
    return (match[0] for match in _ASCII_RUN.finditer(text))
