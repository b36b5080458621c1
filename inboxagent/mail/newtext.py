"""What he himself wrote: the text of an answer without quotation, signature, footers and our own words."""

import functools
import re
from collections.abc import Iterable

from inboxagent.mail import html, languages, phrases
from inboxagent.mail.inbound import Inbound

MOST_ATTRIBUTION_LINES = 4
# Looking for one costs a search in forty languages; further down nobody begins to quote.
LATEST_ATTRIBUTION = 600
HEADER_BLOCK_LINES = 8
LONGEST_FOOTER = 300

_QUOTED = re.compile(r"\s{0,3}(?:[>|＞]|[A-Z]{1,2}>(?:\s|$))")
_OPEN_BRACKET = re.compile(r"<[^<>\s]{0,200}$")
_CLOSE_BRACKET = re.compile(r"[^\s<>]{0,200}>")
_YEAR_OR_TIME = re.compile(
    r"(?<!\d)\d{1,2}\s?[:.h時点점시]\s?\d\d(?!\d)|(?<!\d)(?:19|20|25)\d\d(?!\d)|(?<!\d)\d{1,2}[./\-]\s?\d{1,2}[./\-]\s?\d\d"
)
_FULL_TIME = re.compile(r"(?:19|20)\d\d.{1,12}\d{1,2}:\d\d")
# Google Mail without the address: "2016-03-03 17:21 GMT+01:00 Some One".
_STAMPED = re.compile(r"\d{4}-\d\d-\d\d \d{1,2}:\d\d (?:GMT|UTC)[+\-]\d{1,2}:\d\d \S.{0,80}")
_ADDRESS = re.compile(r"[^\s<>@]{1,100}@[^\s<>@]{1,100}")
_LABELLED = re.compile(r"\s{0,12}[*_]{0,2}([^\W\d_][^:：\n<>@*]{0,24}?)\s?[*_]{0,2}\s?[:：][*_]{0,2}(?:\s|$|(?<=：))")
_RULE = re.compile(r"\s{0,3}(?:_{8,}|\*{5,}|={8,}|-{5,}|-{2,}\s?[^\s-][^\n]{2,60}?\s?-{2,})\s{0,3}")
_SIGNATURE = re.compile(r"\s{0,2}(?:-- ?|--\xa0|—|__|—–)\s{0,2}")
_ORNAMENT = re.compile(r"[\s=_*#~\-–—ᐧ·.]{1,200}")
_EMPTY_LINES = re.compile(r"\n{3,}")
_DASHES = re.compile(r"^[\s\-–—>*|]+|[\s\-–—*|]+$")


def new_text(message: Inbound, ours: Iterable[str] = ()) -> str:
    """The words of his own in an answer, lines kept; `ours` are texts that we sent, whose lines are left out.

    Empty where he added nothing: our own words coming back are never taken for his.
    """
    source = message.text if message.has_plain else html.own_text(message.html)
    text = phrases.unseen_removed(source[:262_144]).replace("\xa0", " ")
    lines = [line.rstrip() for line in text.splitlines()[: phrases.MOST_LINES]]
    kept = _without_quotation(_joined_brackets(lines))
    if len(kept) == len(lines):
        kept = _up_to_footer(kept)
    kept = _without_disclaimer(_without_signature(kept))
    return _tidy(_without_ours(kept, ours))


def marked_lines(message: Inbound, ours: Iterable[str] = ()) -> tuple[tuple[bool, str], ...]:
    """Every line of the text that is not empty, each with whether `new_text` keeps it."""
    kept = [line.strip() for line in new_text(message, ours).splitlines() if line.strip()][::-1]
    marked = []
    for line in phrases.lines(phrases.unseen_removed(message.text)):
        is_his = bool(kept) and line.strip().replace("\xa0", " ") == kept[-1][: phrases.LONGEST_LINE].strip()
        if is_his:
            kept.pop()
        marked.append((is_his, line))
    return tuple(marked)


def _joined_brackets(lines: list[str]) -> list[str]:
    """Addresses that line wrapping tore apart after their opening bracket, put together again."""
    joined: list[str] = []
    for line in lines:
        torn = joined and _OPEN_BRACKET.search(joined[-1][-300:]) and _CLOSE_BRACKET.match(line)
        if torn and not line.startswith("> "):
            joined[-1] += line
        else:
            joined.append(line)
    return joined


