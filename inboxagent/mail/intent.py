"""What a person wants, read from his own words; only what is plain counts, everything else is just an answer."""

import functools
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from inboxagent.mail import phrases
from inboxagent.mail.dates import Found
from inboxagent.mail.later import find_later

LONGEST_PLAIN = 700
LONGEST_STOP = 2_000

_WORD = re.compile(r"[^\W_]+(?:['\-·][^\W_]+)*")
_NEGATED = re.compile(
    r"(?:\bnot|n't|\bnever|\bno need to|\bwithout|\binstead of|\bnicht zu|\bwon't have to)\s(?:\w+\s)?$"
)
_QUESTION = re.compile(r"[?？؟]")
_CLOCK = re.compile(r"\b\d{1,2}[:.h]\d\d\b|\b\d{1,2}\s?(?:am|pm|uhr|h)\b")
_SENTENCE = re.compile(r"(?<=[.!?。！？؟])\s+|\n+")
SOON = timedelta(days=13)


@dataclass(frozen=True, slots=True)
class Later:
    """ "Not now": the words that say so, and the day from which to write again if he named one."""

    because: str
    after: date | None


def opt_out(text: str) -> str:
    """The words with which he wants no more mail; empty where he does not plainly say so."""
    words = bare(text)
    if words and words in _opt_out_words():
        return text.strip()[:80]
    if len(text) > LONGEST_STOP or not (phrases.find("stop_phrases", text) or phrases.find("from_list", text)):
        return ""
    for sentence in _SENTENCE.split(text)[:60]:
        hit = phrases.find("stop_phrases", sentence) or _from_list(sentence)
        if hit and not _negated(hit, sentence):
            return sentence.strip()[:120]
    return ""


def _from_list(sentence: str) -> phrases.Hit | None:
    """A word of removal and "from your list" of one language in one sentence."""
    for listed in phrases.find_all("from_list", sentence):
        for removed in phrases.find_all("remove", sentence):
            if removed.language == listed.language:
                return listed
    return None


def _negated(hit: phrases.Hit, sentence: str) -> bool:
    folded = phrases.fold(sentence)
    return bool(_NEGATED.search(folded[: hit.start]))


def bare(text: str) -> str:
    """Folded words without punctuation and courtesy; empty where there are too many to be an agreed phrase."""
    if len(text.strip()) > 250:
        return ""
    courtesy = _courtesy()
    return " ".join(word for word in _WORD.findall(phrases.fold(text)) if word not in courtesy)


@functools.cache
def _courtesy() -> frozenset[str]:
    return frozenset(word for phrase in phrases.words("courtesy") for word in phrase.split())


@functools.cache
def _opt_out_words() -> frozenset[str]:
    return frozenset(each for phrase in phrases.words("stop_words") if (each := bare(phrase)))


def not_now(text: str, now: datetime) -> Later | None:
    """A plain "later": he puts it off, or asks to be written to again, and says when or that he cannot say."""
    if not text.strip() or len(text) > LONGEST_PLAIN or _asks_something_else(text) or _CLOCK.search(text):
        return None
    put_off, again = phrases.find_all("not_now", text), phrases.find_all("again", text)
    languages = list(dict.fromkeys(hit.language for hit in [*put_off, *again]))
    found = find_later(text, languages, now) if languages else None
    if found and (put_off or found.day - now.date() > SOON):
        return Later(_because(put_off or again, found), found.day)
    if put_off and not found and (vague := phrases.find("vague_later", text)):
        return Later(f'he writes "{put_off[0].words}", "{vague.words}"', None)
    return None


def _because(hits: list[phrases.Hit], found: Found) -> str:
    return f'he writes "{hits[0].words}", "{found.words}"'


def asks(text: str) -> bool:
    """Whether his words hold a question."""
    return bool(_QUESTION.search(text))


def _asks_something_else(text: str) -> bool:
    """A question that is not itself the request to come back later."""
    asked = [sentence for sentence in _SENTENCE.split(text) if _QUESTION.search(sentence)]
    return any(not phrases.find("again", sentence) for sentence in asked)


def intent(text: str) -> str | None:
    """Refusal, promise or question, where it is plain; else None."""
    if asks(text):
        return "question"
    if text.strip() and len(text) <= LONGEST_PLAIN:
        return next((name for name in ("refusal", "promise") if phrases.find(name, text)), None)
    return None
