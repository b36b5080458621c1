"""Reports by machines about a message: RFC 3464 (delivery), 8098 (receipts), 5965 (complaints)."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.message import Message
from typing import Literal

from inboxagent.mail.headers import decode, message_ids

Kind = Literal["bounce", "delayed", "delivered", "receipt", "complaint"]

LONGEST_DIAGNOSTIC = 2_000
_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_REPLY_CODE = re.compile(r"(?<![\d.])([45])(\d\d)(?![\d.])")
_ADDRESS = re.compile(r"[^\s<>;,()\"\[\]]{1,200}@[^\s<>;,()\"\[\]]{1,255}")
_FIELD = re.compile(r"^([A-Za-z][A-Za-z\-]{1,60})[ \t]*:[ \t]*(.*)$")
# Enhanced codes (RFC 3463) that say the address itself is dead.
_DEAD = frozenset({(1, 1), (1, 2), (1, 3), (1, 6), (1, 10), (2, 1)})


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


def read_report(message: Message) -> Report | None:
    """The report in a message, or None where it is no report. Decides by Action, not by the digit of Status."""
    parts = list(_parts(message))
    for part in parts:
        reader = _READERS.get(part.get_content_type())
        if reader is not None and (report := reader(part, parts)):
            return report
    return None


def _parts(message: Message) -> Iterator[Message]:
    """The parts of a message, not those of messages attached to it."""
    stack = [message]
    while stack:
        part = stack.pop()
        yield part
        payload = part.get_payload()
        if isinstance(payload, list) and part.get_content_type().startswith("multipart/"):
            stack.extend(child for child in reversed(payload) if isinstance(child, Message))


def _delivery(part: Message, parts: list[Message]) -> Report | None:
    """RFC 3464: one block of fields for the message, one for each recipient."""
    blocks = field_blocks(_text(part))
    recipients = tuple(recipient for recipient in map(_recipient, blocks) if recipient)
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


def _worst(recipients: Iterable[Recipient]) -> tuple[frozenset[str], Kind]:
    """The gravest action of a report, with the words that mean it."""
    actions = {recipient.action for recipient in recipients}
    if actions & _FAILED:
        return _FAILED, "bounce"
    return (_DELAYED, "delayed") if actions & _DELAYED else (frozenset(actions), "delivered")


_FAILED = frozenset({"failed"})
_DELAYED = frozenset({"delayed"})


def _recipient(block: dict[str, str]) -> Recipient | None:
    """One per-recipient block; None for the per-message block."""
    named = block.get("final-recipient") or block.get("original-recipient") or block.get("x-actual-recipient") or ""
    if not named and "action" not in block and "status" not in block:
        return None
    diagnostic = decode(block.get("diagnostic-code", ""))[:LONGEST_DIAGNOSTIC]
    status = _STATUS.search(block.get("status", ""))
    action = block.get("action", "").split("(")[0].strip().lower() or _action_of(status)
    return Recipient(
        address=_address(block.get("original-recipient", "")) or _address(named),
        action=action,
        status=status.group() if status else "",
        diagnostic=_after_type(diagnostic),
        permanent=action in _FAILED and dead(status.group() if status else "", diagnostic),
    )


def _action_of(status: re.Match[str] | None) -> str:
    """Where a report has no Action, the digit of Status is all there is."""
    return {"2": "delivered", "4": "delayed"}.get(status[1], "failed") if status else "failed"


def dead(status: str, diagnostic: str) -> bool:
    """Whether these codes say that the address itself is dead (RFC 3463), the diagnostic before a general Status."""
    for text in (diagnostic, status):
        for code in _STATUS.finditer(text):
            subject, detail = int(code[2]), int(code[3])
            if (subject, detail) != (0, 0):
                return code[1] == "5" and (subject, detail) in _DEAD
    return bool(
        re.search(r"(?i)user unknown|unknown user|no such (?:user|recipient|mailbox)|does not exist", diagnostic)
    )


def _address(value: str) -> str:
    """The addr-spec of "rfc822; user@example", lower-cased; empty where there is none."""
    found = _ADDRESS.search(value.partition(";")[2] or value)
    return found.group().rstrip(".").lower() if found else ""


def _after_type(diagnostic: str) -> str:
    kind, semicolon, rest = diagnostic.partition(";")
    return rest.strip() if semicolon and len(kind) < 20 else diagnostic.strip()


def _receipt(part: Message, parts: list[Message]) -> Report | None:
    """RFC 8098. A refusal by Sieve says "deleted" with an error, and is a bounce."""
    blocks = field_blocks(_text(part))
    fields = {name: value for block in blocks for name, value in block.items()}
    if "disposition" not in fields:
        return None
    ids = _field_ids(blocks) or returned_ids(parts)
    disposition = fields["disposition"]
    return Report(
        kind="receipt",
        recipients=(),
        original_message_id=ids[0] if ids else None,
        original_ids=ids,
        because=f'receipt: "Disposition: {decode(disposition)[:120]}"',
    )


def _complaint(part: Message, parts: list[Message]) -> Report | None:
    """RFC 5965: a recipient told his provider that the message is unwanted."""
    blocks = field_blocks(_text(part))
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


def returned_ids(parts: Iterable[Message]) -> tuple[str, ...]:
    """The ids in the returned message or header section (RFC 3462): its own first, then those it refers to."""
    found: list[str] = []
    for part in parts:
        kind = part.get_content_type()
        if kind in _RETURNED:
            fields = {name: value for block in field_blocks(_text(part))[:1] for name, value in block.items()}
            for name in ("message-id", "in-reply-to", "references"):
                found += message_ids(fields.get(name, ""))
    return tuple(dict.fromkeys(found))


_RETURNED = frozenset(
    {"message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers", "message/global-headers"}
)


def _text(part: Message) -> str:
    """The source of a part's content; message/* parts were parsed into messages and are written out again."""
    payload = part.get_payload()
    if isinstance(payload, list):
        return "\n\n".join(_fields_of(child) for child in payload if isinstance(child, Message))[:65_536]
    decoded = part.get_payload(decode=True)
    text = decoded.decode("utf-8", "surrogateescape") if isinstance(decoded, bytes) else str(payload or "")
    return text[:65_536].lstrip("\r\n")


def _fields_of(message: Message) -> str:
    """A block of fields, and what the parser took for its body when a line was no field."""
    fields = "\n".join(f"{name}: {value}" for name, value in message.raw_items())
    body = message.get_payload()
    return f"{fields}\n\n{body}" if isinstance(body, str) else fields
