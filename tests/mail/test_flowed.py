"""format=flowed: what it becomes, and that whoever knows the format gets the paragraphs back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inboxagent.mail.flowed import WIDTH, flow


def join(flowed: str) -> str:
    """A reader as RFC 3676, 4.1 to 4.4 describes it."""
    paragraphs, open_one = [], ""
    for line in flowed.split("\n"):
        text = line.removeprefix(" ")
        open_one += text
        if text.endswith(" ") and text != "-- ":
            continue
        paragraphs.append(open_one)
        open_one = ""
    return "\n".join([*paragraphs, open_one] if open_one else paragraphs)


def test_a_short_text_stays_as_it_is() -> None:
    assert flow("Dear Anna,\n\nyes.\n\nMaya") == "Dear Anna,\n\nyes.\n\nMaya"


def test_a_long_paragraph_goes_on_after_a_space() -> None:
    lines = flow("word " * 40).split("\n")
    assert len(lines) == 3
    assert [line.endswith(" ") for line in lines] == [True, True, False]


def test_the_signature_separator_is_no_paragraph() -> None:
    assert flow("yes\n-- \nMaya") == "yes\n-- \nMaya"


@pytest.mark.parametrize("line", ["> quoted", "From here", " indented"])
def test_what_would_be_misread_is_stuffed(line: str) -> None:
    assert flow(line) == f" {line}"


def test_a_broken_line_never_begins_with_what_would_be_misread() -> None:
    assert "\n >" in flow("x" * 72 + " > " + "y" * 20)


def test_a_word_that_fits_nowhere_is_left_whole() -> None:
    address = "https://lind.example/" + "a" * 120
    assert address in flow(f"see {address} please").split("\n")[1]


words = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=300)


@given(st.lists(words, max_size=6).map("\n".join))
def test_nothing_is_lost(text: str) -> None:
    """But for spaces at line ends, which mean something else here."""
    meant = "\n".join(line if line == "-- " else line.rstrip(" ") for line in text.split("\n"))
    assert join(flow(text)) == meant


@given(st.lists(st.text("ab ", max_size=300), max_size=4).map("\n".join))
def test_lines_are_short_where_words_are(text: str) -> None:
    longest = max((len(word) for word in text.split()), default=0)
    for line in flow(text).split("\n"):
        assert len(line.strip(" ")) <= max(WIDTH, longest)
