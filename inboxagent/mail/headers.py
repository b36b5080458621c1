"""Header field values: Message-IDs, addresses, subjects, encoded words (RFC 5322, 2047, 5256)."""

import base64
import binascii
import functools
import quopri
import re
from collections.abc import Container
from dataclasses import dataclass

# A field longer than this is an attack, not a message; whatever follows is not looked at.
LONGEST_FIELD = 65_536
LONGEST_DECODED = 16_384

# A quoted local part may hold a space or an angle bracket; everything else ends at the next bracket.
_MESSAGE_ID = re.compile(r'<"[^"<]{1,200}"@[^<>\s]{1,255}>|<[^<>]{1,988}>')
_BARE_ID = re.compile(r"[^\s<>,;()\"]{1,500}@[^\s<>,;()\"]{1,255}")
_FOLD = re.compile(r"\r?\n[ \t]+|[\r\n\t]+")
_ENCODED_WORD = re.compile(r"=\?([A-Za-z0-9_.:\-]{1,40})(?:\*[A-Za-z0-9\-]{0,20})?\?([bBqQ])\?([^?\r\n]{0,2000})\?=")
_PLAIN_ADDRESS = re.compile(
    r'(?:"([^"\\<>]{0,200})"|([^"\\<>@,;:()]{0,200}))\s?<([^\s<>@,;:()"]{1,200}@[^\s<>@,;:()"]{1,255})>'
)
_ADDR_SPEC = re.compile(r"[^\s<>@,;:()\"\[\]\\']{1,200}@[^\s<>@,;:()\"\[\]\\']{1,255}")
_LIST_TAG = re.compile(r"\[[^\[\]]{0,80}\]\s*")
_COUNTER = r"\s{0,2}(?:\[\d{1,4}\]|\(\d{1,4}\)|\^\d{1,4}|\*\d{1,4})?\s{0,2}[:：]\s*"
# Codecs whose cost grows faster than their input, or that mean host names rather than text.
_UNFIT_CODECS = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"})


@dataclass(frozen=True, slots=True)
class Address:
    """One mailbox of RFC 5322: the decoded display name and the lower-cased addr-spec."""

    name: str
    address: str


def without_detail(address: str) -> str:
    """The address whose mailbox a subaddress (RFC 5233: anna+invoices@…) belongs to; any other as it is."""
    local, at, domain = address.rpartition("@")
    user = local.partition("+")[0]
    return f"{user}{at}{domain}" if user else address


def is_one_of(address: str, addresses: Container[str]) -> bool:
    """Whether it is one of these, or a subaddress of one."""
    return address in addresses or without_detail(address) in addresses


def covering(address: str) -> tuple[str, ...]:
    """What may stand for this address on a list, lower-case: itself, the mailbox of a subaddress, @ and its domain."""
    lowered = address.lower()
    return tuple(dict.fromkeys((lowered, without_detail(lowered), "@" + lowered.rpartition("@")[2])))


def message_ids(value: str) -> tuple[str, ...]:
    """Every msg-id (RFC 5322 3.6.4) in a value, with angle brackets, byte for byte, in order, each once.

    An id split by folding is joined again; one hidden in an encoded word (some mailers encode long ids) is decoded.
    """
    value = value[:LONGEST_FIELD]
    if "=?" in value:
        value = _ENCODED_WORD.sub(lambda word: decode(word.group()), value)
    found = [_joined(match.group()) for match in _MESSAGE_ID.finditer(value)]
    ids = [each for each in found if each is not None]
    if not ids and "<" not in value:
        ids = [f"<{bare}>" for bare in _BARE_ID.findall(value)]
    return tuple(dict.fromkeys(ids))


def _joined(bracketed: str) -> str | None:
    """The id without white space that folding left in it; None for something that is no id."""
    if bracketed.startswith('<"'):
        return bracketed
    inside = _FOLD.sub("", bracketed[1:-1]).strip()
    if " " not in inside:
        return f"<{inside}>" if inside else None
    joined = inside.replace(" ", "")
    # One space is a fold that was unfolded; many are prose between brackets.
    return f"<{joined}>" if "@" in joined and inside.count(" ") <= 2 else None


def addresses(value: str) -> tuple[Address, ...]:
    """The mailboxes of an address list (RFC 5322 3.4); groups are opened, rubbish is left out."""
    value = _FOLD.sub(" ", value[:LONGEST_FIELD]).strip()
    if not value:
        return ()
    if not value.isascii():
        value = _raw_8bit(value)
    if plain := _PLAIN_ADDRESS.fullmatch(value):
        return (Address(decode(plain[1] or plain[2] or "").strip(), plain[3].lower()),)
    if _ADDR_SPEC.fullmatch(value):
        return (Address("", value.lower()),)
    return _address_list(value)


