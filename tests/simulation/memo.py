"""What the pure functions of mail make of a message, remembered by its bytes.

Reading a message costs a millisecond, and people write the same things every month: two messages that differ in their
Message-IDs, their dates and who writes to whom are read once, and what differs is put back. What a message is taken for
depends on who wrote it. `tests/simulation/test_memo.py` holds what is remembered against the functions themselves.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from email.utils import format_datetime
from functools import lru_cache
from itertools import chain
from typing import Any

from inboxagent.agent import scan, understanding, writing
from inboxagent.mail import classify as classifying
from inboxagent.mail import compose as composing
from inboxagent.mail import inbound
from inboxagent.mail.classify import Verdict
from inboxagent.mail.compose import Outgoing
from inboxagent.mail.headers import addresses, message_ids
from inboxagent.mail.inbound import Inbound
from inboxagent.outreach import match

_VARYING = re.compile(
    rb"^(Message-ID|In-Reply-To|References|Date|X-Inboxagent):((?:[^\r\n]|\r\n[ \t])*)", re.IGNORECASE | re.MULTILINE
)
_OF_PEOPLE = re.compile(
    rb"^(From|To|List-Unsubscribe): ([\x21-\x7e]+(?: [\x21-\x7e]+)*)(?=\r\n[^ \t]|\Z)", re.MULTILINE
)
_HELD = 50_000
_read: dict[tuple[bytes, bool], Inbound] = {}
_shapes: dict[int, tuple[Inbound, bytes]] = {}
_verdicts: dict[tuple[bytes, tuple[str, ...], date | None, bool], Verdict] = {}
_parse, _parse_headers, _classify, _compose = (
    inbound.parse,
    inbound.parse_headers,
    classifying.classify,
    composing.compose,
)
_THEMSELVES = (_parse, _parse_headers, _classify, _compose)


def parse(raw: bytes) -> Inbound:
    """`inbound.parse`."""
    return _recall(raw, True)


def parse_headers(raw: bytes) -> Inbound:
    """`inbound.parse_headers`."""
    return _recall(raw, False)


@lru_cache(maxsize=20_000)
def _recall(raw: bytes, complete: bool) -> Inbound:
    header, end, body = raw.partition(b"\r\n\r\n")
    if not re.search(rb"^Message-ID: <", header, re.IGNORECASE | re.MULTILINE) or b"multipart/" in header:
        return _parse(raw) if complete else _parse_headers(raw)
    values: dict[str, tuple[str, ...]] = {}

    def set_aside(found: re.Match[bytes]) -> bytes:
        name = found[1].decode().lower()
        values[name] = (found[2].decode("latin-1").replace("\r\n", "").strip(),)
        return found[1] + b": <%b@x>" % found[1] if name != "date" else b"Date: Mon, 02 Nov 2026 10:00:00 +0000"

    def set_person_aside(found: re.Match[bytes]) -> bytes:
        name = found[1].decode().lower()
        values[name] = (*values.get(name, ()), found[2].decode())
        return found[1] + b": <a@x.test>"

    shape = _VARYING.sub(set_aside, header)
    anybodys = _OF_PEOPLE.sub(set_person_aside, shape) + end + body
    known = _read.get((anybodys, complete))
    if known is None:
        if len(_read) > _HELD:
            _read.clear()
        known = _read[anybodys, complete] = (_parse if complete else _parse_headers)(anybodys)
    restored = _restore(known, values)
    if complete:
        if len(_shapes) > _HELD:
            _shapes.clear()
        _shapes[id(restored)] = restored, shape + end + body
    return restored


def _restore(known: Inbound, values: dict[str, tuple[str, ...]]) -> Inbound:
    ids = {name: _message_ids(*values.get(name, ("",))) for name in ("in-reply-to", "references")}
    people = {
        f"{name}{mark}": tuple(chain.from_iterable(map(_addresses, values[name])))
        for name, mark in (("from", "_"), ("to", ""))
        if name in values
    }
    return replace(
        known,
        fields=known.fields | values,
        message_id=_message_ids(*values["message-id"])[0],
        **people,
        in_reply_to=ids["in-reply-to"],
        references=ids["references"],
        date=_date(*values.get("date", ("",))),
    )


_date, _message_ids, _addresses = map(lru_cache(maxsize=4_096), (inbound._date, message_ids, addresses))


def classify(
    message: Inbound, *, ours: Iterable[str] = (), now: datetime | None = None, replies_to_ours: bool = False
) -> Verdict:
    """`classify.classify`; the time of day of `now` makes no difference to it."""
    letters = tuple(ours)
    known = _shapes.get(id(message))
    if known is None or known[0] is not message or known[1].find(b"multipart/", 0, 4_000) >= 0:
        return _classify(message, ours=letters, now=now, replies_to_ours=replies_to_ours)
    key = known[1], letters, now.date() if now else None, replies_to_ours
    verdict = _verdicts.get(key)
    if verdict is None:
        if len(_verdicts) > _HELD:
            _verdicts.clear()
        verdict = _verdicts[key] = _classify(message, ours=letters, now=now, replies_to_ours=replies_to_ours)
    return verdict


_LONG_AGO = datetime(2026, 11, 2, 10, tzinfo=UTC)
_LONG_AGO_FIELD = f"Date: {format_datetime(_LONG_AGO)}".encode()
_UNMARKED: dict[str, Any] = {"token": "", "list_unsubscribe": "", "unsubscribe_page": ""}
_composed: dict[Outgoing, bytes] = {}


@lru_cache(maxsize=256)
def compose(outgoing: Outgoing) -> bytes:
    """`compose.compose`: a letter is composed for the wire and for its copy, and by others in other months."""
    shape = replace(outgoing, message_id="<a@x>", date=_LONG_AGO, in_reply_to=None, references=(), **_UNMARKED)
    known = _composed.get(shape)
    if known is None:
        if len(_composed) > _HELD:
            _composed.clear()
        known = _composed[shape] = _compose(shape).removeprefix(b"Message-ID: <a@x>\r\n")
    composing._refuse_injection(outgoing)
    return composing._thread_fields(outgoing).encode() + known.replace(
        _LONG_AGO_FIELD, f"Date: {format_datetime(outgoing.date)}".encode(), 1
    )


_REMEMBERED = (
    *((place, "parse", parse) for place in (understanding, scan)),
    *((place, "parse_headers", parse_headers) for place in (understanding, scan)),
    *((place, "classify", classify) for place in (understanding, scan, match)),
    (writing, "compose", compose),
)


@contextmanager
def remembering() -> Iterator[None]:
    """The agent reads through what is remembered."""
    before = [(place, name, getattr(place, name)) for place, name, _ in _REMEMBERED]
    for place, name, remembered in _REMEMBERED:
        if getattr(place, name) in _THEMSELVES:  # what is planted there stays
            setattr(place, name, remembered)
    try:
        yield
    finally:
        for place, name, function in before:
            setattr(place, name, function)
