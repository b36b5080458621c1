"""What the mail of a thread tells about the person: his name, his first name, the zone that his clock is in."""

import email.utils
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from inboxagent.outreach.model import Me, Prospect
from inboxagent.outreach.thread import Piece
from inboxagent.outreach.zones import guess_zone

FIRST_NAME = "first_name"
_WORD = re.compile(r"[^\W\d_]{2,}(?:-[^\W\d_]{2,})?")
_TITLES = ("dr", "prof", "mr", "mrs", "ms", "herr", "frau", "ing", "dipl", "mag")


def acquaint(prospect: Prospect, pieces: Iterable[Piece], me: Me) -> Prospect:
    """The prospect with what his mail and hers tell of him, where she did not say it herself."""
    pieces = tuple(pieces)
    named = _named(prospect, pieces)
    first = named.fields.get(FIRST_NAME, "").strip() or first_name(named.name, named.address)
    fields = {**named.fields, FIRST_NAME: first} if first else named.fields
    return replace(named, fields=fields, seen_zone="" if named.zone else _seen_zone(named, pieces, me))


def first_name(name: str, address: str) -> str:
    """The first name in a display name (`Anna Berg`, `Berg, Anna`, `Dr. Anna Berg`); empty in doubt.

    It counts only where the address bears the name out: `Acme Support <info@acme.test>` is nobody's.
    """
    last, comma, first = name.partition(",")
    words = [word for word in (f"{first} {last}" if comma else name).split() if _plain(word).strip(".") not in _TITLES]
    if not 1 <= len(words) <= 4 or not _WORD.fullmatch(words[0]) or not words[0][:1].isupper():
        return ""
    local = _plain(address.partition("@")[0])
    borne_out = any(len(_plain(word)) > 1 and _plain(word) in local for word in (words[0], words[-1]))
    return words[0] if borne_out else ""


def _plain(word: str) -> str:
    """Letters alone, without accents: `Jürgen` is `jurgen`."""
    folded = unicodedata.normalize("NFKD", word.casefold().replace("ß", "ss"))
    return "".join(char for char in folded if char.isalnum())


def _named(prospect: Prospect, pieces: tuple[Piece, ...]) -> Prospect:
    """With the name that stands beside his address in the newest mail, where she gave none."""
    if prospect.name:
        return prospect
    people = (
        each for piece in reversed(pieces) for each in (*piece.message.from_, *piece.message.to, *piece.message.cc)
    )
    name = next((each.name for each in people if each.address == prospect.address and each.name), "")
    return replace(prospect, name=name)


def _seen_zone(prospect: Prospect, pieces: tuple[Piece, ...], me: Me) -> str:
    """By the offset in the Date field of his newest mail (RFC 5322, 3.3)."""
    for piece in reversed(pieces):
        if not any(each.address == prospect.address for each in piece.message.from_):
            continue
        parsed = email.utils.parsedate_tz(piece.message.field("date"))
        if parsed is None or parsed[9] is None or abs(parsed[9]) > 14 * 3600:
            continue
        offset = timedelta(seconds=parsed[9])
        if zone := guess_zone(offset, piece.received_at, prospect.country, me.zone):
            return zone
    return ""
