"""Events go to JSON and come back the same, every field of them."""

import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inboxagent.mail.headers import Address
from inboxagent.outreach.events import By, Event, Word, from_json, to_json
from inboxagent.outreach.model import Enrolment, Mail, Prospect

AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)

text = st.text(st.characters(), max_size=12) | st.just("<caf\udce9@prospect.test>")
texts = st.lists(text, max_size=3).map(tuple)
zones = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
instants = st.builds(lambda zone, seconds: datetime.fromtimestamp(seconds, zone), zones, st.floats(1e6, 4e9))
people = st.builds(Address, name=text, address=text)
crowds = st.lists(people, max_size=2).map(tuple)
mails = st.builds(
    Mail,
    message_id=text,
    at=instants,
    subject=text,
    from_=people,
    to=crowds,
    cc=crowds,
    reply_to=crowds,
    references=texts,
)
prospects = st.builds(
    Prospect, address=text, name=text, fields=st.dictionaries(text, text, max_size=2), aliases=texts, seen_zone=text
)
enrolments = st.builds(
    Enrolment,
    sequence=text,
    prospect=prospects,
    latest=st.none() | mails,
    touches=st.integers(0, 9),
    last_touch_at=st.none() | instants,
    thread=texts,
    history=texts,
    start=st.none() | text,
    tone=st.none() | text,
    pace=st.none() | st.floats(0.1, 10),
    origin=st.none() | text,
    subject=st.none() | text,
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "at": instants,
    "word": st.sampled_from(Word),
    "because": text,
    "by": st.sampled_from(By),
    "message_id": st.none() | text,
    "step": st.none() | text,
    "attempt": st.none() | st.integers(0, 5),
    "address": st.none() | text,
    "permanent": st.none() | st.booleans(),
    "until": st.none() | instants,
    "text": st.none() | text,
    "mail": st.none() | mails,
    "enrolment": st.none() | enrolments,
    "variant": st.none() | text,
}
events = st.builds(Event, **FIELDS)


def test_no_field_is_forgotten_here() -> None:
    assert set(FIELDS) == {each.name for each in fields(Event)}


@given(events)
def test_an_event_comes_back_the_same(event: Event) -> None:
    on_disk = json.dumps(to_json(event))
    assert from_json(json.loads(on_disk)) == event


def test_instants_are_written_in_utc() -> None:
    stockholm = timezone(timedelta(hours=1))
    event = Event(at=datetime(2026, 11, 2, 10, 0, tzinfo=stockholm), word=Word.NOTE, because="a test")
    assert to_json(event) == {"at": "2026-11-02T09:00:00Z", "word": "note", "because": "a test"}


def test_what_a_newer_version_added_is_passed_over() -> None:
    event = Event(at=AT, word=Word.NOTE, because="a test")
    assert from_json({**to_json(event), "mood": "good"}) == event


@pytest.mark.parametrize("broken", [{"word": "applauded"}, {"at": "yesterday"}, {"by": "nobody"}, {"at": "2026-11-02"}])
def test_what_is_no_event_is_refused(broken: dict[str, str]) -> None:
    with pytest.raises(ValueError):
        from_json({**to_json(Event(at=AT, word=Word.NOTE, because="a test")), **broken})


@pytest.mark.parametrize("missing", ["at", "word", "because"])
def test_what_lacks_the_essential_is_refused(missing: str) -> None:
    document = to_json(Event(at=AT, word=Word.NOTE, because="a test"))
    del document[missing]
    with pytest.raises(KeyError):
        from_json(document)


def test_an_instant_without_a_zone_is_refused() -> None:
    event = Event(at=AT, word=Word.HELD, because="a test")
    with pytest.raises(ValueError, match="aware"):
        replace(event, at=datetime(2026, 11, 2, 9, 0))  # noqa: DTZ001
    with pytest.raises(ValueError, match="aware"):
        replace(event, until=datetime(2026, 11, 2, 9, 0))  # noqa: DTZ001
