"""What a person reads: times on her clock, columns that stay straight, text that a terminal does not obey."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from inboxagent.cli.paper import ago, block, cells, columns, fact, paragraph, plain, when

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
STOCKHOLM = ZoneInfo("Europe/Stockholm")


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (datetime(2026, 11, 24, 8, 12, tzinfo=UTC), "Tue 24 Nov 09:12"),
        (datetime(2026, 12, 31, 23, 30, tzinfo=UTC), "Fri 1 Jan 2027 00:30"),
        (datetime(2027, 7, 1, 8, 0, tzinfo=UTC), "Thu 1 Jul 2027 10:00"),
    ],
)
def test_times_are_on_her_clock(at: datetime, words: str) -> None:
    assert when(at, STOCKHOLM, NOW) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 s ago"),
        (12, "12 s ago"),
        (119, "119 s ago"),
        (150, "2 min ago"),
        (8_000, "2 h ago"),
        (200_000, "2 days ago"),
    ],
)
def test_spans_are_rough(seconds: int, words: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == words


def test_columns_stay_straight_whatever_the_script() -> None:
    one, two = columns([("日本", "x"), ("Zoë", "y")])
    assert cells(one[: one.index("x")]) == cells(two[: two.index("y")])


def test_foreign_text_is_one_line_that_no_terminal_obeys() -> None:
    assert plain("a\x1b[31m\r\n\tb\u202e\u0000 c") == "a [31m b c"


def test_paragraphs_and_blocks_keep_to_the_width() -> None:
    long = "word " * 60
    assert all(len(line) <= 100 for line in paragraph(long, "    ", before=20).splitlines()[1:])
    assert len(paragraph(long, before=20).splitlines()[0]) <= 80
    assert all(line.startswith("  | word") and len(line) <= 100 for line in block(long, "  | ").splitlines())
    assert block("one\n\ntwo", "  | ") == "  | one\n  |\n  | two"
    assert fact("because", "it is so") == "  because     it is so"
    assert {fact(name, "|").index("|") for name in ("next", "LIST-STATUS", "SPECIAL-USE")} == {14}
