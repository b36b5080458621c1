"""Her mailboxes: the honest model of a server from the contract suite, with distance, bad lines and a witness."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache

from inboxagent.errors import Unreachable
from inboxagent.ports import Cursor, Fetched, Page, Search, Status
from tests.fakes.mailbox import Box, FakeMailbox, MailServer, Stored, _sift, _split
from tests.simulation import memo
from tests.simulation.post import Post
from tests.simulation.process import Process
from tests.simulation.timeline import Timeline

UNWATCHED = "Drafts"


class SimulatedServer(MailServer):
    """The account. Knows of every copy which message it is, and when it could be seen."""

    def __init__(self, timeline: Timeline) -> None:
        super().__init__(lambda: timeline.true_now)
        self.timeline = timeline
        self.deaf = False  # IDLE tells nothing
        self.posts: dict[tuple[str, int, int], Post] = {}
        self.appended: Callable[[str, bytes], None] = lambda mailbox, raw: None

    def announce(self) -> None:
        """Tell whoever is in IDLE, if IDLE works."""
        if not self.deaf:
            super().announce()

    def file(self, post: Post, mailbox: str, received_at: datetime | None = None) -> None:
        """A message arrives in a mailbox."""
        uid = self.deliver(post.raw, mailbox, received_at)
        self._appear(post, mailbox, uid)

    def put(self, source: str, uid: int, target: str) -> None:
        """She, or a filter, moves a message."""
        post = self.posts.get(self._place(source, uid))
        self._vanish(source, uid)
        new = self.move(source, uid, target)
        if post is not None:
            self._appear(post, target, new)

    def remove(self, mailbox: str, uid: int) -> None:
        """She deletes a message for good."""
        self._vanish(mailbox, uid)
        self.expunge(mailbox, uid)

    def renumber(self, mailbox: str, *, first: int = 1) -> None:
        """UIDVALIDITY changes; what lay there lies there, numbered from `first` on."""
        before = self.boxes[mailbox]
        known = {uid: self.posts.get((mailbox, before.uidvalidity, uid)) for uid in before.messages}
        super().renumber(mailbox, first=first)
        after = self.boxes[mailbox]
        for old, new in zip(list(before.messages), list(after.messages), strict=True):
            post = known[old]
            if post is not None:
                post.lies_in.discard((mailbox, before.uidvalidity, old))
                self.posts[mailbox, after.uidvalidity, new] = post
                post.lies_in.add((mailbox, after.uidvalidity, new))

    def rename(self, mailbox: str, name: str) -> None:
        """UIDs and UIDVALIDITY go along."""
        validity = self.boxes[mailbox].uidvalidity
        for uid in self.boxes[mailbox].messages:
            post = self.posts.pop((mailbox, validity, uid), None)
            if post is not None:
                post.lies_in.discard((mailbox, validity, uid))
                post.lies_in.add((name, validity, uid))
                self.posts[name, validity, uid] = post
        super().rename(mailbox, name)

    def file_copy(self, mailbox: str, raw: bytes, received_at: datetime) -> None:
        """APPEND by the agent."""
        self._box_of(mailbox).add(Stored(raw=raw, received_at=received_at, flags=frozenset({"\\Seen"})))
        self.appended(mailbox, raw)

    def _box_of(self, mailbox: str) -> Box:
        if mailbox not in self.boxes:
            raise Unreachable(f'there is no mailbox "{mailbox}"')
        return self.boxes[mailbox]

    def _place(self, mailbox: str, uid: int) -> tuple[str, int, int]:
        return mailbox, self.boxes[mailbox].uidvalidity, uid

    def _appear(self, post: Post, mailbox: str, uid: int) -> None:
        place = self._place(mailbox, uid)
        self.posts[place] = post
        post.lies_in.add(place)
        if mailbox != UNWATCHED:
            if post.visible_at is None:
                post.visible_at = self.timeline.seconds
            post.gone_at = None

    def _vanish(self, mailbox: str, uid: int) -> None:
        place = self._place(mailbox, uid)
        post = self.posts.get(place)
        if post is not None:
            post.lies_in.discard(place)
            if not any(name != UNWATCHED for name, _, _ in post.lies_in):
                post.gone_at = self.timeline.seconds


@lru_cache(maxsize=20_000)
def _header(raw: bytes) -> bytes:
    return _sift(_split(raw)[0])[:65_536]


class SimulatedMailbox(FakeMailbox):
    """The Mailbox port of one process: every call takes time, and may fail before or after the server acted."""

    def __init__(self, process: Process, server: SimulatedServer, *, files_sent: bool) -> None:
        super().__init__(server, files_sent=files_sent)
        self._process = process
        self._simulated = server

    async def status(self) -> Mapping[str, Status]:
        await self._process.travel("status")
        self._process.looked_at = self._simulated.timeline.seconds
        found = await super().status()
        await self._process.travel("status", back=True)
        return found

    async def headers(self, mailbox: str, cursor: Cursor, uidnext: int, received_since: datetime | None = None) -> Page:
        await self._process.travel("headers")
        found = await super().headers(mailbox, cursor, uidnext, received_since)
        await self._process.travel("headers", back=True)
        return found

    async def message(self, fetched: Fetched) -> bytes | None:
        await self._process.travel("message")
        self._process.fetched(fetched)
        found = await super().message(fetched)
        await self._process.travel("message", back=True)
        return found

    async def search(self, wanted: Search) -> Sequence[Fetched]:
        await self._process.travel("search")
        boxes = [(name, self._box(name)) for name in self._watched()]
        found = [self._fetched(name, box, uid) for name, box in boxes for uid in _fitting(wanted, box)]
        await self._process.travel("search", back=True)
        return sorted(found, key=lambda each: each.received_at)

    async def sent(self) -> str | None:
        self._process.effect("sent")
        return await super().sent()

    async def holds(self, mailbox: str, message_id: str) -> bool:
        """Whether exactly this Message-ID lies there."""
        await self._process.travel("holds")
        box = self._box(mailbox)
        found = any(memo.parse_headers(_header(each.raw)).message_id == message_id for each in box.messages.values())
        await self._process.travel("holds", back=True)
        return found

    async def files_sent(self) -> bool:
        self._process.effect("files_sent")
        return await super().files_sent()

    async def append(self, mailbox: str, message: bytes, received_at: datetime) -> None:
        await self._process.travel("append")
        self._simulated.file_copy(mailbox, message, received_at)
        await self._process.travel("append", back=True)

    async def wait(self, seconds: float) -> bool:
        self._process.effect("wait")
        return await super().wait(seconds)

    def _fetched(self, mailbox: str, box: Box, uid: int) -> Fetched:
        stored = box.messages[uid]
        return _as_fetched(mailbox, box.uidvalidity, uid, stored.received_at, stored.raw)


@lru_cache(maxsize=2_000)
def _as_fetched(mailbox: str, uidvalidity: int, uid: int, received_at: datetime, raw: bytes) -> Fetched:
    """Told again with each look back."""
    return Fetched(
        mailbox=mailbox,
        uidvalidity=uidvalidity,
        uid=uid,
        received_at=received_at.replace(microsecond=0),
        size=len(raw),
        header=_header(raw),
    )


@lru_cache(maxsize=20_000)
def _names(raw: bytes) -> tuple[frozenset[str], frozenset[str]]:
    """The Message-IDs in a message's header fields, its own among them, and the addresses."""
    message = memo.parse_headers(_header(raw))
    own = (message.message_id,) if message.has_message_id else ()
    people = (*message.from_, *message.to, *message.cc)
    return frozenset((*own, *message.thread_ids)), frozenset(each.address for each in people)


def _fitting(wanted: Search, box: Box) -> Iterator[int]:
    wanted_ids, address = frozenset(wanted.message_ids), (wanted.address or "").lower()
    for uid, stored in box.messages.items():  # UIDs only ever grow
        ids, addresses = _names(stored.raw)
        recent = wanted.received_since is None or stored.received_at >= wanted.received_since
        if (address in addresses and recent) or not ids.isdisjoint(wanted_ids):
            yield uid