def _without_quotation(lines: list[str]) -> list[str]:
    """Quoted lines and what introduces them go; answers between them stay; an unmarked original ends the text."""
    kept: list[str] = []
    at = 0
    possible = _possible_attributions(lines)
    while at < len(lines):
        height = attribution(lines, at) if at in possible else 0
        if _QUOTED.match(lines[at]) or _is_wrapped_quotation(lines, at):
            at += 1
        elif height:
            at += height
            if kept and any(line.strip() for line in kept) and not _quotation_follows(lines, at):
                break
        elif _starts_original(lines, at):
            break
        else:
            kept.append(lines[at])
            at += 1
    return kept


def _possible_attributions(lines: list[str]) -> frozenset[int]:
    """Where an introduction may begin: a few lines before an address, a stamp, a colon at the end, or a quotation."""
    found: set[int] = set()
    for at, line in enumerate(lines[: LATEST_ATTRIBUTION + 2 * MOST_ATTRIBUTION_LINES]):
        if line and (line[-1] in ":：-–—*|>" or "@" in line or "GMT" in line or "UTC" in line):
            found.update(range(at - MOST_ATTRIBUTION_LINES + 1, at + 1))
        if _QUOTED.match(line):
            found.update(range(at - 2 * MOST_ATTRIBUTION_LINES, at))
    return frozenset(at for at in found if at < LATEST_ATTRIBUTION)


def _is_wrapped_quotation(lines: list[str], at: int) -> bool:
    """The tail of a long quoted line that a mail program wrapped, or tore apart at a soft break, without marking it."""
    if not 0 < at < len(lines) - 1 or not (lines[at][:1].islower() or lines[at - 1].endswith("=")):
        return False
    return bool(_QUOTED.match(lines[at - 1]) and len(lines[at - 1]) >= 60 and _QUOTED.match(lines[at + 1]))


def _quotation_follows(lines: list[str], at: int) -> bool:
    return bool(_QUOTED.match(next((line for line in lines[at : at + 4] if line.strip()), "")))


def attribution(lines: list[str], at: int) -> int:
    """How many lines from here on introduce a quotation ("On ... he wrote:"), in whatever language; 0 for none.

    It names a time and an address, or a time and a verb of writing, and ends in a colon or that verb; right before
    quoted lines a time and an address are enough.
    """
    if not lines[at].strip() or (
        at and lines[at - 1].strip() and not _QUOTED.match(lines[at - 1]) and not _may_begin(lines[at])
    ):
        return 0
    for height in range(1, MOST_ATTRIBUTION_LINES + 1):
        block = [line.strip() for line in lines[at : at + height]]
        if len(block) < height or not block[-1] or _QUOTED.match(lines[at + height - 1]):
            return 0
        quoted = _quotation_follows(lines, at + height)
        if _introduces(" ".join(block)[:400], quoted=quoted):
            # What stands before a complete attribution is his own.
            shorter = height > 1 and not _names(block[0]) and _introduces(" ".join(block[1:]), quoted=quoted)
            return 0 if shorter else height
    return 0


def _names(line: str) -> bool:
    """Whether a line names a time or an address, as the first line of an attribution does."""
    return bool(_YEAR_OR_TIME.search(line) or _ADDRESS.search(line) or line.lower() in ("on", "am", "le"))


def _may_begin(line: str) -> bool:
    return bool(_YEAR_OR_TIME.search(line[:200]))


def _introduces(words: str, *, quoted: bool) -> bool:
    words = _DASHES.sub("", words)
    if _STAMPED.fullmatch(words):
        return True
    if not words or len(words) > 330 or not _YEAR_OR_TIME.search(words):
        return bool(quoted and words.endswith((":", "：")) and phrases.ends("writes", words.rstrip(":： ")))
    colon = words.endswith((":", "："))
    address = bool(_ADDRESS.search(words))
    if colon and (quoted or address):
        return True
    if quoted and len(words) < 100 and _FULL_TIME.search(words) and not words.endswith((".", "!", "?")):
        return True
    return bool((quoted and address and words.endswith(">")) or _ends_in_writing(words, colon=colon, address=address))


def _ends_in_writing(words: str, *, colon: bool, address: bool) -> bool:
    if colon:
        return bool(phrases.find("writes", words))
    return address and phrases.ends("writes", words)


