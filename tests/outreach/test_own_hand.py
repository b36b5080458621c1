"""Where the rule lets it go on by itself: her answer, and what it has to wait for."""

from datetime import timedelta

import pytest

from inboxagent.outreach.case import Arrival
from inboxagent.outreach.events import Event, Word
from inboxagent.outreach.fold import fold
from inboxagent.outreach.match import Evidence, Match
from inboxagent.outreach.model import Me
from inboxagent.outreach.own_hand import judge_hers
from inboxagent.outreach.sequence import Sequence
from inboxagent.outreach.waits import Unit, Wait
from tests.fakes.messages import ANNA, MAYA, message
from tests.fakes.people import MONDAY, enrolled, happened, mail

ME = Me(name="Maya Lind", address=MAYA)
TWO_DAYS = Sequence(name="proposal", title="", steps=(), after_my_answer=Wait(amount=2, unit=Unit.DAY))
IN_DOUBT = [
    happened(Word.INTENT, 0.1, step="nudge", message_id="<2@lind.example>", mail=mail(2), text="A letter of ours."),
    happened(Word.UNCERTAIN, 0.2, message_id="<2@lind.example>", step="nudge"),
]


@pytest.mark.parametrize("before", [[], IN_DOUBT])
def test_the_day_that_he_named_is_waited_for_also_while_a_letter_is_in_doubt(before: list[Event]) -> None:
    named = MONDAY + timedelta(days=20)
    answered = fold("c1", [enrolled(), *before, happened(Word.REPLY, 1), happened(Word.NOT_NOW, 2, until=named)])
    now = MONDAY + timedelta(days=3)
    arrival = Arrival(message=message(MAYA, To=ANNA), received_at=now, now=now)
    found = Match(conversation_id="c1", evidence=Evidence.TO_HIM, because="a test found it")
    wrote, goes_on = judge_hers(answered, found, arrival, ME, sequence=TWO_DAYS).events
    assert (wrote.word, goes_on.word, goes_on.until) == (Word.OWN_MAIL, Word.RESUMED, named)
