"""Delivery notices in prose: what mail systems write to people instead of, or beside, a report by RFC 3464."""

import re
from dataclasses import dataclass

from inboxagent.mail import phrases
from inboxagent.mail.diagnosis import DEAD, Reason, diagnose
from inboxagent.mail.headers import base_subject, decode, message_ids
from inboxagent.mail.inbound import Inbound
from inboxagent.mail.report import ORIGINAL_ID, Recipient, Report, field_blocks, recipients_of

_DAEMON = re.compile(
    r"^(?:mailer[\-_.]?daemon|mail[\-_.]?daemon|daemon|postmaster|post[\-_.]?master|mdaemon|mail[\-_.]?delivery|maildelivery"
    r"|mail[\-_.]?system|double-bounce|bounce|bounces?[\-_.]?noreply|smtp|mta|mailadmin|mail[\-_.]?administrator)(?:[+\-=.].*)?@"
)
_NO_PERSON = re.compile(
    r"^(?:[^@]{1,60}[\-_.](?:admin|owner|request|bounces?|errors?|daemon)|no-?reply|do-?not-?reply|listserv|majordomo"
    r"|mailman|sympa|lists?|admin|root|noreply[^@]{0,30}|support)@"
)
_DAEMON_NAME = re.compile(
    r"mail(?:er)?[ \-]?(?:delivery|daemon|administrator|system)|delivery (?:sub)?system|system administrator|postmaster"
    r"|mail transfer|message router|internet mail"
)
# These write nothing but delivery notices, in whatever language.
_ROBOT = re.compile(r"^(?:mailer[\-_.]?daemon|mail[\-_.]?daemon|mdaemon|double-bounce)(?:[+\-=.].*)?@")
_ROBOT_NAME = re.compile(r"^(?:mail(?:er)?[ \-]?delivery (?:sub)?system|mailer[ \-]daemon|mail transfer system)\b")
_DAEMON_FIELD = re.compile(r"mailer-daemon|postmaster@|mail delivery")
_ADDRESS_TYPE = re.compile(r"(?i)^.*(?:smtp|rfc822)[=:;]")
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\-\"]{1,100}@[A-Za-z0-9.\-]{1,120}[A-Za-z0-9]")
_RCPT = re.compile(
    r"(?i)\b(?:RCPT TO|original recipient|final recipient|recipient address|to)\s?[:=]\s?"
    r"<?([^\s<>]{1,100}@[^\s<>;,]{1,120})>?"
)
_LINE_OF_ADDRESS = re.compile(
    r"^[\s*>\-]{0,12}(?:5\d\d[ \-])?(?:(?:(?:failed )?recipient|to|user|address)[: ])?\s{0,4}"
    r"[<\[]?([^\s<>:,\"'()\[\]]{1,100}@[^\s<>:,;()\"'\[\]]{1,120})[>\]]?\s{0,3}(?:$|[:;,(\-.]|\s\S)",
    re.IGNORECASE,
)
_FIELD_LINE = re.compile(r"^([A-Za-z][A-Za-z0-9\-]{1,40}):(?:\s|$)")
_TELLING_FIELDS = frozenset(
    {
        "received",
        "return-path",
        "message-id",
        "mime-version",
        "dkim-signature",
        "x-mailer",
        "delivered-to",
    }
)
# What a server said, in the transcript of a report that another mail system hands on.
_SERVER_SAID = re.compile(r"(?m)^[\s>]{0,4}<<< ?(5\d\d[ \-][^\r\n]{1,300})")
# Amazon's notices are JSON.
_JSON_ADDRESS = re.compile(r'\\?"emailAddress\\?"\s?:\s?\\?"([^"\\\s]{1,100}@[^"\\\s]{1,120})\\?"')
_ORIGINAL_TO = re.compile(r"(?im)^[\s>]{0,4}to:[ \t]*([^\r\n]{1,300})")


@dataclass(frozen=True, slots=True)
class Evidence:
    """The signs of a delivery notice: who sent it, and what subject and text say."""

    origin: str
    failed: str
    delayed: str


