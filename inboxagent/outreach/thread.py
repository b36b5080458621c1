"""Threads, found among the messages that she exchanged with one person (RFC 5256, THREAD=REFERENCES, by ids only)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from inboxagent.mail.classify import Kind, classify
from inboxagent.mail.headers import base_subject, is_one_of
from inboxagent.mail.inbound import Inbound
from inboxagent.outreach.case import thread_mail
from inboxagent.outreach.match import readers
from inboxagent.outreach.model import Mail
from inboxagent.outreach.own_hand import token_in

_MACHINES = (Kind.AUTO_REPLY, Kind.BOUNCE, Kind.DELAYED, Kind.OTHER)


@dataclass(frozen=True, slots=True)
class Piece:
    """One message with its time of arrival."""

    message: Inbound
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """One thread with a person; `pieces` oldest first, `touches` the number of hers to him, at least one.

    `newest` is the newest message that he wrote himself or could read: neither what she forwards to others nor what a
    responder wrote is to be answered to.
    """

    pieces: tuple[Piece, ...]
    newest: Piece
    touches: int
    last_touch_at: datetime

    @property
    def subject(self) -> str:
        """Of its newest message with him."""
        return self.newest.message.subject

    @property
    def last_at(self) -> datetime:
        """When its newest message with him arrived."""
        return self.newest.received_at

    @property
    def message_id(self) -> str:
        """Of its newest message with him."""
        return self.newest.message.message_id

    @property
    def ids(self) -> tuple[str, ...]:
        """Every Message-ID of it, also of messages that are no longer there, and those that we gave our letters."""
        messages = [piece.message for piece in self.pieces]
        every = (each for message in messages for each in (*message.thread_ids, message.message_id, *_given(message)))
        return tuple(dict.fromkeys(every))

    @property
    def latest(self) -> Mail:
        """Its newest message with him, as one to be answered."""
        return thread_mail(self.newest.message, self.last_at)


def _given(message: Inbound) -> tuple[str, ...]:
    """The Message-ID that we gave a letter of ours, where her server has given it another one."""
    token = token_in(message)
    if not token or message.message_id.startswith(f"<{token}@"):
        return ()
    return tuple(f"<{token}@{each.address.rpartition('@')[2]}>" for each in message.from_[:1])


def from_her(piece: Piece, address: str, mine: frozenset[str]) -> bool:
    """Whether it is a touch: from one of her addresses, to this one, openly or not."""
    return any(is_one_of(each.address, mine) for each in piece.message.from_) and _reaches(piece, address)


def _reaches(piece: Piece, address: str) -> bool:
    return any(is_one_of(each.address, (address,)) for each in readers(piece.message))


def _is_written_by(piece: Piece, address: str) -> bool:
    """Whether a person has written it, he or somebody who lets him read it; nobody answers to a responder."""
    message = piece.message
    his = any(is_one_of(each.address, (address,)) for each in (*message.from_, *message.reply_to))
    if not his and not _reaches(piece, address):
        return False
    return classify(message, now=piece.received_at, replies_to_ours=True).kind not in _MACHINES


def threads(pieces: Iterable[Piece], address: str, mine: frozenset[str]) -> tuple[Thread, ...]:
    """The threads in which she has written to this address, newest first."""
    found = []
    for group in _groups(unique(pieces)):
        hers = [piece for piece in group if from_her(piece, address, mine)]
        if hers:
            last = max(piece.received_at for piece in hers)
            newest = next(each for each in reversed(group) if each in hers or _is_written_by(each, address))
            found.append(Thread(pieces=tuple(group), newest=newest, touches=len(hers), last_touch_at=last))
    return tuple(sorted(found, key=lambda thread: thread.last_at, reverse=True))


def unique(pieces: Iterable[Piece]) -> list[Piece]:
    """Each message once, at its first arrival, oldest first: one may lie in several mailboxes."""
    first: dict[str, Piece] = {}
    for piece in sorted(pieces, key=lambda each: each.received_at):
        first.setdefault(piece.message.message_id, piece)
    return list(first.values())


def bears(thread: Thread, words: str) -> bool:
    """Whether these words stand in the subject of one of its messages, case and prefixes aside."""
    wanted = base_subject(words).casefold()
    return any(wanted in base_subject(piece.message.subject).casefold() for piece in thread.pieces)


def _groups(pieces: Iterable[Piece]) -> list[list[Piece]]:
    """Messages that share a Message-ID, their own or one they name, belong together."""
    groups: list[tuple[set[str], list[Piece]]] = []
    for piece in pieces:
        ids = {piece.message.message_id, *piece.message.thread_ids}
        related = [group for group in groups if group[0] & ids]
        merged_ids = ids.union(*(group[0] for group in related))
        merged = sorted([piece, *(each for group in related for each in group[1])], key=lambda each: each.received_at)
        groups = [group for group in groups if group not in related] + [(merged_ids, merged)]
    return [group[1] for group in groups]
