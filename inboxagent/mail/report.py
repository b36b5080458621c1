"""Reports by machines about a message: RFC 3464 (delivery), 8098 (receipts), 5965 (complaints)."""

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from email.message import Message
from typing import Literal

from inboxagent.mail.diagnosis import DEAD, diagnose
from inboxagent.mail.headers import decode, message_ids
from inboxagent.mail.parts import Part

Kind = Literal["bounce", "delayed", "delivered", "receipt", "complaint"]

LONGEST_DIAGNOSTIC = 2_000
MOST_RECIPIENTS = 200
_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_ADDRESS = re.compile(r"[^\s<>;,()\"\[\]]{1,200}@[^\s<>;,()\"\[\]]{1,255}")
_FIELD = re.compile(r"^([A-Za-z][A-Za-z\-]{1,60})[ \t]*:[ \t]*(.*)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """One recipient of a delivery report; `permanent` means that the address is dead, not that delivery failed."""

    address: str
    action: str
    status: str
    diagnostic: str
    permanent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a report says; `original_ids` are all Message-IDs in the returned part, the message's own first."""

    kind: Kind
    recipients: tuple[Recipient, ...]
    original_message_id: str | None
    original_ids: tuple[str, ...]
    because: str


def read_report(parts: Sequence[Part]) -> Report | None:
    """The report in the parts of a message, or None where it is no report. Decides by Action, not by the digit of
    Status."""
    if complaint := _hotmail_complaint(parts):
        return complaint
    for part in parts:
        reader = _READERS.get(part.kind)
        if reader is not None and (report := reader(part, parts)):
            return report
    return None


def _delivery(part: Part, parts: Sequence[Part]) -> Report | None:
    """RFC 3464: one block of fields for the message, one for each recipient."""
    blocks = field_blocks(part.source)
    context = "\n".join(each.source for each in parts if each.kind == "text/plain")[:8_000]
    recipients = recipients_of(blocks, context)
    if not recipients:
        return None
    wanted, kind = _worst(recipients)
    concerned = tuple(recipient for recipient in recipients if recipient.action in wanted)
    ids = returned_ids(parts) or _field_ids(blocks)
    words = concerned[0].diagnostic or f"Action: {concerned[0].action}"
    return Report(
        kind=kind,
        recipients=concerned,
        original_message_id=ids[0] if ids else None,
        original_ids=ids,
        because=f'delivery report for {concerned[0].address or "an unnamed recipient"}: "{words[:200]}"',
    )


def recipients_of(blocks: Iterable[dict[str, str]], context: str = "") -> tuple[Recipient, ...]:
    """The recipients that blocks of report fields name; `context` is what the report says beside the fields."""
    found = (recipient for block in blocks if (recipient := _recipient(block, context)))
    return tuple(itertools.islice(found, MOST_RECIPIENTS))


def _worst(recipients: Iterable[Recipient]) -> tuple[frozenset[str], Kind]:
    """The gravest action of a report, with the words that mean it."""
    actions = {recipient.action for recipient in recipients}
    if actions & _FAILED:
        return _FAILED, "bounce"
    return (_DELAYED, "delayed") if actions & _DELAYED else (frozenset(actions), "delivered")


_FAILED = frozenset({"failed"})
_DELAYED = frozenset({"delayed"})


def _recipient(block: dict[str, str], context: str) -> Recipient | None:
    """One per-recipient block; None for the per-message block."""
    named = block.get("final-recipient") or block.get("original-recipient") or block.get("x-actual-recipient") or ""
    if not named and "action" not in block and "status" not in block:
        return None
    diagnostic = decode(block.get("diagnostic-code", ""))[:LONGEST_DIAGNOSTIC]
    status = _STATUS.search(block.get("status", ""))
    action = decode(block.get("action", "")).split("(")[0].strip().lower() or _action_of(status)
    return Recipient(
        address=_address(block.get("original-recipient", "")) or _address(named),
        action=action,
        status=status.group() if status else "",
        diagnostic=_after_type(diagnostic),
        permanent=action in _FAILED and diagnose(status.group() if status else "", diagnostic, context) in DEAD,
    )


def _action_of(status: re.Match[str] | None) -> str:
    """Where a report has no Action, the digit of Status is all there is."""
    return {"2": "delivered", "4": "delayed"}.get(status[1], "failed") if status else "failed"


def _address(value: str) -> str:
    """The addr-spec of "rfc822; user@example", lower-cased; empty where there is none."""
    raw = value.partition(";")[2] or value
    found = _ADDRESS.search(raw.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
    return found.group().rstrip(".").lower() if found else ""


def _after_type(diagnostic: str) -> str:
    kind, semicolon, rest = diagnostic.partition(";")
    return rest.strip() if semicolon and len(kind) < 20 else diagnostic.strip()


def _receipt(part: Part, parts: Sequence[Part]) -> Report | None:
    """RFC 8098. A refusal by Sieve says "deleted" with an error, and is a bounce."""
    blocks = field_blocks(part.source)
    fields = {name: value for block in blocks for name, value in block.items()}
    if "disposition" not in fields:
        return None
    ids = _field_ids(blocks) or returned_ids(parts)
    disposition = fields["disposition"]
    if _REFUSED.search(disposition) and _REFUSAL.search(parts[1].source[:2_000] if len(parts) > 1 else ""):
        return _refusal(fields, ids)
    return Report(
        kind="receipt",
        recipients=(),
        original_message_id=ids[0] if ids else None,
        original_ids=ids,
        because=f'receipt: "Disposition: {decode(disposition)[:120]}"',
    )


_REFUSED = re.compile(r"(?i)automatic-action\b.*;\s*(?:deleted|denied|failed)")
_REFUSAL = re.compile(r"(?i)reject|refused|not delivered|undeliver|quota")


def _refusal(fields: dict[str, str], ids: tuple[str, ...]) -> Report:
    recipient = _recipient({**fields, "action": "failed"}, "")
    return Report(
        kind="bounce",
        recipients=(recipient,) if recipient else (),
        original_message_id=ids[0] if ids else None,
        original_ids=ids,
        because=f'refused on arrival: "Disposition: {decode(fields["disposition"])[:120]}"',
    )


def _complaint(part: Part, parts: Sequence[Part]) -> Report | None:
    """RFC 5965: a recipient told his provider that the message is unwanted."""
    blocks = field_blocks(part.source)
    fields = {name: value for block in blocks for name, value in block.items()}
    if "feedback-type" not in fields:
        return None
    ids = returned_ids(parts)
    address = _address(fields.get("original-rcpt-to", ""))
    recipient = Recipient(address=address, action="complaint", status="", diagnostic="", permanent=False)
    return Report(
        kind="complaint",
        recipients=(recipient,) if address else (),
        original_message_id=ids[0] if ids else None,
        original_ids=ids,
        because=f'complaint: "Feedback-Type: {decode(fields["feedback-type"])[:80]}"',
    )


def _hotmail_complaint(parts: Sequence[Part]) -> Report | None:
    """What Hotmail sent before RFC 5965: a subject, and the message complained about."""
    subject = str(parts[0].message.get("subject", ""))
    if not subject.strip().lower().startswith("complaint about message from"):
        return None
    ids = returned_ids(parts)
    return Report(
        kind="complaint",
        recipients=(),
        original_message_id=ids[0] if ids else None,
        original_ids=ids,
        because=f'complaint: subject "{decode(subject).strip()[:80]}"',
    )


_READERS = {
    "message/delivery-status": _delivery,
    "message/global-delivery-status": _delivery,
    "message/disposition-notification": _receipt,
    "message/global-disposition-notification": _receipt,
    "message/feedback-report": _complaint,
}


def field_blocks(text: str) -> list[dict[str, str]]:
    """Blocks of unfolded "name: value" lines, separated by empty lines; the first of a repeated name counts."""
    blocks: list[dict[str, str]] = [{}]
    last = ""
    for line in text.splitlines()[:5_000]:
        if not line.strip():
            blocks, last = (blocks if not blocks[-1] else [*blocks, {}]), ""
        elif line[0] in " \t" and last:
            blocks[-1][last] += " " + line.strip()
        elif field := _FIELD.match(line[:5_000]):
            last = field[1].lower()
            if last in blocks[-1]:
                last = f"{last} again"
            blocks[-1][last] = field[2].strip()
    return [block for block in blocks if block]


def _field_ids(blocks: list[dict[str, str]]) -> tuple[str, ...]:
    found = [block.get(name, "") for block in blocks for name in ("original-message-id", "x-original-message-id")]
    return tuple(dict.fromkeys(each for value in found for each in message_ids(value)))


def returned_ids(parts: Iterable[Part]) -> tuple[str, ...]:
    """The ids in the returned message or header section (RFC 3462): its own first, then those it refers to."""
    found: list[str] = []
    parts = list(parts)
    for part in parts:
        has_id = "message-id" in part.message
        if part.kind in _RETURNED or (has_id and not part.is_whole):
            fields = _lower(part.message) if has_id else next(iter(field_blocks(part.source)), {})
            for name in ("message-id", "in-reply-to", "references"):
                found += message_ids(fields.get(name, ""))
    if not found:
        texts = [part.source for part in parts if not part.message.is_multipart() or part.kind.startswith("message/")]
        found = [match[1] for text in texts for match in ORIGINAL_ID.finditer(text)]
    return tuple(dict.fromkeys(found))


def _lower(message: Message) -> dict[str, str]:
    return {name.lower(): str(value) for name, value in message.raw_items()}


# How explanations and badly packed originals name the returned message.
ORIGINAL_ID = re.compile(
    r"(?im)^[\s>]{0,8}\"?(?:x-)?(?:original-|resent-)?message-?id:?[ \t]*:?\s{0,3}(<[^<>\s]{1,500}>)"
)


_RETURNED = frozenset(
    {"message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers", "message/global-headers"}
)