def read_notice(message: Inbound) -> Report | None:
    """The report that a notice in prose amounts to, or None where a message is no delivery notice."""
    origin = _origin(message)
    in_subject = phrases.find("failed_subjects", message.subject)
    if not origin and not in_subject:
        return None  # before its text is looked at: most mail ends here
    explanation, original = split_original(message.text)
    evidence = _weigh(message, origin, in_subject, explanation)
    if evidence is None:
        return None
    recipients = _recipients(message, explanation, original, failed=not evidence.delayed)
    ids = original_ids(message, explanation, original)
    return Report(
        kind="delayed" if evidence.delayed else "bounce",
        recipients=recipients,
        original_message_id=ids[0] if ids else None,
        original_ids=ids,
        because=f"{evidence.origin}: {evidence.delayed or evidence.failed}",
    )


def _weigh(message: Inbound, origin: str, in_subject: phrases.Hit | None, explanation: str) -> Evidence | None:
    """A daemon's mail that speaks of failure; without one, subject and text both must, and it answers nothing."""
    in_text = phrases.find("failed", explanation)
    if not origin and not (in_text and (_machine_sender(message) or _answers_nothing(message))):
        return None
    late = phrases.find("delayed_subjects", message.subject) or phrases.find("delayed", explanation)
    gave_up = late is not None and phrases.find("gave_up", explanation) is not None
    said = in_subject or in_text
    if late and not gave_up and (not in_subject or phrases.find("delayed_subjects", message.subject)):
        return Evidence(origin or "a notice", "", f'"{late.words}"')
    if said:
        return Evidence(origin or "a notice", f'"{said.words}"', "")
    if _certain(message):
        return Evidence(origin, "nothing else is in it", "")
    # Words that no pack knows: what a robot says about somebody's address is that it could not deliver.
    named = _strangers(message, explanation) if _is_robot(message) else []
    return Evidence(origin, f'it names "{named[0]}"', "") if named else None


def _is_robot(message: Inbound) -> bool:
    return any(_ROBOT.match(each.address) or _ROBOT_NAME.match(each.name.lower()) for each in message.from_)


def _strangers(message: Inbound, text: str) -> list[str]:
    """The addresses in a text that are neither its writer's nor a reader's."""
    own = {each.address for each in (*message.to, *message.from_, *message.cc)}
    found = (_bare(each) for line in phrases.lines(text) for each in _ADDRESS.findall(line))
    return [each for each in found if each not in own and not _DAEMON.match(each)]


def _answers_nothing(message: Inbound) -> bool:
    return not message.thread_ids and base_subject(message.subject) == " ".join(message.subject.split())


def _origin(message: Inbound) -> str:
    """Who says so, when it is a mail system; empty otherwise."""
    if message.field("x-failed-recipients"):
        return 'field "X-Failed-Recipients"'
    for sender in message.from_ + message.sender:
        if _DAEMON.match(sender.address) or _DAEMON_NAME.search(sender.name.lower()):
            return f'from "{decode(sender.name or sender.address)}"'
    if _DAEMON_FIELD.search(message.field("from").lower()):
        return f'from "{decode(message.field("from"))[:60]}"'
    if _is_report(message):
        return f'field "Content-Type: {decode(message.field("content-type"))[:60]}"'
    return 'an empty "Return-Path"' if message.field("return-path").strip() == "<>" else ""


def _machine_sender(message: Inbound) -> str:
    """A sender that is no person: alone it says nothing about what he sends."""
    return next((each.address for each in message.from_ if _NO_PERSON.match(each.address)), "")


def _is_report(message: Inbound) -> bool:
    kind = message.field("content-type").lower()
    return kind.startswith("multipart/report") and "disposition-notification" not in kind


def _certain(message: Inbound) -> bool:
    """Signs that need no words: only delivery notices have them.

    A report by its Content-Type alone, with words in it that speak of no failure, may be a person's answer: doubt.
    """
    if message.field("x-failed-recipients"):
        return True
    return _is_report(message) and (_is_daemon(message) or not message.text.strip())


def _is_daemon(message: Inbound) -> bool:
    return message.field("return-path").strip() == "<>" or any(
        _DAEMON.match(sender.address) or _DAEMON_NAME.search(sender.name.lower())
        for sender in message.from_ + message.sender
    )


def split_original(text: str) -> tuple[str, str]:
    """The explanation, and the returned message where it follows in the same text."""
    lines = text.splitlines()[: phrases.MOST_LINES]
    is_announced = len(text) > phrases.LONGEST_TEXT or phrases.find("original_follows", text) is not None
    for at, line in enumerate(lines):
        if at and (_starts_fields(lines, at) or (is_announced and _announces(lines, at, line))):
            return "\n".join(lines[:at]), "\n".join(lines[at:])
    return "\n".join(lines), ""


