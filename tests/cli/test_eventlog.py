"""The log: a line an event, for a person and for a journal, without his words."""

import pytest

from inboxagent.cli.eventlog import line


@pytest.mark.parametrize(
    ("word", "fields", "expected"),
    [
        (
            "sent",
            {
                "conversation": "k7f2q",
                "because": "accepted: 250 2.0.0 ok",
                "step": "nudge",
                "address": "anna@prospect.test",
            },
            'sent k7f2q anna@prospect.test because="accepted: 250 2.0.0 ok" step=nudge',
        ),
        ("reply", {"conversation": "k7f2q", "because": 'a person writes "Yes"'}, "reply k7f2q"),
        ("not_now", {"conversation": "k7f2q", "because": 'he writes "not now"'}, "not_now k7f2q"),
        ("unsubscribe", {"conversation": "k7f2q", "because": 'he writes nothing but "stop"'}, "unsubscribe k7f2q"),
        (
            "blind",
            {"because": 'the server said "no"\r\n250 forged'},
            "blind because=\"the server said 'no' 250 forged\"",
        ),
        ("started", {"address": "maya@lind.example", "pid": 7, "step": None}, "started maya@lind.example pid=7"),
    ],
)
def test_a_line_is_a_word_and_its_fields(word: str, fields: dict[str, object], expected: str) -> None:
    assert line(word, fields) == expected
