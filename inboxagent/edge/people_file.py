"""A CSV file of people, as Excel, LibreOffice and address books write them: bytes -> rows, each with its line."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

ADDRESS = "address"
LARGEST = 10_000_000  # bytes

_ADDRESS_WORDS = ("address", "email", "e_mail", "mail", "email_address", "e_mail_address", "mail_address", "adresse")
_DELIMITERS = ",;\t|"
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


class PeopleError(ValueError):
    """The file as a whole cannot be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Row:
    """One person: the line on which the record begins, and what stands in its columns, empty cells left out."""

    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class People:
    """The columns by their names here, each with the heading in the file, the rows, and headings that nobody knows."""

    headings: Mapping[str, str]
    rows: tuple[Row, ...]
    ignored: tuple[str, ...] = ()
    problems: tuple[tuple[int, str], ...] = ()


def read_people(content: bytes, known: Iterable[str]) -> People:
    """The people in a file; `known` are the names that a column may have besides the address. Raises PeopleError.

    A problem of one row is told with its line and leaves that row out.
    """
    if len(content) > LARGEST:
        raise PeopleError(f"it is larger than {LARGEST // 1_000_000} MB")
    text = _decode(content)
    delimiter, said = _delimiter(text)
    lines = io.StringIO(text, newline="")
    if said:
        lines.readline()
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        records = list(_records(reader, 1 + said))
    except csv.Error as error:
        raise PeopleError(f"line {reader.line_num + said}: a quotation mark does not fit ({error})") from error
    if not records:
        raise PeopleError("it is empty; its first line names the columns, one of them the address")
    (_, head), *rest = records
    columns = _columns(head, tuple(known))
    rows, problems = [], []
    for line, record in rest:
        if len(record) > len(head) and any(cell.strip() for cell in record[len(head) :]):
            problems.append((line, f"{len(record)} cells where there are {len(head)} columns"))
            continue
        cells = {name: cell.strip() for name, cell in zip(columns, record, strict=False) if name and cell.strip()}
        rows.append(Row(line, cells))
    headings = {name: heading.strip() for name, heading in zip(columns, head, strict=True) if name}
    ignored = tuple(heading for name, heading in zip(columns, head, strict=True) if not name and heading.strip())
    return People(headings, tuple(rows), ignored, tuple(problems))


def _decode(content: bytes) -> str:
    """By its mark; else UTF-8 where it is that, else the encoding of Western Windows."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            try:
                return content.decode(encoding)
            except UnicodeDecodeError as error:
                raise PeopleError(f"its mark says {encoding}, but byte {error.start} is not") from error
    if b"\0" in content[:1000]:
        raise PeopleError("this is no text; save the table as CSV")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise PeopleError(f"line {line} is neither UTF-8 nor Windows text; save the table as CSV in UTF-8") from error


def _delimiter(text: str) -> tuple[str, bool]:
    """What Excel says in a first line `sep=;`, else the mark that is most frequent in the headings; whether it said."""
    first = text.partition("\n")[0]
    if said := re.fullmatch(r"sep=(.)\r?", first):
        return said[1], True
    outside = re.sub(r'"[^"]*"', "", first)
    return max(_DELIMITERS, key=lambda mark: (outside.count(mark), -_DELIMITERS.index(mark))), False


def _records(reader: Any, first: int) -> Iterable[tuple[int, list[str]]]:
    """Each record that is not empty, with the line on which it begins; `first` is the number of the reader's first."""
    line = first
    for record in reader:
        if any(cell.strip() for cell in record):
            yield line, record
        line = reader.line_num + first


def _columns(head: list[str], known: tuple[str, ...]) -> list[str]:
    """The name of each column: the address, a known field in any spelling, else none."""
    plain = {_plain(name): name for name in known}
    names = [plain.get(_plain(heading), "") for heading in head]
    if ADDRESS not in names:
        found = next((index for index, heading in enumerate(head) if _snake(heading) in _ADDRESS_WORDS), None)
        if found is None:
            raise PeopleError(f'no column is called "address" or "email"; there are: {", ".join(head)}')
        names[found] = ADDRESS
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice:
        raise PeopleError(f'two columns are called "{twice}"')
    return names


def _snake(heading: str) -> str:
    folded = unicodedata.normalize("NFKD", heading.casefold())
    return "_".join(re.findall(r"[^\W_]+", "".join(char for char in folded if not unicodedata.combining(char))))


def _plain(name: str) -> str:
    return _snake(name).replace("_", "")
