"""Until when somebody who promises an answer wants to be left in peace: "by Friday", "next week", "in two weeks"."""

import calendar
import re
from datetime import date, datetime, timedelta

from inboxagent.mail import languages, phrases
from inboxagent.mail.dates import Found, any_of, find_dates, prepare, spoken_days
from inboxagent.mail.languages import Pack
from inboxagent.mail.later import find_span

_SENTENCE = re.compile(r"(?<=[.!?。！？؟])\s+|\n{2,}")


def find_promised(text: str, now: datetime) -> Found | None:
    """The last day of the time that a promise names in its own sentence; None where it names none."""
    for sentence in _SENTENCE.split(text[:2_000])[:40]:
        spoken = {hit.language for hit in phrases.find_all("promise", sentence)}
        for pack in (pack for pack in languages.packs() if pack.code in spoken):
            if found := _last_day(pack, prepare(sentence), now):
                return found
    return None


def _last_day(pack: Pack, text: str, now: datetime) -> Found | None:
    today = now.date()
    if ahead := [mention for mention in find_dates(pack, text, now) if mention.day >= today]:
        return Found(ahead[-1].day, text[ahead[-1].start : ahead[-1].end])
    return _last_of_period(pack, text, today) or find_span(pack, text, now, least=1) or _spoken(pack, text, now)


def _last_of_period(pack: Pack, text: str, today: date) -> Found | None:
    """The Sunday of next week, the last day of next month."""
    if words := _named(pack, "next_week", text):
        return Found(today + timedelta(days=13 - today.weekday()), words)
    if words := _named(pack, "next_month", text):
        first = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
        return Found(first.replace(day=calendar.monthrange(first.year, first.month)[1]), words)
    return None


def _named(pack: Pack, subject: str, text: str) -> str:
    words = pack.words(subject)
    match = any_of("|".join(words)).search(text) if words else None
    return match.group() if match else ""


def _spoken(pack: Pack, text: str, now: datetime) -> Found | None:
    """A weekday or "tomorrow"; of several the last."""
    days = [Found(day, match.group()) for words, day in spoken_days(pack, now) if (match := words.search(text))]
    return max(days, key=lambda each: each.day, default=None)
