"""Dates in people's words, read by language, and the day on which an absent writer is back."""

import functools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from inboxagent.mail import languages, phrases
from inboxagent.mail.languages import Pack

LONGEST_TEXT = 6_000

_NUMERIC = re.compile(r"(?<![\d.:/\-])(\d{1,4})\s?([./\-])\s?(\d{1,2})(?:\s?\2\s?(\d{4}|\d{2}))?(?![\d:])")
_ISO = re.compile(r"(?<!\d)(\d{4})[\-./](\d{1,2})[\-./](\d{1,2})(?!\d)")
_IDEOGRAPHIC = re.compile(r"(?:(\d{4})\s?[年년]\s?)?(\d{1,2})\s?[月월]\s?(\d{1,2})\s?[日号號일]")
_TIME = re.compile(r"^\s?(?:uhr|h\b|am\b|pm\b|%|€|eur)")
_ORDINAL = r"(?:st|nd|rd|th|er|ere|eme|e|-?го|-?е|\.|º|ª|°|-?(?:a|an|en|ei|je))?"
_LINK = r"\.?\s{0,2}(?:of|de|d'|del|di|da|af|den|ngay|thang)?\s{0,2}"
_RANGE = re.compile(
    r"^\s{0,2}(?:-|–|—|to|until|till|through|bis|au|al|a|ate|do|po|tot|t/m|til|до|по|hasta|fino al"
    r"|~|〜|から|到|至)\s{0,2}"
)
# A full stop after one or two letters abbreviates, after a digit it makes an ordinal.
_SENTENCE_END = re.compile(r"[^\W\d]{3}[.](?:\s|$)|[!?](?:\s|$)|[。！？\n]")


@dataclass(frozen=True, slots=True)
class Found:
    """A day, and the words that it was read from."""

    day: date
    words: str


@dataclass(frozen=True, slots=True)
class Mention:
    """A day mentioned at a place in the text."""

    day: date
    start: int
    end: int


def find_return(text: str, language_hints: Sequence[str], now: datetime) -> Found | None:
    """The first day on which an absent writer can answer, read after words like "back on" or "until".

    Of languages those hinted at are tried first. "Until" means that he is away on that day; of two readings the later
    counts; what is past is no return.
    """
    folded = prepare(text)
    for pack in _ordered(language_hints):
        mentions = find_dates(pack, folded, now)
        back = _nearest(pack, "back", folded, mentions, now)
        away = _nearest(pack, "until", folded, mentions, now)
        best = _later(back, away and Found(away.day + timedelta(days=1), away.words))
        if best:
            return best
    return _ranged(folded, language_hints, now)


def _later(back: Found | None, until: Found | None) -> Found | None:
    """ "Back on" is plainer than "until"; it wins unless it speaks of an earlier day."""
    if back and until and timedelta(0) <= until.day - back.day <= timedelta(days=1):
        return back
    return max((each for each in (back, until) if each), key=lambda each: each.day, default=None)


def prepare(text: str) -> str:
    """Folded, with lines kept as sentence ends and digits of all scripts as ASCII."""
    lines = [phrases.fold(line) for line in text[:LONGEST_TEXT].splitlines()]
    joined = re.sub(r"(?<=[^.!?:])\n(?=[a-zà-ÿ0-9])", " ", "\n".join(lines))
    return "".join(str(unicodedata.digit(c)) if c.isdigit() and not c.isascii() else c for c in joined)


def _ordered(hints: Sequence[str]) -> list[Pack]:
    packs = [pack for pack in languages.packs() if pack.words("back")]
    hinted = [pack for hint in dict.fromkeys(hints) for pack in packs if pack.code == hint]
    return hinted or packs


