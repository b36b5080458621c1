"""What he himself wrote: the text of an answer without quotation, signature, footers and our own words."""

import re
from collections.abc import Iterable

from inboxagent.mail import phrases
from inboxagent.mail.inbound import Inbound

_QUOTED = re.compile(r"\s{0,3}(?:[>|]|＞)")
_HAS_DATE = re.compile(r"\d{1,2}[:.h時时點点시]\s?\d\d|\d{4}|\d{1,2}[./\-]\s?\d{1,2}[./\-]")
_ADDRESS = re.compile(r"<?[^\s<>]{1,100}@[^\s<>]{1,100}>?")
_LABEL = re.compile(r"\s{0,3}\*{0,2}([^\W\d_][^:：\n<>@]{0,24}?)\s?\*{0,2}[:：]\*{0,2}\s{0,4}\S")
_RULE = re.compile(r"\s{0,3}(?:_{8,}|-{3,}\s?[^\s-][^-]{2,50}-{3,}|\*{5,}|={8,})\s{0,3}")
_SIGNATURE = re.compile(r"\s{0,2}(?:--|—|__|—–|--\xa0)\s{0,2}")


def new_text(message: Inbound, ours: Iterable[str] = ()) -> str:
    """The words of his own in an answer, lines kept; `ours` are texts that we sent, whose lines are left out."""
    lines = phrases.unseen_removed(message.text[:262_144]).replace("\xa0", " ").splitlines()[: phrases.MOST_LINES]
    kept = _without_quotation([line.rstrip() for line in lines])
    kept = _without_signature(kept)
    return _tidy(_without_ours(kept, ours))


def _without_quotation(lines: list[str]) -> list[str]:
    kept: list[str] = []
    at = 0
    while at < len(lines):
        if _QUOTED.match(lines[at]):
            _drop_attribution(kept)
            at += 1
        elif _starts_original(lines, at):
            break
        else:
            kept.append(lines[at])
            at += 1
    return kept


def _drop_attribution(kept: list[str]) -> None:
    """Remove the line or two that introduce a quotation ("On ... he wrote:"), in whatever language."""
    blank = 0
    while blank < 2 and len(kept) > blank and not kept[-1 - blank].strip():
        blank += 1
    for height in (1, 2, 3):
        head = kept[len(kept) - blank - height : len(kept) - blank]
        if len(head) == height and all(head) and is_attribution(" ".join(head)):
            del kept[len(kept) - blank - height :]
            return


def is_attribution(line: str) -> bool:
    """Whether a line introduces a quotation: ends in a colon and names a time, or an address, or a word for writing."""
    line = line.strip()[: phrases.LONGEST_LINE]
    if not line.endswith((":", "：")):
        return False
    return bool(_HAS_DATE.search(line) or _ADDRESS.search(line))


def _starts_original(lines: list[str], at: int) -> bool:
    """Whether the message that was answered begins here: a separator with a header block, or the block alone."""
    line = lines[at]
    if _RULE.fullmatch(line):
        return _is_header_block(_next_lines(lines, at + 1)) or bool(phrases.find("separators", line))
    return bool(line) and _is_header_block(lines[at : at + 8])


def _next_lines(lines: list[str], at: int) -> list[str]:
    while at < len(lines) and not lines[at].strip():
        at += 1
    return lines[at : at + 8]


def _is_header_block(lines: list[str]) -> bool:
    """Three or more "Label: value" lines in a row with an address and a date among them."""
    block = []
    for line in lines:
        if not _LABEL.match(line[: phrases.LONGEST_LINE]):
            break
        block.append(line)
    joined = "\n".join(block)
    return len(block) >= 3 and bool(_HAS_DATE.search(joined)) and (bool(_ADDRESS.search(joined)) or len(block) >= 4)


def _without_signature(lines: list[str]) -> list[str]:
    for at, line in enumerate(lines):
        if (at or len(lines) > 1) and _SIGNATURE.fullmatch(line):
            return lines[:at]
        if at and phrases.find("mobile", line):
            return lines[:at]
    return lines


def _without_ours(lines: list[str], ours: Iterable[str]) -> list[str]:
    """Leave out lines that we sent ourselves; short ones only where their neighbours are ours too."""
    sent = {phrases.fold(line.strip("> ")) for text in ours for line in phrases.lines(text)}
    if not sent:
        return lines
    return [line for line in lines if len(folded := phrases.fold(line)) < 12 or folded not in sent]


def _tidy(lines: list[str]) -> str:
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