def _announces(lines: list[str], at: int, line: str) -> bool:
    if len(line) < 120 and line.strip() and phrases.find("original_follows", line):
        return _has_fields(lines[at + 1 : at + 12]) or line.lstrip().startswith(("-", "*", "="))
    return False


def _has_fields(lines: list[str]) -> bool:
    return sum(bool(_FIELD_LINE.match(line.lstrip("> \t*")[:80])) for line in lines) >= 2


def _starts_fields(lines: list[str], at: int) -> bool:
    """Whether a header section begins here: two fields, one of which no explanation would name."""
    first = _FIELD_LINE.match(lines[at][:80])
    if not first or first[1].lower() not in _TELLING_FIELDS:
        return False
    return first[1].lower() in ("received", "return-path") or any(
        _FIELD_LINE.match(line[:80]) for line in lines[at + 1 : at + 6]
    )


def original_ids(message: Inbound, explanation: str, original: str) -> tuple[str, ...]:
    """Message-IDs of the returned message: from what is attached, what follows in the text, what the notice answers."""
    found: list[str] = []
    for text in (message.returned, original, explanation):
        found += [match[1] for match in ORIGINAL_ID.finditer(text)]
    found += message_ids(message.field("x-original-message-id"))
    return tuple(dict.fromkeys([*found, *message.in_reply_to, *reversed(message.references)]))


def _recipients(message: Inbound, explanation: str, original: str, *, failed: bool) -> tuple[Recipient, ...]:
    """The recipients named: in fields, in lines of their own, in the prose; at last those of the returned message."""
    for text in (message.text, message.returned):
        if "inal-recipient" in text.lower() and (recipients := recipients_of(field_blocks(text), explanation)):
            return recipients
    addresses = _named(message, explanation) or _addressed(message, original)
    reason = diagnose("", explanation, message.subject, prose=True)
    action = "failed" if failed else "delayed"
    words = _diagnostic(explanation)
    return tuple(
        Recipient(
            address=each,
            action=action,
            status="",
            diagnostic=words,
            permanent=failed and (reason or _handed_on(message, each)) in DEAD,
        )
        for each in addresses
    )


def _handed_on(message: Inbound, address: str) -> Reason | None:
    """Why a server refused an address, where a notice that gives no reason hands on another system's report."""
    said = [words for words in _SERVER_SAID.findall(message.returned[:32_768]) if address in words.lower()]
    return diagnose("", said[0], prose=True) if said else None


def _diagnostic(explanation: str) -> str:
    return " ".join(explanation.split())[:2_000]


_AFTER = re.compile(
    r"(?i)following (?:recipient|address|e-?mail)|did not reach|was addressed"
    r"|bouncedrecipients|could not be delivered to|address(?:\(es\)|es)? (?:failed|had)"
)


def _named(message: Inbound, explanation: str) -> list[str]:
    own = {each.address for each in (*message.to, *message.from_, *message.cc)}
    announced = _AFTER.search(explanation)
    told = (
        explanation[announced.start() :] if announced and _ADDRESS.search(explanation, announced.end()) else explanation
    )
    lines = [line[: phrases.LONGEST_LINE] for line in told.splitlines()]
    stated = [*_ADDRESS.findall(message.field("x-failed-recipients")), *_JSON_ADDRESS.findall(told)]
    if stated:
        return list(dict.fromkeys(_bare(each) for each in stated))
    groups = (
        [match[1] for line in lines if (match := _LINE_OF_ADDRESS.match(line))],
        [match[1] for line in lines for match in _RCPT.finditer(line)],
        [each for line in lines for each in _ADDRESS.findall(line)],
    )
    for group in groups:
        addresses = [_bare(each) for each in group]
        fit = [each for each in addresses if each not in own and not _DAEMON.match(each) and _ADDRESS.fullmatch(each)]
        if fit:
            return list(dict.fromkeys(fit))
    return [_bare(each) for each in groups[0][:1]]


def _bare(address: str) -> str:
    return _ADDRESS_TYPE.sub("", address.strip(".\"'<>")).lower()


def _addressed(message: Inbound, original: str) -> list[str]:
    """The To of the returned message."""
    for text in (message.returned, original):
        for line in _ORIGINAL_TO.findall(text[:32_768])[:1]:
            if found := _ADDRESS.findall(line):
                return [each.lower() for each in found[:1]]
    return []
