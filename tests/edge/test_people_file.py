"""CSV files of people: encodings, delimiters, headings in any spelling, bad rows by their lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inboxagent.edge.people_file import PeopleError, read_people

KNOWN = ("address", "first_name", "company", "value")
TABLE = "E-Mail;First Name;Company\njürgen@firma.test;Jürgen;Müller & Söhne\nanna@prospect.test;Anna;\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_any_common_encoding_and_delimiter(encoding: str, delimiter: str, end: str) -> None:
    content = TABLE.replace(";", delimiter).replace("\n", end).encode(encoding)
    people = read_people(content, KNOWN)
    assert [row.line for row in people.rows] == [2, 3]
    assert people.rows[0].cells == {
        "address": "jürgen@firma.test",
        "first_name": "Jürgen",
        "company": "Müller & Söhne",
    }
    assert people.rows[1].cells == {"address": "anna@prospect.test", "first_name": "Anna"}
    assert people.headings == {"address": "E-Mail", "first_name": "First Name", "company": "Company"}


def test_cells_with_line_breaks_keep_the_lines_right() -> None:
    content = b'address,company\na@x.test,"two\nlines"\n\nb@x.test,"quoted ""name"""\n'
    people = read_people(content, KNOWN)
    assert [(row.line, row.cells["company"]) for row in people.rows] == [(2, "two\nlines"), (5, 'quoted "name"')]


def test_the_line_that_excel_puts_first() -> None:
    people = read_people(b"sep=;\r\naddress;company\r\na@x.test;A, B and C\r\n", KNOWN)
    assert (people.rows[0].line, people.rows[0].cells["company"]) == (3, "A, B and C")


def test_a_row_with_too_many_cells_is_named_and_left_out() -> None:
    people = read_people(b"address,company\na@x.test,A,B\nb@x.test,B\n", KNOWN)
    assert people.problems == ((2, "3 cells where there are 2 columns"),)
    assert [row.line for row in people.rows] == [3]


def test_columns_that_nobody_knows_are_told() -> None:
    people = read_people(b"address,Shoe size,FIRSTNAME\na@x.test,38,Anna\n", KNOWN)
    assert people.ignored == ("Shoe size",)
    assert people.rows[0].cells == {"address": "a@x.test", "first_name": "Anna"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it is empty"),
        (b"name,company\nAnna,A\n", 'no column is called "address" or "email"; there are: name, company'),
        (b"email,company,company\na@x.test,A,B\n", 'two columns are called "company"'),
        (b"PK\x03\x04\x00\x00", "save the table as CSV"),
        (b"\xff\xfea", "its mark says utf-16"),
        (b"email,company\na@x.test,A\nb@x.test,\x81\n", "line 3 is neither UTF-8 nor Windows text"),
        (b'email,company\na@x.test,"A\nb@x.test,B\n', "line 3: a quotation mark does not fit"),
        (b'sep=;\nemail;company\na@x.test;"A"s\n', "line 3: a quotation mark does not fit"),
    ],
)
def test_what_is_no_such_table_says_why(content: bytes, words: str) -> None:
    with pytest.raises(PeopleError, match=words):
        read_people(content, KNOWN)


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    try:
        people = read_people(content, KNOWN)
    except PeopleError:
        return
    assert all(row.cells.keys() <= set(KNOWN) for row in people.rows)
