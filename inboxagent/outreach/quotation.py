"""A message from somebody unknown that may quote a letter of ours: he forwarded it, and his colleague writes anew.

Its body is looked at only where it bears the subject of a thread, and what is found is named; a subject alone is
nothing.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from inboxagent.mail.headers import base_subject, message_ids
from inboxagent.mail.inbound import Inbound

LONGEST = 65_536
_ADDRESS = re.compile(r"[^\s<>,;:()\"'\[\]|*]{1,200}@[^\s<>,;:()\"'\[\]|*]{1,255}")
_THREAD_INDEX = re.compile(
    r"^[>\s]{0,20}Thread-Index:[ \t]{0,20}([A-Za-z0-9+/=]{30,4000})", re.IGNORECASE | re.MULTILINE
)
_ROOT = 28  # characters of Base64: 21 of the 22 octets that all messages of a thread share
_MASS = ("list-id", "list-unsubscribe", "list-post")


@lru_cache(maxsize=16_384)
def topic(subject: str) -> str:
    """The subject by which messages are compared: without prefixes, in any case."""
    return base_subject(subject).casefold()


def thread_root(message: Inbound) -> str:
    """What the Thread-Index of Microsoft's programs ([MS-OXOMSG] 2.2.1.3) has in common in a thread; else empty."""
    return _root(message.field("thread-index"))


def _root(value: str) -> str:
    value = "".join(value.split())
    return value[:_ROOT] if len(value) >= _ROOT + 2 else ""


def is_mass_mail(header: Inbound) -> bool:
    """Whether it went to many: nobody forwards our letters so."""
    return any(header.field(name) for name in _MASS) or header.field("precedence").lower() in ("bulk", "list", "junk")


def quoted_ids(message: Inbound) -> tuple[str, ...]:
    """The Message-IDs in its text and in messages attached to it."""
    return message_ids(_text(message))


def quoted_roots(message: Inbound) -> Iterator[str]:
    """The Thread-Index of messages that are quoted with their header section, or attached."""
    return (root for found in _THREAD_INDEX.finditer(_text(message)) if (root := _root(found[1])))


def quoted_addresses(message: Inbound) -> tuple[str, ...]:
    """The addresses in its text, lower-case: mail programs quote From and To of what they forward."""
    return tuple(dict.fromkeys(each.lower().rstrip(".") for each in _ADDRESS.findall(_text(message))))


def _text(message: Inbound) -> str:
    return f"{message.text[:LONGEST]}\n{message.returned}"[: 2 * LONGEST]