def _nearest(pack: Pack, subject: str, text: str, mentions: list[Mention], now: datetime) -> Found | None:
    """The latest of the days that stand next to a phrase of a subject, in its sentence."""
    found = []
    for phrase in phrases.of(pack.code, subject):
        if not all(fragment in text for fragment in phrase.fragments):
            continue
        for match in list(phrase.pattern.finditer(text))[:20]:
            near = _beside(
                match.start(), match.end(), text, mentions, before=subject == "until" and pack.code in _POSTPOSED
            )
            if near is None:
                near = _spoken_beside(pack, match.start(), match.end(), text, now)
            if near and near.day >= now.date():
                words = text[min(match.start(), near.start) : max(match.end(), near.end)]
                found.append(Found(near.day, words))
        if found:
            break
    return max(found, key=lambda each: each.day, default=None)


# Languages in which "until" follows its day.
_POSTPOSED = frozenset({"ja", "ko", "tr", "fi", "hu", "hi"})


def _beside(start: int, end: int, text: str, mentions: list[Mention], *, before: bool) -> Mention | None:
    after = [
        m
        for m in mentions
        if m.start >= end - 2 and m.start - end < 45 and not _SENTENCE_END.search(text[end : m.start])
    ]
    ahead = [
        m
        for m in mentions
        if m.end <= start + 2 and start - m.end < 30 and not _SENTENCE_END.search(text[m.end : start])
    ]
    if before:
        return ahead[-1] if ahead else None
    return _end_of_range(after[0], mentions, text) if after else (ahead[-1] if ahead else None)


def _end_of_range(first: Mention, mentions: list[Mention], text: str) -> Mention:
    for other in mentions:
        if other.start >= first.end and _RANGE.fullmatch(text[first.end : other.start]):
            return other
    return first


def _spoken_beside(pack: Pack, start: int, end: int, text: str, now: datetime) -> Mention | None:
    """A weekday, "tomorrow" or "next week" right beside the phrase."""
    for at, window in ((end, text[end : end + 32]), (max(0, start - 24), text[max(0, start - 24) : start])):
        if cut := _SENTENCE_END.search(window):
            window = window[: cut.start()] if at == end else window[cut.end() :]
        for words, day in _spoken_days(pack, now):
            if match := words.search(window):
                return Mention(day, at + match.start(), at + match.end())
    return None


def _spoken_days(pack: Pack, now: datetime) -> Iterator[tuple[re.Pattern[str], date]]:
    today = now.date()
    for weekday, names in enumerate(pack.words("weekdays")):
        ahead = (weekday - today.weekday() - 1) % 7 + 1
        yield any_of(names), today + timedelta(days=ahead)
    for subject, ahead in (("tomorrow", 1), ("next_week", 7 - today.weekday())):
        if words := pack.words(subject):
            yield any_of("|".join(words)), today + timedelta(days=ahead)


@functools.cache
def any_of(alternatives: str) -> re.Pattern[str]:
    """A pattern for names separated by "|", a `*` standing for any ending; longest first."""
    names = sorted((phrases.fold(name) for name in alternatives.split("|")), key=len, reverse=True)
    pieces = [re.escape(name).replace(r"\*", r"\w{0,8}") for name in names]
    spaced = not phrases.UNSPACED.search(names[0])
    return re.compile(rf"(?<!\w)(?:{'|'.join(pieces)})(?!\w)" if spaced else f"(?:{'|'.join(pieces)})")


def find_dates(pack: Pack, text: str, now: datetime) -> list[Mention]:
    """Every full date in the text, in its order, as this language reads it."""
    found = [*_iso(text), *_ideographic(text, now), *_named(pack, text, now), *_numeric(pack, text, now)]
    taken: list[Mention] = []
    for mention in found:
        if all(mention.end <= other.start or mention.start >= other.end for other in taken):
            taken.append(mention)
    return sorted(taken, key=lambda mention: mention.start)


def _iso(text: str) -> Iterator[Mention]:
    for match in _ISO.finditer(text):
        if day := _day(int(match[1]), int(match[2]), int(match[3])):
            yield Mention(day, match.start(), match.end())


