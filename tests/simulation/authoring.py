"""Rule files as nobody would write them all at once: any mixture of what the grammar has, and edits of them.

There are a few hundred of them (`MANY`), so that what is read of them is remembered from month to month.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from random import Random

MANY = 240
FAMILIES = {"alder": "a", "birch": "b"}
FIELDS = ("value", "event_on", "branch")

CONDITIONS: Mapping[str, Callable[[Mapping[str, str]], bool]] = {
    "value > 500": lambda card: float(card["value"]) > 500,
    "value <= 500": lambda card: float(card["value"]) <= 500,
    'branch == "wine"': lambda card: card["branch"] == "wine",
    'branch != "wine" and value < 900': lambda card: card["branch"] != "wine" and float(card["value"]) < 900,
}
"""What a step may depend on, and the same in Python for the judge."""

_WAITS = (
    "40 minutes", "3 hours", "1 day", "1 day", "2 days", "3 days", "1 business day", "2 business days",
    "3 business days", "1 week", "90 minutes", "at once", "until {{ event_on }} - 3 days",
    "until {{ event_on }} + 1 business day", "until next 15 Mar, 5 Apr, 10 Jun, 25 Oct or 27 Dec", "1 month",
)  # fmt: skip
_WINDOWS = (
    "9:00-17:00", "8:00-12:00, 13:00-18:00", "0:00-24:00", "8:30-11:30, 13:30-16:30", "18:00-21:15", "0:15-4:45",
)  # fmt: skip
_DAYS = ("Mon-Fri", "Mon-Thu", "Tue, Thu-Sat", "every day", "Mon, Wed, Sun")
_LETTERS = (
    "Did my letter about {{ project }} reach you?",
    "Which part of {{ project }} is the most urgent one?",
    "By {{ event_on }} we could have a first result for {{ project }}.",
    "There is one more idea for {{ branch }} that {{ phrase.short_answer }}",
    "It has been {{ days_since or 0 }} days; shall I leave {{ project }} for another year?",
)


@dataclass(frozen=True, slots=True)
class Draft:
    """A rule file that is being written: the lines of its settings, its steps, and a slip of the pen."""

    name: str
    settings: tuple[str, ...]
    steps: tuple[tuple[str, tuple[str, ...], str], ...]  # word, lines, letter
    slip: bool = False

    @property
    def text(self) -> str:
        """The file."""
        parts = ["---", *self.settings, "---", ""]
        for word, lines, letter in self.steps:
            parts += [f"## {word}", *lines, "", letter, ""]
        text = "\n".join(parts)
        return text.replace("wait:", "wiat:", 1) if self.slip else text


@lru_cache(maxsize=2 * MANY)
def draft(name: str, number: int) -> Draft:
    """The file of this number in a family."""
    random = Random(f"draft/{name}/{number}")
    steps = tuple(_step(random, f"{FAMILIES[name]}{place}", first=place == 0) for place in range(random.randint(2, 5)))
    return Draft(name, _settings(random, name), steps)


def edited(old: Draft, first: Draft, random: Random) -> Draft:
    """What she makes of it next."""
    steps = list(old.steps)
    place = random.randrange(len(steps))
    match random.choice(("wait", "wait", "more", "less", "slip", "hours", "back")):
        case "wait":
            word, lines, letter = steps[place]
            steps[place] = word, (f"wait: {random.choice(_WAITS[:11])}", *lines[1:]), letter
        case "more":
            words = {word for word, _, _ in steps}
            word = next(each for n in range(9) if (each := f"{FAMILIES[old.name]}x{n}") not in words)
            steps.insert(place, _step(random, word, first=False))
        case "less" if len(steps) > 1:
            del steps[place]
        case "slip":
            return replace(old, slip=True)
        case "hours":
            return replace(old, settings=_settings(random, old.name), slip=False)
        case _:
            return first
    return replace(old, steps=tuple(steps), slip=False)


def _settings(random: Random, name: str) -> tuple[str, ...]:
    lines = [
        f"sequence: {name} {random.randint(1, 99)}",
        f"language: {random.choice(('en', 'en', 'de', 'fr', 'sv'))}",
        f"tone: {random.choice(('formal', 'polite', 'warm', 'relaxed', 'brief'))}",
        "send:",
        f"  days: {random.choice(_DAYS)}",
        f"  between: {random.choice(_WINDOWS)}",
        f"  zone: {random.choice(('prospect', 'prospect', 'me', 'America/New_York'))}",
    ]
    if random.random() < 0.6:
        lines.append(f"  holidays: {random.choice(('[me, prospect]', 'none', '[SE, US-NY]', '[prospect]', 'me'))}")
    if random.random() < 0.4:
        span = random.choice(("28 Mar - 31 Mar", "5 Jun - 9 Jun", "23 Dec - 6 Jan", "26 Oct - 26 Oct"))
        lines.append(f"  quiet: {span}")
    lines += ["fields:", "  project: {fallback: the plan}"]
    lines += ["  value: {type: number, required: true}", "  event_on: {type: date, required: true}"]
    lines += ["  branch: {required: true}"]
    if random.random() < 0.4:
        lines.append(f"pace: {random.choice(('0.5', '1.5', '2', '0.3'))}")
    if random.random() < 0.4:
        lines.append(f"after_my_answer: {random.choice(('3 days', '1 week', '2 business days'))}")
    if random.random() < 0.3:
        lines.append(f"out_of_office: {random.choice(('2 business days', '4 days'))}")
    if name == "alder" and random.random() < 0.4:
        lines.append("then: birch")
    more = {
        "quote": ("yes",),
        "company": ("hold",),
        "priority": ("1", "2", "3"),
        "my_turn": ("2 days", "3 hours"),
        "signature": ("no",),
    }
    lines += [f"{key}: {random.choice(values)}" for key, values in more.items() if random.random() < 0.25]
    if name == "alder":
        lines += [f"{when}: birch" for when in ("refused", "won", "lost") if random.random() < 0.4]
    return tuple(lines)


def _step(random: Random, word: str, *, first: bool) -> tuple[str, tuple[str, ...], str]:
    lines = [f"wait: {random.choice(_WAITS[:9] if first else _WAITS)}"]
    if random.random() < 0.25:
        lines.append(f"if: {random.choice(list(CONDITIONS))}")
    if not first and random.random() < 0.12:
        return word, (*lines, "do: task"), f"Ring {{{{ branch }}}} up ({word})."
    if random.random() < 0.15:
        lines.append("expires: {{ event_on }}")
    if random.random() < 0.15:
        lines.append(f"subject: {word} for {{{{ branch }}}}")
    if random.random() < 0.08:
        lines.append("attach: prices.txt")
    if random.random() < 0.15:
        lines.append(f"tone: {random.choice(('formal', 'brief'))}")
    body = f"{{{{ greeting }}}}\n\n{random.choice(_LETTERS)}\n\n{{{{ sign_off }}}}"
    if random.random() < 0.15:
        other = f"{{{{ greeting }}}}\n\n{random.choice(_LETTERS)} Or not?\n\n{{{{ sign_off }}}}"
        lines.append("test: half and half")
        body = f"### A: one\n{body}\n\n### B: two\n{other}"
    return word, tuple(lines), body
