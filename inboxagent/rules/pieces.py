"""Values that are several things in one: items between commas, the two ends of a span."""

import re
from collections.abc import Iterator
from dataclasses import replace

from inboxagent.rules.problem import Report
from inboxagent.rules.source import Piece
from inboxagent.rules.tree import Items, Node, Scalar

_DASH = re.compile(r"\s*[-\u2013\u2014]\s*|\s+to\s+")
_ITEM = re.compile(r"[^,;]+")


def pieces(node: Node, report: Report) -> Iterator[Piece]:
    """The items of a list, or of a text with commas."""
    match node:
        case Scalar(piece=piece) if piece.text.strip():
            yield from items(piece)
        case Items(nodes=nodes):
            for inner in nodes:
                yield from pieces(inner, report)
        case _:
            report.error(node.piece, "a value is missing here")


def items(piece: Piece) -> Iterator[Piece]:
    """What stands between the commas."""
    for item in _ITEM.finditer(piece.text):
        yield cut(piece, item.start(), item.end())


def ends(piece: Piece) -> list[Piece]:
    """What stands before, between and after the dashes."""
    dashes = list(_DASH.finditer(piece.text))
    starts = [0, *(dash.end() for dash in dashes)]
    stops = [*(dash.start() for dash in dashes), len(piece.text)]
    return [cut(piece, start, stop) for start, stop in zip(starts, stops, strict=True)]


def cut(piece: Piece, start: int, stop: int) -> Piece:
    """A part of the piece: its text in any case, its place where that can be told."""
    part = piece.part(start, stop).strip()
    return part if part.exact else replace(part, text=piece.text[start:stop].strip())
