"""What becomes of mail: on its way to her mailboxes and to the people, and what servers and filters do to it."""

from random import Random
from typing import TYPE_CHECKING

from tests.simulation import memo
from tests.simulation.people import DAY, HOUR
from tests.simulation.post import HER, Post, Truth, write
from tests.simulation.smtp import Filing, Letter

if TYPE_CHECKING:
    from tests.simulation.world import World


class PostOffice:
    """Her provider's side, and the way to everybody else."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.timeline = world.timeline
        self._filter = Random(f"{world.seed}/filter")

    # -- on the way ------------------------------------------------------------------------------------------------

    def take(self, letter: Letter) -> None:
        """The submission server has accepted a letter: a copy may be filed, and people get it."""
        world = self.world
        world.judge.takes(letter)
        ours, gone = memo.parse(letter.ours), memo.parse(letter.raw)
        world.log(f"accepted {ours.message_id}")
        if world.filing is not Filing.NEVER:
            late = world.surprise.choice((0.0, 0.5, 5.0, 600.0))
            if world.weather.strikes("late copy", 0.05):
                late = world.surprise.uniform(HOUR, 2 * DAY)
                world.weather.note("her server files its copy late", "Sent")
            self.timeline.after(late, lambda: self._file_copy(letter, ours.message_id, gone.message_id))
        if HER in letter.envelope.forward_paths:
            notice = Post(letter.raw, Truth.NOTICE, (), gone.message_id)
            self.timeline.after(2.0, lambda: self.arrive(notice, usual=True))
        by_address = {each.address: each for each in world.people}
        for path in letter.envelope.forward_paths:
            if path in by_address:
                by_address[path].receive(gone, delay=world.surprise.choice((1.0, 5.0, 60.0, HOUR)))

    def _file_copy(self, letter: Letter, ours: str, gone: str) -> None:
        post = Post(letter.raw, Truth.LETTER, (), gone)
        self.world.judge.arrives(post)
        self.world.server.file(post, "Sent")
        self.world.judge.server_copies[ours] += 1
        self.world.judge.copied_at[ours] = self.timeline.seconds

    def arrive(self, post: Post, *, usual: bool = False) -> None:
        """A message reaches her provider, whose filters sort some of it elsewhere."""
        self.world.judge.arrives(post)
        other = self._filter.random() < 0.15 and not usual
        boxes = [name for name in ("Junk", "Archive", "Clients") if name in self.world.server.boxes]
        self.world.server.file(post, self._filter.choice(boxes) if other else "INBOX")
        self.world.log(f"arrives {post.truth} {post.message_id}")

    def plan_strangers(self, days: float) -> None:
        """Mail of people who are nobody's business."""
        chance = Random(f"{self.world.seed}/strangers")
        for number in range(chance.randint(10, 40)):
            at = chance.uniform(0.0, days * DAY)
            self.timeline.at(at, lambda number=number: self._stranger(number))  # type: ignore[misc]

    def _stranger(self, number: int) -> None:
        author = f"someone{number % 5}@elsewhere.test"
        subject = "Something else" if number % 2 else f"Our project, part {number % 3}"
        raw = write(
            author,
            HER,
            subject,
            "This is about something else.\n",
            at=self.timeline.true_now,
            message_id=f"<{number}.{author}>",
        )
        self.arrive(Post(raw, Truth.STRANGER, (), f"<{number}.{author}>", subject=subject))

    # -- what the weather may do -----------------------------------------------------------------------------------

    def answer_now(self, address: str) -> object:
        """He answers in this instant; returns the message, None where nobody does."""
        person = next((each for each in self.world.people if each.address == address and each.received), None)
        return person.say("Just now I found the time to answer: yes.\n") if person else None

    def bystander_writes(self, address: str) -> bool:
        """Somebody else, whom she has enrolled, writes in this instant; whether there is anybody."""
        world = self.world
        enrolled = {each.person.number for each in world.judge.records.values()}
        found = [each for each in world.people if each.number in enrolled and each.address != address and each.received]
        if found:
            world.surprise.choice(found).say("By the way, we have moved to another floor.\n")
        return bool(found)

    def move(self, message: object) -> None:
        """Somebody moves this message."""
        assert isinstance(message, Post)
        for mailbox, _, uid in sorted(message.lies_in):
            self.world.server.put(mailbox, uid, "Archive" if mailbox != "Archive" else "Trash")

    def renumber_inbox(self) -> None:
        """INBOX is renumbered; at times so that after one more message its next UID is what it was before."""
        box = self.world.server.boxes["INBOX"]
        as_before = box.uidnext - 1 - len(box.messages)
        first = as_before if as_before > 0 and self.world.surprise.random() < 0.6 else 1
        self.world.server.renumber("INBOX", first=first)

    def renumber(self) -> None:
        """A mailbox is renumbered."""
        self.world.server.renumber(self.world.surprise.choice(("INBOX", "Sent", "Archive", "Junk")))

    def hide(self, seconds: float) -> None:
        """The newest message of a mailbox is listed and not given for a while."""
        name, server = self.world.surprise.choice(("INBOX", "Sent")), self.world.server
        uids = list(server.boxes[name].messages)
        if uids:
            place = (name, uids[-1])
            server.unreadable.add(place)
            self.timeline.after(seconds, lambda: server.unreadable.discard(place))

    def deafen(self, *, deaf: bool) -> None:
        """IDLE tells nothing, or tells again."""
        self.world.server.deaf = deaf