def _starts_original(lines: list[str], at: int) -> bool:
    """Whether the message that was answered begins here: a separator with a header block, or the block alone."""
    line = lines[at][: phrases.LONGEST_LINE]
    if _RULE.fullmatch(line):
        return _is_header_block(_next_lines(lines, at + 1)) or bool(phrases.find("separators", line))
    return bool(_LABELLED.match(line)) and _is_header_block(lines[at : at + HEADER_BLOCK_LINES])


def _next_lines(lines: list[str], at: int) -> list[str]:
    while at < len(lines) and not lines[at].strip():
        at += 1
    return lines[at : at + HEADER_BLOCK_LINES]


def _is_header_block(lines: list[str]) -> bool:
    """Labelled lines in a row: two or more whose labels a language knows, beginning with a sender or a date, or three
    of any language with an address and a date among them."""
    labels: list[str] = []
    block: list[str] = []
    for line in lines:
        match = _LABELLED.match(line[: phrases.LONGEST_LINE])
        if match:
            labels.append(phrases.fold(match[1]))
        elif not labels or not line.strip() or len(labels) == len(block) - 1:
            break
        block.append(line)
    known = sum(label in phrases.words("labels") for label in labels)
    text = "\n".join(block)
    if labels and labels[0] in _first_labels() and (known >= 3 or (known == 2 and _ADDRESS.search(text))):
        return True
    return len(labels) >= 3 and bool(_YEAR_OR_TIME.search(text) and _ADDRESS.search(text))


@functools.cache
def _first_labels() -> frozenset[str]:
    """The labels with which header blocks begin: the first three of each language name the sender and the time."""
    packs = languages.packs()
    return frozenset(phrases.fold(label) for pack in packs for label in pack.words("labels")[:3])


def _without_signature(lines: list[str]) -> list[str]:
    """The signature goes from its delimiter (RFC 3676 4.3) on; footers of mail programs go line by line."""
    fenced = False
    for at, line in enumerate(lines):
        fenced ^= line.lstrip().startswith("```")
        if at and not fenced and _SIGNATURE.fullmatch(line) and any(each.strip() for each in lines[:at]):
            lines = lines[:at]
            break
    return [line for line in lines if not _is_footer(line)]


def _up_to_footer(lines: list[str]) -> list[str]:
    """Where nothing is marked as quoted, what follows the footer of a mail program is not his."""
    for at, line in enumerate(lines):
        alone = at and not lines[at - 1].strip() and not any(each.strip() for each in lines[at + 1 : at + 2])
        if alone and _is_footer(line) and any(each.strip() for each in lines[:at]):
            return lines[:at]
    return lines


_LINK = re.compile(r"<https?[^>]{0,200}>|\[[^\]]{0,200}\]")


def _is_footer(line: str) -> bool:
    if not 0 < len(line) <= LONGEST_FOOTER or not 0 < len(line.split()) <= 12:
        return False
    folded = phrases.fold(_LINK.sub("", line)).lstrip("<( ")
    if not (folded.endswith(_ENDINGS) or any(True for _ in phrases.beginnings("mobile", folded))):
        return False
    return "," not in line or phrases.find("excuse", line) is not None


# "… iPhone'umdan gönderildi": languages that put the verb last.
_ENDINGS = ("gonderildi", "에서 보냄", "から送信", "gesendet", "kuldve")


def _without_disclaimer(lines: list[str]) -> list[str]:
    """A legal notice in a paragraph of its own ends the text."""
    for at, line in enumerate(lines):
        begins = at > 0 and not lines[at - 1].strip() and line.strip()
        if begins and len(line) > 20 and phrases.find("disclaimer", line[:200]):
            return lines[:at]
    return lines


def _without_ours(lines: list[str], ours: Iterable[str]) -> list[str]:
    """Leave out lines that we sent ourselves; very short ones say too little to be recognised."""
    sent = {phrases.fold(line.strip("> ")) for text in ours for line in phrases.lines(text)}
    return [line for line in lines if len(folded := phrases.fold(line)) < 12 or folded not in sent] if sent else lines


def _tidy(lines: list[str]) -> str:
    while lines and _ORNAMENT.fullmatch(lines[-1] or " "):
        lines = lines[:-1]
    return _EMPTY_LINES.sub("\n\n", "\n".join(lines)).strip()
