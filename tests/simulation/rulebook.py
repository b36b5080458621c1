"""Her rule files: what ships, three of her own, two of any mixture, with the edits that she may make to them."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from random import Random

from inboxagent.outreach.phrases import Phrases
from inboxagent.outreach.rulebook import Rulebook
from inboxagent.outreach.sequence import Sequence
from inboxagent.rules.parse import parse_rule
from inboxagent.rules.phrases import parse_phrases
from tests.simulation import authoring

SHIPPED = Path(__file__).parents[2] / "rules"

_BRISK = """---
sequence: Brisk
language: en
send:
  days: Mon-Fri
  between: 8:00-12:00, 13:00-18:00
  zone: prospect
  holidays: [prospect]
fields:
  project: {fallback: our project}
---

## one
wait: 50 minutes

{{ greeting }}

Did my first letter about {{ project }} reach you?

{{ sign_off }}

## two
wait: 1 day

{{ greeting }}

A second thought about {{ project }}: which part of it is the most urgent one?

{{ sign_off }}

## three
wait: 2 business days

{{ greeting }}

The dates for {{ project }} can still be moved. What would suit you?

{{ sign_off }}

## four
wait: 3 days

{{ greeting }}

Shall I leave {{ project }} for another year?

{{ sign_off }}

## five
wait: 1 week

{{ greeting }}

This is my last letter about {{ project }}.

{{ sign_off }}
"""

_NIGHT = """---
sequence: At any hour
language: en
priority: 1
tone: brief
fields:
  project: {fallback: the plan}
---

## hello
wait: 3 hours

{{ greeting }}

Have you seen the numbers for {{ project }}?

{{ sign_off }}

## again
wait: 2 days
subject: "One more idea for {{ project }}"

{{ greeting }}

Here is one more idea for {{ project }}.

{{ sign_off }}

## last
wait: 4 days

{{ greeting }}

Then I shall wait for you to write about {{ project }}.

{{ sign_off }}
"""

_OPENER = """---
sequence: Opener
language: en
send:
  days: Mon-Fri
  between: 9:00-17:00
  zone: me
  holidays: [me]
---

## opening
wait: 10 minutes
subject: "A question about your workshop"

{{ greeting }}

May I ask you a question about your workshop?

{{ sign_off }}

## nudge
wait: 2 business days

{{ greeting }}

Did my question about your workshop come at a bad time?

{{ sign_off }}

## goodbye
wait: 5 days

{{ greeting }}

I leave you in peace with my question about your workshop.

{{ sign_off }}
"""

_INSERTED = """## inserted
wait: 1 day

{{ greeting }}

One thing I forgot about {{ project }}: it could begin at once.

{{ sign_off }}

"""


@lru_cache(maxsize=1)
def phrasebook() -> Mapping[str, Phrases]:
    """The phrases that ship."""
    book = {}
    for file in sorted((SHIPPED / "phrases").glob("*.yaml")):
        phrases, _ = parse_phrases(str(file), file.read_text("utf-8"))
        assert phrases is not None
        book[file.stem] = phrases
    return book


@lru_cache(maxsize=1)
def first_texts() -> Mapping[str, str]:
    """What the files say in the beginning."""
    proposal = (SHIPPED / "proposal.md").read_text("utf-8")
    return {"proposal": proposal, "brisk": _BRISK, "night": _NIGHT, "opener": _OPENER}


@lru_cache(maxsize=8_192)
def read(name: str, text: str) -> Sequence | None:
    """The sequence in a file; None where it is broken."""
    return parse_rule(f"rules/{name}.md", text, phrasebook())[0]


def edits(name: str, text: str) -> list[str]:
    """What she may make of a file next: other waits, a step less, a step more, a slip of the pen."""
    made = [
        text.replace("wait: 2 business days", "wait: 3 business days"),
        text.replace("wait: 1 day\n", "wait: 2 days\n"),
        text.replace("wait: 3 days", "wait: 2 days"),
        text.replace("wait: 4 days", "wait: 1 day"),
        *(_with_one_more(text, heading) for heading in ("## two\n", "## three\n", "## again\n", "## nudge\n")),
        text.replace("## two\n", "## second\n"),
        text.replace("## three\n", "## third\n"),
        text.replace("## again\n", "## more\n"),
        _without(text, "## two"),
        _without(text, "## again"),
        text.replace("wait: 2 business days", "wait: 2 buisness days"),
        first_texts()[name],
    ]
    return [each for each in made if each != text]


def _with_one_more(text: str, heading: str) -> str:
    return text if "## inserted" in text else text.replace(heading, _INSERTED + heading)


def _without(text: str, heading: str) -> str:
    before, found, rest = text.partition(heading + "\n")
    return before + rest[rest.index("\n## ") + 1 :] if found and "\n## " in rest else text


class Rules:
    """The rulebook in force: of a broken file the last good version stays."""

    def __init__(self, random: Random) -> None:
        self._first = {name: authoring.draft(name, random.randrange(authoring.MANY)) for name in authoring.FAMILIES}
        self._drafts = dict(self._first)
        self.texts = {**first_texts(), **{name: each.text for name, each in self._drafts.items()}}
        self.edited: set[str] = set()
        self._book = self._read({})

    def __call__(self) -> Rulebook:
        return self._book

    def edit(self, name: str, random: Random) -> None:
        """She saves a file."""
        if name in self._drafts:
            self._drafts[name] = authoring.edited(self._drafts[name], self._first[name], random)
            self.texts[name] = self._drafts[name].text
        else:
            self.texts[name] = random.choice(edits(name, self.texts[name]))
        self.edited.add(name)
        self._book = self._read(self._book.sequences)

    def _read(self, before: Mapping[str, Sequence]) -> Rulebook:
        found = {name: read(name, text) or before.get(name) for name, text in self.texts.items()}
        return Rulebook(sequences={name: each for name, each in found.items() if each}, phrases=phrasebook())