def _ideographic(text: str, now: datetime) -> Iterator[Mention]:
    for match in _IDEOGRAPHIC.finditer(text):
        if day := _in_year(match[1], int(match[2]), int(match[3]), now):
            yield Mention(day, match.start(), match.end())


def _named(pack: Pack, text: str, now: datetime) -> Iterator[Mention]:
    for number, patterns in enumerate(_month_patterns(pack), 1):
        for pattern in patterns:
            for match in pattern.finditer(text):
                fields = match.groupdict()
                if day := _in_year(fields["year"], number, int(fields["day"]), now):
                    yield Mention(day, match.start(), match.end())


@functools.cache
def _month_patterns(pack: Pack) -> tuple[tuple[re.Pattern[str], ...], ...]:
    return tuple(_patterns_of(any_of(names).pattern) for names in pack.words("months"))


def _patterns_of(name: str) -> tuple[re.Pattern[str], ...]:
    year = r"(?P<year>\d{4})"
    return (
        re.compile(rf"{year}\.?,?\s{{0,2}}(?:ev\s)?{name}\.?\s{{0,2}}(?P<day>\d{{1,2}})(?!\d)"),
        re.compile(
            rf"(?<![\d.:])(?P<day>\d{{1,2}}){_ORDINAL}{_LINK}{name}(?:[.,]?\s{{0,2}}(?:de\s|del\s|of\s|nam\s)?{year})?"
        ),
        re.compile(
            rf"{name}\.?\s{{1,2}}(?:the\s)?(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)?(?![\d:])(?:,?\s{{1,2}}{year})?"
        ),
    )


def _numeric(pack: Pack, text: str, now: datetime) -> Iterator[Mention]:
    for match in _NUMERIC.finditer(text):
        first, second = int(match[1]), int(match[3])
        if first > 31 or _TIME.match(text[match.end() :]) or (match[2] == "-" and not match[4]):
            continue
        orders = {"dmy": [(second, first)], "ymd": [(first, second)]}.get(
            pack.order, [(first, second), (second, first)]
        )
        readings = [_in_year(match[4], month, day, now) for month, day in orders]
        fit = [day for day in readings if day] or [d for d in [_in_year(match[4], first, second, now)] if d]
        if fit:
            yield Mention(_likelier(fit, now), match.start(), match.end())


def _likelier(readings: list[date], now: datetime) -> date:
    """Of two readings the later, unless that is more than four months ahead."""
    near = [day for day in readings if timedelta(0) <= day - now.date() <= timedelta(days=120)]
    return max(near or readings)


def _in_year(year: str | None, month: int, day: int, now: datetime) -> date | None:
    """A day of a year that may be missing: then the next such day, unless it passed less than two months ago."""
    if year:
        number = int(year) + (2000 if len(year) == 2 else 0)
        return _day(number - 543 if number > 2400 else number, month, day)
    found = _day(now.year, month, day)
    return _day(now.year + 1, month, day) if found and found < now.date() - timedelta(days=60) else found


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day) if 1970 <= year <= 2200 else None
    except ValueError:
        return None


def _ranged(text: str, hints: Sequence[str], now: datetime) -> Found | None:
    """The day after a range of dates ("2 - 13 March") where no word says more."""
    for pack in _ordered(hints):
        mentions = find_dates(pack, text, now)
        for mention in mentions:
            before = text[max(0, mention.start - 14) : mention.start]
            started = any(
                other.end <= mention.start and _RANGE.fullmatch(text[other.end : mention.start]) for other in mentions
            )
            if mention.day >= now.date() and (
                started
                or re.search(
                    r"\d{1,2}(?:st|nd|rd|th|er|\.)?\s{0,2}(?:-|–|—|to|till|until|bis|au|al|a|do|til|tot)\s{0,2}$",
                    before,
                )
            ):
                return Found(mention.day + timedelta(days=1), text[max(0, mention.start - 14) : mention.end])
    return None
