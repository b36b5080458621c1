"""YAML 1.2 with the place of every name and value; anchors, aliases and tags are refused."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamStartEvent,
)

from inboxagent.rules.problem import Report
from inboxagent.rules.source import Piece

DEEPEST = 8

_CAUSES = (
    ("'\\t'", "a tab cannot stand here", "indent with spaces"),
    ("mapping values are not allowed", 'a second ":" in this line', 'put the value in quotes: "like: this"'),
    ("that cannot start any token", "a value cannot begin with this character", "put the value in quotes"),
    ("found unexpected end of stream", "this quotation mark is not closed", "end the value with the same mark"),
    ("found '<scalar>'", "there is text after the closing quotation mark", 'put the whole value in "double quotes"'),
    ("expected <block end>", "this line is indented unlike the ones above", "begin it below the name above"),
    ("expected ',' or", "this bracket is not closed", "close it with ] or }"),
    ("could not find expected ':'", "this is not a setting", 'a setting is written "name: value"'),
)
_OPENED_BEFORE = ("expected ',' or", "found unexpected end of stream")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """A name or a value, as text."""

    piece: Piece

    @property
    def text(self) -> str:
        """The value."""
        return self.piece.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """A list."""

    piece: Piece
    nodes: tuple["Node", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Names with their values, in the order of the file. `torn`: something in it could not be read."""

    piece: Piece
    entries: tuple[tuple[Scalar, "Node"], ...]
    torn: bool = False

    def get(self, name: str) -> "Node | None":
        """The value of a name."""
        return next((node for key, node in self.entries if key.text == name), None)


Node = Scalar | Items | Table


def read_tree(lines: Sequence[Piece], report: Report) -> Table:
    """The table that the lines hold; what cannot be read is reported, what stands before it is returned."""
    return _Reader(lines, report).read()


class _Reader:
    """Walks the events of ruamel.yaml's parser once."""

    def __init__(self, lines: Sequence[Piece], report: Report) -> None:
        self._lines = lines
        self._report = report
        self._entries: list[tuple[Scalar, Node]] = []
        self._first = lines[0] if lines else Piece(text="", line=1)

    def read(self) -> Table:
        text = "\n".join(line.text for line in self._lines) + "\n"
        torn = False
        try:
            self._read_document(iter(YAML(typ="rt", pure=True).parse(text)))
        except _RefusedError:
            torn = True
        except YAMLError as error:
            torn = True
            self._explain(error)
        return Table(piece=self._first, entries=tuple(self._entries), torn=torn)

    def _read_document(self, events: Iterator[Event]) -> None:
        event = next(events)
        while isinstance(event, StreamStartEvent | DocumentStartEvent):
            event = next(events)
        if isinstance(event, MappingStartEvent):
            self._refuse_marks(event)
            self._read_entries(events, self._entries, 0)
        elif isinstance(event, ScalarEvent | SequenceStartEvent | AliasEvent):
            self._report.error(self._piece(event), "this is not a setting", 'a setting is written "name: value"')
            raise _RefusedError

    def _read_entries(self, events: Iterator[Event], entries: list[tuple[Scalar, Node]], depth: int) -> None:
        for event in events:
            if isinstance(event, MappingEndEvent):
                return
            key = self._read_node(event, events, depth + 1)
            if not isinstance(key, Scalar):
                self._report.error(key.piece, "this is not a name", 'a setting is written "name: value"')
                raise _RefusedError
            value = _beside(key, self._read_node(next(events), events, depth + 1))
            if earlier := next((name for name, _ in entries if name.text == key.text), None):
                self._report.error(key.piece, f'"{key.text}" is given twice', f"also in line {earlier.piece.line}")
            else:
                entries.append((key, value))

    def _read_node(self, event: Event, events: Iterator[Event], depth: int) -> Node:
        self._refuse_marks(event)
        piece = self._piece(event)
        if depth > DEEPEST:
            self._report.error(piece, "brackets inside brackets inside brackets", "no setting is as deep as this")
            raise _RefusedError
        if isinstance(event, MappingStartEvent):
            entries: list[tuple[Scalar, Node]] = []
            self._read_entries(events, entries, depth)
            return Table(piece=piece, entries=tuple(entries))
        if isinstance(event, SequenceStartEvent):
            return Items(piece=piece, nodes=tuple(self._read_items(events, depth)))
        return Scalar(piece=piece)

    def _read_items(self, events: Iterator[Event], depth: int) -> Iterator[Node]:
        for event in events:
            if isinstance(event, SequenceEndEvent):
                return
            yield self._read_node(event, events, depth + 1)

    def _refuse_marks(self, event: Event) -> None:
        """Anchors, aliases and tags make a file mean what it does not say."""
        if isinstance(event, AliasEvent):
            mark = f"*{getattr(event, 'anchor', '')}"
        elif anchor := getattr(event, "anchor", None):
            mark = f"&{anchor}"
        elif tag := getattr(event, "tag", None):
            mark = str(tag).replace("tag:yaml.org,2002:", "!!")
        else:
            return
        self._report.error(
            self._piece(event), f'"{mark}" is YAML that rule files do not use', "put the value in quotes"
        )
        raise _RefusedError

    def _piece(self, event: Event) -> Piece:
        start, end = event.start_mark, event.end_mark
        line = self._line(start.line)
        stop = end.column if end.line == start.line else len(line.text.rstrip())
        shown = line.part(start.column, max(stop, start.column))
        if isinstance(event, ScalarEvent) and event.value != shown.text:
            return Piece(text=event.value, line=shown.line, column=shown.column, exact=False)
        return shown

    def _line(self, index: int) -> Piece:
        return self._lines[min(index, len(self._lines) - 1)] if self._lines else self._first

    def _explain(self, error: YAMLError) -> None:
        said = re.sub(r"\s+", " ", str(getattr(error, "problem", None) or error))
        for words, text, hint in _CAUSES:
            if words in said:
                self._report.error(self._place(error, words in _OPENED_BEFORE), text, hint)
                return
        self._report.error(self._place(error, False), f"this cannot be read as YAML: {said}")

    def _place(self, error: YAMLError, opening: bool) -> Piece:
        """The character that ruamel.yaml stumbled over, or the one that opened what was never closed."""
        mark = None
        if isinstance(error, MarkedYAMLError):
            mark = error.context_mark if opening else error.problem_mark
        if mark is None or mark.line >= len(self._lines):
            return self._line(len(self._lines)).part(0, 1)
        return self._line(mark.line).part(mark.column, mark.column + 1)


def _beside(key: Scalar, value: Node) -> Node:
    """The value; one that is not there stands behind its name, not where the parser noticed."""
    if not isinstance(value, Scalar) or value.text or value.piece.line == key.piece.line:
        return value
    return Scalar(piece=Piece(text="", line=key.piece.line, column=key.piece.column + len(key.text) + 1))


class _RefusedError(Exception):
    """The rest of the settings cannot be trusted; the reason has been reported."""