def _address_list(value: str) -> tuple[Address, ...]:
    found = _split_addresses(value)
    if not found and "=?" in value and (decoded := decode(value)) != value:
        found = _split_addresses(decoded)
    if not found:
        found = tuple(Address("", spec.lower()) for spec in _ADDR_SPEC.findall(value))
    return tuple({each.address: each for each in reversed(found)}.values())[::-1]


def _split_addresses(value: str) -> tuple[Address, ...]:
    # Loaded late, as the languages below: what only needs an Address is spared a tenth of its start.
    from email.utils import getaddresses

    pairs = getaddresses([value])
    return tuple(Address(decode(name).strip(), spec.lower()) for name, spec in pairs if _ADDR_SPEC.fullmatch(spec))


def decode(value: str | bytes) -> str:
    """The text of an unstructured value: encoded words (RFC 2047) and raw 8-bit decoded, no control characters.

    Total, and capped at 16 KB of input.
    """
    if isinstance(value, bytes):
        value = value.decode("ascii", "surrogateescape")
    value = value[:LONGEST_DECODED]
    if not value.isascii():
        value = _raw_8bit(value)
    if "=?" in value:
        value = _decode_words(value)
    return value if value.isprintable() else " ".join(_visible(value).split(" ")).strip()


def _raw_8bit(value: str) -> str:
    """Undo surrogateescape: the bytes as UTF-8, else as Latin-1."""
    octets = value.encode("utf-8", "surrogateescape")
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def _decode_words(value: str) -> str:
    """Join neighbouring encoded words of one charset before decoding: a character may be split between them."""
    pieces: list[str] = []
    charset, octets, end = "", b"", 0
    for word in _ENCODED_WORD.finditer(value):
        between = value[end : word.start()]
        if octets and (between.strip() or word[1].lower() != charset):
            pieces.append(to_text(octets, charset))
            octets = b""
        if between.strip() or not end:
            pieces.append(between)
        charset, end = word[1].lower(), word.end()
        octets += _octets(word[2], word[3])
    pieces.append(to_text(octets, charset) if octets else "")
    return "".join(pieces) + value[end:]


def _octets(encoding: str, text: str) -> bytes:
    raw = text.encode("utf-8", "surrogateescape")
    if encoding in "qQ":
        return quopri.decodestring(raw, header=True)
    try:
        return base64.b64decode(raw + b"=" * (-len(raw) % 4))
    except binascii.Error:
        return raw


def to_text(octets: bytes, charset: str) -> str:
    """Decode bytes with a declared charset; where it is unknown or a lie, as UTF-8, else as Latin-1. Total."""
    for name in (charset.strip("\"' ").lower(), "utf-8"):
        if name.replace("-", "_") in _UNFIT_CODECS:
            continue
        try:
            return octets.decode(name or "utf-8")
        except (LookupError, UnicodeError, ValueError):
            continue
    return octets.decode("latin-1")


def _visible(value: str) -> str:
    """Replace what cannot be printed by a space, but keep joiners, which some scripts need."""
    return "".join(c if c.isprintable() or c in "\u200c\u200d" else " " for c in value)


def base_subject(subject: str) -> str:
    """The base subject of RFC 5256 2.1, widened by the reply and forward prefixes of other languages and list tags."""
    subject = " ".join(subject.split())
    before = None
    while before != subject:
        before = subject
        subject = subject.removesuffix("(fwd)").removesuffix("(Fwd)").rstrip()
        subject = _without_prefixes(subject)
        if (tag := _LIST_TAG.match(subject)) and tag.end() < len(subject):
            subject = subject[tag.end() :]
    return subject


def reply_subject(subject: str) -> str:
    """The subject of an answer: "Re: " exactly once, whatever prefixes stood there; list tags stay."""
    subject = " ".join(subject.split())
    return "Re: " + _without_prefixes(subject)


def _without_prefixes(subject: str) -> str:
    pattern = _prefix_pattern()
    while match := pattern.match(subject):
        subject = subject[: match.start(1)] + subject[match.end() :]
    return subject


@functools.cache
def _prefix_pattern() -> re.Pattern[str]:
    from inboxagent.mail import languages

    words = sorted({w for pack in languages.packs() for w in pack.words("prefixes")}, key=len, reverse=True)
    choice = "|".join(re.escape(word) for word in words)
    return re.compile(rf"(?:\[[^\[\]]{{0,80}}\]\s*)?((?:{choice}){_COUNTER})", re.IGNORECASE)
