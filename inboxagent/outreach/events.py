"""What happened in a conversation. A conversation *is* the list of its events; nothing else is stored of it."""

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from inboxagent.mail.headers import Address
from inboxagent.outreach.model import Enrolment, Mail, Prospect


class Word(StrEnum):
    """The event words, as people and programs see them."""

    ENROLLED = "enrolled"
    INTENT = "intent"
    SENT = "sent"
    DEFERRED = "deferred"
    REFUSED = "refused"
    TASK = "task"
    DONE = "done"
    SKIPPED = "skipped"
    UNCERTAIN = "uncertain"
    RELEASED = "released"
    DROPPED = "dropped"
    OWN_MAIL = "own_mail"
    REPLY = "reply"
    AUTO_REPLY = "auto_reply"
    NOT_NOW = "not_now"
    REFUSAL = "refusal"
    PROMISE = "promise"
    UNSUBSCRIBE = "unsubscribe"
    BOUNCE = "bounce"
    DELAYED = "delayed"
    HELD = "held"
    RESUMED = "resumed"
    STOPPED = "stopped"
    FINISHED = "finished"
    WON = "won"
    LOST = "lost"
    SUPPRESSED = "suppressed"
    NOTE = "note"
    PROPOSED = "proposed"


ANSWERS = frozenset({Word.REPLY, Word.NOT_NOW, Word.PROMISE, Word.REFUSAL, Word.UNSUBSCRIBE})
"""What a person has said."""


class By(StrEnum):
    """Whose doing it was."""

    HER = "her"
    HIM = "him"
    AGENT = "agent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened, when, and because of which words."""

    at: datetime
    word: Word
    because: str
    by: By = By.AGENT
    message_id: str | None = None
    step: str | None = None
    attempt: int | None = None  # intent: how often she released this step before
    address: str | None = None  # of whom: the writer of an answer, the recipient of a bounce
    permanent: bool | None = None  # bounce, refused: the address is dead
    until: datetime | None = None  # of a hold; deferred, resumed; skipped: when it would have gone
    # intent: our letter; task: what she is to do; note: her own words; reply: his new text, cut at 2,000 characters
    text: str | None = None
    variant: str | None = None  # intent: which of several letters of the step
    mail: Mail | None = None  # what a follow-up would now answer to
    enrolment: Enrolment | None = None

    def __post_init__(self) -> None:
        """Refuse an instant without a zone: it would be read differently on another machine."""
        for instant in (self.at, self.until):
            if instant is not None and instant.tzinfo is None:
                raise ValueError(f"{self.word}: an event needs an aware instant, not {instant}")

    @property
    def is_call(self) -> bool:
        """Whether she logged what she did by another way than mail, which is a touch."""
        return self.word is Word.NOTE and self.by is By.HER and self.text is not None

    @property
    def is_her_go(self) -> bool:
        """Whether she said herself that it is to go on; where the rule lets it, a message of hers is named."""
        return self.word is Word.RESUMED and self.by is By.HER and self.message_id is None


def to_json(event: Event) -> dict[str, Any]:
    """The event as JSON values; what is None is left out. The inverse of `from_json`."""
    document: dict[str, Any] = _pack(event)
    return document


def from_json(document: Mapping[str, Any]) -> Event:
    """The event that `to_json` made; unknown keys are ignored. Raises KeyError or ValueError where it is not one."""
    known = {name: document[name] for name in _SIMPLE if name in document}
    return Event(
        at=_instant(document["at"]),
        word=Word(document["word"]),
        because=document["because"],
        by=By(document.get("by", By.AGENT)),
        until=_instant(document["until"]) if "until" in document else None,
        mail=_mail(document["mail"]) if "mail" in document else None,
        enrolment=_enrolment(document["enrolment"]) if "enrolment" in document else None,
        **known,
    )


_SIMPLE = ("message_id", "step", "attempt", "address", "permanent", "text", "variant")


def _pack(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, tuple | list):
        return [_pack(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _pack(item) for key, item in value.items()}
    if hasattr(value, "__dataclass_fields__"):
        return _pack_fields(value)
    return value


def _pack_fields(value: Any) -> dict[str, Any]:
    packed = {each.name: getattr(value, each.name) for each in fields(value)}
    return {each.name: _pack(packed[each.name]) for each in fields(value) if packed[each.name] != _default(each)}


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _address(document: Mapping[str, str]) -> Address:
    return Address(name=document.get("name", ""), address=document.get("address", ""))


def _addresses(documents: list[Mapping[str, str]]) -> tuple[Address, ...]:
    return tuple([_address(each) for each in documents])


def _mail(document: Mapping[str, Any]) -> Mail:
    return Mail(
        message_id=document["message_id"],
        at=_instant(document["at"]),
        subject=document.get("subject", ""),
        from_=_address(document.get("from_", {})),
        to=_addresses(document["to"]) if "to" in document else (),
        cc=_addresses(document["cc"]) if "cc" in document else (),
        reply_to=_addresses(document["reply_to"]) if "reply_to" in document else (),
        references=tuple(document.get("references", ())),
        thread_root=document.get("thread_root", ""),
    )


def _enrolment(document: Mapping[str, Any]) -> Enrolment:
    person = document["prospect"]
    return Enrolment(
        sequence=document["sequence"],
        prospect=Prospect(
            address=person["address"],
            name=person.get("name", ""),
            fields=dict(person.get("fields", {})),
            aliases=tuple(person.get("aliases", ())),
            seen_zone=person.get("seen_zone", ""),
        ),
        latest=_mail(document["latest"]) if "latest" in document else None,
        touches=document.get("touches", 0),
        last_touch_at=_instant(document["last_touch_at"]) if "last_touch_at" in document else None,
        thread=tuple(document.get("thread", ())),
        history=tuple(document.get("history", ())),
        start=document.get("start"),
        tone=document.get("tone"),
        pace=document.get("pace"),
        origin=document.get("origin"),
        subject=document.get("subject"),
    )
