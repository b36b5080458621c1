"""People whose machines write for them: a button of a mail program, a complaint, the responder of a vacant post."""

import re

from tests.simulation import tongues
from tests.simulation.people import DAY, HOUR, MINUTE, Person
from tests.simulation.post import Post, Truth, complaint

_OFFER = re.compile(r"<mailto:[^?>]+\?subject=([^>&]+)>")
_GONE = (
    "I have left the company. Please contact {successor} instead.",
    "Ich bin nicht mehr im Unternehmen tätig. Bitte wenden Sie sich an {successor}.",
    "This mailbox is no longer in use, as I do not work here any more.",
)


def unsubscribing(person: Person, number: int) -> None:
    """He presses the button that his mail program shows where a letter offers it (RFC 2369)."""
    offer = _OFFER.search(person.received[-1].field("list-unsubscribe"))
    if offer is None or number < 2 or person.over:
        return
    person.over = True
    subject, linked = offer[1].replace("%20", " "), person.random.random() < 0.3
    author = person.address if person.random.random() < 0.7 else f"unsubscribe@{person.name}-mail.example"
    person.later(
        person.random.uniform(1.0, DAY),
        lambda: _unit(person.say("\n", Truth.OPT_OUT, author=author, linked=linked, subject=subject)),
    )


def complaining(person: Person, number: int) -> None:
    """He calls a letter spam, and his provider says so (RFC 5965)."""
    if number == 3:
        person.later(person.random.uniform(MINUTE, DAY), lambda: _complain(person))


def _complain(person: Person) -> None:
    person.written += 1
    original, message_id = person.received[-1].message_id, f"<{person.written}.{person.name}@feedback.example>"
    raw = complaint(person.address, original, at=person.town.timeline.true_now, message_id=message_id)
    post = Post(raw, Truth.OPT_OUT, (person.number,), message_id, original=original, from_him=False)
    person.posts.append(post)
    person.town.arrive(post, usual=True)


def gone(person: Person, number: int) -> None:
    """He has left, and whatever comes is answered by a machine that may name somebody else."""
    if number < 2 or person.over:
        return
    person.over = True
    words = person.random.choice(_GONE).format(successor=person.colleague)
    person.later(person.random.uniform(1.0, 5 * MINUTE), lambda: _respond(person, words, Truth.LEFT))


def present(person: Person, number: int) -> None:
    """His responder says that he is away; he answers all the same, a moment later or before it."""
    if number != 2:
        return
    words = tongues.absence(person.random, None)
    person.later(person.random.uniform(1.0, HOUR), lambda: _respond(person, words, Truth.AWAY))
    person.later(person.random.uniform(1.0, HOUR), lambda: _unit(person.say(tongues.answer(person.random))))


def _respond(person: Person, words: str, truth: Truth) -> None:
    fields = ("Auto-Submitted: auto-replied", "Precedence: bulk")
    person.say(words + "\n", truth, fields=fields, subject=f"Automatic reply: {person.received[-1].subject}")


def _unit(_: object) -> None:
    """What an agenda wants its acts to return."""
