"""Why a letter was refused, and whether that means that the address is dead (RFC 3463 codes, then receivers' words)."""

import re
from enum import StrEnum

from inboxagent.mail import phrases


class Reason(StrEnum):
    """Reasons for a refusal; the first three mean that nobody will ever read mail to this address."""

    UNKNOWN_USER = "unknown_user"
    UNKNOWN_HOST = "unknown_host"
    NO_MAIL_HERE = "no_mail_here"
    MOVED = "moved"
    FULL = "full"
    INACTIVE = "inactive"
    AUTHENTICATION = "authentication"
    REVERSE_DNS = "reverse_dns"
    SPAM = "spam"
    VIRUS = "virus"
    REPUTATION = "reputation"
    RELAYING = "relaying"
    POLICY = "policy"
    SENDER_UNKNOWN = "sender_unknown"
    SENDER_REFUSED = "sender_refused"
    TOO_LARGE = "too_large"
    RATE = "rate"
    NETWORK = "network"
    FILTERED = "filtered"
    SYSTEM = "system"


POLICY = frozenset({Reason.SPAM, Reason.REPUTATION, Reason.POLICY, Reason.AUTHENTICATION, Reason.REVERSE_DNS})
"""What says nothing against the address, and much about how letters of hers are received."""
DEAD = frozenset({Reason.UNKNOWN_USER, Reason.UNKNOWN_HOST, Reason.NO_MAIL_HERE, Reason.MOVED})

# The words are tried in this order: what is said of the sender or the letter is more telling than "rejected" or "does
# not exist", which accompany everything.
_WORDS = (
    Reason.FILTERED,
    Reason.SENDER_UNKNOWN,
    Reason.FULL,
    Reason.RATE,
    Reason.AUTHENTICATION,
    Reason.REVERSE_DNS,
    Reason.RELAYING,
    Reason.NO_MAIL_HERE,
    Reason.UNKNOWN_HOST,
    Reason.INACTIVE,
    Reason.UNKNOWN_USER,
    Reason.TOO_LARGE,
    Reason.VIRUS,
    Reason.SPAM,
    Reason.REPUTATION,
    Reason.MOVED,
    Reason.SENDER_REFUSED,
    Reason.NETWORK,
    Reason.POLICY,
    Reason.SYSTEM,
)

_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,2})\.(\d{1,3})(?![\d.])")
_CODES: dict[tuple[int, int], Reason] = {
    (1, 1): Reason.UNKNOWN_USER,
    (1, 2): Reason.UNKNOWN_HOST,
    (1, 3): Reason.UNKNOWN_USER,
    (1, 6): Reason.MOVED,
    (1, 7): Reason.SENDER_REFUSED,
    (1, 8): Reason.SENDER_REFUSED,
    (1, 10): Reason.NO_MAIL_HERE,
    (2, 1): Reason.INACTIVE,
    (2, 2): Reason.FULL,
    (2, 3): Reason.TOO_LARGE,
    (3, 4): Reason.TOO_LARGE,
    (4, 1): Reason.NETWORK,
    (4, 2): Reason.NETWORK,
    (4, 4): Reason.UNKNOWN_HOST,
    (4, 6): Reason.NETWORK,
    (4, 7): Reason.NETWORK,
    (7, 20): Reason.AUTHENTICATION,
    (7, 21): Reason.AUTHENTICATION,
    (7, 23): Reason.AUTHENTICATION,
    (7, 25): Reason.REVERSE_DNS,
    (7, 26): Reason.AUTHENTICATION,
    (7, 27): Reason.NO_MAIL_HERE,
}


def diagnose(status: str, words: str, context: str = "", *, prose: bool = False) -> Reason | None:
    """The reason behind a Status and the words of a diagnostic; `context` is the rest of the report. None: unknown.

    `prose` means that the words are not a field of a report by RFC 3464 but written for people: there "user unknown"
    may be hearsay about a letter that was filtered, and needs a witness.
    """
    everything = " ".join(f"{words}\n{context}"[:LONGEST].split())
    reason = _said(words, status) or _said(context[:4_000], "")
    if reason is Reason.UNKNOWN_USER and "5.1." not in f"{status} {words}" and _is_filtered(everything, prose=prose):
        return Reason.FILTERED
    if reason is Reason.UNKNOWN_HOST and _TEMPORARY.search(f"{status} {everything}"):
        return Reason.NETWORK
    return reason


LONGEST = 16_384


def _is_filtered(everything: str, *, prose: bool) -> bool:
    """Whether an "unknown user" may have been known: refused after the letter was seen, with the code of a policy, or
    told by somebody who neither says that RCPT was refused nor looked it up in a directory of his own.

    Sendmail shows the answer to a pipelined RCPT under DATA too, but then with the code of an unknown user.
    """
    if _AFTER_DATA.search(everything):
        return True
    if _AT_RCPT.search(everything):
        return False
    return bool(_POLICY_CODE.search(everything)) or (prose and not _is_first_hand(everything))


def _is_first_hand(prose: str) -> bool:
    return "5.1." in prose or phrases.find("own_directory", prose) is not None


def _said(words: str, status: str) -> Reason | None:
    by_words = _by_words(words)
    by_code = _by_code(words) if _STATUS.search(words[:4_000]) else _by_code(status)
    return by_code if by_words in _VAGUE and by_code else by_words or by_code


# Words that accompany any refusal; a code that says more counts for more.
_VAGUE = frozenset(
    {Reason.POLICY, Reason.SYSTEM, Reason.SENDER_REFUSED, Reason.NETWORK, Reason.REPUTATION, Reason.INACTIVE, None}
)
# He who accepted the recipient and then finds him unknown is filtering (Japanese carriers do).
_AFTER_DATA = re.compile(
    r"(?i)>>> data\s<<< 55[0-3][^<>]{0,20}(?:<[^<>]{0,80}>)?[^<>]{0,40}(?:unknown|no such)"
    r"|in reply to (?:end of )?data|after (?:end of )?data"
    r"|smtp command data|550 : user unknown"
)
# How mail systems say at which command the answer came.
_AT_RCPT = re.compile(
    r"(?i)(?:>>>|\bafter|\bin reply to|\bin response to|\bfor|\bour|smtp:)\s{0,3}(?:the |smtp )?rcpt\b"
    r"|\brcpt[ _](?:to )?command"
)
_POLICY_CODE = re.compile(r"(?<![\d.])5\.7\.\d{1,3}(?![\d.])")
_TEMPORARY = re.compile(r"(?i)^4\.|not found, try again|'mx' lookup of|temporar")


def _by_code(text: str) -> Reason | None:
    for code in _STATUS.finditer(text[:4_000]):
        if reason := _CODES.get((int(code[2]), int(code[3]))):
            return reason
    return None


def _by_words(words: str) -> Reason | None:
    return next((reason for reason in _WORDS if words and phrases.find(reason, words)), None)
