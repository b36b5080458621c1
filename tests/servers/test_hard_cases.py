"""The hard cases on Dovecot and Postfix: everybody writes to one Maya, and everybody stands where he should.

She enrols a whole table; the mail goes over two hops; no step falls due meanwhile.
"""

from datetime import UTC, datetime

import pytest

from inboxagent.cli.composition import compose
from inboxagent.outreach.state import Conversation
from tests.servers.desk import Desk
from tests.servers.lab import Lab
from tests.servers.polling import until
from tests.stories.hard_cases import CASES, Case, write

SLOW = """\
---
sequence: Slow
about: One letter after days, so that nothing falls due meanwhile.
language: en
tone: brief
---

## one
wait: 3 days

Good morning, did the proposal arrive?
"""


@pytest.fixture(scope="module")
def stood(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Conversation]:
    """Where everybody stands once all have written, by the id of the case."""
    desk = Desk(lab, tmp_path_factory.mktemp("cases"), rule=SLOW)
    people = {case.id: lab.new_user(f"c{number}") for number, case in enumerate(CASES)}
    letters = {case.id: desk.write(people[case.id], subject=f"Proposal {n}") for n, case in enumerate(CASES)}
    last = lab.new_user("last")
    desk.write(last, subject="The last one")
    table = desk.folder / "people.csv"
    table.write_text("\n".join(["address", *people.values(), last]) + "\n")
    desk.run("enroll", "quick", "--csv", str(table))
    with desk.daemon():
        for number, case in enumerate(CASES):
            him = people[case.id]
            known = {"him": him, "her": desk.address, "colleague": f"jane@{him.partition('@')[2]}"}
            known |= {"private": f"c{number}@home.test", "subject": f"Proposal {number}", "m1": letters[case.id]}
            lab.submit(him, [desk.address], write(case, datetime.now(UTC), **known))
        until(lambda: len(lab.mail(desk.address)) >= len(CASES), 180, what="all that was written has arrived")
        lab.submit(last, [desk.address], f"From: {last}\r\nTo: {desk.address}\r\n\r\nI am the last.\r\n".encode())
        store = compose(str(desk.config)).store
        until(lambda: store.find("address", last)[0].state == "answered", what="the last one has been heard")
    return {case.id: store.find("address", people[case.id])[0] for case in CASES}


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_case(case: Case, stood: dict[str, Conversation]) -> None:
    conversation = stood[case.id]
    assert (conversation.state, [each.word for each in conversation.events]) == (case.state, ["enrolled", *case.events])
    assert case.because in conversation.because
