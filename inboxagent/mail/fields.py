"""Header fields as they are written: encoded words (RFC 2047) of at most 75 characters, folded lines (RFC 5322, 2.2.3).

By hand, because the standard serialiser folds at 78 columns and then hides addresses and Message-IDs of some length in
encoded words; told to fold later, it writes encoded words that are longer than mail programs need understand.
"""

import base64
import re
import string
from collections.abc import Callable, Iterable, Iterator

LINE = 78
_WORD = LINE - len("Subject: =?utf-8?q??=")  # beside the name of the field
_LONGEST_PIECE = 200
_QUOTED = re.compile(r'["\\]')
_PLAIN_PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_AS_THEY_ARE = frozenset(string.ascii_letters.encode() + string.digits.encode() + b"!*+-/")


def unstructured(name: str, value: str) -> str:
    """A field like Subject, with CRLF; from the first word that is not ASCII on, all of it is encoded."""
    words = value.split(" ")
    plain = next((place for place, word in enumerate(words) if _needs_encoding(word)), len(words))
    rest = " ".join(words[plain:])
    return _fold([f"{name}:", *words[:plain], *(_encode(rest) if rest else ())])


def mailboxes(name: str, people: Iterable[tuple[str, str]]) -> str:
    """An address field with CRLF, one mailbox a line where one line is too short; pairs of display name and addr-spec,
    the address ASCII and never touched."""
    pieces: list[str] = [f"{name}:"]
    for display_name, address in people:
        if len(pieces) > 1:
            pieces[-1] += ","
        phrase = _phrase(display_name)
        pieces += [*phrase[:-1], f"{phrase[-1]} <{address}>"] if phrase else [address]
    return _fold(pieces)


def _phrase(name: str) -> list[str]:
    """A display name as atoms, as a quoted string or as encoded words; nothing for none."""
    if not name:
        return []
    if _needs_encoding(name):
        return list(_encode(name))
    return [name if _PLAIN_PHRASE.fullmatch(name) else '"' + _QUOTED.sub(r"\\\g<0>", name) + '"']


def _needs_encoding(words: str) -> bool:
    """Also where it is too long to stand on one line, which only encoded words may be cut into."""
    return not words.isascii() or "=?" in words or len(words) > _LONGEST_PIECE


def _encode(text: str) -> Iterator[str]:
    """Encoded words, in the shorter of the two encodings, each of whole characters."""
    octets = text.encode("utf-8", "surrogatepass")
    kind, encode = ("q", _q) if len(_q(octets)) <= len(_b(octets)) else ("b", _b)
    return (f"=?utf-8?{kind}?{piece}?=" for piece in _pieces(text, encode))


def _q(octets: bytes) -> str:
    return "".join("_" if each == 32 else chr(each) if each in _AS_THEY_ARE else f"={each:02X}" for each in octets)


def _b(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")


def _pieces(text: str, encode: Callable[[bytes], str]) -> Iterator[str]:
    piece = ""
    for character in text:
        if piece and len(encode((piece + character).encode("utf-8", "surrogatepass"))) > _WORD:
            yield encode(piece.encode("utf-8", "surrogatepass"))
            piece = ""
        piece += character
    yield encode(piece.encode("utf-8", "surrogatepass"))


def _fold(pieces: Iterable[str]) -> str:
    """The pieces with a space between them, or a fold where the line would grow too long; a piece is never cut."""
    lines: list[str] = []
    for place, piece in enumerate(pieces):
        # Not right behind the name, where some would read a space into the value; and no line of nothing but spaces,
        # which would be taken for the end of the header section.
        if place == 1 or (lines and (len(lines[-1]) + 1 + len(piece) <= LINE or not piece.strip())):
            lines[-1] += " " + piece
        else:
            lines.append(" " + piece if lines else piece)
    return "".join(line + "\r\n" for line in lines)
