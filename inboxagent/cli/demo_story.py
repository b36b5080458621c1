"""The people of the demo: who writes what, and when. Everything here is invented, addresses included."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from inboxagent.outreach.model import Me

BEGINS_AT = datetime(2026, 3, 2, 9, 40, tzinfo=UTC)
MAYA = Me(name="Maya Lind", address="maya@lind.test", zone="Europe/Stockholm")
PROJECT = "the customer portal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What somebody writes back, and how long after the letter that moves him to."""

    after: timedelta
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody whom Maya has sent a proposal: his answers by the number of the follow-up they follow."""

    first_name: str
    name: str
    address: str
    answers: Mapping[int, Answer] = field(default_factory=dict)
    away: str = ""
    exists: bool = True


ANNE = Person(first_name="Anne", name="Anne Moreau", address="anne@moreau.test")
BART = Person(
    first_name="Bart",
    name="Bart de Wit",
    address="bart@dewit.test",
    answers={
        2: Answer(
            after=timedelta(hours=26),
            text="Hello Maya,\n\nyes, the second part holds us up. Please call on Thursday.\n\nBart\n",
        )
    },
)
CRIS = Person(
    first_name="Cris",
    name="Cris Okafor",
    address="cris@okafor.test",
    away="Thank you for your message. I am on holiday and will be back on 23 March 2026.\n\nCris Okafor\n",
    answers={
        2: Answer(
            after=timedelta(hours=3), text="Hi Maya,\n\nback now, and the answer is yes. Please go ahead.\n\nCris\n"
        )
    },
)
DORA = Person(first_name="Dora", name="Dora Blum", address="dora@gone.test", exists=False)
EMIL = Person(
    first_name="Emil",
    name="Emil Sand",
    address="emil@sand.test",
    answers={1: Answer(after=timedelta(minutes=50), text="Please stop writing to me.\n")},
)
FAY = Person(
    first_name="Fay",
    name="Fay Lindqvist",
    address="fay@northwind.test",
    answers={
        1: Answer(after=timedelta(hours=4), text="Hello Maya,\n\nnot now, please come back to me in May.\n\nFay\n"),
        2: Answer(after=timedelta(hours=5), text="Hello Maya,\n\nthe budget is there. Send me the contract.\n\nFay\n"),
    },
)
GINA = Person(
    first_name="Gina",
    name="Gina Rossi",
    address="gina@rossi.test",
    answers={1: Answer(after=timedelta(hours=2), text="Hello Maya,\n\nwhat does the first part alone cost?\n\nGina\n")},
)

PEOPLE = (ANNE, BART, CRIS, DORA, EMIL, FAY, GINA)
BY_ADDRESS = {person.address: person for person in PEOPLE}

PROPOSAL = """\
Hello {first_name},

thank you for the good talk on Friday. Attached in plain words is what I propose
for {project}: two parts, four weeks each, starting in April.

Kind regards,
Maya Lind
"""
