"""What kinds of people there are: what each does when a message of hers reaches him."""

from collections.abc import Callable
from datetime import datetime, timedelta

from tests.simulation import automata, tongues
from tests.simulation.people import DAY, HOUR, MINUTE, Person
from tests.simulation.post import Truth


def _answer(person: Person) -> None:
    person.say(tongues.answer(person.random))


def _silent(person: Person, number: int) -> None:
    """Never a word."""


def _quick(person: Person, number: int) -> None:
    if number >= 2 and not person.over:
        person.over = True
        person.later(person.random.uniform(5.0, 20 * MINUTE), lambda: _answer(person))


def _slow(person: Person, number: int) -> None:
    if number == 1:
        person.later(person.random.uniform(DAY, 9 * DAY), lambda: _answer(person))


def _twice(person: Person, number: int) -> None:
    if number == 2:
        person.later(HOUR, lambda: _answer(person))
        person.later(HOUR + person.random.uniform(1.0, DAY), lambda: _answer(person))


def _away(person: Person, number: int) -> None:
    if person.over:
        return
    days = person.random.randint(3, 14)
    back = person.town.timeline.true_now + timedelta(days=days)
    dated = person.random.random() < 0.6
    words = tongues.absence(person.random, back if dated else None)
    person.later(person.random.uniform(1.0, 5 * MINUTE), lambda: _away_note(person, words, back if dated else None))
    person.over = True
    if person.random.random() < 0.4:
        person.later((days + 1) * DAY, lambda: _answer(person))


def _away_note(person: Person, words: str, back: datetime | None) -> None:
    fields = ("Auto-Submitted: auto-replied", "Precedence: bulk")
    subject = f"Automatic reply: {person.received[-1].subject}"
    post = person.say(words + "\n", Truth.AWAY, fields=fields, subject=subject)
    if back is not None:
        post.back = back.replace(hour=0, minute=0, second=0, microsecond=0)


def _dead(person: Person, number: int) -> None:
    if number == 2:
        words = "550 5.1.1 User unknown"
        person.later(person.random.uniform(2.0, HOUR), lambda: person.bounce(Truth.DEAD, "5.1.1", words))


def _full(person: Person, number: int) -> None:
    if number in (2, 3):
        words = "552 5.2.2 Mailbox full"
        person.later(person.random.uniform(2.0, HOUR), lambda: person.bounce(Truth.SOFT, "4.2.2", words))


def _delayed(person: Person, number: int) -> None:
    if number == 2:
        words = "451 4.4.1 No answer from host"
        person.later(4 * HOUR, lambda: person.bounce(Truth.DELAYED, "4.4.1", words, "delayed"))
    if number == 3:
        person.later(person.random.uniform(HOUR, 2 * DAY), lambda: _answer(person))


def _opting_out(person: Person, number: int) -> None:
    if number == 2:
        words = tongues.stop(person.random)
        linked = person.random.random() < 0.7
        person.later(
            person.random.uniform(1.0, 2 * DAY), lambda: _unit(person.say(words, Truth.OPT_OUT, linked=linked))
        )


def _colleague(person: Person, number: int) -> None:
    if number == 2:
        words = "I answer for my colleague: please call me about it.\n"
        person.later(person.random.uniform(MINUTE, 2 * DAY), lambda: _unit(person.say(words, author=person.colleague)))


def _private(person: Person, number: int) -> None:
    if number == 2:
        words = "From my own address: yes, I am interested.\n"
        author = f"{person.name}@home.example"
        person.later(person.random.uniform(MINUTE, 2 * DAY), lambda: _unit(person.say(words, author=author)))


def _new_thread(person: Person, number: int) -> None:
    if number == 2:
        words = "I lost your mail, so I write anew: could we talk next month?\n"
        identified = person.random.random() < 0.5
        author = person.random.choice((person.address, person.subaddress))
        person.later(
            person.random.uniform(MINUTE, 2 * DAY),
            lambda: _unit(person.say(words, author=author, linked=False, identified=identified)),
        )


def _in_may(person: Person, number: int) -> None:
    if number == 2:
        words, truth = person.random.choice(
            (
                ("Not now, please ask me again in May.\n", Truth.NOT_NOW),
                ("No, thank you, we have decided otherwise.\n", Truth.REFUSAL),
                ("Thank you! I will come back to you next week.\n", Truth.PROMISE),
            )
        )
        person.later(person.random.uniform(MINUTE, DAY), lambda: _unit(person.say(words, truth)))


def _asking(person: Person, number: int) -> None:
    """He asks something, and waits for her."""
    if number in (2, 4):
        words = person.random.choice(
            ("What would two days of it cost?\n", "Thank you. When could you begin, and with whom?\n")
        )
        person.later(person.random.uniform(MINUTE, DAY), lambda: _unit(person.say(words)))


def _gazette(person: Person, number: int) -> None:
    """Newsletters and receipts come from him, and he answers only in the end."""
    if number == 1:
        fields = ("List-Id: <news.works.test>", "List-Unsubscribe: <mailto:off@works.test>", "Precedence: bulk")
        person.later(
            person.random.uniform(HOUR, 3 * DAY),
            lambda: _unit(person.say("Our news of this month.\n", Truth.NOTHING, linked=False, fields=fields)),
        )
    if number == 4:
        person.later(MINUTE, lambda: _answer(person))


def _unit(_: object) -> None:
    """What an agenda wants its acts to return."""


CHARACTERS: dict[str, Callable[[Person, int], None]] = {
    "silent": _silent,
    "quick": _quick,
    "slow": _slow,
    "twice": _twice,
    "away": _away,
    "dead": _dead,
    "full": _full,
    "delayed": _delayed,
    "opting out": _opting_out,
    "colleague": _colleague,
    "private": _private,
    "new thread": _new_thread,
    "in May": _in_may,
    "gazette": _gazette,
    "racer": _silent,
    "asking": _asking,
    "unsubscribing": automata.unsubscribing,
    "complaining": automata.complaining,
    "gone": automata.gone,
    "present": automata.present,
}
SILENT = ("silent",) * 5
"""Most people never answer, which is what the whole thing is for."""
