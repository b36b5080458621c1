"""No regular expression of the mail package explodes: each is tried on long texts of its own that almost match."""

import importlib
import inspect
import itertools
import pkgutil
import re
import time
from collections.abc import Iterator
from re import _parser  # type: ignore[attr-defined]  # the only reader of patterns there is
from typing import Any

import pytest

import inboxagent.mail
from inboxagent.mail import dates, headers, languages, later, phrases

LONG, SHORT = phrases.LONGEST_TEXT, 2_048
# Seconds of CPU for one pattern on one text; an honest one needs thousandths, a cube more than one.
MOST = {LONG: 0.5, SHORT: 0.1}
UNENDING = 40
SAMPLE_LENGTH = 1_000


def modules() -> list[str]:
    found = pkgutil.walk_packages(inboxagent.mail.__path__, "inboxagent.mail.")
    return [each.name for each in found if not each.ispkg]


def module_patterns() -> Iterator[tuple[str, re.Pattern[Any]]]:
    for name in modules():
        for attribute, value in vars(importlib.import_module(name)).items():
            if isinstance(value, re.Pattern):
                yield f"{name}.{attribute}", value


def phrase_patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    for subject in sorted({subject for pack in languages.packs() for subject in pack.lists}):
        for phrase in phrases.phrases(subject):
            yield f"{phrase.language} {subject}", phrase.pattern


def date_patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    """What is built of the names of months, weekdays, seasons and units."""
    for pack in languages.packs():
        for subject in (
            "months",
            "weekdays",
            "seasons",
            "numbers",
            "ordinals",
            "quarter",
            "ago",
            "tomorrow",
            "next_week",
        ):
            for names in pack.words(subject):
                yield f"{pack.code} {subject}", dates.any_of(names)
        for pattern in itertools.chain(*dates._month_patterns(pack)):
            yield f"{pack.code} a day of a month", pattern
        for unit in ("day", "week", "month", "year"):
            yield f"{pack.code} some {unit}s", later._span_pattern(pack, unit)
        for pattern in later._quarter_patterns(pack):
            yield f"{pack.code} a quarter", pattern
    yield "subject prefixes", headers._prefix_pattern()


def sample(tree: Any, pick: int) -> str:
    """A text that a parsed pattern matches, but for its assertions; repetitions as often as they may, at most 40."""
    return "".join(itertools.islice(itertools.chain.from_iterable(_samples(tree, pick)), SAMPLE_LENGTH))


def _samples(tree: Any, pick: int) -> Iterator[str]:
    for operation, argument in tree:
        match str(operation):
            case "LITERAL":
                yield chr(argument)
            case "NOT_LITERAL" | "ANY":
                yield "a"
            case "IN":
                yield _member(argument, pick)
            case "BRANCH":
                yield sample(argument[1][pick % len(argument[1])], pick)
            case "SUBPATTERN":
                yield sample(argument[3], pick)
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                least, most, inner = argument
                yield sample(inner, pick) * max(least, min(most, UNENDING))
            case _:  # assertions, ends, groups named again
                pass


def _member(members: Any, pick: int) -> str:
    """One character of a set; of a negated one a letter."""
    if str(members[0][0]) == "NEGATE":
        return "a"
    operation, argument = members[pick % len(members)]
    match str(operation):
        case "LITERAL":
            return chr(argument)
        case "RANGE":
            return chr(argument[0])
        case _:
            return {"CATEGORY_DIGIT": "1", "CATEGORY_SPACE": " "}.get(str(argument), "a")


def near_misses(pattern: re.Pattern[Any], picks: int, length: int) -> Iterator[str]:
    """Long texts of the pattern's own stuff that it all but matches."""
    tree = _parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE if isinstance(pattern.pattern, bytes) else 0)
    for pick in range(picks):
        whole = sample(tree, pick) or "a"
        part, middle = whole[:-1] or whole, len(whole) // 2
        yield (part * (length // len(part) + 1))[:length]
        yield (whole * (length // len(whole) + 1))[: length - 1] + "\0"
        yield whole[:middle] + whole[middle] * (length - middle) + "\0"


def is_slow(pattern: re.Pattern[Any], picks: int, length: int) -> bool:
    """Whether it took too long on one of its near misses, twice: the machine may have been busy once."""
    return any(took(pattern, text) > MOST[length] < took(pattern, text) for text in near_misses(pattern, picks, length))


def took(pattern: re.Pattern[Any], text: str) -> float:
    subject: Any = text.encode("utf-8", "replace") if isinstance(pattern.pattern, bytes) else text
    started = time.process_time()
    for _ in itertools.islice(pattern.finditer(subject), 500):
        pass
    return time.process_time() - started


@pytest.mark.parametrize("pattern", [pytest.param(pattern, id=name) for name, pattern in module_patterns()])
def test_patterns_of_the_modules(pattern: re.Pattern[Any]) -> None:
    assert not is_slow(pattern, picks=4, length=LONG)


def test_patterns_of_phrases() -> None:
    assert [name for name, pattern in phrase_patterns() if is_slow(pattern, picks=1, length=SHORT)] == []


def test_patterns_of_dates_and_prefixes() -> None:
    assert [name for name, pattern in date_patterns() if is_slow(pattern, picks=1, length=SHORT)] == []


def test_the_trial_finds_a_pattern_that_explodes() -> None:
    assert is_slow(re.compile(r"x\s*\s*\s*y"), picks=1, length=SHORT)


def test_no_pattern_is_hidden_from_the_trial() -> None:
    """A pattern that is made where it is used could not be listed; those built of words are, above."""
    used = re.compile(r"^[ \t]+.*\bre\.(?:search|match|fullmatch|findall|finditer|split|sub)\(", re.MULTILINE)
    built = re.compile(r"^[ \t]+.*\bre\.compile\(", re.MULTILINE)
    sources = {name: inspect.getsource(importlib.import_module(name)) for name in modules()}
    assert [name for name, source in sources.items() if used.search(source)] == []
    builders = {name.rpartition(".")[2] for name, source in sources.items() if built.search(source)}
    assert builders == {"dates", "headers", "later", "phrases"}
