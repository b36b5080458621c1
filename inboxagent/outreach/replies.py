"""What an SMTP answer means, by phase, code and scope; and what it means when none comes."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from inboxagent.mail.headers import message_ids
from inboxagent.outreach.outbox import Fate, Outcome, Phase, Scope

LONGEST_TEXT = 1_000

_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)

_EARLY = frozenset({Phase.CONNECT, Phase.TLS})
_LOGIN = frozenset({Phase.AUTH})
_SENDER = frozenset({Phase.MAIL})
_RECIPIENT = frozenset({Phase.RCPT})
_LETTER = frozenset({Phase.DATA, Phase.BODY, Phase.DOT})
_DOT = frozenset({Phase.DOT})
_AFTER_MAIL = _RECIPIENT | _LETTER
_TRANSACTION = _SENDER | _AFTER_MAIL
_BEFORE_DOT = frozenset(Phase) - _DOT


@dataclass(frozen=True, slots=True)
class Meaning:
    """One row of the table: for which replies it holds, and what they mean.

    `code` and `status` are patterns for the whole code ("" where the reply has no enhanced status), `words` is looked
    for anywhere in the text.
    """

    means: str
    phases: frozenset[Phase]
    fate: Fate
    scope: Scope
    code: str
    status: str = ".*"
    words: str = ""
    retry_after: timedelta | None = None
    most_tries: int | None = None
    policy: bool = False

    @property
    def fatal(self) -> bool:
        """Whether it stops the account for good."""
        return self.fate is Fate.REFUSED and self.scope is Scope.ACCOUNT

    def fits(self, phase: Phase, code: str, status: str, text: str) -> bool:
        """Whether this row speaks of that reply."""
        return (
            phase in self.phases
            and re.fullmatch(self.code, code) is not None
            and re.fullmatch(self.status, status) is not None
            and re.search(self.words, text, re.IGNORECASE) is not None
        )


def _later(
    means: str,
    phases: frozenset[Phase],
    scope: Scope,
    after: timedelta,
    code: str = "[45]..",
    status: str = ".*",
    words: str = "",
    most_tries: int | None = None,
) -> Meaning:
    return Meaning(means, phases, Fate.DEFERRED, scope, code, status, words, after, most_tries)


def _never(
    means: str,
    phases: frozenset[Phase],
    scope: Scope,
    code: str = "5..",
    status: str = ".*",
    words: str = "",
    policy: bool = False,
) -> Meaning:
    return Meaning(means, phases, Fate.REFUSED, scope, code, status, words, policy=policy)


# Words of servers, in the order of what they would be confused with.
_QUOTA = r"submission ?quota|\b(daily|hourly|sending|outgoing|outbound)\b[\w ]*(limit|quota)\b"
_RATE = (
    rf"{_QUOTA}|\brate.?limit|\brate\b.*exceed|exceed.*\brate\b|throttl|too (many|much) (messages|mails?|recipients)"
)
_NOT_HER_NAME = (
    r"sender address rejected|not owned by|send ?as ?denied|send as this sender"
    r"|not (allowed|permitted|authori[sz]ed) to send (as|from|on behalf)"
)
_RELAYING = (
    r"\brelay(ing)?\b.{0,20}\b(denied|not|prohibited|refused)\b|\b(unable|cannot|not \w+|refuse\w*)( to)? relay\b"
)
_OUR_HOST = r"client host|\byour (ip|host|network)\b|\bip address\b"
_SPAM = (
    r"\bspam|\bjunk\b|block(ed|ing)? ?(list|using)|blacklist|reputation|\bpolicy\b|unsolicited"
    r"|\bdmarc\b|\bdkim\b|\bspf\b"
)

_UNCLEAR = "no clear answer after the dot: the server may have the letter"

# The first row that fits holds: the dot, then enhanced status codes and telling words, then the phase, then the digit.
TABLE: tuple[Meaning, ...] = (
    # Only after the dot may the server own the letter. A 421 there may come from a proxy whose host behind accepted.
    Meaning("the server has taken the letter", _DOT, Fate.SENT, Scope.LETTER, "2.."),
    Meaning(_UNCLEAR, _DOT, Fate.UNCERTAIN, Scope.LETTER, r"421|(?![45]\d\d$).*"),
    # Which mailbox is full depends on the phase.
    _later("her own mailbox is full", _SENDER | {Phase.DATA}, Scope.ACCOUNT, _HOUR, "[45]..", r"[45]\.2\.2"),
    _never("his mailbox is full", _RECIPIENT, Scope.LETTER, "5..", r"5\.2\.2"),
    # The account sends too much.
    _later("too many connections at once", frozenset(Phase), Scope.ACCOUNT, _MINUTE, "432", r"4\.3\.2"),
    _later("the sending limit is reached", _TRANSACTION, Scope.ACCOUNT, 24 * _HOUR, "5..", r"5\.4\.5"),
    _later("the sending limit is reached", _TRANSACTION, Scope.ACCOUNT, 24 * _HOUR, "5..", r"5\.[27]\.\d+|", _QUOTA),
    _later("the sending limit is reached", _TRANSACTION, Scope.ACCOUNT, 24 * _HOUR, "5..", r"5\.7\.\d+", _RATE),
    _later("she sends too fast", _TRANSACTION, Scope.ACCOUNT, 15 * _MINUTE, "4..", r"4\.7\.\d+|", _RATE),
    # The configuration is wrong, or what she may do has changed.
    _never("the provider takes no passwords any more", frozenset(Phase), Scope.ACCOUNT, "5..", r"5\.7\.30"),
    _never("the server wants another kind of log-in", _BEFORE_DOT, Scope.ACCOUNT, "53[048]"),
    _never("the log-in was refused", _BEFORE_DOT, Scope.ACCOUNT, "535"),
    _never("she may not send under this address", _TRANSACTION, Scope.ACCOUNT, "5..", r"5\.7\.60|5\.2\.252|5\.1\.[78]"),
    _never("she may not send under this address", _TRANSACTION, Scope.ACCOUNT, "5..", ".*", _NOT_HER_NAME),
    _never("the server does not relay for her", _SENDER | _RECIPIENT, Scope.ACCOUNT, "5..", ".*", _RELAYING),
    # This letter, whatever the phase.
    _never("the letter is too big", _TRANSACTION, Scope.LETTER, "5..", r"5\.3\.4"),
    _never("the server does not like the form of the letter", _TRANSACTION, Scope.LETTER, "5..", r"5\.6\.\d+"),
    # A server that is going down, or that has lost the thread of the dialogue.
    _later("the server is closing the line", _EARLY, Scope.ACCOUNT, _MINUTE, "421"),
    _later("the server is closing the line", _BEFORE_DOT, Scope.ACCOUNT, 5 * _MINUTE, "421"),
    _later("the mail system is in trouble", _BEFORE_DOT, Scope.ACCOUNT, 5 * _MINUTE, "4..", r"4\.3\.\d+"),
    _later("the server lost its way", _SENDER | _RECIPIENT | {Phase.DATA}, Scope.ACCOUNT, 5 * _MINUTE, "50[023]|555"),
    _later("the server lost its way", frozenset({Phase.DATA}), Scope.ACCOUNT, 5 * _MINUTE, "5..", r"5\.5\.1"),
    # Connection, encryption, log-in.
    _later("the server is not ready", _EARLY, Scope.ACCOUNT, _MINUTE, "4.."),
    _later("the server turns us away", _EARLY, Scope.ACCOUNT, _HOUR, "5.."),
    _later("the log-in is not possible just now", _LOGIN, Scope.ACCOUNT, 5 * _MINUTE, "4.."),
    _never("the log-in was refused", _LOGIN, Scope.ACCOUNT),
    # MAIL: always about her.
    _later("the server takes no mail just now", _SENDER, Scope.ACCOUNT, 5 * _MINUTE, "4.."),
    _never("the letter is too big", _SENDER, Scope.LETTER, "552"),
    _later("the server turns her machine away", _SENDER, Scope.ACCOUNT, _HOUR, "5..", ".*", _OUR_HOST),
    _never("she may not send under this address", _SENDER, Scope.ACCOUNT, "553"),
    _never("she may not send under this address", _SENDER, Scope.ACCOUNT, "5..", r"5\.7\.\d+"),
    _later("the server takes no mail from her", _SENDER, Scope.ACCOUNT, _HOUR, "5.."),
    # RCPT: about him, unless it is a policy.
    _later("the server wants it later", _RECIPIENT, Scope.LETTER, 15 * _MINUTE, "4.."),
    _never("the address does not work", _RECIPIENT, Scope.PROSPECT, "5..", r"5\.1\.\d+|5\.2\.1|5\.4\.[14]"),
    _later("the server does not say why", _AFTER_MAIL, Scope.LETTER, 15 * _MINUTE, "5..", r"5\.5\.0", most_tries=3),
    _never("refused by a policy", _AFTER_MAIL, Scope.LETTER, "5..", r"5\.7\.\d+", policy=True),
    _never("refused by a policy", _AFTER_MAIL, Scope.LETTER, "5..", ".*", _SPAM, policy=True),
    _never("the address does not work", _RECIPIENT, Scope.PROSPECT, "50[14]|55[013]"),
    _never("the server does not take this letter", _RECIPIENT, Scope.LETTER),
    # DATA and the dot: about the letter.
    _later("the server wants it later", _LETTER, Scope.LETTER, 15 * _MINUTE, "4.."),
    _never("the server does not take this letter", _LETTER, Scope.LETTER),
    # A positive or unreadable reply where another was due; before the dot, so nothing was sent.
    _later("the server talks nonsense", _BEFORE_DOT, Scope.ACCOUNT, 5 * _MINUTE, ".*"),
)

_STATUS = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?=\s|$)[ ]*", re.MULTILINE)
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


def read_reply(phase: Phase, code: int, text: str, *, address: str | None = None, host: str = "") -> Outcome:
    """What a reply means that did not say yes, or any reply to the dot. Total: garbage has a meaning too.

    `text` may have several lines; `address` is the recipient that a reply to RCPT is about; `host` is the server's.
    """
    text = text[:LONGEST_TEXT]
    status = _status(text)
    row = _row(phase, str(code), status or "", text)
    known = 200 <= code <= 599
    return Outcome(
        fate=row.fate,
        scope=row.scope,
        phase=phase,
        text=one_line([str(code)] if code >= 0 else [], text) or row.means,
        means=row.means,
        code=code if known else None,
        status=status,
        address=address,
        retry_after=row.retry_after,
        most_tries=row.most_tries,
        policy=row.policy,
        fatal=row.fatal,
        names=_names(text, host) if row.fate is Fate.SENT else (),
    )


# Amazon's server says the left side of the Message-ID that it gives the letter; the right side goes by the region.
_AMAZON_HOST = re.compile(r"email-smtp(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com\.?", re.IGNORECASE)
_AMAZON_ID = re.compile(r"(?:\d\.\d\.\d )?ok ([0-9a-f]{16}(?:-[0-9a-f]{4,12}){5}-[0-9]{6})", re.IGNORECASE)


def _names(text: str, host: str) -> tuple[str, ...]:
    """The Message-IDs under which the server passes the letter on, as far as its answer names them."""
    region, name = _AMAZON_HOST.fullmatch(host), _AMAZON_ID.fullmatch(text.strip())
    if region is None or name is None:
        return message_ids(text)
    place = "email" if region[1].lower() == "us-east-1" else region[1].lower()
    return (f"<{name[1]}@{place}.amazonses.com>",)


def _row(phase: Phase, code: str, status: str, text: str) -> Meaning:
    return next(row for row in TABLE if row.fits(phase, code, status, text))


def _status(text: str) -> str | None:
    found = _STATUS.match(text)
    return found[1] if found else None


def one_line(before: Iterable[str], text: str) -> str:
    """The words of a server on one printable line of at most 1,000 characters, a status repeated on each line once."""
    first = _status(text)
    lines = [_STATUS.sub("", line, count=1) if first and line.startswith(first) else line for line in text.split("\n")]
    whole = " ".join([*before, *([first] if first else []), *lines])
    return " ".join(_UNPRINTABLE.sub(" ", whole).split())[:LONGEST_TEXT]


_LOST = "the line was lost, nothing was sent"

# A line that breaks: whom it concerns, when to try again, and what it means, by the phase that was under way.
_BREAKS: dict[Phase, tuple[Scope, timedelta, str]] = {
    Phase.CONNECT: (Scope.ACCOUNT, _MINUTE, "the server cannot be reached"),
    Phase.TLS: (Scope.ACCOUNT, _MINUTE, "the encryption failed, nothing was sent"),
    Phase.AUTH: (Scope.ACCOUNT, 5 * _MINUTE, "the line was lost at the log-in, nothing was sent"),
    Phase.MAIL: (Scope.ACCOUNT, _MINUTE, _LOST),
    # The line was good a moment ago; that it broke may be the letter's own doing, which must not stop the others.
    Phase.RCPT: (Scope.LETTER, 5 * _MINUTE, _LOST),
    Phase.DATA: (Scope.LETTER, 5 * _MINUTE, _LOST),
    Phase.BODY: (Scope.LETTER, 5 * _MINUTE, _LOST),
}


def read_break(phase: Phase, text: str, *, address: str | None = None) -> Outcome:
    """What it means that the line was lost or silent: unsent before the dot, `UNCERTAIN` once the dot was written."""
    text = one_line([], text)
    if phase is Phase.DOT:
        means = "the line was lost after the dot: the server may have the letter"
        return Outcome(fate=Fate.UNCERTAIN, scope=Scope.LETTER, phase=phase, text=text or means, means=means)
    scope, after, means = _BREAKS[phase]
    return Outcome(
        fate=Fate.DEFERRED,
        scope=scope,
        phase=phase,
        text=text or means,
        means=means,
        address=address,
        retry_after=after,
    )
